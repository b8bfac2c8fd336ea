"""Public keys, and signatures as strictly as they are taken [9]."""

import base64

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .forms import constant, decoded, fingerprint, key_id, nullable, record_of, require, seconds, sha256, text

REGISTRY = "pith_registry"
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def decompress(data):
    """The point with this encoding, if it is its canonical one."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    u, v = (y * y - 1) % P, (D * y * y + 1) % P
    x = u * pow(v, 3, P) * pow(u * pow(v, 7, P), (P - 5) // 8, P) % P
    if v * x * x % P != u:
        x = x * pow(2, (P - 1) // 4, P) % P
        if v * x * x % P != u:
            return None
    if x == 0 and sign:
        return None
    return (P - x if x % 2 != sign else x), y


def add(a, b):
    product = D * a[0] * b[0] * a[1] * b[1] % P
    x = (a[0] * b[1] + b[0] * a[1]) * pow(1 + product, -1, P) % P
    y = (a[1] * b[1] + a[0] * b[0]) * pow(1 - product, -1, P) % P
    return x, y


def is_strong_point(data):
    """Whether these bytes are the canonical encoding of a point that is not of small order."""
    point = decompress(data)
    if point is None:
        return False
    for _ in range(3):
        point = add(point, point)
    return point != (0, 1)


STRONG = {}


def verifies(raw_key, message, signature):
    """Whether the signature is the key's, by the strictest reading."""
    if raw_key not in STRONG:
        STRONG[raw_key] = is_strong_point(raw_key)
    if not STRONG[raw_key] or int.from_bytes(signature[32:], "little") >= ORDER:
        return False
    if not is_strong_point(signature[:32]):
        return False
    try:
        # OpenSSL checks the equation without the cofactor.
        Ed25519PublicKey.from_public_bytes(raw_key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def fingerprint_of(raw_key):
    return sha256(raw_key)[:32]


def base32_26(hex_digest):
    return base64.b32encode(bytes.fromhex(hex_digest)).decode()[:26]


PUBLIC_KEY_FIELDS = record_of(
    {
        "key_id": key_id,
        "algorithm": constant("ed25519"),
        "format": constant("raw"),
        "public_key_b64": text,
        "public_key_hex": text,
        "fingerprint_sha256_b32_first128bits": text,
        "fingerprint_sha256_hex": fingerprint,
        "rotates_at": nullable(seconds),
        "url": text,
        "notes": text,
        "signer_id": text,
        "signer_type": text,
    },
    optional=("signer_id", "signer_type"),
)


def public_key(value):
    """A public key object [9]: what it says twice must agree, and the key must be worth something."""
    PUBLIC_KEY_FIELDS(value)
    raw = decoded(value["public_key_b64"], 32)
    require(raw is not None, "public_key_b64 is not 32 bytes in base64")
    require(is_strong_point(raw), "not the canonical encoding of a key, or a key of small order")
    require(value["public_key_hex"] == raw.hex(), "public_key_hex is another key's")
    named = value["fingerprint_sha256_b32_first128bits"]
    require(named == base32_26(sha256(raw)), "the base32 fingerprint is another key's")
    require(value["fingerprint_sha256_hex"] == fingerprint_of(raw), "the fingerprint is another key's")
    require(("signer_id" in value) == ("signer_type" in value), "signer_id and signer_type go together")


def raw_of(value):
    return bytes.fromhex(value["public_key_hex"])
