"""An exception of a connection in, words for the owner out. Loaded when something failed, and forgotten again: see `sink.reason`."""

import asyncio

_ERRNO = {
    104: "connection reset by the other side",
    110: "no answer in time",
    111: "connection refused: is the service running at that host and port?",
    113: "no route to that host",
    101: "network unreachable",
    12: "not enough memory for the connection",
    -2: "host name not found",
    -3: "host name not found: no DNS answer",
    -202: "host name not found",
}
# (part of what mbedTLS says, what the owner is told)
_CERTIFICATE = (
    ("starts in the future", "the server's certificate is not valid yet by the dongle's clock (is it set?)"),
    ("expired", "the server's certificate has expired by the dongle's clock"),
    ("does not match", "the server's certificate is for another host name than the URL's"),
    ("not correctly signed", "the server's certificate is not signed by the CA file"),
    ("CERT_VERIFY_FAILED", "the server's certificate is not signed by the CA file"),
)


def words(error: Exception) -> str:
    """What `error` means. MicroPython raises ValueError for a bad certificate, OSError for the rest of TLS."""
    text = str(error)
    if isinstance(error, asyncio.TimeoutError):
        return "no answer in time"
    if isinstance(error, EOFError):
        return "connection closed by the other side"
    if isinstance(error, OSError) and error.args:
        return _ERRNO.get(error.args[0]) or "connection failed: " + text
    if isinstance(error, ValueError):
        for part, meaning in _CERTIFICATE:
            if part in text:
                return meaning
        return "TLS: " + text.strip()
    return text or type(error).__name__
