#!/usr/bin/env python3
"""Judge documents of the protocol with Python alone, sharing no code with the Rust toolkit.

usage: verify.py [--keyset FILE] [--trust KEY[=SIGNER_ID]]... [--at TIME] [--expect NUMBER]
                 [--block-header HEIGHT:HEX]... DOCUMENT...
       verify.py --corpus DIR

A file named *.json holds one document; any other file, and `-` (standard input), one a line. For each
a line is printed: its place, `ok`, `untrusted` or `bad`, the codes of docs/VERIFICATION.md that decide,
and in brackets those that are worth a note. Nothing is trusted but what is named. It takes bundles, events,
states, records with their receipts, and keysets; transcripts are beyond it.

--corpus runs the cases of a folder as tests/conformance/README.md describes them, all kinds but transcripts.

Exits with 0 if every document is ok, or every case as expected; 1 if one is bad or otherwise; 4 if the
worst is untrusted. Needs the package `cryptography`.
"""

import argparse
import base64
import json
import os
import sys
import time

import pith_spec as spec

# The kind of cases that is beyond it.
BEYOND = "transcript"


def load(path):
    with open(path, "rb") as file:
        return spec.read(file.read())


def policy_of(keyset, trust, **further):
    """Trusts a keyset or a list of keys, and single ones besides."""
    entries, standing = [], None
    if keyset:
        trusted = load(keyset)
        if trusted.get("keyset_type") == "pith_keyset":
            standing = spec.Standing(trusted, os.path.join(os.path.dirname(keyset), "logs"))
        else:
            spec.trusted_keys(trusted)
            entries += trusted["keys"]
    for named in trust:
        path, _, signer_id = named.partition("=")
        key = load(path)
        spec.public_key(key)
        entry = spec.trusted_entry(key)
        entries.append({**entry, "signer_id": signer_id or entry["signer_id"]})
    return spec.Policy(entries, keyset=standing, **further)


def headers_of(texts):
    headers = {}
    for text in texts:
        height, _, header = text.partition(":")
        headers[int(height)] = bytes.fromhex(header)
        spec.header_root(headers[int(height)])
    return headers


class Found:
    """What is found of the document of a case."""

    def __init__(self, verdict="ok", codes=(), notes=()):
        self.verdict, self.codes, self.notes = verdict, sorted(codes), sorted(notes)
        self.gives, self.state = {}, None


def bad():
    return Found("bad", ["document.shape"])


def judge_json(data, case):
    value = spec.read(data, floats=case.get("given", {}).get("open_content", False))
    found = Found()
    found.gives["sha256"] = spec.sha256(spec.canonical(value))
    return found


def judge_record(data, _):
    value = spec.read(data)
    spec.record(value)
    found, digest = Found(), spec.sha256(spec.canonical(value))
    found.gives = {"canonical_sha256": digest, "pith_number": spec.number_of(value, digest)}
    return found


def judge_public_key(data, _):
    value = spec.read(data)
    spec.public_key(value)
    found = Found()
    found.gives["fingerprint_sha256_hex"] = spec.fingerprint_of(spec.raw_of(value))
    return found


merge_set = spec.record_of(
    {
        "subject": spec.pith_number,
        "registry_id": spec.text,
        "public_keys": spec.listed(spec.public_key),
        "source_aliases": spec.listed(spec.alias),
        "events": spec.listed(spec.anything),
    }
)


def judge_merge(data, _):
    value = spec.read(data)
    merge_set(value)
    try:
        table = spec.key_table(value["public_keys"], value["registry_id"])
    except spec.Malformed:
        return Found("bad", ["bundle.keys"])
    merged = spec.Merged(value["subject"], value["events"], value["source_aliases"], table)
    notes = ["events.dangling"] * bool(merged.dangling) + ["events.equivocation"] * bool(merged.groups)
    found = Found(notes=notes)
    found.state = spec.canonical(merged.state)
    return found


SHARE_LABEL = {
    "schema_version": spec.constant("1.0"),
    "split_id": spec.matching("[0-9a-f]{32}"),
    "key_id": spec.key_id,
    "role": spec.one_of("signing", "custodian"),
    "fingerprint_sha256_hex": spec.fingerprint,
    "threshold": spec.whole(2, 255),
}

share = spec.record_of(
    {
        **SHARE_LABEL,
        "kind": spec.constant("pith_key_share"),
        "index": spec.whole(1, 255),
        "shares": spec.whole(2, 255),
        "share": spec.text,
    }
)


def judge_share(data, _):
    value = spec.read(data)
    share(value)
    in_range = value["threshold"] <= value["shares"] and value["index"] <= value["shares"]
    letters = value["share"].replace(" ", "").upper()
    spec.matching("[A-Z2-7]{64}")(letters)
    secret = base64.b32decode(letters)
    digest = spec.sha256(secret[:32] + spec.canonical({k: v for k, v in value.items() if k != "share"}))
    spec.require(in_range and digest[:16] == secret[32:].hex(), "a share that was changed")
    found = Found()
    found.gives["share_sha256"] = digest
    return found


