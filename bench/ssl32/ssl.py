"""MicroPython's `ssl` over its built-in `tls`, for Debian's 32-bit build, which lacks the frozen wrapper."""

import tls
from tls import CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED, PROTOCOL_TLS_CLIENT, PROTOCOL_TLS_SERVER


class SSLContext:
    """As much of ssl.SSLContext as the firmware uses."""

    def __init__(self, protocol):
        self._context = tls.SSLContext(protocol)
        self._context.verify_mode = CERT_NONE

    @property
    def verify_mode(self):
        return self._context.verify_mode

    @verify_mode.setter
    def verify_mode(self, mode):
        self._context.verify_mode = mode

    def load_verify_locations(self, cadata):
        self._context.load_verify_locations(cadata)

    def wrap_socket(self, sock, server_side=False, do_handshake_on_connect=True, server_hostname=None):
        return self._context.wrap_socket(
            sock, server_side=server_side, do_handshake_on_connect=do_handshake_on_connect, server_hostname=server_hostname
        )
