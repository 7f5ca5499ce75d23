"""GET /api/status: the status document out, in pieces as its parts give them."""

from bridge.serve.http_answer import JSON


async def answer(request, reply, door) -> None:
    """Streams it."""
    await reply.start(200, JSON)
    await reply.stream(door.console.document())
    await reply.write(b"\n")
