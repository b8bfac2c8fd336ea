//! The rules of keysets by name: each is raised by code, documented, and proven by a test.

use crate::text::catalogue;

catalogue! {
    /// A rule that keysets keep, by its stable name.
    Rule:
    Version = "keyset.version",
        "Versions count from 1; the first has no predecessor, every other one names its own.",
        "Somebody edited the file by hand. Take it from the registry, or from a backup, as it was published.";
    Link = "keyset.link",
        "A version follows the one before it: its number is the next one and `previous` is that one's digest. Nothing is skipped or replayed.",
        "Get the versions between, or begin the draft anew from the version in force: `pith keyset draft new --force`.";
    Registry = "keyset.registry",
        "All versions are of one registry, and every signing key speaks for it alone.",
        "This is another registry's keyset, or a key of another's. Do not use it here.";
    Threshold = "keyset.threshold",
        "The custodians' threshold is at least 1 and at most their number.",
        "Name the custodians again: `pith keyset draft custodians --threshold M KEY_FILE...`.";
    Signature = "keyset.signature",
        "Every signature is by a custodian of this version or of the one before, under the name listed there, and each custodian's stands once.",
        "The keyset was changed after it was signed, or somebody signed who is no custodian. Do not use it; sign the draft again.";
    OwnThreshold = "keyset.own-threshold",
        "A threshold of the version's own custodians have signed it; a key counts once, under whatever names it signed.",
        "Have more custodians sign: `pith keyset status` says whose signatures are missing.";
    PreviousThreshold = "keyset.previous-threshold",
        "A threshold of the custodians of the version before have signed it; those that this version removes count here, and only here.",
        "Have more of the old custodians sign: `pith keyset status` says whose signatures are missing.";
    DuplicateKey = "keyset.duplicate-key",
        "No raw key stands twice, under any names, in any roles, in any version: a custodian's key never signs records, a signing key never signs keysets.",
        "Make a new key for the second role: `pith key generate`.";
    DuplicateName = "keyset.duplicate-name",
        "No two keys of a keyset have one name, and a name that a signing key had is never another's.",
        "Give the new key another name.";
    OneActive = "keyset.one-active",
        "One signing key is active, never more; none only in an emergency whose reason the keyset states, and only then.",
        "Activate a key that was published long enough, or say why there is none: `--emergency REASON`.";
    PublishSafety = "keyset.publish-safety",
        "A key is published as `next` for as long as the policy says before it is active; only the first version activates its key directly. The longest policy of all versions since then holds.",
        "Wait until the time named, then activate it. Keep a second key published as `next`, so that there is one when it is needed.";
    RetireSafety = "keyset.retire-safety",
        "A key stays in the keyset until it was retired or revoked for as long as the policy says.",
        "Leave the key where it is.";
    Possession = "keyset.possession",
        "Every signing key has signed that somebody holds its private half, for this registry and name.",
        "Add the key again with `pith keyset draft add`, which opens it.";
    Status = "keyset.status",
        "A key's dates are those of its status, a status only goes forward (next, active, retired, revoked), and what was once published of a key never changes.",
        "Begin the draft anew from the version in force: `pith keyset draft new --force`.";
    Revocation = "keyset.revocation",
        "A key that is revoked has a reason and a time, and no other key has.",
        "Revoke it again: `pith keyset draft revoke ID --reason REASON`.";
    Signed = "keyset.signed",
        "A key that has ended carries the count and the Merkle root of what the ledger knows it to have signed, and no other key does; at publication the ledger knows of no other event and of no other bundle that registry.toml still gives.",
        "Retire or revoke the key again, so that what it signed is counted anew.";
    Dates = "keyset.dates",
        "A version is made after the one before it, expires after it is made, and is published between the two.",
        "Check the clock. A draft that has become too old is begun anew: `pith keyset draft new --force`.";
    Rehearsal = "keyset.rehearsal",
        "A rehearsal neither follows a real keyset nor is followed by one, and only a rehearsal has times that were set by hand.",
        "Rehearse in a home of its own, begun with `pith keyset draft new --rehearsal`.";
    Rollback = "keyset.rollback",
        "A home never goes back behind the highest version that it or its ledger has seen, nor to another one of that number.",
        "The keyset's file was replaced by an older one. Restore keys/ from the latest backup.";
    History = "keyset.history",
        "The home has every version from the first to the one in force, and knows when it published each.",
        "Restore keys/history/ from a backup, or fetch the missing versions from where they are published.";
}
