"""AES-128-GCM for what meters send: key, and an encrypted stretch of a buffer in; plaintext in its place, and whether the tag is right, out.

Nonce: 8 bytes of system title and 4 of frame counter; tags of 12 bytes over security byte, authentication key and ciphertext.
Everything is made once per key. The chip's cryptolib has no GCM and no counter mode: the key stream comes from ECB blocks.
"""

from cryptolib import aes
from micropython import const

try:
    from bridge.decoding.ghash_viper import absorb, fill, table, xor
except (SyntaxError, AttributeError, ImportError, ValueError):  # no emitter, not MicroPython, not shipped, another chip's code
    from bridge.decoding.ghash_plain import absorb, fill, table, xor

TAG = const(12)  # bytes of a tag
_ECB = const(1)
# Key stream made at a time: a call costs as much as two blocks, and of the last call's blocks some are not needed.
_STREAM = const(160)
_ASSOCIATED = const(17)  # bytes of associated data: security byte, authentication key
_LENGTHS = const(32)  # where the block with both lengths stands behind them


class Gcm:
    """`auth_key` None: it decrypts and finds every tag right; whoever calls then knows that nothing was verified."""

    def __init__(self, key: bytes, auth_key):
        self._aes = aes(key, _ECB)
        self._stream = bytearray(_STREAM)
        self._table = None
        if auth_key is not None:
            self._associated = bytearray(_LENGTHS + 16)
            self._associated[1:_ASSOCIATED] = auth_key
            self._associated[_LENGTHS + 7] = 8 * _ASSOCIATED
            self._state = bytearray(16)
            self._begun = bytearray(16)  # the state after the associated data, which mostly are the same
            self._aes.encrypt(self._state, self._state)
            self._table = table(self._state)

    def open(self, buffer: bytearray, title: int, counter: int, start: int, end: int, tagged: bool) -> bool:
        """Decrypts buffer[start:end] in place; `tagged`: the tag stands at `end`, its bytes are used up. False: it is wrong.

        `title`, `counter`: where system title and frame counter stand; the security byte stands before the counter.
        """
        tagged = tagged and self._table is not None
        if tagged:
            if self._associated[0] != buffer[counter - 1]:
                self._associated[0] = buffer[counter - 1]
                self._start(self._associated, _ASSOCIATED)
                self._begun[:] = self._state
            else:
                self._state[:] = self._begun
            self._finish(buffer, start, end)
        stream = self._stream
        skip = 0
        number = 2
        if tagged:  # block 1 covers the tag
            skip = 16
            number = 1
        at = start
        while at < end:
            fill(stream, buffer, title, counter, number)
            self._aes.encrypt(stream, stream)
            if skip:
                xor(buffer, end, stream, 0, TAG)
            count = min(end - at, _STREAM - skip)
            xor(buffer, at, stream, skip, count)
            at += count
            number += _STREAM // 16
            skip = 0
        return not tagged or self._same(buffer, end)

    def verify(self, buffer: bytearray, title: int, counter: int, start: int, end: int) -> bool:
        """Whether the tag at `end` is right for buffer[start:end] that is authenticated and not encrypted (rare: makes garbage)."""
        if self._table is None:
            return True
        data = bytes(buffer[counter - 1 : counter]) + self._associated[1:_ASSOCIATED] + buffer[start:end]
        self._start(data, len(data))
        lengths = self._associated
        usual = bytes(lengths)
        lengths[_LENGTHS + 6] = len(data) >> 5
        lengths[_LENGTHS + 7] = len(data) << 3 & 255
        self._finish(b"", 0, 0)
        lengths[:] = usual
        fill(self._stream, buffer, title, counter, 1)
        self._aes.encrypt(self._stream, self._stream)
        xor(buffer, end, self._stream, 0, TAG)
        return self._same(buffer, end)

    def _start(self, data, size: int) -> None:
        """GHASH of associated data to _state."""
        state = self._state
        for i in range(16):
            state[i] = 0
        absorb(state, self._table, data, 0, size)

    def _finish(self, buffer, start: int, end: int) -> None:
        """Adds ciphertext to it, and the lengths of both."""
        absorb(self._state, self._table, buffer, start, end)
        self._associated[_LENGTHS + 14] = end - start >> 5  # bits: no telegram has more than 8 KB
        self._associated[_LENGTHS + 15] = end - start << 3 & 255
        absorb(self._state, self._table, self._associated, _LENGTHS, _LENGTHS + 16)

    def _same(self, buffer: bytearray, at: int) -> bool:
        """Whether the tag is the hash; looks at all of it, so that its time tells nothing."""
        different = 0
        for i in range(TAG):
            different |= self._state[i] ^ buffer[at + i]
        return not different
