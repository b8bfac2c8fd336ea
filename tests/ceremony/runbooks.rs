//! Runbooks: for this registry, these people and these dates.

use std::fs;

use crate::common::{Home, run};

const PEOPLE: [&str; 6] = [
    "--custodian",
    "custodian-a",
    "--custodian",
    "custodian-b",
    "--custodian",
    "custodian-c",
];

fn runbook(kind: &str, more: &[&str]) -> String {
    let home = Home::new();
    run(home
        .pith(["ceremony", "plan", kind, "--name", "c"])
        .args(PEOPLE)
        .args(more))
    .exits(0);
    fs::read_to_string(home.dir().join("ceremonies/c/runbook.md")).unwrap()
}

#[test]
fn each_kind_has_its_steps_for_these_people() {
    let two = ["--new-key", "key-2"];
    for (kind, more, wanted) in [
        (
            "genesis",
            &[][..],
            "pith key generate --role custodian --id custodian-b",
        ),
        ("rotation", &two, "pith keyset draft retire test-key"),
        (
            "compromise",
            &two,
            "pith keyset draft revoke test-key --reason",
        ),
        ("recovery", &[], "pith key combine /dev/shm/share-1"),
    ] {
        let text = runbook(kind, more);
        for part in [
            wanted,
            "registry.invalid",
            "2 of 3 sign",
            "## Roles",
            "## Before you start",
            "## If something goes wrong",
            "**END.**",
            "- [ ] ",
            "IF ",
            "count ______ head",
            "--witness /media/custodian-c/custodian-c.age",
        ] {
            assert!(
                text.contains(part),
                "no `{part}` in the runbook of a {kind}"
            );
        }
        assert!(!text.contains("REHEARSAL"), "{kind}");
        for line in text.lines().filter(|line| line.starts_with('#')) {
            let place = text.find(line).unwrap();
            let before = &text[..place];
            let apart = before.is_empty() || before.ends_with("\n\n") || line.starts_with("# ");
            assert!(
                apart,
                "`{line}` follows a text directly, in the runbook of a {kind}"
            );
        }
    }
}

#[test]
fn dates_keep_the_windows() {
    let more = [
        "--new-key",
        "key-2",
        "--rehearsal",
        "--now",
        "2026-06-01T12:00:00.5Z",
    ];
    let text = runbook("rotation", &more);
    // A day, ten days, and thirty more, after the next whole second.
    assert!(text.contains("not before 2026-06-12T12:00:01Z"), "{text}");
    assert!(text.contains("2026-07-12T12:00:01Z"));
    assert!(text.contains("export PITH_NOW=2026-06-12T12:00:01Z"));
    assert!(text.contains("REHEARSAL"));
}

#[test]
fn a_home_may_have_templates_of_its_own() {
    let home = Home::new();
    let folder = home.dir().join("templates/ceremonies");
    fs::create_dir_all(&folder).unwrap();
    fs::write(
        folder.join("roles.md"),
        "Only {{ custodians | length }} of us.",
    )
    .unwrap();
    let plan = |name: &str| {
        run(home
            .pith(["ceremony", "plan", "genesis", "--name", name])
            .args(PEOPLE))
    };
    plan("a").exits(0);
    let text = fs::read_to_string(home.dir().join("ceremonies/a/runbook.md")).unwrap();
    assert!(text.contains("Only 3 of us."));
    // A name that is mistyped is an error, and not an empty place in a command.
    fs::write(folder.join("roles.md"), "\n{{ custodian_names }}").unwrap();
    let refused = plan("b").exits(2);
    assert!(
        refused.stderr.contains("roles.md: line 2"),
        "{}",
        refused.stderr
    );
    assert!(!home.dir().join("ceremonies/b").exists());
    assert_eq!(
        fs::read_dir(home.dir().join("ceremonies")).unwrap().count(),
        1
    );
}

#[test]
fn ceremonies_of_one_day_have_names_of_their_own() {
    let home = Home::new();
    let plan = ["ceremony", "plan", "recovery", "--rehearsal"];
    let now = ["--now", "2026-06-01T00:00:00Z"];
    for _ in 0..2 {
        run(home.pith(plan).args(now).args(PEOPLE)).exits(0);
    }
    let dir = home.dir().join("ceremonies");
    assert!(dir.join("2026-06-01-recovery/runbook.md").is_file());
    assert!(dir.join("2026-06-01-recovery-2/runbook.md").is_file());
    let named = ["--name", "2026-06-01-recovery"];
    let again = run(home.pith(plan).args(named).args(now).args(PEOPLE)).exits(1);
    assert!(again.stderr.contains("exists already"), "{}", again.stderr);
}

#[test]
fn one_custodian_alone_divides_no_key() {
    let home = Home::new();
    let plan = ["ceremony", "plan", "genesis", "--name", "c"];
    run(home.pith(plan).args(["--custodian", "custodian-a"])).exits(0);
    let text = fs::read_to_string(home.dir().join("ceremonies/c/runbook.md")).unwrap();
    assert!(text.contains("1 of 1 sign"));
    assert!(!text.contains("pith key split"), "{text}");
    assert!(runbook("genesis", &[]).contains("pith key split"));
}

#[test]
fn a_share_is_printed_read_back_and_destroyed() {
    for (kind, more, key) in [
        ("genesis", &[][..], "test-key"),
        ("rotation", &["--new-key", "key-2"], "key-2"),
        ("compromise", &["--new-key", "key-2"], "key-2"),
        ("recovery", &[], "test-key"),
    ] {
        let text = runbook(kind, more);
        for part in [
            format!("pith key split {key} --shares 3 --threshold 2"),
            format!("cat /dev/shm/shares/{key}.share-3-of-3.json"),
            format!(
                "pith key combine /dev/shm/back/share-1 /dev/shm/back/share-2 --id {key} \
                 --commitments ../../keys/{key}.commitments.json --out /dev/shm/back"
            ),
            "rm -r /dev/shm/shares /dev/shm/back".to_owned(),
        ] {
            assert!(text.contains(&part), "no `{part}` in {kind}: {text}");
        }
    }
}

#[test]
fn a_change_of_keys_silences_the_old_one_last() {
    let text = runbook("rotation", &["--new-key", "key-2"]);
    let activate = text.find("pith keyset draft activate key-2").unwrap();
    let retire = text.find("pith keyset draft retire test-key").unwrap();
    assert!(activate < retire);
    assert!(!text.contains("papers.jsonl"), "{text}");
}
