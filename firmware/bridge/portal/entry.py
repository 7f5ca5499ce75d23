"""What a guest of the set-up portal asks for: a request in; the module that has the page, answers for its interface, or leads to the page out.

Whatever else a phone asks (Android's /generate_204, Apple's /hotspot-detect.html, Windows' /connecttest.txt, other names) is led to the page:
so it sees that this network has one, and shows it.
"""

from bridge.serve.http_request import Refusal

_READ = (b"GET", b"HEAD")
_PAGES = ("/portal.css", "/portal.js", "/portal_words.js")
# (path, whether it changes something, module)
_ROUTES = (
    ("/portal/state", False, "bridge.portal.api_state"),
    ("/portal/settings", False, "bridge.portal.api_settings"),
    ("/portal/status", False, "bridge.serve.api_status"),
    ("/portal/scan", False, "bridge.portal.api_scan"),
    ("/portal/test", True, "bridge.portal.api_settings"),
    ("/portal/save", True, "bridge.portal.api_settings"),
    ("/portal/pin", True, "bridge.portal.api_actions"),
    ("/portal/token", True, "bridge.portal.api_actions"),
    ("/portal/certificate", True, "bridge.portal.api_actions"),
    ("/portal/close", True, "bridge.portal.api_actions"),
)


def find(request, portal) -> str:
    """The module that answers; Refusal for what is not there, or not asked for so."""
    path = request.path
    reads = request.method in _READ
    if reads and (path == "/" or path in _PAGES):
        portal.busy()
        request.path = "/portal.html" if path == "/" else path
        return "bridge.serve.http_static"
    for place, changes, name in _ROUTES:
        if path == place:
            if changes == reads:
                raise Refusal(405, "this takes %s" % ("POST" if changes else "GET"), b"Allow: %s\r\n" % (b"POST" if changes else b"GET, HEAD"))
            portal.busy()
            return name
    if reads and not path.startswith("/portal/"):
        return "bridge.portal.elsewhere"
    raise Refusal(404, "nothing is there")
