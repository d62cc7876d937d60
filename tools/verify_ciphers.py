# SPDX-License-Identifier: Apache-2.0
"""X25519 (RFC 7748) and AES-256-GCM (NIST SP 800-38D) as tools/verify.py needs them: for the few
hundred bytes of an open frame, in plain Python, because its standard library has neither. Not in
constant time: whoever runs a verifier holds the key anyway."""
import base64
import functools
import hashlib
import hmac

PRIME = 2**255 - 19
PKCS8_X25519_PREFIX = bytes.fromhex("302e020100300506032b656e04220420")  # RFC 8410, before the raw key


def hmac_sha256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def x25519(scalar, point):
    """The Montgomery ladder of RFC 7748 section 5."""
    k = int.from_bytes(scalar, "little") & ~7 & ((1 << 255) - 1) | 1 << 254
    x1 = int.from_bytes(point, "little") & ((1 << 255) - 1)
    x2, z2, x3, z3, swap = 1, 0, x1, 1, 0
    for t in reversed(range(255)):
        bit = k >> t & 1
        if swap != bit:
            x2, x3, z2, z3 = x3, x2, z3, z2
        swap = bit
        a, b, c, d = x2 + z2, x2 - z2, x3 + z3, x3 - z3
        aa, bb, da, cb = a * a % PRIME, b * b % PRIME, d * a % PRIME, c * b % PRIME
        x3, z3 = (da + cb) ** 2 % PRIME, x1 * (da - cb) ** 2 % PRIME
        e = aa - bb
        x2, z2 = aa * bb % PRIME, e * (aa + 121665 * e) % PRIME
    if swap:
        x2, x3, z2, z3 = x3, x2, z3, z2
    return (x2 * pow(z2, PRIME - 2, PRIME) % PRIME).to_bytes(32, "little")


def x25519_public(scalar):
    return x25519(scalar, (9).to_bytes(32, "little"))


def read_x25519_private(pem):
    """The raw private key in a PKCS #8 PEM; ValueError when it holds no X25519 key."""
    lines = [line for line in pem.splitlines() if line and not line.startswith("-")]
    der = base64.b64decode("".join(lines))
    if len(der) != 48 or not der.startswith(PKCS8_X25519_PREFIX):
        raise ValueError("not a private X25519 key (PKCS #8, PEM)")
    return der[16:]


def double(byte):
    return (byte << 1 ^ (0x1b if byte & 0x80 else 0)) & 0xff


def make_sbox():
    """FIPS 197 section 5.1.1, from the powers of the generator 3 and their inverses."""
    powers = [1]
    for _ in range(254):
        powers.append(powers[-1] ^ double(powers[-1]))
    logarithm = {power: i for i, power in enumerate(powers)}
    box = []
    for value in range(256):
        x = powers[(255 - logarithm[value]) % 255] if value else 0
        folded = x
        for shift in range(1, 5):
            folded ^= (x << shift | x >> 8 - shift) & 0xff
        box.append(folded ^ 0x63)
    return box


SBOX = make_sbox()


class Aes256:
    """One key's forward cipher (FIPS 197); GCM needs no inverse."""

    def __init__(self, key):
        words = [key[i:i + 4] for i in range(0, 32, 4)]
        constant = 1
        for i in range(8, 60):
            word = words[-1]
            if i % 8 == 0:
                word = bytes(SBOX[b] for b in word[1:] + word[:1])
                word = bytes([word[0] ^ constant]) + word[1:]
                constant = double(constant)
            elif i % 8 == 4:
                word = bytes(SBOX[b] for b in word)
            words.append(bytes(a ^ b for a, b in zip(words[i - 8], word)))
        self.round_keys = [b"".join(words[i:i + 4]) for i in range(0, 60, 4)]

    def encrypt_block(self, block):
        state = [a ^ b for a, b in zip(block, self.round_keys[0])]
        for number in range(1, 15):
            state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]  # SubBytes, ShiftRows
            if number < 14:
                mixed = []
                for i in range(0, 16, 4):
                    column = state[i:i + 4]
                    total = column[0] ^ column[1] ^ column[2] ^ column[3]
                    mixed += [column[j] ^ total ^ double(column[j] ^ column[(j + 1) % 4]) for j in range(4)]
                state = mixed
            state = [a ^ b for a, b in zip(state, self.round_keys[number])]
        return bytes(state)


def gcm_multiply(x, y):
    """In GF(2^128), bits as SP 800-38D section 6.3 numbers them."""
    product = 0
    for i in range(128):
        if x >> 127 - i & 1:
            product ^= y
        y = y >> 1 ^ (0xe1 << 120 if y & 1 else 0)
    return product


def gcm_tag(cipher, nonce, associated, hidden):
    subkey = int.from_bytes(cipher.encrypt_block(bytes(16)), "big")
    lengths = (8 * len(associated)).to_bytes(8, "big") + (8 * len(hidden)).to_bytes(8, "big")
    blocks = associated + bytes(-len(associated) % 16) + hidden + bytes(-len(hidden) % 16) + lengths
    digest = 0
    for i in range(0, len(blocks), 16):
        digest = gcm_multiply(digest ^ int.from_bytes(blocks[i:i + 16], "big"), subkey)
    mask = int.from_bytes(cipher.encrypt_block(nonce + b"\0\0\0\1"), "big")
    return (digest ^ mask).to_bytes(16, "big")


def gcm_stream(cipher, nonce, data):
    stream = b"".join(cipher.encrypt_block(nonce + (i + 2).to_bytes(4, "big")) for i in range((len(data) + 15) // 16))
    return bytes(a ^ b for a, b in zip(data, stream))


def gcm_encrypt(key, associated, clear, nonce=bytes(12)):
    """Ciphertext and tag."""
    cipher = Aes256(key)
    hidden = gcm_stream(cipher, nonce, clear)
    return hidden + gcm_tag(cipher, nonce, associated, hidden)


@functools.lru_cache(maxsize=1024)
def gcm_decrypt(key, associated, sealed, nonce=bytes(12)):
    """The clear text, or None when the tag does not fit."""
    cipher = Aes256(key)
    hidden, tag = sealed[:-16], sealed[-16:]
    if len(sealed) < 16 or not hmac.compare_digest(tag, gcm_tag(cipher, nonce, associated, hidden)):
        return None
    return gcm_stream(cipher, nonce, hidden)
