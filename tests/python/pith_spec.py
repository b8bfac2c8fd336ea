"""The protocol of docs/SPEC.md in Python: forms, hashes, signatures, merge and judgement.

Written from that document alone, and sharing no code with the toolkit, so that where both agree the
document says enough. Needs the package `cryptography` for Ed25519 and nothing else. `verify.py` is its
command line.

Numbers in brackets name the sections of docs/SPEC.md; the codes are those of docs/VERIFICATION.md.
"""

import base64
import binascii
import hashlib
import json
import re
from datetime import datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

REGISTRY = "pith_registry"
MERGE_VERSION = "pith-open-graph-merge-v1"
EMPTY_LIST = "258153158e38e3291e3d48162225fcdb2d5a3ed65a07baac614ab91432fd4f57"
# Names that a key which is trusted without a name does not speak for [9].
PROTECTED_IDS = {"pith.science"}


# ---- Canonical JSON [1] ----


class Malformed(Exception):
    """A document that is not strict JSON, or not of its form."""


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def digest_of(value, *omit):
    """The hash of an object without some of its members."""
    return sha256(canonical({key: item for key, item in value.items() if key not in omit}))


def depth(value):
    """How deep the containers of a value nest; a scalar has depth 0."""
    deepest, open_values = 0, [(value, 1)]
    while open_values:
        item, level = open_values.pop()
        if isinstance(item, (dict, list)):
            deepest = max(deepest, level)
            inner = item.values() if isinstance(item, dict) else item
            open_values.extend((value, level + 1) for value in inner)
    return deepest


def read(data, floats=True):
    """Reads strictly. Floats come through where `floats` allows them; typed places refuse them."""

    def members(pairs):
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Malformed("a key stands twice in one object")
        return found

    def integer(token):
        if token == "-0" or len(token) > 20 or not -(2**63) <= int(token) < 2**64:
            raise Malformed(f"the integer {token} is not allowed")
        return int(token)

    def real(token):
        if not floats or repr(float(token)) != token:
            raise Malformed(f"the number {token} is not allowed")
        return float(token)

    def refuse(token):
        raise Malformed(f"{token} is no JSON")

    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=members,
            parse_int=integer,
            parse_float=real,
            parse_constant=refuse,
        )
        # A lone surrogate has no UTF-8 form.
        canonical(value)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error
    count, open_values = 0, [value]
    while open_values:
        item = open_values.pop()
        count += 1
        if isinstance(item, (dict, list)):
            open_values.extend(item.values() if isinstance(item, dict) else item)
    if depth(value) > 128 or count > 8_388_608:
        raise Malformed("nests too deep or holds too many values")
    return value


# ---- Forms: each takes a value and raises Malformed unless it fits ----


def require(holds, message):
    if not holds:
        raise Malformed(message)


def anything(_):
    pass


def text(value):
    require(isinstance(value, str), "not a string")


def constant(expected):
    def form(value):
        require(isinstance(value, str) and value == expected, f"not {expected}")

    return form


def one_of(*texts):
    def form(value):
        require(isinstance(value, str) and value in texts, f"none of {texts}")

    return form


def matching(pattern, further=lambda _: True):
    compiled = re.compile(pattern, re.ASCII)

    def form(value):
        fits = isinstance(value, str) and compiled.fullmatch(value) is not None
        require(fits and further(value), f"{value!r} has not the form {pattern}")

    return form


def whole(least, most):
    def form(value):
        require(type(value) is int and least <= value <= most, f"no integer from {least} to {most}")

    return form


def nullable(inner):
    def form(value):
        if value is not None:
            inner(value)

    return form


def listed(inner):
    def form(value):
        require(isinstance(value, list), "not a list")
        for item in value:
            inner(item)

    return form


def record_of(fields, optional=(), more=False):
    """An object with these members; `more` lets others stand beside them."""

    def form(value):
        require(isinstance(value, dict), "not an object")
        for name, inner in fields.items():
            if name in value:
                inner(value[name])
            else:
                require(name in optional, f"{name} is missing")
        require(more or set(value) <= set(fields), "has members that are not known")

    return form


def is_time(value):
    try:
        datetime.strptime(value[:19], "%Y-%m-%dT%H:%M:%S")
        # strptime takes a leap second for a time.
        return value[17:19] < "60" and value[:4] != "0000"
    except ValueError:
        return False


