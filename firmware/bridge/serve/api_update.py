"""POST /api/update: a bundle as the body in; the other slot filled while the meter is read on, and a restart that tries it, out. ?force=1: an older one too."""

from micropython import const

from bridge.core.errors import BridgeError
from bridge.serve.http_request import Refusal
from bridge.update.receiver import Receiver
from bridge.update.slots import healthy

_MOST = const(1048576)  # bytes of a bundle; ours have some 230,000
_PIECE = const(512)
_PARTS = ("bridge.update.receiver", "bridge.update.slots", "bridge.update.signature", "bridge.update.judging", "bridge.update.room")


async def answer(request, reply, door) -> None:
    """Takes it; what is wrong with it is a Refusal."""
    console = door.console
    door.loaded.extend([part for part in _PARTS if part not in door.loaded])
    if not 0 < request.left <= _MOST:
        raise Refusal(413 if request.left else 400, "send the file that 'meterbridge release' made as the body")
    receiver = None
    try:
        receiver = Receiver(console.identity.board, console.identity.version, console.update, console.store, request.argument(b"force") == "1")
        piece = bytearray(_PIECE)
        view = memoryview(piece)
        while not receiver.done:
            count = await request.readinto(view)
            if not count:
                raise BridgeError("it ends too early")
            await receiver.take(view[:count])
    except BridgeError as error:
        door.log.warning("update", "refused: %s" % error)
        raise Refusal(400, str(error))
    except OSError as error:
        raise Refusal(500, "the flash does not take it: %s" % error)
    finally:
        if receiver:
            receiver.end()
    door.log.warning("update", "%s is tried from the next start on" % receiver.version)
    await reply.json({"version": receiver.version, "files": receiver.files, "restarting": True}, 202)
    healthy()
    await reply.restart(door)
