//! The file itself: making, opening, migrating, locking and copying it.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use pith::digest::Digest;
use pith::ledger::{Ledger, LedgerError, LedgerLock, NewRecord, SeenKeyset};

use crate::fixture::*;

#[test]
fn a_ledger_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    let missing = Ledger::open(&path).unwrap_err();
    assert!(matches!(missing, LedgerError::Missing { .. }), "{missing}");
    assert!(missing.remedy().unwrap().contains("pith ledger rebuild"));
    drop(Ledger::create(&path).unwrap());
    let before = fs::read(&path).unwrap();
    let exists = Ledger::create(&path).unwrap_err();
    assert!(matches!(exists, LedgerError::Exists { .. }), "{exists}");
    assert_eq!(fs::read(&path).unwrap(), before);
    let nowhere = Ledger::create(&folder.path().join("none/ledger.db")).unwrap_err();
    assert!(matches!(nowhere, LedgerError::Io { .. }), "{nowhere}");
}

#[test]
fn an_interrupted_making_is_completed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.db");
    fs::write(&path, "").unwrap();
    for opened in [Ledger::open(&path), Ledger::open_read_only(&path)] {
        let error = opened.unwrap_err();
        assert!(matches!(error, LedgerError::Missing { .. }), "{error}");
    }
    let mut ledger = Ledger::create(&path).unwrap();
    let new = minted("2001.00001", "A title");
    ledger.group(|tx| tx.insert(&new)).unwrap();
    assert_eq!(ledger.count().unwrap(), 1);
}

#[test]
fn what_is_not_a_ledger_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let refused = |path: &Path| {
        for opened in [Ledger::open(path), Ledger::open_read_only(path)] {
            let error = opened.unwrap_err();
            assert!(matches!(error, LedgerError::NotALedger { .. }), "{error}");
            assert!(error.to_string().contains(path.to_str().unwrap()));
        }
    };
    refused(folder.path());
    fs::write(
        &path,
        "not a database, but long enough to be looked at ".repeat(50),
    )
    .unwrap();
    refused(&path);
    fs::remove_file(&path).unwrap();
    sql_on(&path, "CREATE TABLE theirs (a)");
    let before = fs::read(&path).unwrap();
    refused(&path);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_newer_ledger_is_refused() {
    let scratch = Scratch::new();
    scratch.sql("PRAGMA user_version = 99");
    for opened in [
        Ledger::open(&scratch.path),
        Ledger::open_read_only(&scratch.path),
    ] {
        let error = opened.unwrap_err();
        assert!(matches!(error, LedgerError::Newer { found: 99, .. }));
        assert!(error.to_string().contains("newer pith"), "{error}");
    }
    assert_eq!(scratch.query("PRAGMA user_version"), 99);
}

#[test]
fn a_ledger_from_before_keysets_were_remembered_learns_to() {
    let mut scratch = Scratch::with(&[minted("2001.00001", "A title")]);
    assert_eq!(scratch.ledger.seen_keyset().unwrap(), None);
    scratch.sql("DROP TABLE seen_keyset; PRAGMA user_version = 2");
    let error = Ledger::open_read_only(&scratch.path).unwrap_err();
    assert!(
        matches!(error, LedgerError::Older { found: 2, .. }),
        "{error}"
    );
    scratch.ledger = Ledger::open(&scratch.path).unwrap();
    let seen = SeenKeyset {
        version: 7,
        digest: Digest::of(b"a keyset"),
    };
    scratch.ledger.see_keyset(&seen).unwrap();
    let again = Ledger::open_read_only(&scratch.path).unwrap();
    assert_eq!(again.seen_keyset().unwrap(), Some(seen));
    assert_eq!(again.count().unwrap(), 1);
}

#[test]
fn the_file_is_set_up_to_be_durable() {
    let scratch = Scratch::new();
    assert_eq!(scratch.query("PRAGMA application_id"), 0x5049_5448);
    assert!(scratch.path.with_file_name("ledger.db-wal").exists());
    // One table that is not strict would take text for a number.
    assert_eq!(
        scratch.query("SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND NOT strict AND name NOT LIKE 'sqlite_%'"),
        0
    );
}

