"""What a guest of the set-up portal asks for: a request in; the page, its parts, an answer of its interface, or the way to the page out.

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


async def answer(request, reply, door) -> None:
    """Answers, or has it answered."""
    portal = door.portal
    if not portal:
        raise Refusal(503, "the portal was closed")
    path = request.path
    reads = request.method in _READ
    module = ""
    if reads and (path == "/" or path in _PAGES):
        if path == "/":
            request.path = "/portal.html"
        module = "bridge.serve.http_static"
    for place, changes, name in _ROUTES:
        if path == place:
            if changes == reads:
                raise Refusal(405, "this takes %s" % ("POST" if changes else "GET"), b"Allow: %s\r\n" % (b"POST" if changes else b"GET, HEAD"))
            module = name
    if not module:
        if not reads or path.startswith("/portal/"):
            raise Refusal(404, "nothing is there")
        return await reply.start(302, b"text/html", 0, b"Cache-Control: no-store\r\nLocation: http://%s/\r\n" % portal.address.encode())
    portal.busy()
    if module not in door.loaded:
        door.loaded.append(module)
    await __import__(module, None, None, ("answer",)).answer(request, reply, door)
