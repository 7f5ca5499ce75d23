"""The path of a CA file (DER or PEM) comes in, a TLS client context that checks the server's certificate goes out; for MQTT and HTTP.

MicroPython has no list of trusted authorities of its own, so the owner names the file of the one that signed the server's
certificate (for a self-signed certificate: the certificate itself). Needed once per start: whoever calls it unloads it.
"""

import binascii
import gc
import os
import tls
from micropython import const

from bridge.core.errors import BridgeError

# A root certificate is 0.5 to 2 KB; 8 KB holds a small chain in PEM, and file and parsed form fit the heap together.
_MAX_FILE = const(8192)
# More than one authority is needed only while a server moves from one to the next.
_MAX_CERTIFICATES = const(4)
_BEGIN = b"-----BEGIN CERTIFICATE-----"
_END = b"-----END CERTIFICATE-----"
_DER_SEQUENCE = const(0x30)


class TlsError(BridgeError):
    """The settings do not allow a TLS connection: no CA file named, no such file, too long, or no certificate in it."""


def make_context(verify: bool, ca_path: str, log, prefix: str) -> tls.SSLContext:
    """Returns a context for connections of the sink `prefix` ("mqtt", "http", "influx": the start of its settings' names).

    `verify` is the setting <prefix>_tls_verify, `ca_path` the setting <prefix>_ca. Without verification a warning is logged.
    Make it once and use it for each connection. Raises TlsError, whose text names the setting and what to do.
    """
    gc.collect()  # it is about 2 KB in one piece
    context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
    if not verify:
        log.warning(prefix, "TLS without a check of the server: anyone in between can read and change it (" + prefix + "_tls_verify)")
        context.verify_mode = tls.CERT_NONE
        return context
    context.verify_mode = tls.CERT_REQUIRED
    if not ca_path:
        raise TlsError(prefix + "_ca is not set: copy the server's CA certificate to the dongle and name the file in " + prefix + "_ca")
    for certificate in certificates(_read(ca_path, prefix), ca_path):
        try:
            context.load_verify_locations(certificate)
        except (ValueError, OSError):
            raise TlsError(prefix + "_ca: " + ca_path + " holds a certificate that cannot be read")
    return context


def certificates(data: bytes, name: str) -> list:
    """Returns the DER certificates in `data` (one in DER, or up to 4 in PEM). Raises TlsError naming `name`."""
    if data and data[0] == _DER_SEQUENCE:
        return [data]
    found = []
    start = data.find(_BEGIN)
    while start >= 0:
        end = data.find(_END, start)
        if end < 0 or len(found) == _MAX_CERTIFICATES:
            raise TlsError(name + " is cut short, or has more than 4 certificates")
        try:
            found.append(binascii.a2b_base64(memoryview(data)[start + len(_BEGIN) : end]))
        except ValueError:
            raise TlsError(name + " is damaged: a certificate in it is not base64")
        start = data.find(_BEGIN, end)
    if not found:
        raise TlsError(name + " holds no certificate: a DER or PEM file is needed")
    return found


def _read(path: str, prefix: str) -> bytes:
    data = None
    try:
        # Asked before it is read: reading takes a buffer of the limit's size, without one a buffer that is doubled.
        size = os.stat(path)[6]
        if size <= _MAX_FILE:
            with open(path, "rb") as file:
                data = file.read(size)
    except OSError:
        raise TlsError(prefix + "_ca: there is no file " + path + " on the dongle")
    if data is None:
        raise TlsError(prefix + "_ca: " + path + " is longer than 8 KB; keep only the CA that signed the server's certificate")
    return data
