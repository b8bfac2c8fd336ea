//! Hardening is for a whole process and for good, so its test has a process of its own.

use std::io::Write as _;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use pith::cli::secrets::{NewSecretArgs, PassphraseArgs, SecretSources};
use pith::cli::terminal::Tty;
use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

#[test]
fn a_hardened_process_leaves_no_core_and_still_reads_descriptors() {
    pith::keys::harden().unwrap();
    let limit = getrlimit(Resource::Core);
    assert_eq!((limit.current, limit.maximum), (Some(0), Some(0)));
    assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    pith::keys::harden().expect("again");

    // /proc/self belongs to root from now on; descriptors must not be out of reach for that.
    let (reader, mut writer) = std::io::pipe().unwrap();
    writer.write_all(b"correct horse battery\n").unwrap();
    let passphrase = PassphraseArgs {
        passphrase_fd: Some(reader.as_raw_fd().try_into().unwrap()),
        ..PassphraseArgs::default()
    };
    let sources = SecretSources {
        passphrase_file: None,
        terminal: Arc::new(Tty),
    };
    NewSecretArgs::default()
        .for_new_key("a key", &passphrase, &sources)
        .unwrap();
}
