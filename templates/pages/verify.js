// Verifies the bundle beside a record's page: hashes, signatures, and that it is the record's.
//
// It does less than `pith verify`: it merges no events, and knows no keyset, so it can't say whose keys
// are to be trusted. The checks have the names that `pith verify --explain` explains.
"use strict";

(() => {
  const button = document.getElementById("verify");
  const verdict = document.getElementById("verdict");
  const list = document.getElementById("checks");
  const suffix = document.body.dataset.suffix;

  class Fault extends Error {
    constructor(code, message) {
      super(message);
      this.code = code;
    }
  }
  class Unable extends Error {}

  function must(holds, code, message) {
    if (!holds) throw new Fault(code, message);
  }

  // --- Canonical JSON: members sorted by code point, no white space.

  function byCodePoint(one, other) {
    const [a, b] = [Array.from(one), Array.from(other)];
    for (let at = 0; at < Math.min(a.length, b.length); at++) {
      const difference = a[at].codePointAt(0) - b[at].codePointAt(0);
      if (difference !== 0) return difference;
    }
    return a.length - b.length;
  }

  function text(string) {
    // With this flag halves of characters match only where they stand alone.
    must(!/[\ud800-\udfff]/u.test(string), "document.shape", "half of a character stands in a text");
    return JSON.stringify(string);
  }

  function canonical(value) {
    if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
    if (value !== null && typeof value === "object") {
      const keys = Object.keys(value).sort(byCodePoint);
      return `{${keys.map((key) => `${text(key)}:${canonical(value[key])}`).join(",")}}`;
    }
    return typeof value === "string" ? text(value) : JSON.stringify(value);
  }

  // JSON.parse alone keeps the last of two members of one name and rounds big integers. Whatever it
  // would lose or change, writing its result again shows.
  function read(bytes) {
    let source, value;
    try {
      source = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
      value = JSON.parse(source);
    } catch (error) {
      throw new Fault("document.shape", `the bundle is no JSON in UTF-8: ${error.message}`);
    }
    must(JSON.stringify(value) === source, "document.shape",
      "the bundle can be read in two ways: a member twice, a number that browsers can't keep, or a loose spelling; `pith verify` tells which");
    must(value !== null && typeof value === "object" && value.bundle_type === "pith_open_graph_bundle",
      "document.shape", "this is no bundle");
    return value;
  }

  // --- Bytes.

  const utf8 = (string) => new TextEncoder().encode(string);
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hash = (value) => sha256(utf8(canonical(value)));
  const without = (object, ...names) =>
    Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)));
  const same = (one, other) => canonical(one) === canonical(other);

  function base32(bytes) {
    let bits = "";
    for (const byte of bytes) bits += byte.toString(2).padStart(8, "0");
    return bits.match(/.{5}/g).map((five) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[parseInt(five, 2)]).join("");
  }

  // Padded and without stray bits, or it is an error.
  function base64(string, length, code) {
    let bytes;
    try {
      const decoded = atob(string);
      must(btoa(decoded) === string, code, "base64 is not in its one form");
      bytes = Uint8Array.from(decoded, (character) => character.charCodeAt(0));
    } catch (error) {
      throw error instanceof Fault ? error : new Fault(code, "this is no base64");
    }
    must(bytes.length === length, code, `${bytes.length} bytes stand where ${length} should`);
    return bytes;
  }

  // --- Ed25519. Browsers verify; what they let pass, and SPEC 9 doesn't, is refused here.

  const P = 2n ** 255n - 19n;
  const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
  // The y of a point of order 8; the other one is its negative.
  const EIGHTH = 0x7a03ac9277fdc74ec6cc392cfa53202a0f67100d760b3cba4fd84d3d706a17c7n;
  const SMALL = [0n, 1n, P - 1n, EIGHTH, P - EIGHTH];

  const integer = (bytes) => BigInt(`0x${hex(Uint8Array.from(bytes).reverse())}`);

  function point(bytes, code, what) {
    const y = integer(bytes) & (2n ** 255n - 1n);
    must(y < P, code, `${what} is not in its one form`);
    must(!SMALL.includes(y), code, `${what} has small order: such signatures prove nothing`);
  }

  async function signed(key, digest, signature, code) {
    const bytes = base64(signature, 64, code);
    must(integer(bytes.slice(32)) < ORDER, code, "the signature is not in its one form");
    point(bytes.slice(0, 32), code, "a part of the signature");
    must(await crypto.subtle.verify("Ed25519", key.imported, bytes, digest), code,
      `the signature is not that of key ${key.id}`);
  }

  async function readKeys(objects) {
    const keys = new Map();
    must(Array.isArray(objects) && objects.length > 0, "bundle.keys", "the bundle carries no key");
    for (const object of objects) {
      const raw = base64(object.public_key_b64, 32, "bundle.keys");
      point(raw, "bundle.keys", `key ${object.key_id}`);
      const digest = await sha256(raw);
      must(object.public_key_hex === hex(raw)
        && object.fingerprint_sha256_hex === hex(digest).slice(0, 32)
        && object.fingerprint_sha256_b32_first128bits === base32(digest).slice(0, 26)
        && object.algorithm === "ed25519", "bundle.keys", `key ${object.key_id} is not as it is described`);
      must(!keys.has(object.fingerprint_sha256_hex), "bundle.keys", "a key stands there twice");
      let imported;
      try {
        imported = await crypto.subtle.importKey("raw", raw, "Ed25519", false, ["verify"]);
      } catch (error) {
        if (error.name === "NotSupportedError") throw new Unable("This browser does not know Ed25519.");
        throw new Fault("bundle.keys", `key ${object.key_id} is no point of the curve`);
      }
      keys.set(object.fingerprint_sha256_hex, { id: object.key_id, imported, signer: object.signer_id, type: object.signer_type });
    }
    return keys;
  }

  function keyOf(keys, named, code) {
    const key = keys.get(named.public_key_fingerprint);
    must(key !== undefined && key.id === named.key_id, code, "it names a key that the bundle does not carry");
    return key;
  }

  // --- The checks, in the order in which they are made. Each returns what it has shown.

  const REGISTRY = "pith_registry";

  async function checkRecord({ bundle }) {
    const digest = await hash(bundle.canonical_record);
    must(bundle.canonical_sha256 === hex(digest), "record.digest", "canonical_sha256 is not the hash of the record");
    const year = String(bundle.canonical_record.metadata.submitted_at).slice(0, 4);
    const own = base32(digest).slice(0, 26);
    must(bundle.pith_number === `pith:${year}:${own}` && bundle.short_pith_number === `pith:${own.slice(0, 8)}`,
      "record.number", `the number ${bundle.pith_number} is not the record's`);
    const { id, kind, version } = bundle.canonical_record.source;
    must(same(bundle.source, { id, kind, version }), "record.number", "the source is not the record's");
    must(own === suffix, "number.expected", `the bundle is about ${bundle.pith_number}, not about this page's record`);
    return `The number is the record's own, and this page's: ${bundle.pith_number}`;
  }

  async function checkAliases({ bundle }) {
    const { id, version } = bundle.canonical_record.source;
    const wanted = [["arxiv", id], ["arxiv_version", `${id}v${version}`], ["doi", `10.48550/arxiv.${id}`.toLowerCase()],
      ["pith_short_12", suffix.slice(0, 12)], ["pith_short_16", suffix.slice(0, 16)], ["pith_short_8", suffix.slice(0, 8)]];
    const found = bundle.source_aliases.map((alias) => [alias.alias_kind, alias.alias_value]);
    must(same(found, wanted), "record.aliases", "the other names are not the record's");
    return "The other names are the record's.";
  }

  async function checkEvents({ bundle, keys }) {
    const ids = new Set();
    for (const event of bundle.events) {
      const digest = await hash(without(event, "signature", "content_sha256", "event_id"));
      must(event.content_sha256 === hex(digest) && event.event_id === `sha256:${hex(digest)}`,
        "event.content", `the event ${event.event_id} was changed: its hash is ${hex(digest)}`);
      must(!ids.has(event.event_id), "bundle.events", `the event ${event.event_id} stands there twice`);
      ids.add(event.event_id);
      must(event.subject_pith_number === bundle.pith_number, "event.subject", `the event ${event.event_id} is about another record`);
      const key = keyOf(keys, event.signer, "event.key");
      must(event.signature.public_key_fingerprint === event.signer.public_key_fingerprint
        && event.signature.key_id === event.signer.key_id, "event.key", `the event ${event.event_id} names two keys`);
      must(key.signer === undefined ? event.signer.signer_type === REGISTRY
        : key.signer === event.signer.signer_id && key.type === event.signer.signer_type && key.type !== REGISTRY,
      "event.key", `the key of ${event.event_id} does not speak for ${event.signer.signer_id}`);
      await signed(key, digest, event.signature.signature_b64, "event.signature");
      if (["record_created", "graph_snapshot"].includes(event.event_type)) {
        must(event.signer.signer_type === REGISTRY, "event.registry", `${event.event_type} is signed by another than the registry`);
      }
    }
    const registries = bundle.events.filter((event) => event.signer.signer_type === REGISTRY);
    must(new Set(registries.map((event) => event.signer.signer_id)).size === 1, "event.key", "the events name no registry, or several");
    return bundle.events.length === 1 ? "The event is as it was signed." : `All ${bundle.events.length} events are as they were signed.`;
  }

  async function checkReceipts({ bundle, keys }) {
    const created = bundle.events.filter((event) => event.event_type === "record_created");
    must(created.length > 0, "event.record", "no event creates the record");
    const digest = await hash(bundle.canonical_record);
    for (const { payload } of created) {
      must(same(payload.canonical_record, bundle.canonical_record) && payload.canonical_sha256 === bundle.canonical_sha256
        && payload.receipt.canonical_sha256 === bundle.canonical_sha256, "event.record", "an event creates another record");
      const key = keyOf(keys, payload.receipt, "receipt.signature");
      must(key.signer === undefined, "receipt.signature", "a receipt is not signed with the registry's key");
      await signed(key, digest, payload.receipt.signature_b64, "receipt.signature");
    }
    return created.length === 1 ? "The receipt is signed over the record." : `All ${created.length} receipts are signed over the record.`;
  }

  // As Python splits text.
  const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;
  const words = (string) => string.split(SPACE).filter((word) => word !== "").join(" ");

  async function checkSnapshots({ bundle }) {
    const { metadata, source } = bundle.canonical_record;
    for (const event of bundle.events.filter((event) => event.event_type === "graph_snapshot")) {
      const { paper, source: shown } = event.payload.graph_snapshot;
      const title = hex(await sha256(utf8(words(paper.title).toLowerCase())));
      must(title === metadata.title_canon_sha256 && paper.license === metadata.license
        && paper.primary_cat === metadata.primary_cat && same(paper.cross_cats, metadata.cross_cats_sorted)
        && paper.submitted_at === metadata.submitted_at && same(shown, source),
      "snapshot.paper", "the paper shown is not the record's");
      if (Array.from(paper.abstract_excerpt).length < 600) {
        const whole = hex(await sha256(utf8(words(paper.abstract_excerpt).toLowerCase())));
        must(whole === metadata.abstract_canon_sha256, "snapshot.paper", "the abstract shown is not the record's");
      }
    }
    const latest = bundle.state.current.graph_snapshots.at(-1);
    const title = latest === undefined ? null : latest.payload.graph_snapshot.paper.title;
    must(title === null || document.getElementById("title").textContent === title, "snapshot.paper",
      "the title on this page is not the bundle's");
    must(document.getElementById("number").textContent === bundle.pith_number, "number.expected",
      "the number on this page is not the bundle's");
    return "Title and number on this page are the record's.";
  }

  async function checkState({ bundle }) {
    const { state } = bundle;
    must(state.state_sha256 === hex(await hash(without(state, "state_sha256"))), "state.hash", "the state was changed");
    const { current } = state;
    must(state.pith_number === bundle.pith_number && same(current.canonical_record, bundle.canonical_record)
      && same(current.source_aliases, bundle.source_aliases), "state.replay", "the state is another record's");
    const events = new Map(bundle.events.map((event) => [event.event_id, event]));
    const entries = Object.values(current).flat().filter((entry) => entry !== null && entry.event_id !== undefined);
    for (const entry of entries) {
      const event = events.get(entry.event_id);
      must(event !== undefined && ["target", "created_at", "signer", "payload"].every((name) => same(event[name], entry[name])),
        "state.replay", `the state shows of ${entry.event_id} what it does not say`);
    }
    return "The state shows what events of the bundle say. Their merging was not repeated.";
  }

  async function checkBundle({ bundle, keys }) {
    const digest = await hash(without(bundle, "bundle_signature"));
    const signature = bundle.bundle_signature;
    must(signature.bundle_sha256 === hex(digest), "bundle.hash", `the bundle was changed: its hash is ${hex(digest)}`);
    const key = keyOf(keys, signature, "bundle.signature");
    must(key.signer === undefined, "bundle.signature", "the bundle is not signed with the registry's key");
    await signed(key, digest, signature.signature_b64, "bundle.signature");
    return `The bundle as a whole is signed with key ${key.id}.`;
  }

  const CHECKS = [checkRecord, checkAliases, checkEvents, checkReceipts, checkSnapshots, checkState, checkBundle];

  // --- The button.

  function say(kind, label, sentence) {
    button.dataset.verdict = kind;
    button.textContent = label;
    verdict.textContent = sentence;
  }

  function note(kind, sentence) {
    const item = document.createElement("li");
    item.className = kind;
    item.textContent = `${kind === "broken" ? "✗" : "✓"} ${sentence}`;
    list.append(item);
  }

  async function verify() {
    if (!globalThis.isSecureContext || !globalThis.crypto?.subtle) {
      throw new Unable("Browsers check signatures only on pages that come by https.");
    }
    let answer;
    try {
      answer = await fetch("bundle.json", { cache: "no-store", redirect: "error" });
    } catch {
      throw new Unable("The bundle could not be fetched.");
    }
    if (!answer.ok) throw new Unable(`The bundle could not be fetched: the server says ${answer.status}.`);
    const bundle = read(await answer.arrayBuffer());
    const keys = await readKeys(bundle.public_keys);
    for (const check of CHECKS) note("sound", await check({ bundle, keys }));
    return bundle;
  }

  async function pressed() {
    button.disabled = true;
    list.replaceChildren();
    say("", "Verifying …", "");
    try {
      const { bundle_signature: signature, events } = await verify();
      const registry = events.find((event) => event.signer.signer_type === REGISTRY).signer.signer_id;
      say("sound", "✓ Sound", `The bundle is whole. It is signed with key ${signature.key_id}, fingerprint `
        + `${signature.public_key_fingerprint}, which calls itself ${registry}.`);
    } catch (error) {
      if (error instanceof Unable) {
        say("unable", "Could not be verified here", `${error.message} Nothing was shown, for or against the bundle.`);
      } else {
        // A member that is missing or of another kind ends a check too.
        const code = error instanceof Fault ? error.code : "document.shape";
        const message = error instanceof Fault ? error.message : `the bundle has not the form of one (${error.message})`;
        note("broken", `${code}: ${message}`);
        say("broken", "✗ Does not verify", `Do not rely on this record as it is here: ${code} failed. Try another mirror.`);
      }
    }
    button.disabled = false;
    button.focus();
  }

  button.hidden = false;
  button.addEventListener("click", pressed);
})();
