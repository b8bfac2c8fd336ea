//! Output that cannot be written, or not to its end.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::{Resource, Rlimit, getrlimit};

use crate::common::{Home, Ran, pith, repository, run};
use crate::{assert_sound, ended, input, records};

/// Runs `command` with a limit to the size of the files it writes, as a full disk would have it.
fn with_file_limit(command: &Command, kilobytes: u64) -> Ran {
    // SIGXFSZ has to be ignored for the write to fail instead; the shell passes that on.
    let mut limited = Command::new("/bin/bash");
    let script = format!("trap '' XFSZ; ulimit -f {kilobytes}; exec \"$@\"");
    limited.args(["-c", &script, "bash"]);
    limited.arg(command.get_program()).args(command.get_args());
    limited.stdin(Stdio::null());
    run(&mut limited)
}

#[test]
fn minted_bundles_that_do_not_fit_the_disk_leave_no_half_file() {
    let home = Home::new();
    let papers = input(&home, 500);
    let out = home.beside("out.jsonl");
    let mut command = home.mint();
    command.arg(&papers).arg("--bundles").arg(&out);
    // The ledger of these papers takes less than that, their bundles more.
    let ran = with_file_limit(&command, 3000).exits(5);
    assert!(ran.stderr.contains("pith: error: "), "{}", ran.stderr);
    assert!(ran.stderr.contains("File too large"), "{}", ran.stderr);
    assert!(!out.exists());
    run(&mut home.pith(["ledger", "check"])).exits(0);
    // With room again the same command completes.
    home.mint_to(&papers, &out);
    assert_sound(&home, 500);
    let lines = fs::read_to_string(&out).unwrap().lines().count();
    assert_eq!(lines, 500);
}

#[test]
fn bundles_written_from_the_ledger_are_whole_or_not_there() {
    let home = Home::new();
    let papers = input(&home, 500);
    let minted = home.beside("minted.jsonl");
    home.mint_to(&papers, &minted);
    let minted = fs::read(minted).unwrap();
    // Less than the bundles take, more than the ledger needs for reading.
    for (name, kilobytes) in [("out.jsonl", 3000), ("out.jsonl.zst", 100), ("out", 100)] {
        let out = home.beside(name);
        let mut command = home.pith(["bundle", "--all", "-o"]);
        command.arg(&out);
        let ran = with_file_limit(&command, kilobytes).exits(5);
        assert!(ran.stderr.contains("File too large"), "{}", ran.stderr);
        assert!(!out.exists(), "{name}");
        run(&mut command).exits(0);
        let written = match name {
            "out.jsonl" => fs::read(&out).unwrap(),
            "out.jsonl.zst" => zstd::decode_all(&fs::read(&out).unwrap()[..]).unwrap(),
            _ => {
                let shard = fs::read(out.join("bundles-000000.jsonl.zst")).unwrap();
                zstd::decode_all(&shard[..]).unwrap()
            }
        };
        assert!(written == minted, "{name}");
    }
}

#[test]
fn a_ledger_that_does_not_fit_the_disk_stays_sound() {
    let home = Home::new();
    let papers = input(&home, 1500);
    let mut command = home.mint();
    command.arg(&papers);
    let ran = with_file_limit(&command, 400).exits(5);
    assert!(ran.stderr.contains("pith: error: "), "{}", ran.stderr);
    let held = records(&home);
    assert!(held < 1500);
    assert_sound(&home, held);
    run(&mut command).exits(0);
    assert_sound(&home, 1500);
}

/// Both through `File too large`, to be sure that the limit is what stopped them.
#[test]
fn the_limit_of_these_tests_does_not_stop_a_small_run() {
    assert_eq!(
        getrlimit(Resource::Fsize),
        Rlimit {
            current: None,
            maximum: None
        }
    );
    let home = Home::new();
    let papers = input(&home, 3);
    let mut command = home.mint();
    command.arg(&papers);
    with_file_limit(&command, 600).exits(0);
    assert_sound(&home, 3);
}

#[test]
fn a_full_standard_output_is_an_error() {
    let home = Home::new();
    let papers = input(&home, 500);
    home.mint_to(&papers, &home.beside("out.jsonl"));
    let mut commands = vec![
        pith(["--help"]),
        pith(["completions", "bash"]),
        pith(["number"]),
        pith(["record"]),
        pith(["verify"]),
        home.pith(["ledger", "dump"]),
        home.pith(["ledger", "stats"]),
        home.pith(["bundle", "--all"]),
        home.pith(["show", "2402.00001"]),
        home.pith(["env"]),
        home.mint(),
    ];
    commands[2].arg(&papers);
    commands[3].arg(&papers);
    commands[4].arg(repository("tests/vectors/bundle-1706.02379v3.json"));
    commands[10].arg(&papers).args(["--bundles", "-"]);
    for mut command in commands.into_iter().skip(1) {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let child = command.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let ran = ended(child).exits(5);
        assert!(
            ran.stderr.contains("pith: error: cannot write to stdout"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn output_in_a_folder_that_is_not_there_is_an_error_before_anything_is_minted() {
    let home = Home::new();
    let papers = input(&home, 3);
    for name in ["nowhere/out.jsonl", "nowhere/out.jsonl.zst"] {
        let ran = run(home
            .mint()
            .arg(&papers)
            .arg("--bundles")
            .arg(home.beside(name)))
        .exits(5);
        assert!(
            ran.stderr.contains("pith: error: cannot create"),
            "{}",
            ran.stderr
        );
    }
    let file = home.beside("a-file");
    fs::write(&file, "mine").unwrap();
    let inside = file.join("out.jsonl");
    run(home.mint().arg(&papers).arg("--bundles").arg(inside)).exits(5);
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    assert_eq!(records(&home), 0);
}

/// Root may write anywhere but where nobody may, such as below /proc.
#[test]
fn output_in_a_read_only_folder_is_an_error_before_anything_is_minted() {
    let home = Home::new();
    let papers = input(&home, 3);
    let folder = home.beside("read-only");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o500)).unwrap();
    let (out, reason) = if fs::write(folder.join("probe"), "").is_err() {
        (folder.join("out.jsonl"), "Permission denied")
    } else {
        (PathBuf::from("/proc/self/out.jsonl"), "os error")
    };
    let ran = run(home.mint().arg(&papers).arg("--bundles").arg(&out)).exits(5);
    assert!(
        ran.stderr.contains("pith: error: cannot create"),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains(reason), "{}", ran.stderr);
    assert_eq!(records(&home), 0);
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
}
