"""Restore a key from printed shares, with nothing but Python: docs/SPEC.md, section 9.

    python3 combine_shares.py SHARE...

Prints the 32-byte seed in hexadecimal digits. It shares no code with the toolkit.
"""
import base64
import hashlib
import json
import sys


def multiply(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


def invert(a):
    return next(b for b in range(1, 256) if multiply(a, b) == 1)


def read(path):
    with open(path, encoding="utf-8") as file:
        share = json.load(file)
    text = share.pop("share").replace(" ", "").upper()
    value, checksum = (whole := base64.b32decode(text))[:32], whole[32:]
    label = json.dumps(share, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(value + label.encode()).digest()
    if len(whole) != 40 or digest[:8] != checksum:
        sys.exit(f"{path}: its checksum is wrong")
    return share, value


def main(paths):
    shares = [read(path) for path in paths]
    label = shares[0][0]
    if any(other["split_id"] != label["split_id"] for other, _ in shares):
        sys.exit("shares of different divisions")
    places = [other["index"] for other, _ in shares]
    if len(set(places)) < label["threshold"]:
        sys.exit(f"{label['threshold']} different shares are needed")
    seed = bytearray(32)
    for place, (_, value) in zip(places, shares):
        factor = 1
        for other in places:
            if other != place:
                factor = multiply(factor, multiply(other, invert(other ^ place)))
        for index, byte in enumerate(value):
            seed[index] ^= multiply(factor, byte)
    print(seed.hex())


if __name__ == "__main__":
    main(sys.argv[1:])