commitments = spec.record_of(
    {
        **SHARE_LABEL,
        "kind": spec.constant("pith_share_commitments"),
        "share_sha256": spec.listed(spec.digest),
        "signature": spec.nullable(
            spec.record_of({"custodian": spec.custodian, "signature_b64": spec.signature_bytes})
        ),
    }
)


def judge_commitments(data, _):
    value = spec.read(data)
    commitments(value)
    spec.require(value["threshold"] <= len(value["share_sha256"]) <= 255, "too few shares")
    signature = value["signature"]
    if signature is not None:
        raw = spec.decoded(signature["custodian"]["public_key_b64"], 32)
        message = b"pith-commitments-v1\0" + spec.canonical({**value, "signature": None})
        holds = spec.verifies(raw, message, spec.decoded(signature["signature_b64"]))
        spec.require(holds, "the signature does not verify")
    return Found()


JUDGES = {
    "json": judge_json,
    "record": judge_record,
    "public_key": judge_public_key,
    "merge": judge_merge,
    "share": judge_share,
    "share_commitments": judge_commitments,
}


def judge_case(folder, case, now):
    with open(os.path.join(folder, case["path"]), "rb") as file:
        data = file.read()
    if case["kind"] in JUDGES:
        try:
            return JUDGES[case["kind"]](data, case)
        except spec.Malformed:
            return bad()
    given = case.get("given", {})
    below = [os.path.join(folder, name) for name in given.get("trust", [])]
    keyset = given.get("keyset") and os.path.join(folder, given["keyset"])
    headers = headers_of(given.get("block_headers", []))
    policy = policy_of(
        keyset, below, now=now, at=given.get("at"), expect=given.get("expect"), headers=headers
    )
    _, report = spec.judge(data, policy)
    return Found(report.verdict, report.codes, report.notes)


def differences(folder, case, found):
    pairs = [("verdict", case["verdict"], found.verdict), ("codes", case["codes"], found.codes)]
    if case["verdict"] != "bad":
        pairs.append(("notes", case.get("notes", []), found.notes))
    pairs += [(name, value, found.gives.get(name)) for name, value in case.get("gives", {}).items()]
    if "state" in case:
        with open(os.path.join(folder, case["state"]), "rb") as file:
            pairs.append(("state", file.read(), found.state))
    return [f"{what}: expected {expected}, found {got}" for what, expected, got in pairs if expected != got]


def run_corpus(folder):
    with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
        corpus = json.load(file)
    count = wrong = 0
    for case in corpus["cases"]:
        if case["kind"] == BEYOND:
            continue
        count += 1
        differing = differences(folder, case, judge_case(folder, case, corpus["now"]))
        if differing:
            wrong += 1
            print(f"{case['path']}: {case['shows']}")
            for difference in differing:
                print(f"    {difference}")
    print(f"{count} cases: {count - wrong} as expected, {wrong} otherwise")
    return 0 if count and not wrong else 1


def documents(path):
    """The documents of a file, each with the place where it stands."""
    if path == "-":
        data = sys.stdin.buffer.read()
    else:
        with open(path, "rb") as file:
            data = file.read()
    if path.endswith(".json"):
        yield path, data
        return
    for number, line in enumerate(data.split(b"\n"), 1):
        if line.strip():
            yield f"{path}:{number}", line


def main():
    parser = argparse.ArgumentParser(description="Judge documents with Python alone.")
    parser.add_argument("documents", nargs="*", metavar="DOCUMENT")
    parser.add_argument("--keyset", help="trust this keyset or list of keys")
    parser.add_argument("--trust", action="append", default=[], metavar="KEY[=SIGNER_ID]", help="trust this public key")
    parser.add_argument("--at", help="judge as of this time")
    parser.add_argument("--expect", help="the number that every document must have")
    parser.add_argument("--block-header", action="append", default=[], metavar="HEIGHT:HEX")
    parser.add_argument("--corpus", metavar="DIR", help="run the cases of a folder")
    args = parser.parse_args()
    if args.corpus:
        return run_corpus(args.corpus)

    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    headers = headers_of(args.block_header)
    policy = policy_of(args.keyset, args.trust, now=now, at=args.at, expect=args.expect, headers=headers)
    verdicts = set()
    for path in args.documents:
        for place, data in documents(path):
            _, report = spec.judge(data, policy)
            verdicts.add(report.verdict)
            notes = f" ({' '.join(sorted(report.notes))})" if report.notes else ""
            print(f"{place}: {' '.join([report.verdict, *report.codes])}{notes}")
    return 1 if "bad" in verdicts or not verdicts else 4 if "untrusted" in verdicts else 0


if __name__ == "__main__":
    sys.exit(main())
