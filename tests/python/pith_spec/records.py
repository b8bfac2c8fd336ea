"""Records, their numbers and receipts, and snapshots of papers [2, 3, 4, 6]."""

from .forms import (
    anything,
    arxiv_id,
    categories,
    category,
    constant,
    count,
    digest,
    fingerprint,
    key_id,
    listed,
    micros,
    nullable,
    one_of,
    record_of,
    seconds,
    signature_bytes,
    text,
    whole,
)
from .keys import base32_26

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

# Snapshots [6].

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
