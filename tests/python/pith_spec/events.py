"""Events: what their payloads say, and which are valid [5, 7]."""

import re

from .forms import (
    Malformed,
    anything,
    canonical,
    constant,
    decoded,
    depth,
    digest,
    digest_of,
    event_id,
    fingerprint,
    key_id,
    listed,
    matching,
    micros,
    nullable,
    one_of,
    pith_number,
    record_of,
    require,
    seconds,
    sha256,
    signature_bytes,
    text,
    whole,
)
from .keys import REGISTRY, verifies
from .records import CREATED_FIELDS, number_of, snapshot, suffix_of
from .timestamps import Proof

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


# Events.

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
