"""AES-GCM's inner loops in machine code: bytes of a telegram in, GHASH state, counter blocks and exclusive-or out.

Importing it fails where there is no native emitter; ghash_plain.py then does the same. Numbers of viper are 64 bits wide on a
PC and 32 on the chip: what may have more than 32 bits is masked after each right shift, before anything looks at it.
"""

from array import array

import micropython


def table(key: bytearray) -> array:
    """What `absorb` multiplies with, from the hash key of 16 bytes: the 16 products of a nibble, 4 words each."""
    words = array("I", bytes(256))
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
def absorb(state: ptr32, words: ptr32, buffer: ptr8, start: int, end: int):
    """Takes buffer[start:end] into the hash `state` (16 bytes), filled up with zeros to whole blocks of 16.

    Nibbles of the same place in all four words are multiplied together, so that the product of 8 words is shifted seven times
    only; then its upper half is taken back into the lower one: x^128 = 1 + x + x^2 + x^7, powers rising to the right.
    """
    y = ptr8(state)
    t = int(words)
    k = y[0] << 24 | y[1] << 16 | y[2] << 8 | y[3]
    l = y[4] << 24 | y[5] << 16 | y[6] << 8 | y[7]
    m = y[8] << 24 | y[9] << 16 | y[10] << 8 | y[11]
    n = y[12] << 24 | y[13] << 16 | y[14] << 8 | y[15]
    while start < end:
        if start + 16 <= end:
            k ^= buffer[start] << 24 | buffer[start + 1] << 16 | buffer[start + 2] << 8 | buffer[start + 3]
            l ^= buffer[start + 4] << 24 | buffer[start + 5] << 16 | buffer[start + 6] << 8 | buffer[start + 7]
            m ^= buffer[start + 8] << 24 | buffer[start + 9] << 16 | buffer[start + 10] << 8 | buffer[start + 11]
            n ^= buffer[start + 12] << 24 | buffer[start + 13] << 16 | buffer[start + 14] << 8 | buffer[start + 15]
        else:
            i = 0
            while start + i < end:
                s = buffer[start + i] << 24 - (i << 3 & 24)
                if i < 4:
                    k ^= s
                elif i < 8:
                    l ^= s
                elif i < 12:
                    m ^= s
                else:
                    n ^= s
                i += 1
        start += 16
        a = b = c = d = e = f = g = h = 0
        s = 0
        while True:
            state = ptr32(t + (k >> s << 4 & 240))
            a ^= state[0]
            b ^= state[1]
            c ^= state[2]
            d ^= state[3]
            state = ptr32(t + (l >> s << 4 & 240))
            b ^= state[0]
            c ^= state[1]
            d ^= state[2]
            e ^= state[3]
            state = ptr32(t + (m >> s << 4 & 240))
            c ^= state[0]
            d ^= state[1]
            e ^= state[2]
            f ^= state[3]
            state = ptr32(t + (n >> s << 4 & 240))
            d ^= state[0]
            e ^= state[1]
            f ^= state[2]
            g ^= state[3]
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
        a ^= e ^ (i << 1 | e >> 1 & 1) ^ i ^ i >> 5
        b ^= e << 31 ^ e << 30 ^ e << 25
        k = a
        l = b
        m = c
        n = d
    i = 3
    while i >= 0:
        y[i] = k
        y[4 + i] = l
        y[8 + i] = m
        y[12 + i] = n
        k >>= 8
        l >>= 8
        m >>= 8
        n >>= 8
        i -= 1


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
