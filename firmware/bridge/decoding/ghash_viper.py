"""AES-GCM's inner loops in machine code: bytes of a telegram in, GHASH state, counter blocks and exclusive-or out.

Importing it fails where there is no native emitter; ghash_plain.py then does the same. Numbers of viper are 64 bits wide on a
PC and 32 on the chip: what may have more than 32 bits is masked after each right shift, before anything looks at it.
"""

from array import array

import micropython


def table(key: bytearray) -> array:
    """What `absorb` multiplies with, from the hash key of 16 bytes: 16 rows of 4 words for a nibble, 16 words for what a shift drops."""
    words = array("I", bytes(320))
    value = int.from_bytes(key, "big")
    drop = 0xE1 << 24
    bit = 8
    while bit:
        for nibble in range(16):
            if nibble & bit:
                for i in range(4):
                    words[4 * nibble + i] ^= value >> 96 - 32 * i & 0xFFFFFFFF
                words[64 + nibble] ^= drop
        value = value >> 1 ^ (value & 1) * (0xE1 << 120)
        drop >>= 1
        bit >>= 1
    return words


@micropython.viper
def absorb(words, state, buffer, start: int, end: int):
    """Takes buffer[start:end] into the hash `state` (16 bytes), filled up with zeros to whole blocks of 16."""
    t = ptr32(words)
    y = ptr8(state)
    octets = ptr8(buffer)
    while start < end:
        size = end - start
        a = b = c = d = 0
        i = 15
        while i >= 0:
            octet = int(y[i])
            if i < size:
                octet ^= int(octets[start + i])
            n = (octet & 15) << 2
            drop = int(t[64 + (d & 15)])
            d = ((d >> 4 & 0xFFFFFFF) | (c & 15) << 28) ^ t[n + 3]
            c = ((c >> 4 & 0xFFFFFFF) | (b & 15) << 28) ^ t[n + 2]
            b = ((b >> 4 & 0xFFFFFFF) | (a & 15) << 28) ^ t[n + 1]
            a = (a >> 4 & 0xFFFFFFF) ^ drop ^ t[n]
            n = (octet & 0xF0) >> 2
            drop = int(t[64 + (d & 15)])
            d = ((d >> 4 & 0xFFFFFFF) | (c & 15) << 28) ^ t[n + 3]
            c = ((c >> 4 & 0xFFFFFFF) | (b & 15) << 28) ^ t[n + 2]
            b = ((b >> 4 & 0xFFFFFFF) | (a & 15) << 28) ^ t[n + 1]
            a = (a >> 4 & 0xFFFFFFF) ^ drop ^ t[n]
            i -= 1
        i = 3
        while i >= 0:
            y[i] = a
            y[4 + i] = b
            y[8 + i] = c
            y[12 + i] = d
            a >>= 8
            b >>= 8
            c >>= 8
            d >>= 8
            i -= 1
        start += 16


@micropython.viper
def fill(blocks, buffer, title: int, counter: int, number: int):
    """Makes counter blocks, as many as `blocks` holds: 8 bytes of buffer[title:], 4 of buffer[counter:], the block's number."""
    to = ptr8(blocks)
    octets = ptr8(buffer)
    end = int(len(blocks))
    at = 0
    while at < end:
        i = 0
        while i < 8:
            to[at + i] = octets[title + i]
            i += 1
        while i < 12:
            to[at + i] = octets[counter + i - 8]
            i += 1
        to[at + 12] = 0
        to[at + 13] = 0
        to[at + 14] = number >> 8
        to[at + 15] = number
        number += 1
        at += 16


@micropython.viper
def xor(buffer, at: int, stream, skip: int, count: int):
    """Exclusive-or of `count` bytes of `stream` from `skip` into `buffer` at `at`; bounds are the caller's."""
    to = ptr8(buffer)
    octets = ptr8(stream)
    end = at + count
    while at < end:
        to[at] = to[at] ^ octets[skip]
        at += 1
        skip += 1
