#!/usr/bin/env python3
"""Check minted bundles with Python alone, sharing no code with the Rust toolkit.

usage: check_bundles.py [--papers SNAPSHOT.jsonl] BUNDLES...

A file named *.json holds one bundle in its wire form; any other file, and `-` (standard input),
holds one bundle a line. *.gz is decompressed. For zstd: `zstd -dc X | check_bundles.py -`.

For each bundle it recomputes every digest, number, alias, fingerprint and signature, the order of
keys on the wire and the merged state (docs/SPEC.md, sections 1 to 9). With --papers, which takes
metadata in the Kaggle arXiv format, it also derives the record and the snapshot's paper anew.

It asks whether bundles are right, not whether they are trusted: signatures are checked under the
keys that the bundle carries, as OpenSSL checks them, which is not as strict as the toolkit does.
Needs the package `cryptography`. Exits with 1 if anything fails or if there was no bundle.
"""

import argparse
import base64
import email.utils
import gzip
import hashlib
import json
import re
import sys
from datetime import datetime, timezone

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

BUILDER = "pith-number-builder-2026-05-17-v1"
MERGE = "pith-open-graph-merge-v1"
EMPTY_LIST = "258153158e38e3291e3d48162225fcdb2d5a3ed65a07baac614ab91432fd4f57"
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
# The array of the state that holds the events of a type.
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
SECONDS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
MICROS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z")


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def wire(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def canon_text_sha256(text):
    return sha256(" ".join(text.split()).lower().encode())


def without(value, *keys):
    return {key: item for key, item in value.items() if key not in keys}


def sorted_deep(value):
    return json.loads(canonical(value))


def strict_loads(text):
    def members(pairs):
        if len({key for key, _ in pairs}) != len(pairs):
            raise ValueError("a key stands twice in one object")
        return dict(pairs)

    def integer(token):
        if token == "-0" or not -(2**63) <= int(token) < 2**64:
            raise ValueError(f"the integer {token} is not allowed")
        return int(token)

    def refuse(token):
        raise ValueError(f"the number {token} is not allowed in a minted bundle")

    return json.loads(
        text, object_pairs_hook=members, parse_int=integer, parse_float=refuse, parse_constant=refuse
    )


class Check:
    """One bundle; `failures` collects a line for each thing that is wrong."""

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

    def time(self, what, text, form=SECONDS):
        try:
            datetime.fromisoformat(text.replace("Z", "+00:00"))
            well_formed = form.fullmatch(text) is not None
        except ValueError:
            well_formed = False
        self.true(f"{what}: `{text}` is not a time of the right form", well_formed)

    def signature(self, what, signature, message_name, digest_hex):
        """Signature fields that receipts, events and bundles share, and the signature itself."""
        self.same(f"{what}.signature_status", signature["signature_status"], "signed_v1")
        self.same(f"{what}.algorithm", signature["algorithm"], "ed25519")
        self.same(f"{what}.signed_message", signature["signed_message"], message_name)
        self.time(f"{what}.signed_at", signature["signed_at"], MICROS)
        raw = base64.b64decode(signature["signature_b64"], validate=True)
        self.true(f"{what}: base64 is not canonical", base64.b64encode(raw).decode() == signature["signature_b64"])
        key = self.by_fingerprint.get(signature["public_key_fingerprint"])
        if key is None:
            self.failures.append(f"{what}: no public key with its fingerprint in the bundle")
            return
        self.same(f"{what}.key_id", signature["key_id"], key["key_id"])
        try:
            public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key["public_key_hex"]))
            public.verify(raw, bytes.fromhex(digest_hex))
        except InvalidSignature:
            self.failures.append(f"{what}: the signature does not verify")

    def run(self):
        bundle = self.bundle
        self.keys("bundle", bundle, BUNDLE)
        self.same("bundle_type", bundle["bundle_type"], "pith_open_graph_bundle")
        self.same("bundle_version", bundle["bundle_version"], "1.0")
        self.same("merge_version", bundle["merge_version"], MERGE)
        self.time("built_at", bundle["built_at"])
        self.public_keys()
        self.record("canonical_record", bundle["canonical_record"])
        self.number()
        self.links()
        for index, event in enumerate(bundle["events"]):
            self.event(f"events[{index}]", event)
        speakers = {(e["signer"]["public_key_fingerprint"], e["signer"]["signer_id"]) for e in bundle["events"]}
        self.same("keys that speak for one signer_id", len(speakers), len({key for key, _ in speakers}))
        self.state()

        signature = bundle["bundle_signature"]
        self.keys("bundle_signature", signature, SIGNATURE + ["bundle_sha256"])
        digest = sha256(canonical(without(bundle, "bundle_signature")))
        self.same("bundle_sha256", signature["bundle_sha256"], digest)
        self.signature("bundle_signature", signature, "bundle_sha256_bytes", digest)
        self.same(
            "public_keys[0] is the bundle's",
            bundle["public_keys"][0]["fingerprint_sha256_hex"],
            signature["public_key_fingerprint"],
        )
        self.true("bundle_signature.signed_at is before built_at", signature["signed_at"][:19] >= bundle["built_at"][:19])
        if self.papers is not None:
            self.metadata()

    def public_keys(self):
        self.by_fingerprint = {}
        base_urls = {mirror["base_url"] for mirror in self.bundle["mirror_hints"]}
        for index, key in enumerate(self.bundle["public_keys"]):
            what = f"public_keys[{index}]"
            others = [name for name in ("signer_id", "signer_type") if name in key]
            self.keys(what, without(key, *others), PUBLIC_KEY)
            raw = base64.b64decode(key["public_key_b64"], validate=True)
            digest = hashlib.sha256(raw).digest()
            self.same(f"{what}: length of the key", len(raw), 32)
            self.same(f"{what}.public_key_b64", key["public_key_b64"], base64.b64encode(raw).decode())
            self.same(f"{what}.public_key_hex", key["public_key_hex"], raw.hex())
            self.same(f"{what}.fingerprint_sha256_hex", key["fingerprint_sha256_hex"], digest.hex()[:32])
            self.same(
                f"{what}.fingerprint_sha256_b32_first128bits",
                key["fingerprint_sha256_b32_first128bits"],
                base64.b32encode(digest).decode()[:26],
            )
            self.same(f"{what}.algorithm", key["algorithm"], "ed25519")
            self.same(f"{what}.format", key["format"], "raw")
            if not others:
                self.same(f"{what}.notes", key["notes"], KEY_NOTES)
                base_url = key["url"].removesuffix("/pith-signing-key.json")
                self.true(f"{what}.url belongs to no mirror", base_url != key["url"] and base_url in base_urls)
            if key["rotates_at"] is not None:
                self.time(f"{what}.rotates_at", key["rotates_at"])
            self.true(f"{what}: its fingerprint stands twice", key["fingerprint_sha256_hex"] not in self.by_fingerprint)
            self.by_fingerprint[key["fingerprint_sha256_hex"]] = key
        rest = [key["key_id"] for key in self.bundle["public_keys"][1:]]
        self.same("public_keys after the first are sorted by key_id", rest, sorted(rest))

    def record(self, what, record):
        self.keys(what, record, RECORD)
        self.keys(f"{what}.metadata", record["metadata"], METADATA)
        self.keys(f"{what}.source", record["source"], RECORD_SOURCE)
        self.same(f"{what}.schema_version", record["schema_version"], "1.0")
        self.same(f"{what}.source.kind", record["source"]["kind"], "arxiv")
        self.same(f"{what}.source.version", type(record["source"]["version"]), int)
        self.time(f"{what}.metadata.submitted_at", record["metadata"]["submitted_at"])
        cross = record["metadata"]["cross_cats_sorted"]
        self.same(f"{what}.metadata.cross_cats_sorted", cross, sorted(set(cross)))
        for name in ("title_canon_sha256", "abstract_canon_sha256"):
            text = record["metadata"][name]
            self.true(f"{what}.metadata.{name} is not a digest", re.fullmatch("[0-9a-f]{64}", text))

    def number(self):
        bundle, record = self.bundle, self.bundle["canonical_record"]
        digest = sha256(canonical(record))
        suffix = base64.b32encode(bytes.fromhex(digest)).decode()[:26]
        self.suffix = suffix
        self.same("canonical_sha256", bundle["canonical_sha256"], digest)
        year = record["metadata"]["submitted_at"][:4]
        self.same("pith_number", bundle["pith_number"], f"pith:{year}:{suffix}")
        self.same("short_pith_number", bundle["short_pith_number"], f"pith:{suffix[:8]}")
        self.keys("source", bundle["source"], BUNDLE_SOURCE)
        self.same("source", bundle["source"], record["source"])
        arxiv_id, version = record["source"]["id"], record["source"]["version"]
        expected = [
            ("arxiv", arxiv_id),
            ("arxiv_version", f"{arxiv_id}v{version}"),
            ("doi", f"10.48550/arxiv.{arxiv_id}".lower()),
            ("pith_short_12", suffix[:12]),
            ("pith_short_16", suffix[:16]),
            ("pith_short_8", suffix[:8]),
        ]
        aliases = bundle["source_aliases"]
        found = [(alias["alias_kind"], alias["alias_value"]) for alias in aliases]
        self.same("source_aliases", found, expected)
        for index, alias in enumerate(aliases):
            what = f"source_aliases[{index}]"
            self.keys(what, alias, ALIAS)
            self.time(f"{what}.created_at", alias["created_at"])
            self.true(f"{what} is younger than the bundle", alias["created_at"] <= bundle["built_at"])

    def places(self, base_url):
        resolver = f"{base_url}/pith/{self.suffix}"
        well_known = f"{base_url}/.well-known/pith/{self.suffix}/bundle.json"
        return resolver, f"{resolver}/bundle.json", f"{resolver}/state.json", well_known

    def links(self):
        links = self.bundle["links"]
        self.keys("links", links, LINKS)
        base_url = links["resolver"].removesuffix(f"/pith/{self.suffix}")
        self.true("links: the base url ends with a slash", not base_url.endswith("/"))
        self.same("links", tuple(links.values()), self.places(base_url))
        for index, mirror in enumerate(self.bundle["mirror_hints"]):
            what = f"mirror_hints[{index}]"
            self.keys(what, mirror, MIRROR)
            self.same(f"{what}.mirror_type", mirror["mirror_type"], "https")
            found = (mirror["bundle_url"], mirror["state_url"], mirror["well_known_bundle_url"])
            self.same(what, found, self.places(mirror["base_url"])[1:])
        self.same("mirror_hints[0].base_url", self.bundle["mirror_hints"][0]["base_url"], base_url)

    def event(self, what, event):
        self.keys(what, event, EVENT)
        self.keys(f"{what}.signer", event["signer"], SIGNER)
        self.keys(f"{what}.signature", event["signature"], SIGNATURE)
        self.same(f"{what}.schema_version", event["schema_version"], "1.0")
        self.same(f"{what}.subject_pith_number", event["subject_pith_number"], self.bundle["pith_number"])
        digest = sha256(canonical(without(event, "signature", "content_sha256", "event_id")))
        self.same(f"{what}.content_sha256", event["content_sha256"], digest)
        self.same(f"{what}.event_id", event["event_id"], f"sha256:{digest}")
        self.signature(f"{what}.signature", event["signature"], "open_graph_event_sha256_bytes", digest)
        for name in ("key_id", "public_key_fingerprint"):
            self.same(f"{what}.signer.{name}", event["signer"][name], event["signature"][name])
        key = self.by_fingerprint.get(event["signer"]["public_key_fingerprint"], {})
        if "signer_type" in key:
            self.same(f"{what}.signer.signer_id", event["signer"]["signer_id"], key["signer_id"])
            self.same(f"{what}.signer.signer_type", event["signer"]["signer_type"], key["signer_type"])
        else:
            self.same(f"{what}.signer.signer_type", event["signer"]["signer_type"], "pith_registry")
        self.time(f"{what}.created_at", event["created_at"])
        self.true(f"{what} was signed before it was made", event["signature"]["signed_at"][:19] >= event["created_at"][:19])
        self.true(f"{what} is younger than the bundle", event["created_at"] <= self.bundle["built_at"])
        if event["event_type"] == "record_created":
            self.record_created(what, event)
        elif event["event_type"] == "graph_snapshot":
            self.snapshot(what, event)
        else:
            self.same(f"{what}.payload: wire form", wire(event["payload"]), canonical(event["payload"]).decode())

    def record_created(self, what, event):
        payload, bundle = event["payload"], self.bundle
        record = bundle["canonical_record"]
        self.same(f"{what}.target", event["target"], "record")
        self.keys(f"{what}.payload", payload, CREATED_PAYLOAD)
        self.record(f"{what}.payload.canonical_record", payload["canonical_record"])
        self.same(f"{what}.payload.canonical_record", payload["canonical_record"], record)
        self.same(f"{what}.payload.canonical_sha256", payload["canonical_sha256"], bundle["canonical_sha256"])
        self.same(f"{what}.payload.source_kind", payload["source_kind"], "arxiv")
        self.same(f"{what}.payload.source_id", payload["source_id"], record["source"]["id"])
        self.same(f"{what}.payload.source_version", payload["source_version"], record["source"]["version"])
        self.same(f"{what}.payload.attestation_state", payload["attestation_state"], "computed")

        receipt, what = payload["receipt"], f"{what}.payload.receipt"
        self.keys(what, receipt, RECEIPT)
        self.same(f"{what}.kind", receipt["kind"], "pith_receipt")
        self.same(f"{what}.receipt_version", receipt["receipt_version"], "0.3")
        self.same(f"{what}.builder_version", receipt["builder_version"], BUILDER)
        self.same(f"{what}.canonical_sha256", receipt["canonical_sha256"], sha256(canonical(record)))
        self.signature(what, receipt, "canonical_sha256_bytes", receipt["canonical_sha256"])
        self.time(f"{what}.first_computed_at", receipt["first_computed_at"], MICROS)
        self.time(f"{what}.last_reissued_at", receipt["last_reissued_at"], MICROS)
        self.true(
            f"{what}: first_computed_at, last_reissued_at, signed_at are out of order",
            receipt["first_computed_at"] <= receipt["last_reissued_at"] <= receipt["signed_at"],
        )
        if not event["supersedes"]:
            self.same(f"{what}.last_reissued_at", receipt["last_reissued_at"], receipt["first_computed_at"])
            self.same("record_created: created_at", event["created_at"], receipt["first_computed_at"][:19] + "Z")

    def snapshot(self, what, event):
        self.same(f"{what}.target", event["target"], "graph")
        self.keys(f"{what}.payload", event["payload"], SNAPSHOT_PAYLOAD)
        snapshot, what = event["payload"]["graph_snapshot"], f"{what}.payload.graph_snapshot"
        self.shorter_first(what, snapshot)
        known = {name: section for name, section in snapshot.items() if name in SNAPSHOT}
        self.keys(what, known, list(SNAPSHOT))
        for name, keys in SNAPSHOT.items():
            if keys is not None:
                self.keys(f"{what}.{name}", snapshot[name], keys)
        self.same(f"{what}.builder_version", snapshot["builder_version"], BUILDER)

        paper, metadata = snapshot["paper"], self.bundle["canonical_record"]["metadata"]
        self.same(f"{what}.source", snapshot["source"], self.bundle["canonical_record"]["source"])
        self.same(f"{what}.paper.title: digest", canon_text_sha256(paper["title"]), metadata["title_canon_sha256"])
        self.same(f"{what}.paper.title", paper["title"], " ".join(paper["title"].split()))
        self.same(f"{what}.paper.license", paper["license"], metadata["license"])
        self.same(f"{what}.paper.primary_cat", paper["primary_cat"], metadata["primary_cat"])
        self.same(f"{what}.paper.cross_cats", paper["cross_cats"], metadata["cross_cats_sorted"])
        self.same(f"{what}.paper.submitted_at", paper["submitted_at"], metadata["submitted_at"])
        excerpt = paper["abstract_excerpt"]
        self.true(f"{what}.paper.abstract_excerpt is too long", len(excerpt) <= 600)
        if len(excerpt) < 600:
            digest = canon_text_sha256(excerpt)
            self.same(f"{what}.paper.abstract_excerpt: digest", digest, metadata["abstract_canon_sha256"])

        claims = snapshot["claims"]
        self.same(f"{what}.claims.count", claims["count"], len(claims["items"]))
        digest = sha256(canonical({"payload": claims["items"]}))
        self.same(f"{what}.claims.snapshot_sha256", claims["snapshot_sha256"], digest)
        for index, claim in enumerate(claims["items"]):
            self.keys(f"{what}.claims.items[{index}]", claim, CLAIM)
        for name, count in (("references", "count"), ("formal_canon", "evidence_count"), ("author_claims", "count")):
            if snapshot[name][count] == 0:
                self.same(f"{what}.{name}.snapshot_sha256", snapshot[name]["snapshot_sha256"], EMPTY_LIST)

    def shorter_first(self, what, value):
        if isinstance(value, dict):
            self.keys(what, value, sorted(value, key=lambda key: (len(key.encode()), key.encode())))
            for key, item in value.items():
                self.shorter_first(f"{what}.{key}", item)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self.shorter_first(f"{what}[{index}]", item)

    def state(self):
        state = self.bundle["state"]
        self.keys("state", state, STATE)
        self.keys("state.current", state["current"], CURRENT)
        digest = sha256(canonical(without(state, "state_sha256")))
        self.same("state.state_sha256", state["state_sha256"], digest)
        merged = merge(self.bundle)
        if merged is None:
            # Equivocation: the digest and the signature above it still bind the state.
            self.true("state.equivocation_count is 0 though events equivocate", state["equivocation_count"] > 0)
            return
        for name, expected in merged.items():
            if name != "current":
                self.same(f"state.{name}", state[name], expected)
        for name, expected in merged["current"].items():
            # Compared as text, so that the order of keys counts too.
            self.same(f"state.current.{name}", wire(state["current"][name]), wire(expected))
        applied = state["applied_event_ids"]
        rest = sorted({event["event_id"] for event in self.bundle["events"]} - set(applied))
        found = [event["event_id"] for event in self.bundle["events"]]
        self.same("events are in applied order", found, applied + rest)

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
            "abstract_canon_sha256": canon_text_sha256(paper["abstract"]),
            "cross_cats_sorted": sorted(set(categories[1:]) - {categories[0]}),
            "license": paper["license"] or "",
            "primary_cat": categories[0],
            "submitted_at": submitted.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "title_canon_sha256": canon_text_sha256(paper["title"]),
        }
        for name, value in expected.items():
            self.same(f"metadata of the paper: {name}", record["metadata"][name], value)
        self.same("metadata of the paper: version", record["source"]["version"], max(created))

        snapshots = self.bundle["state"]["current"]["graph_snapshots"]
        self.true("no graph snapshot", snapshots)
        for snapshot in snapshots:
            section = snapshot["payload"]["graph_snapshot"]["paper"]
            authors = re.split(r",| and ", " ".join(paper["authors"].split()))
            authors = sorted(name.strip() for name in authors if name.strip())
            self.same("metadata of the paper: title", section["title"], " ".join(paper["title"].split()))
            self.same("metadata of the paper: authors_text", section["authors_text"], ", ".join(authors))
            excerpt = " ".join(paper["abstract"].split())[:600]
            self.same("metadata of the paper: abstract_excerpt", section["abstract_excerpt"], excerpt)


