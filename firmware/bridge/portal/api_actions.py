"""POST /portal/pin, /portal/token, /portal/certificate, /portal/close: a PIN for the light, nothing, a CA in PEM, nothing in; what was done out."""

import os

from micropython import const

from bridge.core.unload import unload
from bridge.serve.http_request import Refusal

_LONGEST = const(7168)  # bytes of a certificate's file; with what is around it in JSON it stays below what a request may have
_SOON_MS = const(1500)


async def answer(request, reply, door) -> None:
    """Does it."""
    wanted = await request.json()
    what = request.path[8:]
    if what == "pin":
        await reply.json(_pin(wanted.get("pin"), door.console.desk))
    elif what == "token":
        await reply.json(_token(door))
    elif what == "certificate":
        await reply.json(_certificate(wanted))
    else:
        door.portal.close(_SOON_MS)
        await reply.json({"closing": True})


def _pin(pin, desk) -> dict:
    """It is handed on and kept nowhere."""
    if desk is None:
        raise Refusal(409, "this board has no light for a meter's eye")
    if pin is None:
        return {"pin": desk.status()}
    if not isinstance(pin, str) or len(pin) != 4 or not pin.isdigit():
        raise Refusal(400, "a PIN has four digits")
    return {"unlock": desk.ask(pin), "pin": desk.status()}


def _token(door) -> dict:
    """A new one, as of the old one only the fingerprint is known. Who is here has the access point's password, and may set all anew."""
    from bridge.config.access import digest_of, load, renew

    path = door.console.access
    try:
        found = load(path)
        token, _ = renew(path, found[1] if found else "")
    except OSError as error:
        raise Refusal(507, "the flash does not take it: %s" % error)
    door.digest = digest_of(token.encode())
    door.held.clear()
    door.log.warning("access", "a new token was made in the portal; the old one is worth nothing")
    load = renew = digest_of = None
    unload("bridge.config.access")
    return {"token": token}


def _certificate(wanted: dict) -> dict:
    """Kept as a file, for the setting <for>_ca."""
    name = wanted.get("for")
    pem = wanted.get("pem")
    if name not in ("mqtt", "http") or not isinstance(pem, str) or len(pem) > _LONGEST:
        raise Refusal(400, "send the CA's certificate as PEM text of at most %d bytes" % _LONGEST)
    from bridge.push.tls import TlsError, certificates

    name += "_ca.pem"
    data = pem.encode()
    try:
        if b"-----BEGIN CERTIFICATE-----" not in data:
            raise TlsError("this is no certificate in PEM form")
        certificates(data, "the file")
        with open(name + ".new", "wb") as file:
            file.write(data)
        os.rename(name + ".new", name)
    except TlsError as error:
        raise Refusal(400, str(error))
    except OSError as error:
        raise Refusal(507, "the flash does not take it: %s" % error)
    finally:
        certificates = TlsError = None
        unload("bridge.push.tls")
    return {"file": name}
