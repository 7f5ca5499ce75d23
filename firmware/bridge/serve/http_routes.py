"""What can be asked for over the network: method and path in, the module that answers out.

A row: (path, whether all below it too, methods, module, whether everybody may ask). The module has `async def answer(request, reply, door)`.
The first row that fits counts.
"""

from bridge.serve.http_request import Refusal

_GET = (b"GET", b"HEAD")
_POST = (b"POST",)
_ROUTES = (
    ("/api/status", False, _GET, "bridge.serve.api_status", False),
    ("/api/files", True, _GET, "bridge.serve.api_files", False),
    ("/api/ram", False, _GET, "bridge.serve.api_files", False),
    ("/api/settings", False, _GET + (b"PUT", b"POST"), "bridge.serve.api_settings", False),
    ("/api/restart", False, _POST, "bridge.serve.api_actions", False),
    ("/api/save", False, _POST, "bridge.serve.api_actions", False),
    ("/api/erase", False, _POST, "bridge.serve.api_actions", False),
    ("/api/update", False, _POST, "bridge.serve.api_update", False),
    ("/api/unlock", False, _POST, "bridge.serve.api_actions", False),
    ("/api", True, (), "", False),
    ("/", True, _GET, "bridge.serve.http_static", False),
)


def find(method: bytes, path: str) -> tuple:
    """(module, whether everybody may ask it); in place of the module a Refusal, when nothing is there or not with this method."""
    for place, below, methods, module, public in _ROUTES:
        if path == place or below and path.startswith(place if place == "/" else place + "/"):
            if not methods:
                break
            if method in methods:
                return module, public
            return Refusal(405, "this takes %s" % b", ".join(methods).decode(), b"Allow: " + b", ".join(methods) + b"\r\n"), public
    return Refusal(404, "nothing is there: see /api/status, /api/files, /api/settings"), False
