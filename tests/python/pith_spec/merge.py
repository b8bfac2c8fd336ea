"""States, and the merge that makes them [7]."""

from .forms import (
    anything,
    canonical,
    constant,
    count,
    digest,
    event_id,
    listed,
    nullable,
    one_of,
    pith_number,
    record_of,
    require,
    seconds,
    sha256,
    text,
)
from .keys import REGISTRY, raw_of
from .records import alias, alias_pairs
from .events import content_digest, invalid_reason

MERGE_VERSION = "pith-open-graph-merge-v1"
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
