"""Fetches a bundle by HTTP: an UpdateFetch in; the other slot filled and a restart, or a line in the log, out. An older, equal or failed version ends it early.

HTTP/1.0, so that nothing comes in chunks; a redirect is not followed. With https the server is not checked: what counts is the signature.
"""

import asyncio

from micropython import const

from bridge.core.errors import BridgeError
from bridge.core.names import lookup, reached
from bridge.push.http_url import parse
from bridge.update.receiver import Receiver
from bridge.update.slots import healthy

_PIECE = const(512)
_HEAD = const(4096)  # bytes of an answer's headers
_SILENCE_S = const(20)


async def download(fetch) -> None:
    """Looks once."""
    receiver = writer = None
    console, log = fetch.console, fetch.log
    try:
        url = parse(fetch.url)
        reader, writer = await asyncio.wait_for(_open(url), _SILENCE_S)
        head = b"GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: meterbridge\r\n\r\n" % (url.target.encode(), url.authority.encode())
        writer.write(head)
        await writer.drain()
        data = await _body(reader)
        reached(url.host)
        receiver = Receiver(console.identity.board, console.identity.version, console.update, console.store, None)
        while not receiver.done:
            if not data:
                raise BridgeError("it ends too early")
            await receiver.take(data)
            if not receiver.done:
                data = await asyncio.wait_for(reader.read(_PIECE), _SILENCE_S)
    except BridgeError as error:
        if str(error):  # else there is nothing new
            log.warning("update", "not taken: %s" % error)
        return
    except (OSError, ValueError, EOFError) as error:
        return log.warning("update", "%s: %s" % (fetch.url, error))
    except asyncio.TimeoutError:
        return log.warning("update", "%s does not answer" % fetch.url)
    finally:
        if receiver:
            receiver.end()
        if writer:
            writer.close()
    log.warning("update", "%s is tried from now on" % receiver.version)
    healthy()
    console.save()
    console.restart()


async def _open(url) -> tuple:
    context = None
    if url.secure:
        import tls

        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_NONE
    return await asyncio.open_connection(lookup(url.host), url.port, ssl=context, server_hostname=url.host if context else None)


async def _body(reader) -> bytes:
    """Reads the head; the beginning of the body."""
    head = b""
    while b"\r\n\r\n" not in head:
        piece = await asyncio.wait_for(reader.read(_PIECE), _SILENCE_S)
        head += piece
        if not piece or len(head) > _HEAD:
            raise BridgeError("what answers there is no HTTP server")
    words = head[: head.find(b"\r\n")].split(None, 2)
    if len(words) < 2 or words[1] != b"200":
        raise BridgeError("the server answered %s instead of sending it" % (words[1].decode() if len(words) > 1 and words[1].isdigit() else "nonsense"))
    return head[head.find(b"\r\n\r\n") + 4 :]
