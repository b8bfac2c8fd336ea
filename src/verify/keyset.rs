//! Verifying a keyset: first by its own rules, then as one that a known keyset leads to.

use super::Policy;
use super::code::Code;
use super::document::DocumentKind;
use super::report::{Outcome, Report, Verdict};
use crate::keyset::{Chain, Keyset, KeysetFile};

/// Judges what the file of a keyset may hold.
pub(super) fn verify_keyset(file: &KeysetFile, policy: &Policy) -> Report {
    let mut report = Report::new(DocumentKind::Keyset);
    let keyset = match file {
        KeysetFile::Keyset(keyset) => keyset,
        KeysetFile::Bootstrap(_) => {
            let message = "is a home's own list of keys, under nobody's signature";
            report.add(Code::KeysetChain, Outcome::Untrusted, "keyset", message);
            return report;
        }
    };
    let version = keyset.version;
    for fault in keyset.faults() {
        let message = format!("{} ({})", fault.message, fault.rule);
        report.fail(Code::KeysetRules, &fault.subject, message);
    }
    if report.verdict() == Verdict::Failed {
        return report;
    }
    let tally = keyset.tally(keyset);
    let message = format!(
        "version {version} keeps its rules and is signed by {} of its {} custodians",
        tally.signed.len(),
        keyset.custodians.keys.len()
    );
    report.ok(Code::KeysetRules, "keyset", message);
    chain(&mut report, keyset, policy);
    let at = policy.at.unwrap_or(policy.now);
    if keyset.is_yet_to_come(at) {
        let message = format!(
            "is made at {}, which is yet to come at {at}",
            keyset.created_at
        );
        report.add(Code::TimeFuture, Outcome::Untrusted, "keyset", message);
    }
    if keyset.has_expired(at) {
        let message = format!("expired at {}", keyset.expires_at);
        report.add(Code::KeysetExpired, Outcome::Note, "keyset", message);
    }
    if keyset.rehearsal {
        let message = "is a rehearsal, and means nothing outside of it";
        report.add(Code::KeysetRehearsal, Outcome::Note, "keyset", message);
    }
    report
}

/// Whether a keyset that the verifier has leads to this one.
fn chain(report: &mut Report, keyset: &Keyset, policy: &Policy) {
    let known: Vec<(&str, &Chain)> = policy
        .trust
        .chains()
        .filter(|(_, chain)| chain.latest().registry_id == keyset.registry_id)
        .collect();
    let (digest, version) = (keyset.digest(), keyset.version);
    if known.is_empty() {
        let message = format!(
            "is of {}, of which none is trusted here; if you know the digest {digest}, name this one \
             with --keyset",
            keyset.registry_id
        );
        return report.add(Code::KeysetChain, Outcome::Untrusted, "keyset", message);
    }
    // Every one of them has a say: two that disagree are for people to look at.
    for (name, chain) in known {
        let latest = chain.latest().version;
        let refused = match chain.digest_of(version) {
            Some(held) if *held == digest => {
                let message = format!("is held by {name}");
                report.ok(Code::KeysetChain, "keyset", message);
                continue;
            }
            Some(held) => {
                format!("is another version {version} than the one that {name} holds, {held}")
            }
            None if latest.checked_add(1) == Some(version) => {
                match chain.clone().push(keyset.clone()) {
                    Ok(()) => {
                        let message = format!("follows {name}");
                        report.ok(Code::KeysetChain, "keyset", message);
                        continue;
                    }
                    Err(faulty) => format!("does not follow {name}: {faulty}"),
                }
            }
            None => format!("is version {version}, to which {name} does not lead"),
        };
        report.add(Code::KeysetChain, Outcome::Untrusted, "keyset", refused);
    }
}
