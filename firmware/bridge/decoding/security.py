"""Encrypted telegrams of DLMS meters: a Frame with a general-glo-ciphering APDU in, the same Frame with the plaintext out, or SecurityError.

APDU: DB 08 title[8] length security counter[4] data [tag 12]; length counts from `security` on: one byte below 80, 81 xx to 84 xx xx xx xx.
Bits of `security`: 0x20 encrypted, 0x10 authenticated, 0x0F cipher suite.

Frame counters. A counter that is not above the last believed one of its system title is a replay, but for a meter that began
anew (meters do when their key is changed; with a new key this object is new too). It is believed to have begun anew after
_RESTARTS counters in a row that rise and are all near zero: below _NEAR_ZERO and below half of the last one. A recording of an hour ago
is not near zero; and each of them must have opened with the key and passed its tag, where there is an authentication key.
A meter that falls back by less catches up. One title is remembered, in RAM: another begins anew, as nobody without the key can
use another's title. Unencrypted telegrams prove nothing, so that their counters are not looked at.
"""

from micropython import const

from bridge.core.errors import SecurityError

_GLO_CIPHERING = const(0xDB)
_TITLE = const(8)  # bytes of a system title: the nonce needs them all
_LEAST = const(17)  # bytes of an APDU with one byte of data
_ENCRYPTED = const(0x20)
_AUTHENTICATED = const(0x10)
_KNOWN = const(0x30)  # 0x40 (broadcast key) and 0x80 (compressed) no household meter sends
_SUITES = const(1)  # 0 and 1 are AES-128-GCM, 2 is AES-256
_TAG = const(12)
_RESTARTS = const(3)
_NEAR_ZERO = const(0x10000)  # 18 hours of a telegram per second: as long may the meter talk unheard when it began anew
_NOTIFICATION = const(0x0F)  # first byte of a data-notification
_TEXT = const(0x2F)  # first byte of a P1 telegram
_DASH, _COLON = const(45), const(58)  # of the first code, where only the lines were encrypted


class Security:
    """The owner's keys (16 bytes or None) and what was learnt with them; `replay` False: counters are not judged (captures).

    state    security of the last believed telegram: "", "plain", "unauthenticated" or "authenticated"
    problem  why the last telegram was refused (reason of the SecurityError), "" after one that was believed
    refused  telegrams refused since the start
    """

    def __init__(self, key=None, auth_key=None, replay: bool = True):
        self.key = key
        self.auth_key = auth_key
        self.state = ""
        self.problem = ""
        self.refused = 0
        self.replay = replay
        self._opened = ""  # security of the telegram that was opened last
        self._title = b""  # of the last believed telegram, and its counter
        self._last = -1
        self._sender = b""  # of the telegram that was opened last
        self._counter = -1
        self._row = 0  # counters in a row that look like a meter's that began anew, the newest of them
        self._newest = -1
        self._cipher = None

    def prepare(self) -> None:
        """Makes the cipher, if there is a key: best while the memory is in large pieces, as the chip compiles a part of it."""
        if self._cipher is None and self.key is not None:
            from bridge.decoding.gcm import Gcm

            self._cipher = Gcm(self.key, self.auth_key)

    def open(self, frame) -> None:
        """Decrypts the APDU in its place; moves frame.start and frame.end to the plaintext, sets frame.security.

        Raises SecurityError. What is opened is believed only after `accept`.
        """
        self._opened = frame.security = ""
        self._counter = -1
        buffer = frame.buffer
        at = frame.start
        counter = self._head(buffer, at, frame.end)
        security = buffer[counter - 1]
        start = counter + 4
        end = self._stop
        if security & _AUTHENTICATED:
            end -= _TAG
        if end <= start:
            self._refuse("length")
        opened = "plain"
        if security & _KNOWN:
            opened = self._unlock(buffer, at + 2, counter, start, end)
            if self.replay:
                self._judge(buffer, at + 2, counter)
        frame.start = start
        frame.end = end
        frame.security = self._opened = opened

    def accept(self) -> None:
        """The plaintext has proved itself: remembers its frame counter; whoever sends it again is refused."""
        if not self._opened:
            return
        self.state = self._opened
        self.problem = self._opened = ""
        if self._counter >= 0:
            self._title = self._sender
            self._last = self._counter
            self._row = 0

    def _refuse(self, reason: str) -> None:
        self.problem = reason
        self.refused += 1
        raise SecurityError(reason)

    def _head(self, buffer: bytearray, at: int, end: int) -> int:
        """The index of the frame counter; the APDU's end to _stop."""
        if end - at < 2 or buffer[at] != _GLO_CIPHERING or buffer[at + 1] != _TITLE:
            self._refuse("cipher_unknown")
        if end - at < _LEAST:
            self._refuse("length")
        at += 2 + _TITLE
        size = buffer[at]
        at += 1
        if size > 127:
            more = size & 127
            if not 1 <= more <= 4:
                self._refuse("length")
            size = 0
            for at in range(at, at + more):
                size = size << 8 | buffer[at]
            at += 1
        self._stop = at + size
        if size < 6 or self._stop > end:
            self._refuse("length")
        if buffer[at] & ~(_KNOWN | _SUITES) & 0xFF:
            self._refuse("cipher_unknown")
        return at + 1

    def _unlock(self, buffer: bytearray, title: int, counter: int, start: int, end: int) -> str:
        """Decrypts and verifies what can be; gives what the telegram's security then is."""
        security = buffer[counter - 1]
        tagged = security & _AUTHENTICATED
        if self.key is None:
            if security & _ENCRYPTED:
                self._refuse("key_missing")
            return "unauthenticated"
        self.prepare()
        cipher = self._cipher
        if not security & _ENCRYPTED:
            if not cipher.verify(buffer, title, counter, start, end):
                self._refuse("tag_wrong")
        elif not cipher.open(buffer, title, counter, start, end, tagged):
            self._refuse("tag_wrong" if _plausible(buffer, start, end) else "key_wrong")
        if tagged and self.auth_key is not None:
            return "authenticated"
        if security & _ENCRYPTED and not _plausible(buffer, start, end):
            self._refuse("key_wrong")
        return "unauthenticated"

    def _judge(self, buffer: bytearray, title: int, counter: int) -> None:
        """Refuses a replay (see the module's text); else notes the counter for `accept`."""
        number = buffer[counter] << 24 | buffer[counter + 1] << 16 | buffer[counter + 2] << 8 | buffer[counter + 3]
        sender = buffer[title : title + _TITLE]
        last = self._last
        if number <= last and sender == self._title:
            if number >= last >> 1 or number >= _NEAR_ZERO:
                self._row = 0
            else:
                self._row = self._row + 1 if self._row and number > self._newest else 1
                self._newest = number
            if self._row < _RESTARTS:
                self._refuse("replay")
        self._sender = sender
        self._counter = number


def _plausible(buffer: bytearray, start: int, end: int) -> bool:
    """Whether a telegram begins at `start`: a notification whose date-time is absent or has a length, or P1 text with its maker."""
    if end - start < 6:
        return False
    if buffer[start] == _NOTIFICATION:
        return buffer[start + 5] in b"\x00\x09\x0c\x19"
    for i in range(start + 1, start + 4):
        if not 32 < buffer[i] < 127:
            return False
    return buffer[start] == _TEXT or buffer[start + 1] == _DASH and buffer[start + 3] == _COLON