def merge(bundle):
    """The state of a bundle whose events are all valid; None if some of them equivocate."""
    events = {event["event_id"]: event for event in bundle["events"]}
    registry = {e["signer"]["signer_id"] for e in events.values() if e["signer"]["signer_type"] == "pith_registry"}

    def prev_holds(event):
        prev = events.get(event["prev_event"])
        return (
            prev is not None
            and prev["signer"]["signer_id"] == event["signer"]["signer_id"]
            and prev["target"] == event["target"]
            and prev["created_at"] <= event["created_at"]
        )

    def supersedes_holds(event, old):
        return (
            old is not None
            and old["target"] == event["target"]
            and old["created_at"] <= event["created_at"]
            and event["signer"]["signer_id"] in registry | {old["signer"]["signer_id"]}
            and (old["event_type"] != "record_created" or event["event_type"] == "record_created")
        )

    superseded = {
        old for event in events.values() for old in event["supersedes"] if supersedes_holds(event, events.get(old))
    }
    living = [event for name, event in events.items() if name not in superseded]
    chains = [(e["signer"]["signer_id"], e["target"], e["prev_event"]) for e in living if prev_holds(e)]
    created = [event for event in living if event["event_type"] == "record_created"]
    if len(set(chains)) < len(chains) or len(created) != 1:
        return None

    first = {"record_created": 0, "graph_snapshot": 1}
    applied, left = [], dict(events)
    while left:
        ready = [e for e in left.values() if not prev_holds(e) or e["prev_event"] not in left]
        least = min(ready, key=lambda e: (e["created_at"], first.get(e["event_type"], 2), e["event_id"]))
        applied.append(left.pop(least["event_id"]))

    current = {name: [] for name in CURRENT}
    current["canonical_record"] = sorted_deep(bundle["canonical_record"])
    current["source_aliases"] = bundle["source_aliases"]
    for event in applied:
        if event["event_id"] in superseded:
            continue
        entry = {key: event[key] for key in ENTRY}
        entry["signer"], entry["payload"] = sorted_deep(event["signer"]), sorted_deep(event["payload"])
        if event["event_type"] == "record_created":
            current["record_created"] = entry
        elif event["event_type"] in ARRAYS:
            current[ARRAYS[event["event_type"]]].append(entry)
    return {
        "state_type": "pith_open_graph_state",
        "state_version": "1.0",
        "pith_number": bundle["pith_number"],
        "merge_version": MERGE,
        "event_count": len(events),
        "valid_event_count": len(events),
        "invalid_event_count": 0,
        "equivocation_count": 0,
        "current": current,
        "equivocations": [],
        "invalid_events": [],
        "applied_event_ids": [event["event_id"] for event in applied],
    }


def short(value):
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:100]} ... {text[-90:]}"


def check_text(text, papers):
    """Failures of one bundle, given as text."""
    check = None
    try:
        bundle = strict_loads(text)
        check = Check(bundle, papers)
        if text != wire(bundle):
            at = next((i for i, (a, b) in enumerate(zip(text, wire(bundle))) if a != b), len(wire(bundle)))
            check.failures.append(f"wire form: not compact JSON as Python writes it, from character {at} on")
        check.run()
    except (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        failures = check.failures if check else []
        return failures + [f"not a bundle of the right shape: {type(error).__name__}: {error}"]
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
