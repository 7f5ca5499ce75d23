"""AES-GCM's inner loops in machine code: bytes of a telegram in, GHASH state, counter blocks and exclusive-or out.

Importing it fails where there is no native emitter; ghash_plain.py then does the same. Numbers of viper are 64 bits wide on a
PC and 32 on the chip: what may have more than 32 bits is masked after each right shift, before anything looks at it.
"""

from array import array

import micropython


def table(key: bytearray) -> array:
    """What `absorb` multiplies with, from the hash key of 16 bytes: the 16 products of a nibble, 4 words each, and 4 words of its own."""
    words = array("I", bytes(272))
    value = int.from_bytes(key, "big")
    bit = 8
    while bit:
        for nibble in range(16):
            if nibble & bit:
                for i in range(4):
                    words[4 * nibble + i] ^= value >> 96 - 32 * i & 0xFFFFFFFF
        value = value >> 1 ^ (value & 1) * (0xE1 << 120)
        bit >>= 1
    return words


@micropython.viper
def absorb(state, words, buffer, start: int, end: int):
    """Takes buffer[start:end] into the hash `state` (16 bytes), filled up with zeros to whole blocks of 16."""
    y = ptr8(state)
    octets = ptr8(buffer)
    x = ptr32(words)
    i = 0
    while i < 16:
        x[64 + (i >> 2)] = x[64 + (i >> 2)] << 8 | y[i]
        i += 1
    while start < end:
        if start + 16 <= end:
            x[64] ^= octets[start] << 24 | octets[start + 1] << 16 | octets[start + 2] << 8 | octets[start + 3]
            x[65] ^= octets[start + 4] << 24 | octets[start + 5] << 16 | octets[start + 6] << 8 | octets[start + 7]
            x[66] ^= octets[start + 8] << 24 | octets[start + 9] << 16 | octets[start + 10] << 8 | octets[start + 11]
            x[67] ^= octets[start + 12] << 24 | octets[start + 13] << 16 | octets[start + 14] << 8 | octets[start + 15]
        else:
            i = 0
            while start + i < end:
                x[64 + (i >> 2)] ^= octets[start + i] << 24 - (i << 3 & 24)
                i += 1
        multiply(words)
        start += 16
    i = 0
    while i < 16:
        y[i] = x[64 + (i >> 2)] >> 24 - (i << 3 & 24)
        i += 1


@micropython.viper
def multiply(words: ptr32):
    """Multiplies the last 4 words with the hash key.

    Nibbles of the same place in all four are multiplied together, so that the product of 8 words is shifted seven times only;
    then its upper half is taken back into the lower one: x^128 = 1 + x + x^2 + x^7, powers rising to the right.
    """
    t = int(words)
    p = words
    k = words[64]
    l = words[65]
    m = words[66]
    n = words[67]
    a = b = c = d = e = f = g = h = 0
    s = 0
    while True:
        words = ptr32(t + (k >> s << 4 & 240))
        p = ptr32(t + (l >> s << 4 & 240))
        q = ptr32(t + (m >> s << 4 & 240))
        r = ptr32(t + (n >> s << 4 & 240))
        a ^= words[0]
        b ^= words[1] ^ p[0]
        c ^= words[2] ^ p[1] ^ q[0]
        d ^= words[3] ^ p[2] ^ q[1] ^ r[0]
        e ^= p[3] ^ q[2] ^ r[1]
        f ^= q[3] ^ r[2]
        g ^= r[3]
        if s == 28:
            break
        s += 4
        h = (h >> 4 & 0xFFFFFFF) | (g & 15) << 28
        g = (g >> 4 & 0xFFFFFFF) | (f & 15) << 28
        f = (f >> 4 & 0xFFFFFFF) | (e & 15) << 28
        e = (e >> 4 & 0xFFFFFFF) | (d & 15) << 28
        d = (d >> 4 & 0xFFFFFFF) | (c & 15) << 28
        c = (c >> 4 & 0xFFFFFFF) | (b & 15) << 28
        b = (b >> 4 & 0xFFFFFFF) | (a & 15) << 28
        a = a >> 4 & 0xFFFFFFF
    i = h >> 2 & 0x3FFFFFFF
    d ^= h ^ (i << 1 | h >> 1 & 1) ^ i ^ i >> 5
    e ^= h << 31 ^ h << 30 ^ h << 25
    i = g >> 2 & 0x3FFFFFFF
    c ^= g ^ (i << 1 | g >> 1 & 1) ^ i ^ i >> 5
    d ^= g << 31 ^ g << 30 ^ g << 25
    i = f >> 2 & 0x3FFFFFFF
    b ^= f ^ (i << 1 | f >> 1 & 1) ^ i ^ i >> 5
    c ^= f << 31 ^ f << 30 ^ f << 25
    i = e >> 2 & 0x3FFFFFFF
    words = ptr32(t)
    words[64] = a ^ e ^ (i << 1 | e >> 1 & 1) ^ i ^ i >> 5
    words[65] = b ^ e << 31 ^ e << 30 ^ e << 25
    words[66] = c
    words[67] = d


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
