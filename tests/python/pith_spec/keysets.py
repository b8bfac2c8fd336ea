"""Keysets: their rules, the step from one to the next, and what they say of signatures [docs/KEYSET.md]."""

import calendar
import hashlib
import os
import time

from .forms import (
    Malformed,
    canonical,
    constant,
    count,
    decoded,
    digest,
    digest_of,
    fingerprint,
    key_id,
    listed,
    nullable,
    one_of,
    record_of,
    require,
    seconds,
    signature_bytes,
    text,
    whole,
)
from .keys import REGISTRY, fingerprint_of, is_strong_point, public_key, raw_of, verifies

u32 = whole(0, 2**32 - 1)

CUSTODIAN_FIELDS = record_of(
    {
        "kind": constant("pith_custodian_key"),
        "schema_version": constant("1.0"),
        "key_id": key_id,
        "algorithm": constant("ed25519"),
        "format": constant("raw"),
        "public_key_b64": text,
        "fingerprint_sha256_hex": fingerprint,
    }
)


def custodian(value):
    """The public half of a custodian's key."""
    CUSTODIAN_FIELDS(value)
    raw = decoded(value["public_key_b64"], 32)
    require(raw is not None and is_strong_point(raw), "no key")
    require(fingerprint_of(raw) == value["fingerprint_sha256_hex"], "the fingerprint is another key's")


def custodian_raw(value):
    return decoded(value["public_key_b64"], 32)


keyset = record_of(
    {
        "keyset_type": constant("pith_keyset"),
        "schema_version": constant("1.0"),
        "registry_id": text,
        "version": u32,
        "previous": nullable(digest),
        "created_at": seconds,
        "expires_at": seconds,
        "rehearsal": lambda value: require(isinstance(value, bool), "neither true nor false"),
        "emergency": nullable(text),
        "policy": record_of({"publish_safety_seconds": u32, "retire_safety_seconds": u32}),
        "custodians": record_of({"threshold": u32, "keys": listed(custodian)}),
        "keys": listed(
            record_of(
                {
                    "key": public_key,
                    "signer_id": text,
                    "signer_types": listed(text),
                    "status": one_of("next", "active", "retired", "revoked"),
                    "published_at": seconds,
                    "valid_from": nullable(seconds),
                    "valid_until": nullable(seconds),
                    "possession_b64": signature_bytes,
                    "revocation": nullable(record_of({"reason": text, "at": seconds})),
                    "signed": nullable(record_of({"count": count, "merkle_root": digest})),
                }
            )
        ),
        "signatures": listed(
            record_of(
                {"key_id": key_id, "public_key_fingerprint": fingerprint, "signature_b64": signature_bytes}
            )
        ),
    }
)


def keyset_digest(value):
    return digest_of(value, "signatures")


def custodians_of(value):
    return {custodian_raw(key): key["key_id"] for key in value["custodians"]["keys"]}


def approved(value, by):
    """Whether a threshold of the custodians of `by` has signed `value`; a key counts once."""
    message = b"pith-keyset-v1\0" + canonical({k: v for k, v in value.items() if k != "signatures"})
    signatures = {}
    for signature in value["signatures"]:
        signatures.setdefault(signature["public_key_fingerprint"], signature["signature_b64"])
    signed = 0
    for raw in custodians_of(by):
        signature = signatures.get(fingerprint_of(raw))
        signed += signature is not None and verifies(raw, message, decoded(signature))
    return signed >= by["custodians"]["threshold"] > 0


def signatures_fit(value, previous=None):
    """Whether every signature is a custodian's, each once, and there are enough."""
    message = b"pith-keyset-v1\0" + canonical({k: v for k, v in value.items() if k != "signatures"})
    keys, names = {}, set()
    for held in filter(None, (previous, value)):
        for key in held["custodians"]["keys"]:
            raw = custodian_raw(key)
            keys[fingerprint_of(raw)] = raw
            names.add((fingerprint_of(raw), key["key_id"]))
    seen = set()
    for signature in value["signatures"]:
        name = signature["public_key_fingerprint"]
        if name in seen:
            return False
        seen.add(name)
        if name in keys:
            holds = verifies(keys[name], message, decoded(signature["signature_b64"]))
            if (name, signature["key_id"]) not in names or not holds:
                return False
        elif previous is not None or value["version"] == 1:
            return False
    return approved(value, value) and (previous is None or approved(value, previous))


