"""What a verifier trusts, and what it finds of signatures [9]."""

from .forms import constant, listed, nullable, one_of, record_of, seconds, text
from .keys import REGISTRY, public_key, raw_of

# Names that a key which is trusted without a name does not speak for.
PROTECTED_IDS = {"pith.science"}

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

    def __init__(self, keys=(), now="9999-12-31T23:59:59Z", at=None, expect=None, headers=None, keyset=None):
        self.keys, self.now, self.at, self.expect = list(keys), now, at, expect
        self.headers, self.keyset = headers or {}, keyset
        if keyset is not None:
            self.keys += keyset.entries()


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


def judge_signature(report, policy, raw, label, signer_id, signer_type, time, covered=None, decides=True):
    """Whether a sound signature, of the event or bundle with the digest `covered`, is by a trusted key."""
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
        return
    for entry in entries:
        if entry["status"] == "revoked":
            standing = entry.get("keyset")
            if standing is None or covered is None or not standing.knows(entry, covered):
                refused.add("key.revoked")
                return
            report.notes.add("key.revoked")
    for entry in speaking:
        if "keyset" in entry:
            refusal, notes = entry["keyset"].words(time, policy)
            report.notes |= notes
            if refusal:
                refused.add(refusal)
                return
