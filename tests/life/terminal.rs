//! Custodians at a terminal of their own: what they see, what they have to type, and what is left when they stop.

use std::fs;
use std::path::PathBuf;

use pith::keys::{CustodianKey, PrivateKey, PublicKey};

use crate::common::session::Session;
use crate::common::{Home, cheaply_sealed, run, write_private};

const PASSPHRASE: &str = "slow brown badger";
const NOW: &str = "2026-06-01T00:00:00Z";

/// A home with a draft that two custodians may sign, and an open ceremony.
struct Table {
    home: Home,
}

impl Table {
    fn new() -> Self {
        let home = Home::new();
        for (id, seed) in [("custodian-a", 71), ("custodian-b", 72)] {
            let private = PrivateKey::from_seed(&[seed; 32]);
            let public = CustodianKey {
                key_id: id.parse().unwrap(),
                key: PublicKey::from(private.verifying_key()),
            };
            write_private(
                &home.beside(&format!("{id}.age")),
                &cheaply_sealed(&private, PASSPHRASE),
            );
            let public = serde_json::to_vec(&public).unwrap();
            fs::write(home.beside(&format!("{id}.json")), public).unwrap();
        }
        let table = Table { home };
        let identity = table.home.beside("identity.txt");
        let new = [
            "--now",
            NOW,
            "keyset",
            "draft",
            "new",
            "--rehearsal",
            "--identity",
        ];
        run(table.home.pith(new).arg(identity)).exits(0);
        let custodians = [
            "--now",
            NOW,
            "keyset",
            "draft",
            "custodians",
            "--threshold",
            "2",
        ];
        run(table
            .home
            .pith(custodians)
            .arg(table.home.beside("custodian-a.json"))
            .arg(table.home.beside("custodian-b.json")))
        .exits(0);
        let plan = [
            "--now",
            NOW,
            "ceremony",
            "plan",
            "genesis",
            "--rehearsal",
            "--name",
            "c",
        ];
        let who = ["--custodian", "custodian-a", "--custodian", "custodian-b"];
        run(table.home.pith(plan).args(who)).exits(0);
        table
    }

    fn draft(&self) -> Vec<u8> {
        fs::read(self.home.dir().join("keys/keyset-draft.json")).unwrap()
    }

    fn ceremony(&self, name: &str) -> PathBuf {
        self.home.dir().join("ceremonies/c").join(name)
    }

    /// A command for a shell. No path here needs quoting.
    fn command(&self, arguments: &str) -> String {
        let (pith, home) = (env!("CARGO_BIN_EXE_pith"), self.home.dir());
        format!("{pith} -C {} --now {NOW} {arguments}", home.display())
    }

    fn sign(&self) -> String {
        let key = self.home.beside("custodian-a.age");
        self.command(&format!("keyset sign --key {}", key.display()))
    }

    fn close(&self) -> String {
        let key = |id: &str| self.home.beside(&format!("{id}.age"));
        let (a, b) = (key("custodian-a"), key("custodian-b"));
        let close = format!(
            "ceremony close --witness {} --witness {}",
            a.display(),
            b.display()
        );
        let dir = self.ceremony("");
        format!("PITH_CEREMONY={} {}", dir.display(), self.command(&close))
    }

    /// The names of all files in the home.
    fn names(&self) -> Vec<PathBuf> {
        let (mut names, mut folders) = (Vec::new(), vec![self.home.dir()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path.clone());
                }
                names.push(path);
            }
        }
        names.sort();
        names
    }
}

/// Types `answers` in their order and then `keys` at the prompt that follows; gives what was seen, with the
/// exit code and the terminal's modes at the end.
fn stopped(command: &str, answers: &[(&str, &str)], prompt: &str, keys: &str) -> String {
    // The shell outlives a Ctrl-C that is a signal, to say what became of the terminal.
    let command = format!("trap : INT; {command}; echo ended $?; stty -a");
    let mut session = Session::start(&command);
    for (prompt, answer) in answers {
        session.answer(prompt, answer);
    }
    let (code, seen) = session.answer(prompt, keys).end();
    assert_eq!(code, Some(0), "{seen}");
    for mode in ["echo", "icanon", "isig"] {
        let on = seen.split_whitespace().any(|word| word == mode);
        assert!(on, "{mode} is off: {seen}");
    }
    assert!(!seen.contains("badger"), "echoed: {seen}");
    seen
}

const YES: (&str, &str) = ("Type Yes to sign: ", "Yes\n");
const HIDDEN: (&str, &str) = ("Passphrase for custodian-a", "slow brown badger\n");