def ended(entry):
    return entry["status"] in ("retired", "revoked")


def key_fits(value, entry):
    """The rules that a version keeps towards one of its keys."""
    key = entry["key"]
    statement = {
        "registry_id": value["registry_id"],
        "key_id": key["key_id"],
        "public_key_hex": key["public_key_hex"],
    }
    possession = b"pith-possession-v1\0" + canonical(statement)
    begins = entry["valid_from"] or entry["published_at"]
    ends = entry["valid_until"] or value["created_at"]
    revocation = entry["revocation"]
    return (
        entry["signer_id"] == value["registry_id"]
        and entry["signer_types"] == [REGISTRY]
        and "signer_id" not in key
        and verifies(raw_of(key), possession, decoded(entry["possession_b64"]))
        and (entry["valid_until"] is not None) == ended(entry)
        and not (entry["status"] == "next" and entry["valid_from"] is not None)
        and not (value["version"] == 1 and entry["published_at"] != value["created_at"])
        and entry["published_at"] <= begins <= ends <= value["created_at"]
        and (revocation is not None) == (entry["status"] == "revoked")
        and (revocation is None or revocation["at"] <= value["created_at"] and revocation["reason"].strip())
        and (entry["signed"] is not None) == ended(entry)
    )


def content_fits(value):
    """The rules that a version keeps by itself, signatures aside."""
    custodians, entries = value["custodians"]["keys"], value["keys"]
    names = [key["key_id"] for key in custodians] + [entry["key"]["key_id"] for entry in entries]
    raws = [custodian_raw(key) for key in custodians] + [raw_of(entry["key"]) for entry in entries]
    active = sum(entry["status"] == "active" for entry in entries)
    return (
        value["version"] >= 1
        and (value["version"] == 1) == (value["previous"] is None)
        and value["created_at"] < value["expires_at"]
        and 1 <= value["custodians"]["threshold"] <= len(custodians)
        and len(set(names)) == len(names)
        and len(set(raws)) == len(raws)
        and active == (0 if value["emergency"] is not None else 1)
        and all(key_fits(value, entry) for entry in entries)
    )


def keeps_rules(value):
    return content_fits(value) and signatures_fit(value)


def unix(moment):
    return calendar.timegm(time.strptime(moment, "%Y-%m-%dT%H:%M:%SZ"))


def waited(value, previous, since, window):
    """Whether the longest such window of both versions is over since then."""
    return unix(value["created_at"]) >= unix(since) + max(v["policy"][window] for v in (value, previous))


def kept_fits(value, previous, earlier, entry):
    """A key that the version before holds too."""
    ranks = ("next", "active", "retired", "revoked")
    before, now = earlier["status"], entry["status"]
    fixed = ("key", "signer_id", "signer_types", "published_at", "possession_b64")
    begins = (before, now) == ("next", "active")
    starts = value["created_at"] if begins else earlier["valid_from"]
    ends = earlier["valid_until"] or (value["created_at"] if ended(entry) else None)
    revoked_now = earlier["revocation"] is None and entry["revocation"] is not None
    counted, recounted = earlier["signed"], entry["signed"]
    same_count = not (counted and recounted) or counted == recounted
    return (
        all(earlier[name] == entry[name] for name in fixed)
        and ranks.index(now) >= ranks.index(before)
        and (before, now) != ("next", "retired")
        and (entry["valid_from"], entry["valid_until"]) == (starts, ends)
        and (not begins or waited(value, previous, earlier["published_at"], "publish_safety_seconds"))
        and (not revoked_now or entry["revocation"]["at"] == value["created_at"])
        and (earlier["revocation"] in (None, entry["revocation"]))
        and (same_count or revoked_now and recounted["count"] >= counted["count"])
    )


