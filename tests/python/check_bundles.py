#!/usr/bin/env python3
"""Check that bundles are what a mint of this toolkit writes, with Python alone.

usage: check_bundles.py [--papers SNAPSHOT.jsonl] BUNDLES...

A file named *.json holds one bundle in its wire form; any other file, and `-` (standard input),
holds one bundle a line. *.gz is decompressed. For zstd: `zstd -dc X | check_bundles.py -`.

Each bundle must be sound, as pith_spec.py judges it from docs/SPEC.md: digests, numbers, signatures,
forms and the merged state. Besides, it must have the wire form, the order of keys on the wire, and what
a mint of this toolkit writes where the protocol leaves a choice. With --papers, which takes metadata in
the Kaggle arXiv format, it also derives the record and the snapshot's paper anew.

It asks whether bundles are right, not whether they are trusted. Exits with 1 if anything fails or if
there was no bundle.
"""

import argparse
import email.utils
import gzip
import json
import re
import sys
from datetime import timezone

import pith_spec as spec

BUILDER = "pith-number-builder-2026-05-17-v1"
KEY_NOTES = (
    "Pith uses this Ed25519 key to sign canonical record SHA-256 digests. Verify with: "
    "ed25519_verify(public_key, message=canonical_sha256_bytes, signature=base64decode(signature_b64))."
)

# The order of keys on the wire, written out by hand.
BUNDLE = """bundle_type bundle_version pith_number short_pith_number canonical_record canonical_sha256
    source source_aliases events timestamp_proofs mirror_hints public_keys merge_version built_at links
    state bundle_signature""".split()
BUNDLE_SOURCE = ["kind", "id", "version"]
RECORD = ["source", "metadata", "schema_version"]
RECORD_SOURCE = ["id", "kind", "version"]
METADATA = """license primary_cat submitted_at cross_cats_sorted title_canon_sha256
    abstract_canon_sha256""".split()
ALIAS = ["alias_kind", "alias_value", "created_at"]
EVENT = """event_type subject_pith_number target payload signer created_at supersedes prev_event
    signature content_sha256 schema_version event_id""".split()
SIGNER = ["signer_id", "signer_type", "key_id", "public_key_fingerprint"]
SIGNATURE = """signature_status algorithm key_id public_key_fingerprint signature_b64 signed_message
    signed_at""".split()
CREATED_PAYLOAD = """canonical_record canonical_sha256 receipt source_kind source_id source_version
    attestation_state""".split()
SNAPSHOT_PAYLOAD = ["graph_snapshot", "verdict_id"]
RECEIPT = """kind key_id algorithm signed_at signature_b64 signed_message builder_version
    receipt_version canonical_sha256 last_reissued_at signature_status first_computed_at
    public_key_fingerprint""".split()
SNAPSHOT = {
    "paper": """title license headline cross_cats primary_cat authors_text submitted_at
        abstract_excerpt""".split(),
    "claims": ["count", "items", "snapshot_sha256"],
    "source": ["id", "kind", "version"],
    "verdict": """id model_set created_at strongest_claim one_line_summary pipeline_version
        weakest_assumption pith_extraction_headline""".split(),
    "references": "count sample resolved_work snapshot_sha256 internal_anchors".split(),
    "formal_canon": ["evidence_count", "snapshot_sha256"],
    "author_claims": ["count", "strong_count", "snapshot_sha256"],
    "builder_version": None,
}
CLAIM = ["kind", "text", "source", "status", "claim_id", "attestation"]
MIRROR = """mirror_type name base_url bundle_url state_url well_known_bundle_url status""".split()
PUBLIC_KEY = """key_id algorithm format public_key_b64 public_key_hex
    fingerprint_sha256_b32_first128bits fingerprint_sha256_hex rotates_at url notes""".split()
LINKS = ["resolver", "bundle", "state", "well_known_bundle"]
STATE = """state_type state_version pith_number merge_version event_count valid_event_count
    invalid_event_count equivocation_count current equivocations invalid_events applied_event_ids
    state_sha256""".split()
CURRENT = """canonical_record source_aliases graph_snapshots author_attestations timestamp_anchors
    storage_attestations citation_signatures replication_records corrections mirror_hints
    record_created""".split()
ENTRY = ["event_id", "target", "created_at", "signer", "payload"]
GROUP = ["signer_id", "target", "prev_event", "event_ids"]