#[test]
fn a_reader_cannot_write() {
    let scratch = Scratch::with(&[minted("2001.00001", "A title")]);
    let mut reader = Ledger::open_read_only(&scratch.path).unwrap();
    let new = minted("2001.00002", "Another");
    let error = reader.group(|tx| tx.insert(&new)).unwrap_err();
    assert!(matches!(error, LedgerError::ReadOnly { .. }), "{error}");
    assert!(error.to_string().contains("ledger.db"));
    assert_eq!(reader.count().unwrap(), 1);
}

#[test]
fn the_lock_is_held_by_one_and_says_by_whom() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.db");
    let line = "pid 4711 on host since 2026-05-18T00:30:44Z";
    let lock = LedgerLock::acquire(&ledger, line).unwrap();
    let held = LedgerLock::acquire(&ledger, "pid 2").unwrap_err();
    assert!(matches!(&held, LedgerError::Held { holder, .. } if holder == line));
    assert!(held.to_string().ends_with(&format!("is held by {line}")));
    drop(lock);
    let file = folder.path().join("ledger.db.lock");
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{line}\n"));
    let _lock = LedgerLock::acquire(&ledger, "pid 2\nand more").unwrap();
    assert_eq!(fs::read_to_string(&file).unwrap(), "pid 2\n");
}

#[test]
fn a_backup_is_a_ledger_in_one_file() {
    let new = minted("2001.00001", "A title");
    let scratch = Scratch::with(std::slice::from_ref(&new));
    let to = scratch.folder.path().join("backup.db");
    scratch.ledger.backup(&to, false).unwrap();
    let exists = scratch.ledger.backup(&to, false).unwrap_err();
    assert!(matches!(exists, LedgerError::Exists { .. }), "{exists}");
    scratch.ledger.backup(&to, true).unwrap();
    let mut names: Vec<_> = fs::read_dir(scratch.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    assert_eq!(
        names,
        ["backup.db", "ledger.db", "ledger.db-shm", "ledger.db-wal"]
    );
    let copy = Ledger::open(&to).unwrap();
    assert_eq!(
        copy.get(new.number.suffix()).unwrap(),
        Some(issued(&new, 1))
    );
    // While the copy is open it has a journal, which must not come to stand beside another file.
    let in_use = scratch.ledger.backup(&to, true).unwrap_err();
    assert!(
        matches!(in_use, LedgerError::BackupInUse { .. }),
        "{in_use}"
    );
    for to in [&scratch.path, &scratch.folder.path().join("none/backup.db")] {
        assert!(scratch.ledger.backup(to, true).is_err());
    }
    assert_eq!(scratch.findings(), []);
}

/// A copy holds whole groups only, however much is written meanwhile.
#[test]
fn a_backup_during_writes_is_consistent() {
    const GROUP: usize = 7;
    let mut scratch = Scratch::new();
    let folder = scratch.folder.path().to_owned();
    let reader = Ledger::open_read_only(&scratch.path).unwrap();
    let new: Vec<NewRecord> = (1..=700)
        .map(|i| minted(&format!("2001.{i:05}"), "A title"))
        .collect();
    let written = AtomicBool::new(false);
    let backups = std::thread::scope(|scope| {
        scope.spawn(|| {
            for group in new.chunks(GROUP) {
                scratch.insert(group);
            }
            written.store(true, Ordering::Release);
        });
        let mut backups = Vec::new();
        loop {
            let last = written.load(Ordering::Acquire);
            let to = folder.join(format!("backup-{}.db", backups.len()));
            reader.backup(&to, false).unwrap();
            backups.push(to);
            if last {
                return backups;
            }
        }
    });
    let counts: Vec<u64> = backups
        .iter()
        .map(|path| Ledger::open(path).unwrap().count().unwrap())
        .collect();
    assert!(counts.iter().all(|count| count % GROUP as u64 == 0));
    assert!(counts.is_sorted());
    assert_eq!(counts.last(), Some(&700));
    assert!(
        counts.len() > 2,
        "nothing was copied while writing: {counts:?}"
    );
}
