"""OpenTimestamps proofs and headers of Bitcoin blocks [5]."""

import hashlib
import re

from .forms import require

PROOF_MAGIC = b"\x00OpenTimestamps\x00\x00Proof\x00\xbf\x89\xe2\xe8\x84\xe8\x92\x94"
PROOF_PENDING = bytes.fromhex("83dfe30d2ef90c8e")
PROOF_BITCOIN = bytes.fromhex("0588960d73d71901")
PROOF_HASHES = {0x02: 20, 0x03: 20, 0x08: 32, 0x67: 32}


def keccak256(message):
    """Keccak-256 as Ethereum has it, which differs from SHA3-256 in its padding."""
    mask, rate = 2**64 - 1, 136
    lanes = [[0] * 5 for _ in range(5)]

    def turned(lane, by):
        by %= 64
        return (lane << by | lane >> (64 - by)) & mask

    def permute():
        constants = 1
        for _ in range(24):
            parity = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
            for x in range(5):
                effect = parity[x - 1] ^ turned(parity[(x + 1) % 5], 1)
                for y in range(5):
                    lanes[x][y] ^= effect
            x, y, current = 1, 0, lanes[1][0]
            for step in range(24):
                x, y = y, (2 * x + 3 * y) % 5
                current, lanes[x][y] = lanes[x][y], turned(current, (step + 1) * (step + 2) // 2)
            for y in range(5):
                row = [lanes[x][y] for x in range(5)]
                for x in range(5):
                    lanes[x][y] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5])
            for step in range(7):
                constants = (constants << 1 ^ (constants >> 7) * 0x71) % 256
                if constants & 2:
                    lanes[0][0] ^= 1 << ((1 << step) - 1)

    padded = bytearray(message + b"\x01" + bytes(-(len(message) + 1) % rate))
    padded[-1] |= 0x80
    for block in range(0, len(padded), rate):
        for index in range(rate // 8):
            at = block + 8 * index
            lanes[index % 5][index // 5] ^= int.from_bytes(padded[at : at + 8], "little")
        permute()
    return b"".join(lanes[index % 5][index // 5].to_bytes(8, "little") for index in range(4))


def hashed(tag, message):
    if tag == 0x67:
        return keccak256(message)
    name = {0x02: "sha1", 0x03: "ripemd160", 0x08: "sha256"}[tag]
    return hashlib.new(name, message).digest()


class Proof:
    """An `.ots` file whose operations were carried out: `leaves` are (attestation, message)."""

    def __init__(self, data):
        require(len(data) <= 64 << 10, "the proof is too long")
        require(data.startswith(PROOF_MAGIC), "no proof")
        self.data, self.at = data, len(PROOF_MAGIC)
        require(self.number() == 1, "a proof of another version")
        self.file_hash = self.take(1)[0]
        require(self.file_hash in PROOF_HASHES, "no hash function")
        self.digest = self.take(PROOF_HASHES[self.file_hash])
        self.leaves = self.walk()
        require(self.at == len(data), "more stands after the proof")

    def take(self, length):
        require(self.at + length <= len(self.data), "the proof ends early")
        self.at += length
        return self.data[self.at - length : self.at]

    def number(self):
        value, shift = 0, 0
        while True:
            byte = self.take(1)[0]
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                require(byte or not shift, "a number is not in its fewest bytes")
                require(value < 2**64, "a number is too large")
                return value
            shift += 7
            require(shift < 70, "a number is too long")

    def string(self, most, least=0):
        length = self.number()
        require(least <= length <= most, "too long or too short")
        return self.take(length)

    def walk(self):
        leaves, forks, steps, work = [], [], 0, 0
        message, in_a_row = self.digest, 0
        while True:
            tag = self.take(1)[0]
            if tag == 0xFF:
                require(len(forks) < 256, "too many forks")
                forks.append((message, in_a_row))
                tag = self.take(1)[0]
            steps += 1
            require(steps <= 4096, "too many steps")
            if tag == 0x00:
                leaves.append((self.attestation(), message))
                if not forks:
                    return leaves
                message, in_a_row = forks.pop()
                continue
            if tag == 0xF0:
                made = message + self.string(4096, 1)
            elif tag == 0xF1:
                made = self.string(4096, 1) + message
            elif tag == 0xF2:
                made = message[::-1]
            elif tag == 0xF3:
                made = message.hex().encode()
            else:
                require(tag in PROOF_HASHES, "no operation")
                made = hashed(tag, message)
            in_a_row += 1
            work += len(message) + len(made)
            require(in_a_row <= 256 and len(made) <= 4096 and work <= 1 << 20, "a limit is passed")
            message = made

    def attestation(self):
        tag = self.take(8)
        payload = self.string(8192)
        outer = self.data, self.at
        self.data, self.at = payload, 0
        try:
            if tag == PROOF_PENDING:
                uri = self.string(1000)
                require(re.fullmatch(rb"[A-Za-z0-9._/:-]*", uri), "no address of a calendar")
                found = ("pending", uri.decode())
            elif tag == PROOF_BITCOIN:
                found = ("bitcoin", self.number())
            else:
                return ("unknown", tag)
            require(self.at == len(payload), "more stands in an attestation")
            return found
        finally:
            self.data, self.at = outer

    def calendars(self):
        return [name for (kind, name), _ in self.leaves if kind == "pending"]

    def roots_at(self, height):
        return [message for attestation, message in self.leaves if attestation == ("bitcoin", height)]


def header_root(header):
    """The Merkle root of a header that work was done for."""
    compact = int.from_bytes(header[72:76], "little")
    size, mantissa = compact >> 24, compact & 0xFFFFFF
    target = mantissa << 8 * (size - 3) if size >= 3 else mantissa >> 8 * (3 - size)
    found = hashlib.sha256(hashlib.sha256(header).digest()).digest()
    fits = len(header) == 80 and not mantissa & 0x800000 and 0 < target <= 0xFFFF << 208
    require(fits and int.from_bytes(found, "little") <= target, "no header of a block")
    return header[36:68]
