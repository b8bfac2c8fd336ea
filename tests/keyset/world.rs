//! Keys that everybody knows, and keysets made of them.

use pith::keys::{
    CustodianKey, KeyId, PrivateKey, PublicKey, PublicKeyObject, Purpose, SignatureBytes,
};
use pith::keyset::{
    Chain, Custodians, Edit, Fault, Faulty, Keyset, MerkleTree, PossessionStatement, Rule,
    SafetyPolicy, SignedLog,
};
use pith::time::Timestamp;

pub const REGISTRY: &str = "registry.invalid";
pub const DAY: i64 = 24 * 60 * 60;

/// The policy of CLI.md's defaults.
pub const POLICY: SafetyPolicy = SafetyPolicy {
    publish_safety_seconds: 10 * DAY as u32,
    retire_safety_seconds: 30 * DAY as u32,
};

/// The custodians a, b, c, …
pub const A: u8 = 1;
pub const B: u8 = 2;
pub const C: u8 = 3;
pub const D: u8 = 4;
pub const E: u8 = 5;

/// The signing keys.
pub const ONE: u8 = 101;
pub const TWO: u8 = 102;
pub const THREE: u8 = 103;

pub fn private(n: u8) -> PrivateKey {
    PrivateKey::from_seed(&[n; 32])
}

pub fn public(n: u8) -> PublicKey {
    PublicKey::from(private(n).verifying_key())
}

pub fn custodian(n: u8) -> CustodianKey {
    let letter = char::from(b'a' + n - 1);
    CustodianKey {
        key_id: id(&format!("custodian-{letter}")),
        key: public(n),
    }
}

pub fn custodians(threshold: u32, all: &[u8]) -> Custodians {
    let keys = all.iter().map(|n| custodian(*n)).collect();
    Custodians { threshold, keys }
}

pub fn id(text: &str) -> KeyId {
    text.parse().unwrap()
}

/// The name of a signing key: `key-1`, `key-2`, …
pub fn name(n: u8) -> KeyId {
    id(&format!("key-{}", n - 100))
}

pub fn object(n: u8) -> PublicKeyObject {
    PublicKeyObject::of_registry(public(n), name(n), "https://registry.invalid")
}

pub fn possession(n: u8) -> SignatureBytes {
    let (name, key) = (name(n), public(n));
    let statement = PossessionStatement::of(REGISTRY, &name, &key);
    private(n)
        .sign_for(Purpose::Possession, &statement)
        .unwrap()
}

/// So many days after the registry began.
pub fn day(days: i64) -> Timestamp {
    let begin: Timestamp = "2026-06-01T00:00:00Z".parse().unwrap();
    Timestamp::from_unix(begin.unix() + days * DAY).unwrap()
}

pub fn add(n: u8) -> Edit {
    Edit::Add {
        key: Box::new(object(n)),
        possession: possession(n),
    }
}

/// What a key has signed that has signed nothing.
pub fn nothing() -> SignedLog {
    SignedLog::of(&MerkleTree::new())
}

pub fn edited(mut keyset: Keyset, edits: impl IntoIterator<Item = Edit>, days: i64) -> Keyset {
    for edit in edits {
        keyset.edit(edit, day(days)).unwrap();
    }
    keyset
}

/// The draft after `previous`, made on that day.
pub fn draft(previous: &Keyset, days: i64, edits: impl IntoIterator<Item = Edit>) -> Keyset {
    let next = previous.successor(day(days), day(days + 365)).unwrap();
    edited(next, edits, days)
}

pub fn signed(mut keyset: Keyset, previous: Option<&Keyset>, by: &[u8]) -> Keyset {
    keyset.signatures.clear();
    for n in by {
        keyset.sign(previous, &private(*n)).unwrap();
    }
    keyset
}

/// The first version, unsigned: custodians a, b and c, of whom two have to sign, and key-1 active.
pub fn first_draft() -> Keyset {
    let keyset = Keyset::first(REGISTRY.to_owned(), POLICY, false, day(0), day(365));
    edited(
        keyset,
        [add(ONE), Edit::Custodians(custodians(2, &[A, B, C]))],
        0,
    )
}

pub fn first() -> Keyset {
    signed(first_draft(), None, &[A, B])
}

/// Version 2: key-2 is published as the next one.
pub fn second() -> Keyset {
    let first = first();
    signed(draft(&first, 1, [add(TWO)]), Some(&first), &[A, C])
}

/// Version 3: key-2 is active, and key-1 retired.
pub fn third() -> Keyset {
    let second = second();
    let edits = [
        Edit::Retire(name(ONE), nothing()),
        Edit::Activate(name(TWO)),
    ];
    signed(draft(&second, 11, edits), Some(&second), &[B, C])
}

pub fn chain(versions: impl IntoIterator<Item = Keyset>) -> Chain {
    try_chain(versions).unwrap()
}

pub fn try_chain(versions: impl IntoIterator<Item = Keyset>) -> Result<Chain, Faulty> {
    Chain::of(versions).expect("there is a version")
}

/// The rules that are broken, each once.
pub fn broken(faults: &[Fault]) -> Vec<Rule> {
    let mut rules: Vec<_> = faults.iter().map(|fault| fault.rule).collect();
    rules.sort();
    rules.dedup();
    rules
}

/// The rules that `next` breaks after `versions`, although enough custodians have signed it as it is.
#[track_caller]
pub fn breaks_after(versions: impl IntoIterator<Item = Keyset>, next: Keyset) -> Vec<Rule> {
    let mut chain = chain(versions);
    let by: Vec<u8> = [A, B, C, D, E]
        .into_iter()
        .filter(|n| {
            let fingerprint = public(*n).fingerprint();
            next.custodian(Some(chain.latest()), &fingerprint)
                .is_some_and(|held| held.key_id == custodian(*n).key_id)
        })
        .collect();
    let latest = chain.latest().clone();
    let next = signed(next, Some(&latest), &by);
    broken(&chain.push(next).unwrap_err().faults)
}

/// The rules that a first version breaks, although its custodians have signed it as it is.
#[track_caller]
pub fn breaks_alone(keyset: Keyset) -> Vec<Rule> {
    let by: Vec<u8> = [A, B, C, D, E]
        .into_iter()
        .filter(|n| keyset.custodian(None, &public(*n).fingerprint()).is_some())
        .collect();
    broken(&Chain::begin(signed(keyset, None, &by)).unwrap_err().faults)
}
