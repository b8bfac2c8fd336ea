"""Judging whole documents: bundles, events, states, records with their receipts [8]."""

from .forms import (
    Malformed,
    anything,
    canonical,
    constant,
    decoded,
    digest,
    digest_of,
    listed,
    nullable,
    pith_number,
    read,
    record_of,
    require,
    seconds,
    sha256,
    short_number,
    text,
)
from .keys import REGISTRY, public_key, raw_of, verifies
from .records import (
    CREATED_FIELDS,
    RECORD_SOURCE,
    alias,
    alias_pairs,
    canonical_text,
    number_of,
    receipt,
    record,
)
from .timestamps import Proof, header_root
from .events import (
    KNOWN_TYPES,
    PAYLOADS,
    SIGNATURE_FIELDS,
    event,
    find_key,
    fits,
    invalid_reason,
    payload_form,
)
from .merge import MERGE_VERSION, Merged, key_table, state
from .keysets import judge_keyset, keyset
from .trust import CODE_OF, Report, judge_signature, trusted_keys

EMPTY_LIST = "258153158e38e3291e3d48162225fcdb2d5a3ed65a07baac614ab91432fd4f57"

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
    time, covered = value["built_at"], signature["bundle_sha256"]
    judge_signature(report, policy, raw, signature["key_id"], registry_id, REGISTRY, time, covered)
    for item in value["events"]:
        signer, time = item["signer"], item["created_at"]
        raw = keys[signer["public_key_fingerprint"]]
        names = signer["signer_id"], signer["signer_type"]
        covered, decides = item["content_sha256"], names[1] == REGISTRY
        judge_signature(report, policy, raw, signer["key_id"], *names, time, covered, decides)
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
        time, covered = value["created_at"], value["content_sha256"]
        judge_signature(report, policy, raw, signer["key_id"], *names, time, covered)
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


def keyset_file(value):
    """A keyset, or a list of keys."""
    (keyset if value["keyset_type"] == "pith_keyset" else trusted_keys)(value)


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
    "keyset": (keyset_file, lambda value, policy: judge_keyset(Report(), value, policy)),
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
