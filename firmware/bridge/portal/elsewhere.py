"""Whatever else the guest of the set-up portal's network asks for: a request in, the way to the portal's page out."""


async def answer(request, reply, door) -> None:
    """Leads there."""
    portal = door.portal
    await reply.start(302, b"text/html", 0, b"Cache-Control: no-store\r\nLocation: http://%s/\r\n" % (portal.address if portal else door.host).encode())