#[test]
fn a_custodian_sees_what_changes_says_yes_and_types_a_hidden_passphrase() {
    let table = Table::new();
    let shown = run(&mut table.home.pith(["keyset", "diff"]))
        .exits(0)
        .text();
    let unsigned = table.draft();
    let mut session = Session::start(&table.sign());
    session.answer(YES.0, YES.1);
    let (code, seen) = session.answer(HIDDEN.0, HIDDEN.1).end();
    assert_eq!(code, Some(0), "{seen}");
    // The change, the digest and its words, all of them and before the question.
    let before = seen.split("Type Yes").next().unwrap().replace('\r', "");
    assert!(before.contains(&shown), "{before}");
    assert!(
        shown.contains("custodian custodian-b") && shown.contains("\ndigest "),
        "{shown}"
    );
    assert!(!seen.contains("badger"), "echoed: {seen}");
    assert_ne!(table.draft(), unsigned);
    let status = run(&mut table.home.pith(["keyset", "status"])).text();
    assert!(
        status.contains("signed: custodian-a; 1 more of"),
        "{status}"
    );
}

#[test]
fn whatever_is_not_yes_signs_nothing() {
    let table = Table::new();
    let (unsigned, names) = (table.draft(), table.names());
    for keys in ["yes\n", "YES\n", "Y\n", "\n", "Yes, please\n"] {
        let seen = stopped(&table.sign(), &[], YES.0, keys);
        assert!(seen.contains("ended 1\r"), "{keys:?}: {seen}");
        assert!(!seen.contains(HIDDEN.0), "{keys:?}: {seen}");
    }
    // Three wrong passphrases, after a right Yes.
    let wrong = (HIDDEN.0, "slow brown otter\n");
    let seen = stopped(&table.sign(), &[YES, wrong, wrong], wrong.0, wrong.1);
    assert!(seen.contains("ended 6\r"), "{seen}");
    assert_eq!((table.draft(), table.names()), (unsigned, names));
}

#[test]
fn ctrl_c_at_any_prompt_of_a_signing_leaves_nothing_behind() {
    let table = Table::new();
    let (unsigned, names) = (table.draft(), table.names());
    let answers = [YES, HIDDEN];
    for stop in 0..answers.len() {
        for keys in ["\u{3}", "\u{4}"] {
            let prompt = answers[stop].0;
            let seen = stopped(&table.sign(), &answers[..stop], prompt, keys);
            assert!(seen.contains("ended 130\r"), "{prompt} {keys:?}: {seen}");
            assert_eq!(table.draft(), unsigned, "{prompt} {keys:?}");
            assert_eq!(table.names(), names, "{prompt} {keys:?}");
        }
    }
}

#[test]
fn ctrl_c_at_any_prompt_of_a_closing_closes_nothing() {
    let table = Table::new();
    let second = ("Passphrase for custodian-b", "slow brown badger\n");
    let answers = [HIDDEN, second];
    let entries = || {
        let text = fs::read_to_string(table.ceremony("transcript.jsonl")).unwrap_or_default();
        text.lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let mut names = None;
    for stop in 0..answers.len() {
        for keys in ["half\u{3}", "\u{4}"] {
            let before = entries();
            let prompt = answers[stop].0;
            let seen = stopped(&table.close(), &answers[..stop], prompt, keys);
            assert!(seen.contains("ended 130\r"), "{prompt} {keys:?}: {seen}");
            // That it was tried is written down, and nothing else.
            let after = entries();
            assert_eq!(after[..before.len()], before);
            assert_eq!(after.len(), before.len() + 1);
            let last: serde_json::Value = serde_json::from_str(&after[before.len()]).unwrap();
            assert_eq!(
                (&last["exit"], &last["products"]),
                (&130.into(), &().into())
            );
            let now = table.names();
            assert_eq!(*names.get_or_insert_with(|| now.clone()), now);
        }
    }
    for name in ["closing.json", "transcript.md", "products"] {
        assert!(!table.ceremony(name).exists(), "{name}");
    }
    let mut session = Session::start(&table.close());
    session.answer(answers[0].0, answers[0].1);
    let (code, seen) = session.answer(second.0, second.1).end();
    assert_eq!(code, Some(0), "{seen}");
    assert!(!seen.contains("badger"), "echoed: {seen}");
    let trust = table.home.beside("custodian-b.json");
    let verify = ["--now", NOW, "ceremony", "verify", "--trust"];
    run(table.home.pith(verify).args([trust, table.ceremony("")])).exits(0);
}
