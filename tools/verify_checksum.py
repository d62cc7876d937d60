# SPDX-License-Identifier: Apache-2.0
"""XXH3-64 with seed 0 as its specification has it (github.com/Cyan4973/xxHash, doc/xxhash_spec.md), for
inputs of more than 16 bytes: the checksum of a batch."""
import functools
import struct

P32_1, P32_2, P32_3 = 0x9E3779B1, 0x85EBCA77, 0xC2B2AE3D
P64_1, P64_2, P64_3 = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9
P64_4, P64_5 = 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5
MASK = (1 << 64) - 1
STRIPE, STRIPES_IN_BLOCK = 64, 16
SECRET = bytes.fromhex(
    "b8fe6c3923a44bbe7c01812cf721ad1cded46de9839097db7240a4a4b7b3671fcb79e64eccc0e578825ad07dccff7221"
    "b8084674f743248ee03590e6813a264c3c2852bb91c300cb88d0658b1b532ea371644897a20df94e3819ef46a9deacd8"
    "a8fa763fe39c343ff9dcbbc7c70b4f1d8a51e04bcdb45931c89f7ec9d9787364eac5ac8334d3ebc3c581a0fffa1363eb"
    "170ddd51b7f0da49d316552629d4689e2b16be587d47a1fc8ff8b8d17ad031ce45cb3a8f95160428afd7fbcabb4b407e")


def word(data, at):
    return int.from_bytes(data[at:at + 8], "little")


def fold(a, b):
    product = a * b
    return product & MASK ^ product >> 64


def avalanche(value):
    value &= MASK
    value = (value ^ value >> 37) * 0x165667919E3779F9 & MASK
    return value ^ value >> 32


def mix(data, at, secret_at):
    return fold(word(data, at) ^ word(SECRET, secret_at), word(data, at + 8) ^ word(SECRET, secret_at + 8))


def short(data):
    """17 to 128 bytes: pairs from both ends inwards."""
    size = len(data)
    value = size * P64_1
    for i in range((size - 1) // 32, -1, -1):
        value += mix(data, 16 * i, 32 * i) + mix(data, size - 16 * (i + 1), 32 * i + 16)
    return avalanche(value)


def medium(data):
    """129 to 240 bytes."""
    value = len(data) * P64_1
    for i in range(8):
        value += mix(data, 16 * i, 16 * i)
    value = avalanche(value)
    for i in range(8, len(data) // 16):
        value += mix(data, 16 * i, 16 * (i - 8) + 3)
    return avalanche(value + mix(data, len(data) - 16, 136 - 17))


def accumulate(lanes, data, at, secret_at):
    values = struct.unpack_from("<8Q", data, at)
    for i, (value, secret) in enumerate(zip(values, struct.unpack_from("<8Q", SECRET, secret_at))):
        keyed = value ^ secret
        lanes[i ^ 1] += value
        lanes[i] += (keyed & 0xFFFFFFFF) * (keyed >> 32)


def long(data):
    lanes = [P32_3, P64_1, P64_2, P64_3, P64_4, P32_2, P64_5, P32_1]
    for number in range((len(data) - 1) // STRIPE):
        accumulate(lanes, data, STRIPE * number, 8 * (number % STRIPES_IN_BLOCK))
        if number % STRIPES_IN_BLOCK == STRIPES_IN_BLOCK - 1:
            for i, secret in enumerate(struct.unpack_from("<8Q", SECRET, len(SECRET) - STRIPE)):
                lane = lanes[i] & MASK
                lanes[i] = (lane ^ lane >> 47 ^ secret) * P32_1 & MASK
    accumulate(lanes, data, len(data) - STRIPE, len(SECRET) - STRIPE - 7)
    value = len(data) * P64_1
    for i in range(4):
        one, two = lanes[2 * i] & MASK, lanes[2 * i + 1] & MASK
        value += fold(one ^ word(SECRET, 11 + 16 * i), two ^ word(SECRET, 11 + 16 * i + 8))
    return avalanche(value)


@functools.lru_cache(maxsize=4096)
def xxh3_64(data):
    if len(data) <= 16:
        raise ValueError("shorter than any batch")
    return short(data) if len(data) <= 128 else medium(data) if len(data) <= 240 else long(data)