def follows(value, previous):
    """Whether a version follows directly from the one before, which the verifier trusts."""
    before = {entry["key"]["key_id"]: entry for entry in previous["keys"]}
    now = {entry["key"]["key_id"]: entry for entry in value["keys"]}
    for name, entry in now.items():
        if name in before:
            if not kept_fits(value, previous, before[name], entry):
                return False
        elif entry["status"] != "next" or entry["published_at"] != value["created_at"]:
            return False
    for name, earlier in before.items():
        if name in now:
            continue
        revocation = earlier["revocation"]
        since = earlier["valid_until"] and max(earlier["valid_until"], revocation["at"] if revocation else "")
        if not since or not waited(value, previous, since, "retire_safety_seconds"):
            return False
    roles = {raw: None for raw in custodians_of(previous)}
    roles.update({raw_of(entry["key"]): name for name, entry in before.items()})
    raws = {name: raw_of(entry["key"]) for name, entry in before.items()}
    for raw, name in custodians_of(value).items():
        if roles.get(raw) is not None or raws.get(name, raw) != raw:
            return False
    for name, entry in now.items():
        raw = raw_of(entry["key"])
        if roles.get(raw, name) != name or raws.get(name, raw) != raw:
            return False
    return (
        content_fits(value)
        and value["version"] == previous["version"] + 1
        and value["previous"] == keyset_digest(previous)
        and value["registry_id"] == previous["registry_id"]
        and value["created_at"] > previous["created_at"]
        and value["rehearsal"] == previous["rehearsal"]
        and signatures_fit(value, previous)
    )


def judge_keyset(report, value, policy):
    """A keyset as a document, or a home's own list, which nobody has signed."""
    if value["keyset_type"] != "pith_keyset":
        report.untrusted.add("keyset.chain")
        return report
    if not keeps_rules(value):
        report.failed.add("keyset.rules")
        return report
    held = policy.keyset and policy.keyset.document
    if held is None or held["registry_id"] != value["registry_id"]:
        report.untrusted.add("keyset.chain")
    elif keyset_digest(held) != keyset_digest(value) and not follows(value, held):
        report.untrusted.add("keyset.chain")
    at = policy.at or policy.now
    if at < value["created_at"]:
        report.untrusted.add("time.future")
    if at > value["expires_at"]:
        report.notes.add("keyset.expired")
    if value["rehearsal"]:
        report.notes.add("keyset.rehearsal")
    return report


def merkle_root(leaves):
    """The Merkle tree hash of RFC 6962."""
    if len(leaves) < 2:
        return hashlib.sha256(b"\0" + leaves[0]).digest() if leaves else hashlib.sha256().digest()
    left = 1
    while left * 2 < len(leaves):
        left *= 2
    inner = merkle_root(leaves[:left]) + merkle_root(leaves[left:])
    return hashlib.sha256(b"\1" + inner).digest()


class Standing:
    """A keyset that a verifier trusts, and the folder with what its ended keys have signed."""

    def __init__(self, document, logs):
        keyset(document)
        require(keeps_rules(document), "the keyset breaks its rules")
        self.document, self.logs = document, logs

    def entries(self):
        names = ("key", "signer_id", "signer_types", "status", "valid_from", "valid_until")
        return [{**{n: key[n] for n in names}, "keyset": self} for key in self.document["keys"]]

    def words(self, moment, policy):
        """What it says of a signature of its keys: (refusal or None, notes)."""
        at, expires = policy.at or policy.now, self.document["expires_at"]
        notes = set()
        if at < self.document["created_at"]:
            return "time.future", notes
        if moment is not None and moment > expires:
            return "keyset.expired", notes
        if at > expires:
            if moment is None:
                return "keyset.expired", notes
            notes.add("keyset.expired")
        if self.document["rehearsal"]:
            notes.add("keyset.rehearsal")
        return None, notes

    def knows(self, entry, covered):
        """Whether a revoked key is known to have signed this before."""
        name = entry["key"]["key_id"]
        held = next(key for key in self.document["keys"] if key["key"]["key_id"] == name)
        try:
            with open(os.path.join(self.logs, f"{name}.leaves"), encoding="ascii") as file:
                lines = file.read().split("\n")
            require(lines.pop() == "", "the last line has no end")
            for line in lines:
                digest(line)
            root = merkle_root([bytes.fromhex(line) for line in lines]).hex()
        except (OSError, ValueError, Malformed):
            return False
        return held["signed"] == {"count": len(lines), "merkle_root": root} and covered in lines