seconds = matching(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z", is_time)
micros = matching(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z", is_time)
digest = matching(r"[0-9a-f]{64}")
fingerprint = matching(r"[0-9a-f]{32}")
event_id = matching(r"sha256:[0-9a-f]{64}")
pith_number = matching(r"pith:[0-9]{4}:[A-Z2-7]{26}", lambda value: value[5:9] != "0000")
short_number = matching(r"pith:[A-Z2-7]{8}")
key_id = matching(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
category = matching(r"[A-Za-z][A-Za-z0-9-]*(\.[A-Za-z][A-Za-z0-9-]*)?")
count = whole(0, 2**64 - 1)

ARCHIVES = """acc-phys adap-org alg-geom ao-sci astro-ph atom-ph bayes-an chao-dyn chem-ph cmp-lg comp-gas
    cond-mat cs dg-ga funct-an gr-qc hep-ex hep-lat hep-ph hep-th math math-ph mtrl-th nlin nucl-ex nucl-th
    patt-sol physics plasm-ph q-alg q-bio quant-ph solv-int supr-con""".split()


def is_arxiv_id(value):
    archive, slash, number = value.rpartition("/")
    if slash:
        return archive in ARCHIVES and re.fullmatch("[0-9]{7}", number) and "01" <= number[2:4] <= "12"
    found = re.fullmatch(r"([0-9]{4})\.([0-9]{4,5})", value)
    if not found or not "01" <= value[2:4] <= "12":
        return False
    month = found[1]
    return "0704" <= month <= "1412" if len(found[2]) == 4 else month >= "1501"


arxiv_id = matching(r"[a-z0-9./-]+", is_arxiv_id)


def decoded(value, length=None):
    """The bytes of canonical base64; None if it is not that, or of another length."""
    try:
        data = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError, TypeError):
        return None
    fits = base64.b64encode(data).decode() == value and length in (None, len(data))
    return data if fits else None


def signature_bytes(value):
    require(isinstance(value, str) and decoded(value, 64) is not None, "not 64 bytes in base64")


def categories(value):
    listed(category)(value)
    require(all(a < b for a, b in zip(value, value[1:])), "not sorted, each once")


# ---- Ed25519, strictly [9] ----

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


# ---- Record, number, receipt [2, 3, 4] ----

RECORD_SOURCE = {"id": arxiv_id, "kind": constant("arxiv"), "version": whole(1, 2**32 - 1)}

record = record_of(
    {
        "source": record_of(RECORD_SOURCE),
        "metadata": record_of(
            {
                "license": text,
                "primary_cat": category,
                "submitted_at": seconds,
                "cross_cats_sorted": categories,
                "title_canon_sha256": digest,
                "abstract_canon_sha256": digest,
            }
        ),
        "schema_version": constant("1.0"),
    }
)


def canonical_text(value):
    return " ".join(value.split()).lower()


def suffix_of(record_digest):
    return base32_26(record_digest)


def number_of(value, record_digest):
    return f"pith:{value['metadata']['submitted_at'][:4]}:{suffix_of(record_digest)}"


def alias_pairs(value, number):
    source, suffix = value["source"], number[10:]
    return [
        ("arxiv", source["id"]),
        ("arxiv_version", f"{source['id']}v{source['version']}"),
        ("doi", f"10.48550/arxiv.{source['id']}".lower()),
        ("pith_short_12", suffix[:12]),
        ("pith_short_16", suffix[:16]),
        ("pith_short_8", suffix[:8]),
    ]


alias = record_of(
    {
        "alias_kind": one_of(
            "arxiv", "arxiv_version", "doi", "pith_short_12", "pith_short_16", "pith_short_8"
        ),
        "alias_value": text,
        "created_at": seconds,
    }
)

receipt = record_of(
    {
        "kind": constant("pith_receipt"),
        "key_id": key_id,
        "algorithm": constant("ed25519"),
        "signed_at": micros,
        "signature_b64": signature_bytes,
        "signed_message": constant("canonical_sha256_bytes"),
        "builder_version": text,
        "receipt_version": constant("0.3"),
        "canonical_sha256": digest,
        "last_reissued_at": micros,
        "signature_status": constant("signed_v1"),
        "first_computed_at": micros,
        "public_key_fingerprint": fingerprint,
    }
)

CREATED_FIELDS = {
    "canonical_record": record,
    "canonical_sha256": digest,
    "receipt": receipt,
    "source_kind": constant("arxiv"),
    "source_id": arxiv_id,
    "source_version": whole(1, 2**32 - 1),
    "attestation_state": constant("computed"),
}

# ---- Graph snapshot [6] ----

snapshot = record_of(
    {
        "paper": record_of(
            {
                "title": text,
                "license": text,
                "headline": text,
                "cross_cats": categories,
                "primary_cat": category,
                "authors_text": text,
                "submitted_at": seconds,
                "abstract_excerpt": text,
            },
            more=True,
        ),
        "claims": record_of(
            {"count": count, "items": listed(anything), "snapshot_sha256": digest}, more=True
        ),
        "source": record_of(RECORD_SOURCE, more=True),
        "verdict": record_of(
            {
                "id": nullable(text),
                "model_set": anything,
                "created_at": nullable(text),
                "strongest_claim": text,
                "one_line_summary": text,
                "pipeline_version": nullable(text),
                "weakest_assumption": text,
                "pith_extraction_headline": text,
            },
            more=True,
        ),
        "references": record_of(
            {
                "count": count,
                "sample": listed(anything),
                "resolved_work": count,
                "snapshot_sha256": digest,
                "internal_anchors": count,
            },
            more=True,
        ),
        "formal_canon": record_of({"evidence_count": count, "snapshot_sha256": digest}, more=True),
        "author_claims": record_of(
            {"count": count, "strong_count": count, "snapshot_sha256": digest}, more=True
        ),
        "builder_version": text,
    },
    more=True,
)

# ---- OpenTimestamps [5] ----

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


# ---- Payloads [5] ----


def is_control(character):
    return ord(character) < 32 or 127 <= ord(character) < 160


def line(value):
    text(value)
    require(1 <= len(value) <= 1000 and not any(map(is_control, value)), "not a line")


word = matching(r"[a-z][a-z0-9_]{0,63}")
claim_id = matching(r"[A-Za-z0-9._-]{1,64}")


def no_name_before_the_host(value):
    host = re.split(r"[/?#]", value.split("://", 1)[1])[0]
    return len(value) <= 2000 and "@" not in host


PLAIN = r"[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]"
web_address = matching(rf"https?://[A-Za-z0-9\[]{PLAIN}*", no_name_before_the_host)
base_address = matching(
    rf"https://[A-Za-z0-9\[]{PLAIN}*",
    lambda value: no_name_before_the_host(value) and not re.search(r"[?#]|/$", value),
)


def orcid_fits(value):
    total = 0
    for character in value.replace("-", "")[:-1]:
        total = (total + int(character)) * 2
    return "0123456789X"[(12 - total % 11) % 11] == value[-1]


orcid = matching(r"([0-9]{4}-){3}[0-9]{3}[0-9X]", orcid_fits)


def distinct(inner):
    def form(value):
        listed(inner)(value)
        require(len(set(value)) == len(value), "something stands twice")

    return form


def proof_bytes(value):
    data = decoded(value)
    require(isinstance(value, str) and data is not None and len(data) <= 64 << 10, "no proof in base64")


PAYLOADS = {
    "author_attestation": {
        "claimant": line,
        "method": word,
        "orcid": nullable(orcid),
        "strength": one_of("weak", "strong"),
    },
    "timestamp_anchor": {
        "canonical_sha256": digest,
        "proof_type": constant("opentimestamps"),
        "proof_b64": proof_bytes,
        "status": one_of("pending", "confirmed"),
        "calendar_url": nullable(text),
        "block_height": nullable(whole(0, 2**32 - 1)),
    },
    "storage_attestation": {
        "archive": line,
        "url": web_address,
        "captured_at": seconds,
        "content_sha256": digest,
    },
    "citation_signature": {
        "relation": one_of(
            "supports", "refutes", "extends", "uses_method", "depends_on", "replaces", "compares", "cites"
        ),
        "cited_pith_number": pith_number,
        "claim_ids": distinct(claim_id),
    },
    "replication_record": {
        "kind": one_of("replication", "falsification", "formal_bridge"),
        "artefact_sha256": digest,
        "artefact_url": nullable(web_address),
        "formal_system": nullable(one_of("lean", "coq")),
        "claim_ids": distinct(claim_id),
    },
    "correction": {
        "corrected_event_id": nullable(event_id),
        "member": line,
        "replacement": anything,
        "reason": line,
    },
    "mirror_hint": {"mirror_type": constant("https"), "base_url": base_address, "name": line},
}
KNOWN_TYPES = {"record_created", "graph_snapshot", *PAYLOADS}


def payload_form(event):
    """The form that the type of an event asks of its payload, beyond being an object."""
    kind, payload, subject = event["event_type"], event["payload"], event["subject_pith_number"]
    if kind not in PAYLOADS:
        return
    record_of(PAYLOADS[kind], more=True)(payload)
    if kind == "author_attestation":
        require(payload["method"] != "orcid" or payload["orcid"] is not None, "the iD is missing")
    elif kind == "citation_signature":
        require(payload["cited_pith_number"] != subject, "a paper does not cite itself")
    elif kind == "replication_record":
        formal = payload["kind"] == "formal_bridge"
        require(formal == (payload["formal_system"] is not None), "a prover goes with a formal bridge")
    elif kind == "timestamp_anchor":
        stamped = payload["canonical_sha256"]
        require(suffix_of(stamped) == subject[10:], "another record is stamped")
        proof = Proof(decoded(payload["proof_b64"]))
        require((proof.file_hash, proof.digest.hex()) == (0x08, stamped), "the proof is of something else")
        height, calendar = payload["block_height"], payload["calendar_url"]
        if payload["status"] == "confirmed":
            require(height is not None and calendar is None, "a confirmed timestamp has a height")
            require(any(len(root) == 32 for root in proof.roots_at(height)), "no such block in the proof")
        else:
            require(height is None and calendar in proof.calendars(), "no such calendar in the proof")


# ---- Events [5] ----

SIGNATURE_FIELDS = {
    "signature_status": constant("signed_v1"),
    "algorithm": constant("ed25519"),
    "key_id": key_id,
    "public_key_fingerprint": fingerprint,
    "signature_b64": signature_bytes,
    "signed_at": micros,
}

EVENT_FIELDS = record_of(
    {
        "event_type": text,
        "subject_pith_number": pith_number,
        "target": text,
        "payload": record_of({}, more=True),
        "signer": record_of(
            {
                "signer_id": text,
                "signer_type": text,
                "key_id": key_id,
                "public_key_fingerprint": fingerprint,
            }
        ),
        "created_at": seconds,
        "supersedes": listed(event_id),
        "prev_event": nullable(event_id),
        "signature": record_of(
            {**SIGNATURE_FIELDS, "signed_message": constant("open_graph_event_sha256_bytes")}
        ),
        "content_sha256": digest,
        "schema_version": constant("1.0"),
        "event_id": event_id,
    }
)


def event(value):
    EVENT_FIELDS(value)
    payload = value["payload"]
    require(depth(payload) <= 100, "the payload nests too deep")
    if value["event_type"] == "record_created":
        record_of(CREATED_FIELDS)(payload)
    elif value["event_type"] == "graph_snapshot":
        record_of({"graph_snapshot": snapshot, "verdict_id": nullable(text)})(payload)


def content_digest(value):
    return digest_of(value, "signature", "content_sha256", "event_id")


def takes_target(kind, target):
    if kind not in KNOWN_TYPES:
        return True
    if kind == "graph_snapshot":
        return target == "graph"
    if kind == "correction":
        return target in ("record", "graph") or (target.startswith("claim:") and target != "claim:")
    return target == "record"


def fits(form, value):
    try:
        form(value)
        return True
    except Malformed:
        return False


def find_key(table, holder):
    """The key that a signer or a signature names: by its fingerprint, if the label agrees."""
    key = table.get(holder["public_key_fingerprint"])
    return key if key and key["key_id"] == holder["key_id"] else None


def invalid_reason(value, subject, table):
    """Why an event is not valid [7, step 2]; None if it is."""
    if not fits(event, value):
        return "shape"
    if value["subject_pith_number"] != subject:
        return "subject"
    if not takes_target(value["event_type"], value["target"]):
        return "target"
    if not fits(payload_form, value):
        return "form"
    content = content_digest(value)
    if (value["content_sha256"], value["event_id"]) != (content, f"sha256:{content}"):
        return "content_hash"
    signer, signature = value["signer"], value["signature"]
    if any(signer[name] != signature[name] for name in ("key_id", "public_key_fingerprint")):
        return "key_mismatch"
    key = find_key(table, signer)
    if key is None:
        return "unknown_key"
    if (key["signer_id"], key["signer_type"]) != (signer["signer_id"], signer["signer_type"]):
        return "signer"
    if not verifies(key["raw"], bytes.fromhex(content), decoded(signature["signature_b64"])):
        return "signature"
    if value["event_type"] in ("record_created", "graph_snapshot") and key["signer_type"] != REGISTRY:
        return "not_registry"
    if value["event_type"] == "record_created":
        return created_reason(value, table)
    return None


def created_reason(value, table):
    payload = value["payload"]
    created, issued = payload["canonical_record"], payload["receipt"]
    found = sha256(canonical(created))
    agrees = (
        payload["canonical_sha256"] == issued["canonical_sha256"] == found
        and number_of(created, found) == value["subject_pith_number"]
        and payload["source_id"] == created["source"]["id"]
        and payload["source_version"] == created["source"]["version"]
    )
    if not agrees:
        return "record"
    key = find_key(table, issued)
    holds = (
        key is not None
        and (key["signer_id"], key["signer_type"]) == (value["signer"]["signer_id"], REGISTRY)
        and verifies(key["raw"], bytes.fromhex(found), decoded(issued["signature_b64"]))
    )
    return None if holds else "receipt"


# ---- State and merge [7] ----

REASONS = """shape subject target form content_hash key_mismatch unknown_key signer signature not_registry
    record receipt""".split()
ARRAYS = {
    "graph_snapshot": "graph_snapshots",
    "author_attestation": "author_attestations",
    "timestamp_anchor": "timestamp_anchors",
    "storage_attestation": "storage_attestations",
    "citation_signature": "citation_signatures",
    "replication_record": "replication_records",
    "correction": "corrections",
    "mirror_hint": "mirror_hints",
}

entry = record_of(
    {"event_id": event_id, "target": text, "created_at": seconds, "signer": anything, "payload": anything}
)

state = record_of(
    {
        "state_type": constant("pith_open_graph_state"),
        "state_version": constant("1.0"),
        "pith_number": pith_number,
        "merge_version": constant(MERGE_VERSION),
        "event_count": count,
        "valid_event_count": count,
        "invalid_event_count": count,
        "equivocation_count": count,
        "current": record_of(
            {
                "canonical_record": anything,
                "source_aliases": listed(alias),
                **{array: listed(entry) for array in ARRAYS.values()},
                "record_created": nullable(entry),
            }
        ),
        "equivocations": listed(
            record_of(
                {
                    "signer_id": text,
                    "target": text,
                    "prev_event": nullable(event_id),
                    "event_ids": listed(event_id),
                }
            )
        ),
        "invalid_events": listed(
            record_of({"event_id": nullable(event_id), "reason": one_of(*REASONS)})
        ),
        "applied_event_ids": listed(event_id),
        "state_sha256": digest,
    }
)


def key_table(keys, registry_id):
    """Keys as bundles carry them: those without a signer of their own are the registry's [8]."""
    table = {}
    for key in keys:
        name = key["fingerprint_sha256_hex"]
        require(name not in table, "two keys have one fingerprint")
        table[name] = {
            "raw": raw_of(key),
            "key_id": key["key_id"],
            "signer_id": key.get("signer_id", registry_id),
            "signer_type": key.get("signer_type", REGISTRY),
        }
    return table


class Merged:
    """The merge of candidates about a subject under a key table."""

    def __init__(self, subject, candidates, aliases, table):
        self.subject = subject
        self.events, self.faults = {}, {}
        for candidate in candidates:
            self.take(candidate, table)
        self.link()
        self.contradictions()
        self.order()
        self.state = self.fold(aliases)

    def take(self, candidate, table):
        """Steps 1 and 2."""
        name = f"sha256:{content_digest(candidate)}" if isinstance(candidate, dict) else None
        reason = invalid_reason(candidate, self.subject, table)
        if reason is None:
            self.faults.pop(name, None)
            known = self.events.get(name)
            if known is None or canonical(candidate) < canonical(known):
                self.events[name] = candidate
        elif name not in self.events:
            self.faults[name] = min(self.faults.get(name, reason), reason, key=REASONS.index)

    def link(self):
        """Steps 3 and 4."""
        self.prev, self.superseded, self.dangling = {}, set(), []
        for name, value in self.events.items():
            if value["prev_event"] is not None:
                if self.may_follow(value, self.events.get(value["prev_event"])):
                    self.prev[name] = value["prev_event"]
                else:
                    self.dangling.append(name)
            for old in value["supersedes"]:
                if self.may_supersede(value, self.events.get(old)):
                    self.superseded.add(old)
                else:
                    self.dangling.append(name)

    @staticmethod
    def may_follow(value, named):
        return (
            named is not None
            and named["signer"]["signer_id"] == value["signer"]["signer_id"]
            and named["target"] == value["target"]
            and named["created_at"] <= value["created_at"]
        )

    @staticmethod
    def may_supersede(value, named):
        if named is None or named["target"] != value["target"] or named["created_at"] > value["created_at"]:
            return False
        if named["event_type"] == "record_created" and value["event_type"] != "record_created":
            return False
        signer = value["signer"]
        return signer["signer_type"] == REGISTRY or signer["signer_id"] == named["signer"]["signer_id"]

    def is_record(self, name):
        return self.events[name]["event_type"] == "record_created"

    def contradictions(self):
        """Step 5."""
        standing = sorted(set(self.events) - self.superseded)
        branches = {}
        for name in standing:
            if name in self.prev and not self.is_record(name):
                value = self.events[name]
                place = (value["signer"]["signer_id"], value["target"], self.prev[name])
                branches.setdefault(place, []).append(name)
        groups = [(*place, names) for place, names in branches.items() if len(names) > 1]
        records = [name for name in standing if self.is_record(name)]
        if len(records) > 1:
            groups.append((self.events[records[0]]["signer"]["signer_id"], "record", None, records))
        # None sorts before every text, and code points sort as their UTF-8 bytes do.
        self.groups = sorted(groups, key=lambda g: (g[0], g[1], g[2] is not None, g[2] or "", g[3]))

        kept = records[0] if len(records) > 1 else None
        self.excluded, waiting = set(), [name for *_, names in groups for name in names]
        while waiting:
            name = waiting.pop()
            if name == kept or name in self.excluded:
                continue
            self.excluded.add(name)
            waiting.extend(
                other for other, prev in self.prev.items() if prev == name and not self.is_record(other)
            )

    def order(self):
        """Step 6."""
        ranks = {"record_created": 0, "graph_snapshot": 1}
        left = {name for name in self.events if name not in self.excluded}
        self.applied = []
        while left:
            # An edge to an event that is left out holds nothing up.
            ready = [name for name in left if self.prev.get(name) not in left]
            least = min(
                ready,
                key=lambda n: (self.events[n]["created_at"], ranks.get(self.events[n]["event_type"], 2), n),
            )
            left.remove(least)
            self.applied.append(least)

    def in_bundle_order(self):
        return self.applied + sorted(set(self.events) - set(self.applied))

    def fold(self, aliases):
        """Steps 7 and 8."""
        current = {"canonical_record": None, "record_created": None}
        current.update({array: [] for array in ARRAYS.values()})
        earliest = {}
        for given in aliases:
            place = given["alias_kind"], given["alias_value"]
            earliest[place] = min(earliest.get(place, given["created_at"]), given["created_at"])
        for name in self.applied:
            value = self.events[name]
            if name in self.superseded:
                continue
            shown = {key: value[key] for key in ("event_id", "target", "created_at", "signer", "payload")}
            if self.is_record(name):
                current["record_created"] = shown
                current["canonical_record"] = value["payload"]["canonical_record"]
            elif value["event_type"] in ARRAYS:
                current[ARRAYS[value["event_type"]]].append(shown)
        if not earliest and current["canonical_record"] is not None:
            pairs = alias_pairs(current["canonical_record"], self.subject)
            earliest = {pair: current["record_created"]["created_at"] for pair in pairs}
        current["source_aliases"] = [
            {"alias_kind": kind, "alias_value": value, "created_at": earliest[kind, value]}
            for kind, value in sorted(earliest)
        ]
        invalid = sorted(self.faults.items(), key=lambda fault: (fault[0] is not None, fault[0] or ""))
        merged = {
            "state_type": "pith_open_graph_state",
            "state_version": "1.0",
            "pith_number": self.subject,
            "merge_version": MERGE_VERSION,
            "event_count": len(self.events) + len(invalid),
            "valid_event_count": len(self.events),
            "invalid_event_count": len(invalid),
            "equivocation_count": len(self.groups),
            "current": current,
            "equivocations": [
                {"signer_id": signer_id, "target": target, "prev_event": prev, "event_ids": names}
                for signer_id, target, prev, names in self.groups
            ],
            "invalid_events": [{"event_id": name, "reason": reason} for name, reason in invalid],
            "applied_event_ids": self.applied,
        }
        merged["state_sha256"] = sha256(canonical(merged))
        return merged


# ---- Bundle [8] ----

mirror_hint = record_of(
    {
        "mirror_type": constant("https"),
        "name": text,
        "base_url": text,
        "bundle_url": text,
        "state_url": text,
        "well_known_bundle_url": text,
        "status": text,
    }
)

bundle = record_of(
    {
        "bundle_type": constant("pith_open_graph_bundle"),
        "bundle_version": constant("1.0"),
        "pith_number": pith_number,
        "short_pith_number": short_number,
        "canonical_record": record,
        "canonical_sha256": digest,
        "source": record_of(RECORD_SOURCE),
        "source_aliases": listed(alias),
        "events": listed(event),
        "timestamp_proofs": listed(anything),
        "mirror_hints": listed(mirror_hint),
        "public_keys": listed(public_key),
        "merge_version": constant(MERGE_VERSION),
        "built_at": seconds,
        "links": record_of(
            {"resolver": text, "bundle": text, "state": text, "well_known_bundle": text}
        ),
        "state": state,
        "bundle_signature": record_of(
            {
                **SIGNATURE_FIELDS,
                "signed_message": constant("bundle_sha256_bytes"),
                "bundle_sha256": digest,
            }
        ),
    }
)

receipt_with_record = record_of(
    {
        **{name: nullable(form) for name, form in CREATED_FIELDS.items()},
        "canonical_record": record,
        "receipt": receipt,
        "pith_number": nullable(pith_number),
    },
    optional=(*(set(CREATED_FIELDS) - {"canonical_record", "receipt"}), "pith_number"),
)


def links_below(base, suffix):
    return {
        "resolver": f"{base}/pith/{suffix}",
        "bundle": f"{base}/pith/{suffix}/bundle.json",
        "state": f"{base}/pith/{suffix}/state.json",
        "well_known_bundle": f"{base}/.well-known/pith/{suffix}/bundle.json",
    }


# ---- Trust [9] ----

trusted_keys = record_of(
    {
        "keyset_type": constant("pith_bootstrap_keyset"),
        "schema_version": constant("1.0"),
        "keys": listed(
            record_of(
                {
                    "key": public_key,
                    "signer_id": nullable(text),
                    "signer_types": listed(text),
                    "status": one_of("next", "active", "retired", "revoked"),
                    "valid_from": nullable(seconds),
                    "valid_until": nullable(seconds),
                }
            )
        ),
    }
)


def trusted_entry(key):
    """The entry of a public key that a verifier was given by itself."""
    return {
        "key": key,
        "signer_id": key.get("signer_id"),
        "signer_types": [key.get("signer_type", REGISTRY)],
        "status": "active",
        "valid_from": None,
        "valid_until": None,
    }


class Policy:
    """What a verifier brings along."""

    def __init__(self, keys=(), now="9999-12-31T23:59:59Z", at=None, expect=None, headers=None):
        self.keys, self.now, self.at, self.expect = list(keys), now, at, expect
        self.headers = headers or {}


class Report:
    """Codes of the checks that failed, that lack trust, and that are worth a note."""

    def __init__(self):
        self.failed, self.untrusted, self.notes = set(), set(), set()

    def check(self, holds, code):
        if not holds:
            self.failed.add(code)

    @property
    def verdict(self):
        return "bad" if self.failed else "untrusted" if self.untrusted else "ok"

    @property
    def codes(self):
        return sorted(self.failed or self.untrusted)


CODE_OF = {
    "shape": "event.shape",
    "subject": "event.subject",
    "target": "event.target",
    "form": "event.form",
    "content_hash": "event.content",
    "key_mismatch": "event.key",
    "unknown_key": "event.key",
    "signer": "event.key",
    "signature": "event.signature",
    "not_registry": "event.registry",
    "record": "event.record",
    "receipt": "receipt.signature",
}


def judge_signature(report, policy, raw, label, signer_id, signer_type, time, decides=True):
    """Whether a sound signature is by a key that the verifier trusts."""
    code = "key.trust" if signer_type == REGISTRY else "key.foreign"
    refused = report.untrusted if decides else report.notes
    entries = [entry for entry in policy.keys if raw_of(entry["key"]) == raw]

    def speaks(entry):
        named = entry["signer_id"]
        return (
            entry["key"]["key_id"] == label
            and (named == signer_id if named is not None else signer_id not in PROTECTED_IDS)
            and signer_type in entry["signer_types"]
        )

    speaking = [entry for entry in entries if speaks(entry)]
    if not speaking:
        refused.add(code)
        return
    if time is not None:
        if policy.at is not None and time > policy.at:
            refused.add("time.future")
            return
        if policy.at is None and time > policy.now:
            report.notes.add("time.future")
        for entry in speaking:
            early = entry["valid_from"] is not None and time < entry["valid_from"]
            late = entry["valid_until"] is not None and time > entry["valid_until"]
            if early or late:
                refused.add("key.window")
                return
    if any(entry["status"] == "next" for entry in entries):
        refused.add("key.window")
    elif any(entry["status"] == "revoked" for entry in entries):
        refused.add("key.revoked")


def judge_statement(report, policy, value):
    """What an event says that is not known, and where its timestamp leads."""
    kind, payload = value["event_type"], value["payload"]
    if kind not in KNOWN_TYPES:
        report.notes.add("event.unknown")
    if kind not in PAYLOADS or not fits(payload_form, value):
        return
    if set(payload) - set(PAYLOADS[kind]):
        report.notes.add("event.unknown")
    if kind == "timestamp_anchor":
        header = policy.headers.get(payload["block_height"])
        if payload["status"] == "pending" or header is None:
            report.notes.add("timestamp.proof")
        else:
            roots = Proof(decoded(payload["proof_b64"])).roots_at(payload["block_height"])
            report.check(header_root(header) in roots, "timestamp.proof")


def judge_bundle(value, policy):
    report = Report()
    created = value["canonical_record"]
    found = sha256(canonical(created))
    number = number_of(created, found)
    suffix = value["pith_number"][10:]
    report.check(value["canonical_sha256"] == found, "record.digest")
    report.check(value["pith_number"] == number, "record.number")
    report.check(value["short_pith_number"] == f"pith:{number[10:18]}", "record.number")
    report.check(value["source"] == created["source"], "record.number")
    pairs = [(given["alias_kind"], given["alias_value"]) for given in value["source_aliases"]]
    report.check(pairs == alias_pairs(created, number), "record.aliases")

    own_keys = {k["fingerprint_sha256_hex"] for k in value["public_keys"] if "signer_id" not in k}
    speakers = (e["signer"] for e in value["events"] if e["signer"]["public_key_fingerprint"] in own_keys)
    registry_id = next((signer["signer_id"] for signer in speakers), "")
    try:
        table = key_table(value["public_keys"], registry_id)
    except Malformed:
        report.failed.add("bundle.keys")
    else:
        judge_events(report, value, table)
        judge_keys(report, value, registry_id)

    for item in value["events"]:
        payload = item["payload"]
        if item["event_type"] == "record_created":
            issued = payload["receipt"]
            in_order = issued["first_computed_at"] <= issued["last_reissued_at"]
            dated = item["created_at"] == issued["last_reissued_at"][:19] + "Z"
            report.check(in_order and dated, "receipt.times")
        elif item["event_type"] == "graph_snapshot":
            judge_snapshot(report, payload["graph_snapshot"], created)
        else:
            judge_statement(report, policy, item)

    resolver, end = value["links"]["resolver"], f"/pith/{suffix}"
    base = resolver.removesuffix(end)
    report.check(resolver.endswith(end) and value["links"] == links_below(base, suffix), "bundle.links")
    for hint in value["mirror_hints"]:
        below = links_below(hint["base_url"], suffix)
        stated = (hint["bundle_url"], hint["state_url"], hint["well_known_bundle_url"])
        report.check(stated == (below["bundle"], below["state"], below["well_known_bundle"]), "bundle.links")

    signature, whole_digest = value["bundle_signature"], digest_of(value, "bundle_signature")
    report.check(signature["bundle_sha256"] == whole_digest, "bundle.hash")
    name = signature["public_key_fingerprint"]
    key = next((k for k in value["public_keys"] if k["fingerprint_sha256_hex"] == name), None)
    report.check(
        key is not None
        and key["key_id"] == signature["key_id"]
        and "signer_id" not in key
        and verifies(raw_of(key), bytes.fromhex(whole_digest), decoded(signature["signature_b64"])),
        "bundle.signature",
    )
    of_registry = [e["created_at"] for e in value["events"] if e["signer"]["signer_type"] == REGISTRY]
    report.check(all(time <= value["built_at"] for time in of_registry), "bundle.built-at")
    # A time to the second compares as its beginning.
    report.check(signature["signed_at"][:19] >= value["built_at"][:19], "bundle.signed-at")
    report.check(policy.expect in (None, value["pith_number"]), "number.expected")
    if not report.failed:
        judge_trust(report, policy, value, registry_id)
    return report


def judge_events(report, value, table):
    merged = Merged(value["pith_number"], value["events"], value["source_aliases"], table)
    for reason in merged.faults.values():
        report.failed.add(CODE_OF[reason])
    stated = [item["event_id"] for item in value["events"]]
    report.check(stated == merged.in_bundle_order(), "bundle.events")
    if merged.dangling:
        report.notes.add("events.dangling")
    if merged.groups:
        report.notes.add("events.equivocation")

    anchors = merged.state["current"]["timestamp_anchors"]
    proofs = [
        {**{name: anchor["payload"][name] for name in PAYLOADS["timestamp_anchor"]}, "event_id": anchor["event_id"]}
        for anchor in anchors
    ]
    named = [p for p in value["timestamp_proofs"] if isinstance(p, dict) and "event_id" in p]
    report.check(canonical(named) == canonical(proofs), "bundle.proofs")
    if len(named) < len(value["timestamp_proofs"]):
        report.notes.add("bundle.proofs")

    report.check(canonical(value["state"]) == canonical(merged.state), "state.replay")
    shown = merged.state["current"]["canonical_record"]
    report.check(canonical(shown) == canonical(value["canonical_record"]), "state.replay")


def judge_keys(report, value, registry_id):
    signature = value["bundle_signature"]
    own = signature["key_id"], signature["public_key_fingerprint"]
    used = set()
    for item in value["events"]:
        holders = [item["signer"]]
        if item["event_type"] == "record_created":
            holders.append(item["payload"]["receipt"])
        used.update((holder["key_id"], holder["public_key_fingerprint"]) for holder in holders)
    found = [(key["key_id"], key["fingerprint_sha256_hex"]) for key in value["public_keys"]]
    report.check(found == [own, *sorted(used - {own})], "bundle.keys")
    for key in value["public_keys"]:
        borrowed = key.get("signer_type") == REGISTRY or key.get("signer_id") == registry_id
        report.check("signer_id" not in key or not borrowed, "bundle.keys")


def judge_snapshot(report, shown, created):
    paper, metadata = shown["paper"], created["metadata"]
    excerpt = paper["abstract_excerpt"]
    excerpt_digest = sha256(canonical_text(excerpt).encode())
    source = {name: shown["source"][name] for name in RECORD_SOURCE}
    agrees = (
        sha256(canonical_text(paper["title"]).encode()) == metadata["title_canon_sha256"]
        and paper["license"] == metadata["license"]
        and paper["primary_cat"] == metadata["primary_cat"]
        and paper["cross_cats"] == metadata["cross_cats_sorted"]
        and paper["submitted_at"] == metadata["submitted_at"]
        and source == created["source"]
        and (len(excerpt) >= 600 or excerpt_digest == metadata["abstract_canon_sha256"])
    )
    report.check(agrees, "snapshot.paper")
    for section, counted, items in (
        ("claims", "count", "items"),
        ("references", "count", "sample"),
        ("formal_canon", "evidence_count", None),
        ("author_claims", "count", None),
    ):
        part = shown[section]
        if part[counted] == 0:
            empty = not part.get(items) if items else True
            report.check(empty and part["snapshot_sha256"] == EMPTY_LIST, "snapshot.lists")


def judge_trust(report, policy, value, registry_id):
    keys = {key["fingerprint_sha256_hex"]: raw_of(key) for key in value["public_keys"]}
    signature = value["bundle_signature"]
    raw = keys[signature["public_key_fingerprint"]]
    judge_signature(report, policy, raw, signature["key_id"], registry_id, REGISTRY, value["built_at"])
    for item in value["events"]:
        signer, time = item["signer"], item["created_at"]
        raw = keys[signer["public_key_fingerprint"]]
        names = signer["signer_id"], signer["signer_type"]
        judge_signature(report, policy, raw, signer["key_id"], *names, time, names[1] == REGISTRY)
        if item["event_type"] == "record_created":
            issued = item["payload"]["receipt"]
            name = issued["public_key_fingerprint"]
            if name != signer["public_key_fingerprint"]:
                judge_signature(report, policy, keys[name], issued["key_id"], names[0], REGISTRY, time)


def judge_event(value, policy):
    """An event on its own, under the trusted key that it names."""
    report = Report()
    subject, signer = value["subject_pith_number"], value["signer"]
    report.check(policy.expect in (None, subject), "number.expected")
    table = {}
    for trusted in policy.keys:
        name = trusted["key"]["fingerprint_sha256_hex"]
        own = name == signer["public_key_fingerprint"]
        named, kinds = trusted["signer_id"], trusted["signer_types"]
        table.setdefault(
            name,
            {
                "raw": raw_of(trusted["key"]),
                "key_id": trusted["key"]["key_id"],
                # For whom its own key may speak is a question of trust, and asked below.
                "signer_id": signer["signer_id"] if own or named is None else named,
                "signer_type": signer["signer_type"] if own or not kinds else kinds[0],
            },
        )
    reason = invalid_reason(value, subject, table)
    if reason in (None, "unknown_key"):
        judge_statement(report, policy, value)
    if reason == "unknown_key":
        report.untrusted.add("key.trust")
    elif reason is not None:
        report.failed.add(CODE_OF[reason])
    elif report.verdict == "ok":
        raw = find_key(table, signer)["raw"]
        names = signer["signer_id"], signer["signer_type"]
        judge_signature(report, policy, raw, signer["key_id"], *names, value["created_at"])
    return report


def judge_receipt(value, policy):
    """A record with its receipt."""
    report = Report()
    created, issued = value["canonical_record"], value["receipt"]
    found = sha256(canonical(created))
    number = number_of(created, found)
    report.check(issued["canonical_sha256"] == found, "record.digest")
    report.check(value.get("canonical_sha256") in (None, found), "record.digest")
    report.check(value.get("pith_number") in (None, number), "record.number")
    report.check(value.get("source_id") in (None, created["source"]["id"]), "record.number")
    report.check(value.get("source_version") in (None, created["source"]["version"]), "record.number")
    report.check(issued["first_computed_at"] <= issued["last_reissued_at"], "receipt.times")
    report.check(policy.expect in (None, number), "number.expected")
    name = issued["public_key_fingerprint"]
    known = (entry for entry in policy.keys if entry["key"]["fingerprint_sha256_hex"] == name)
    trusted = next(known, None)
    if trusted is None:
        report.untrusted.add("key.trust")
        return report
    raw = raw_of(trusted["key"])
    if verifies(raw, bytes.fromhex(found), decoded(issued["signature_b64"])):
        # A receipt names no signer, so the key speaks for whom the list says.
        names = trusted["signer_id"] or "", REGISTRY
        judge_signature(report, policy, raw, issued["key_id"], *names, None)
        report.notes.add("receipt.times")
    else:
        report.failed.add("receipt.signature")
    return report


def judge_state(value, policy):
    """A state on its own, which nobody has signed."""
    report = Report()
    report.check(value["state_sha256"] == digest_of(value, "state_sha256"), "state.hash")
    report.check(policy.expect in (None, value["pith_number"]), "number.expected")
    report.untrusted.add("state.unsigned")
    return report


def kind_of(value):
    """What kind of document a value is, by its members."""
    if not isinstance(value, dict):
        return None
    if "bundle_type" in value:
        return "bundle"
    if "state_type" in value:
        return "state"
    if "keyset_type" in value:
        return "keyset"
    if "event_type" in value:
        return "event"
    if "receipt" in value and "canonical_record" in value:
        return "receipt"
    return None


JUDGES = {
    "bundle": (bundle, judge_bundle),
    "event": (event, judge_event),
    "receipt": (receipt_with_record, judge_receipt),
    "state": (state, judge_state),
}


def judge(data, policy):
    """The kind of a document and the report on it."""
    report, kind = Report(), None
    try:
        value = read(data)
        kind = kind_of(value)
        require(kind in JUDGES, "no kind of document that is known here")
        form, judge_one = JUDGES[kind]
        form(value)
    except Malformed:
        report.failed.add("document.shape")
        return kind, report
    return kind, judge_one(value, policy)
