//! The checks by name: what each means and what to do when it fails.

use crate::state::InvalidReason;
use crate::text::catalogue;

catalogue! {
    /// A check, by its stable name.
    Code:
    DocumentShape = "document.shape",
        "The document is strict JSON, of a kind known here, and every value has its exact form.",
        "Fetch the document again. If it still fails, whoever made it did not follow the protocol: tell them the path named.";
    NumberExpected = "number.expected",
        "The document is about the Pith Number that was asked for.",
        "You were given another paper's document, or another number: check which one you meant.";
    RecordDigest = "record.digest",
        "canonical_sha256 is the SHA-256 of the canonical record.",
        "The record or its digest was changed. Do not use it; fetch the bundle from another mirror.";
    RecordNumber = "record.number",
        "The Pith Number, its short form and the source named beside it are those of the record.",
        "The number does not belong to this record. Do not use it; fetch the bundle from another mirror.";
    RecordAliases = "record.aliases",
        "The source aliases are exactly those that the record and its number give, sorted by kind.",
        "Aliases were changed or left out. Fetch the bundle from another mirror.";
    ReceiptSignature = "receipt.signature",
        "The receipt is a strict Ed25519 signature over the record's digest, by the key it names.",
        "The receipt was forged or changed. Do not use it.";
    ReceiptTimes = "receipt.times",
        "The receipt's times agree with each other and with the event that holds it.",
        "The registry wrote contradictory times; report it to the registry.";
    EventShape = "event.shape",
        "An event has the shape of its type.",
        "The event was damaged or made by a program that does not follow the protocol.";
    EventSubject = "event.subject",
        "Every event is about the bundle's record.",
        "Somebody put another paper's event into this bundle. Do not use it.";
    EventTarget = "event.target",
        "Every event has a target that its type allows.",
        "The event was made by a program that does not follow the protocol.";
    EventForm = "event.form",
        "Every event of a known type has a payload of that type's form.",
        "The event was made by a program that does not follow the protocol. Tell its signer; `pith event new TYPE` shows the form.";
    EventUnknown = "event.unknown",
        "Every event is of a type known here, and its payload has no members unknown here.",
        "What is not known is kept and hashed, and says nothing to this version. A later one may know it.";
    EventContent = "event.content",
        "content_sha256 and event_id are the hash of the event's content.",
        "The event was changed after it was signed. Do not use it.";
    EventKey = "event.key",
        "An event's signer and signature name one key, which the document carries and which may speak for that signer.",
        "The event was signed by a key that does not speak for the signer named. Do not believe it.";
    EventSignature = "event.signature",
        "The event's signature is a strict Ed25519 signature over its hash.",
        "The event was forged or changed. Do not use it.";
    EventRegistry = "event.registry",
        "Events of types that only the registry makes are signed by a registry.",
        "Somebody other than the registry claims to have made a record. Do not believe it.";
    EventRecord = "event.record",
        "Record, number and receipt inside a record_created event agree.",
        "The event was made by a program that does not follow the protocol, or forged.";
    SnapshotPaper = "snapshot.paper",
        "The snapshot's paper agrees with the record: title, licence, categories, date, source, and the abstract where the excerpt is all of it.",
        "The readable metadata is not that of the signed record. Do not rely on it.";
    SnapshotLists = "snapshot.lists",
        "Sections without items carry the hash of the empty list.",
        "The snapshot claims items that it does not show. Report it to the registry.";
    TimestampProof = "timestamp.proof",
        "A timestamp's proof leads from the record's digest to a block of Bitcoin whose header the verifier gave.",
        "The proof is of another block, or the header is. Compare the header with a node of your own; if it is right, the timestamp shows nothing.";
    StateReplay = "state.replay",
        "The state is exactly what merging the bundle's events gives.",
        "The state was changed or made under other rules. Trust the events, not the state.";
    StateHash = "state.hash",
        "state_sha256 is the hash of the state.",
        "The state was changed. Fetch it again, or replay it from a bundle.";
    BundleEvents = "bundle.events",
        "Events stand in bundle order: the applied ones in order, then the rest by id, each once.",
        "The bundle was put together wrongly; report it to whoever published it.";
    BundleKeys = "bundle.keys",
        "The bundle carries exactly the keys that signed something in it, the bundle's own first.",
        "A key is missing, doubled, or not needed. Fetch the bundle from another mirror.";
    BundleProofs = "bundle.proofs",
        "timestamp_proofs repeats what the timestamp anchors of the state say, each under its event's id.",
        "The list was put together wrongly or changed before signing. Use the events, and report it to the registry.";
    BundleLinks = "bundle.links",
        "Links and mirror addresses have the protocol's form for this number.",
        "The addresses lead elsewhere. Do not follow them; report it to the registry.";
    BundleBuiltAt = "bundle.built-at",
        "The bundle was built at or after the time of every event of the registry in it.",
        "One of the times was changed before signing, or the registry's clock ran backwards. Do not rely on the bundle's times.";
    BundleHash = "bundle.hash",
        "bundle_sha256 is the hash of the bundle without its signature.",
        "The bundle was changed. Do not use it; fetch it from another mirror.";
    BundleSignature = "bundle.signature",
        "The bundle's signature is a strict Ed25519 signature over its hash.",
        "The bundle was forged or changed. Do not use it; fetch it from another mirror.";
    BundleSignedAt = "bundle.signed-at",
        "The signature's signed_at is not before built_at. No hash covers signed_at, so it is not authenticated.",
        "The time was changed or the registry's clock ran backwards. Nothing else depends on it.";
    EventsDangling = "events.dangling",
        "Every event named by prev_event or supersedes is there and may be named.",
        "An event names another that is missing or that it may not name; the edge has no effect. Look for the missing event.";
    EventsEquivocation = "events.equivocation",
        "No signer contradicts itself.",
        "A signer made events that exclude each other; none of them is applied. The registry has to supersede all but one.";
    StateUnsigned = "state.unsigned",
        "A bare state carries no signature.",
        "Verify the bundle that the state belongs to.";
    KeyTrust = "key.trust",
        "The keys of the registry's signatures are in the keyset, for the signer they speak for.",
        "The document is sound under keys of its own, which anybody can make. If you know the key, name it with --trust or --keyset.";
    KeyWindow = "key.window",
        "The keys of the registry's signatures were valid at the times the signatures cover.",
        "The signature is dated outside the key's window. Times are the signer's own word: treat it as unsigned.";
    KeyForeign = "key.foreign",
        "Events by other signers are judged one by one and do not make a bundle bad.",
        "If you know the signer's key, name it with --trust; otherwise do not believe what the event says.";
    KeyRevoked = "key.revoked",
        "A key that was revoked counts for what it is known to have signed before: the event id or bundle digest is among the leaves to which the keyset commits.",
        "If the file of leaves is missing, put it into logs/ beside the keyset. If the signature is not in it, treat it as forged.";
    KeysetRules = "keyset.rules",
        "A keyset keeps every rule that it has to keep by itself; the message names the one it breaks.",
        "Do not use the keyset. Fetch it again, and look up the rule in docs/KEYSET.md.";
    KeysetChain = "keyset.chain",
        "A keyset is one that the verifier has, or follows from it, approved by the custodians of the version before.",
        "Compare its digest with one that you got by another way, or give every version between to `pith keyset verify`.";
    KeysetExpired = "keyset.expired",
        "The keyset has not expired; what is dated before its end counts on, what is dated later does not.",
        "Fetch the registry's newest keyset. If there is none, ask the registry.";
    KeysetRehearsal = "keyset.rehearsal",
        "The keyset was not made to practise.",
        "Do not rely on what it says: whoever rehearsed left it behind.";
    TranscriptOpening = "transcript.opening",
        "The ceremony's ceremony.json is there and well formed; the first entry names its digest.",
        "The transcript was taken out of its folder, or the file was changed. Get the whole folder again.";
    TranscriptEntry = "transcript.entry",
        "Each line is an entry in canonical form, with its own hash.",
        "An entry was changed after it was written. Do not rely on the transcript; ask those who were there.";
    TranscriptChain = "transcript.chain",
        "Each entry has the next number and the hash of the one before; nothing follows the closing.",
        "Entries were dropped, added or moved. Do not rely on the transcript; ask those who were there.";
    TranscriptTimes = "transcript.times",
        "No entry is earlier than the one before.",
        "The program writes no such entry: the transcript was put together by something else.";
    TranscriptTorn = "transcript.torn",
        "The last line was written to its end.",
        "A crash cut it off: `pith ceremony log --repair` puts it aside and records that.";
    TranscriptHead = "transcript.head",
        "The transcript has the count and head that were read aloud.",
        "It was changed or its tail cut off since, or the head was written down wrongly: compare with others who were there.";
    TranscriptClosing = "transcript.closing",
        "closing.json has the count and the head of the transcript.",
        "The transcript's tail was cut off, or one of the two files was changed. Get the whole folder again.";
    TranscriptWitness = "transcript.witness",
        "Every signature in closing.json is its witness's, of this count and head.",
        "A signature was forged or belongs to another transcript. Do not rely on the transcript.";
    TranscriptTrust = "transcript.trust",
        "A witness whose key is known here has signed the transcript, or it ends with the head that was read aloud.",
        "It is sound, but anybody could have made it. Name a custodian's public key with --trust, or the head that you wrote down with --expect-head.";
    TranscriptRunbook = "transcript.runbook",
        "The runbook is as it was rendered when the ceremony was planned.",
        "Boxes ticked in the file change it. Compare it with a runbook rendered anew.";
    TranscriptProducts = "transcript.products",
        "What the ceremony wrote is as it was written; once it is closed, the copies in its folder are.",
        "The file was changed outside the ceremony. Find out by whom; the transcript says which command wrote it.";
    TranscriptRehearsal = "transcript.rehearsal",
        "The opening and every entry agree whether the ceremony was a rehearsal.",
        "Nothing that comes of a rehearsal counts. If entry and opening differ, the transcript was changed.";
    TimeFuture = "time.future",
        "Nothing is dated after the time of judging.",
        "Check your clock; if it is right, the signer's is not.";
}

/// The check that an event fails which is invalid for this reason.
pub(super) fn code_of(reason: InvalidReason) -> Code {
    match reason {
        InvalidReason::Shape => Code::EventShape,
        InvalidReason::Subject => Code::EventSubject,
        InvalidReason::Target => Code::EventTarget,
        InvalidReason::Form => Code::EventForm,
        InvalidReason::ContentHash => Code::EventContent,
        InvalidReason::KeyMismatch | InvalidReason::UnknownKey | InvalidReason::Signer => {
            Code::EventKey
        }
        InvalidReason::Signature => Code::EventSignature,
        InvalidReason::NotRegistry => Code::EventRegistry,
        InvalidReason::Record => Code::EventRecord,
        InvalidReason::Receipt => Code::ReceiptSignature,
    }
}

impl std::str::FromStr for Code {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Code::ALL
            .iter()
            .find(|code| code.as_str() == text)
            .copied()
            .ok_or_else(|| {
                let all: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
                format!("no check is called `{text}`; there are {}", all.join(", "))
            })
    }
}