def wire(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


class Check:
    """A bundle that is sound; `failures` collects a line for each thing that a mint writes otherwise."""

    def __init__(self, bundle, papers):
        self.bundle = bundle
        self.papers = papers
        self.failures = []

    def same(self, what, found, expected):
        if found != expected or type(found) is not type(expected):
            self.failures.append(f"{what}: expected {short(expected)}, found {short(found)}")

    def true(self, what, holds):
        if not holds:
            self.failures.append(what)

    def keys(self, what, value, expected):
        self.same(f"{what}: keys", list(value), expected)

    def sorted_keys(self, what, value):
        self.same(f"{what}: wire form", wire(value), spec.canonical(value).decode())

    def run(self):
        bundle = self.bundle
        self.keys("bundle", bundle, BUNDLE)
        self.keys("source", bundle["source"], BUNDLE_SOURCE)
        self.keys("bundle_signature", bundle["bundle_signature"], [*SIGNATURE, "bundle_sha256"])
        self.record("canonical_record", bundle["canonical_record"])
        self.public_keys()
        self.links()
        for index, alias in enumerate(bundle["source_aliases"]):
            self.keys(f"source_aliases[{index}]", alias, ALIAS)
            young = alias["created_at"] > bundle["built_at"]
            self.true(f"source_aliases[{index}] is younger than the bundle", not young)
        for index, event in enumerate(bundle["events"]):
            self.event(f"events[{index}]", event)
        for index, proof in enumerate(bundle["timestamp_proofs"]):
            self.sorted_keys(f"timestamp_proofs[{index}]", proof)
        self.state()
        if self.papers is not None:
            self.metadata()

    def public_keys(self):
        base_urls = {mirror["base_url"] for mirror in self.bundle["mirror_hints"]}
        for index, key in enumerate(self.bundle["public_keys"]):
            what = f"public_keys[{index}]"
            others = [name for name in ("signer_id", "signer_type") if name in key]
            self.keys(what, key, PUBLIC_KEY + others)
            if not others:
                self.same(f"{what}.notes", key["notes"], KEY_NOTES)
                base_url = key["url"].removesuffix("/pith-signing-key.json")
                self.true(f"{what}.url belongs to no mirror", base_url != key["url"] and base_url in base_urls)

    def record(self, what, record):
        self.keys(what, record, RECORD)
        self.keys(f"{what}.metadata", record["metadata"], METADATA)
        self.keys(f"{what}.source", record["source"], RECORD_SOURCE)

    def links(self):
        links = self.bundle["links"]
        self.keys("links", links, LINKS)
        for index, mirror in enumerate(self.bundle["mirror_hints"]):
            self.keys(f"mirror_hints[{index}]", mirror, MIRROR)
        own = self.bundle["mirror_hints"][0]
        self.true("links: the base url ends with a slash", not own["base_url"].endswith("/"))
        self.same("mirror_hints[0].bundle_url", own["bundle_url"], links["bundle"])
        self.same("mirror_hints[0].status", own["status"], "primary")

    def event(self, what, event):
        self.keys(what, event, EVENT)
        self.keys(f"{what}.signer", event["signer"], SIGNER)
        self.keys(f"{what}.signature", event["signature"], SIGNATURE)
        self.true(f"{what} was signed before it was made", event["signature"]["signed_at"][:19] >= event["created_at"][:19])
        self.true(f"{what} is younger than the bundle", event["created_at"] <= self.bundle["built_at"])
        if event["event_type"] == "record_created":
            self.record_created(what, event)
        elif event["event_type"] == "graph_snapshot":
            self.snapshot(f"{what}.payload", event["payload"])
        else:
            self.sorted_keys(f"{what}.payload", event["payload"])

    def record_created(self, what, event):
        payload, what = event["payload"], f"{what}.payload"
        self.keys(what, payload, CREATED_PAYLOAD)
        self.record(f"{what}.canonical_record", payload["canonical_record"])
        receipt, what = payload["receipt"], f"{what}.receipt"
        self.keys(what, receipt, RECEIPT)
        self.same(f"{what}.builder_version", receipt["builder_version"], BUILDER)
        self.true(f"{what} was signed before it was issued", receipt["last_reissued_at"] <= receipt["signed_at"])
        if not event["supersedes"]:
            self.same(f"{what}.last_reissued_at", receipt["last_reissued_at"], receipt["first_computed_at"])

    def snapshot(self, what, payload):
        self.keys(what, payload, SNAPSHOT_PAYLOAD)
        snapshot, what = payload["graph_snapshot"], f"{what}.graph_snapshot"
        self.shorter_first(what, snapshot)
        known = {name: section for name, section in snapshot.items() if name in SNAPSHOT}
        self.keys(what, known, list(SNAPSHOT))
        for name, keys in SNAPSHOT.items():
            if keys is not None:
                self.keys(f"{what}.{name}", snapshot[name], keys)
        self.same(f"{what}.builder_version", snapshot["builder_version"], BUILDER)
        self.same(f"{what}.paper.title", snapshot["paper"]["title"], collapsed(snapshot["paper"]["title"]))
        excerpt = snapshot["paper"]["abstract_excerpt"]
        self.true(f"{what}.paper.abstract_excerpt is too long", len(excerpt) <= 600)

        claims = snapshot["claims"]
        self.same(f"{what}.claims.count", claims["count"], len(claims["items"]))
        digest = spec.sha256(spec.canonical({"payload": claims["items"]}))
        self.same(f"{what}.claims.snapshot_sha256", claims["snapshot_sha256"], digest)
        for index, claim in enumerate(claims["items"]):
            self.keys(f"{what}.claims.items[{index}]", claim, CLAIM)

    def shorter_first(self, what, value):
        if isinstance(value, dict):
            self.keys(what, value, sorted(value, key=lambda key: (len(key.encode()), key.encode())))
            for key, item in value.items():
                self.shorter_first(f"{what}.{key}", item)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.shorter_first(f"{what}[{index}]", item)

    def state(self):
        state, current = self.bundle["state"], self.bundle["state"]["current"]
        self.keys("state", state, STATE)
        self.keys("state.current", current, CURRENT)
        self.sorted_keys("state.current.canonical_record", current["canonical_record"])
        for name in spec.ARRAYS.values():
            for index, entry in enumerate(current[name]):
                self.entry(f"state.current.{name}[{index}]", entry)
        self.entry("state.current.record_created", current["record_created"])
        for index, group in enumerate(state["equivocations"]):
            self.keys(f"state.equivocations[{index}]", group, GROUP)

    def entry(self, what, entry):
        self.keys(what, entry, ENTRY)
        self.sorted_keys(f"{what}.signer", entry["signer"])
        self.sorted_keys(f"{what}.payload", entry["payload"])

    def metadata(self):
        record = self.bundle["canonical_record"]
        paper = self.papers.get(record["source"]["id"])
        if paper is None:
            self.failures.append("the papers do not hold its arXiv id")
            return
        categories = paper["categories"].split()
        created = {int(version["version"][1:]): version["created"] for version in paper["versions"]}
        submitted = email.utils.parsedate_to_datetime(created[1]).astimezone(timezone.utc)
        expected = {
            "abstract_canon_sha256": text_sha256(paper["abstract"]),
            "cross_cats_sorted": sorted(set(categories[1:]) - {categories[0]}),
            "license": paper["license"] or "",
            "primary_cat": categories[0],
            "submitted_at": submitted.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "title_canon_sha256": text_sha256(paper["title"]),
        }
        for name, value in expected.items():
            self.same(f"metadata of the paper: {name}", record["metadata"][name], value)
        self.same("metadata of the paper: version", record["source"]["version"], max(created))

        snapshots = self.bundle["state"]["current"]["graph_snapshots"]
        self.true("no graph snapshot", snapshots)
        for snapshot in snapshots:
            section = snapshot["payload"]["graph_snapshot"]["paper"]
            authors = re.split(r",| and ", collapsed(paper["authors"]))
            authors = sorted(name.strip() for name in authors if name.strip())
            self.same("metadata of the paper: title", section["title"], collapsed(paper["title"]))
            self.same("metadata of the paper: authors_text", section["authors_text"], ", ".join(authors))
            excerpt = collapsed(paper["abstract"])[:600]
            self.same("metadata of the paper: abstract_excerpt", section["abstract_excerpt"], excerpt)


def collapsed(text):
    return " ".join(text.split())


def text_sha256(text):
    return spec.sha256(spec.canonical_text(text).encode())


def short(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:100]} ... {text[-90:]}"


def check_text(text, papers):
    """Failures of one bundle, given as text."""
    kind, report = spec.judge(text.encode(), spec.Policy())
    if kind != "bundle" or report.failed:
        return [f"{kind or 'document'}: {' '.join(report.codes)}"]
    # Nobody mints floats.
    try:
        bundle = spec.read(text.encode(), floats=False)
    except spec.Malformed as error:
        return [str(error)]
    check = Check(bundle, papers)
    written = wire(bundle)
    if text != written:
        at = next((i for i, (a, b) in enumerate(zip(text, written)) if a != b), len(written))
        check.failures.append(f"wire form: not compact JSON as Python writes it, from character {at} on")
    check.run()
    return check.failures


def texts(path):
    """The bundles of a file, each with the place where it stands."""
    if path == "-":
        data = sys.stdin.buffer.read()
    else:
        with (gzip.open if path.endswith(".gz") else open)(path, "rb") as file:
            data = file.read()
    text = data.decode()
    if path.removesuffix(".gz").endswith(".json"):
        yield path, text
        return
    lines = text.split("\n")
    if lines[-1] == "":
        lines.pop()
    for number, line in enumerate(lines, 1):
        yield f"{path}:{number}", line


def main():
    parser = argparse.ArgumentParser(description="Check minted bundles with Python alone.")
    parser.add_argument("bundles", nargs="+", metavar="BUNDLES")
    parser.add_argument("--papers", metavar="SNAPSHOT.jsonl", help="metadata that the bundles were minted from")
    args = parser.parse_args()

    papers = None
    if args.papers:
        with open(args.papers, encoding="utf-8") as file:
            papers = {paper["id"]: paper for paper in map(json.loads, file)}
    bundles = failures = 0
    for path in args.bundles:
        try:
            for place, text in texts(path):
                bundles += 1
                for failure in check_text(text, papers):
                    failures += 1
                    print(f"{place}: {failure}")
        except (OSError, UnicodeDecodeError) as error:
            failures += 1
            print(f"{path}: {error}")
    print(f"{bundles} bundles checked, {failures} failures")
    return 1 if failures or not bundles else 0


if __name__ == "__main__":
    sys.exit(main())
