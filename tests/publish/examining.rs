//! `pith verify --mirror` says what is missing, stale or wrong, in folders and at addresses.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::common::{Ran, pith, run};
use crate::mirror::Published;

/// The findings of `pith --json verify --mirror`: path and finding.
fn findings(ran: &Ran) -> Vec<(String, String)> {
    let text = ran.text();
    let mut lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let summary = lines.pop().unwrap();
    let found: Vec<_> = lines
        .iter()
        .map(|line| {
            let text = |name: &str| line[name].as_str().unwrap().to_owned();
            (text("path"), text("finding"))
        })
        .collect();
    let count = |kind: &str| found.iter().filter(|(_, finding)| finding == kind).count();
    for kind in ["missing", "stale", "untrusted", "wrong"] {
        assert_eq!(summary["summary"][kind], count(kind), "{text}");
    }
    found
}

fn expected(found: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(path, finding): &(&str, &str)| (path.to_string(), finding.to_string());
    found.iter().map(owned).collect()
}

/// Rewrites a file without touching others that are the same file under another name.
fn replace(path: &Path, change: impl Fn(String) -> String) {
    let text = fs::read_to_string(path).unwrap();
    let changed = change(text.clone());
    assert!(changed != text, "the change changes nothing");
    fs::remove_file(path).unwrap();
    fs::write(path, changed).unwrap();
}

#[test]
fn each_fault_is_told_for_what_it_is() {
    let published = Published::minted(4);
    published.publish();
    assert!(findings(&published.verify().exits(0)).is_empty());
    let suffixes = published.suffixes();
    let of = |place: usize, name: &str| format!("pith/{}/{name}", suffixes[place]);

    fs::remove_file(published.file(&of(0, "state.json"))).unwrap();
    replace(&published.file(&of(1, "bundle.json")), |text| {
        text.replacen("invented", "invited", 1)
            .replacen("mirror_hints", "mirror_hints ", 1)
    });
    replace(
        &published.file(&format!("pith/{}.json", suffixes[2])),
        |text| text.replace("\"version\":1", "\"version\":2"),
    );
    replace(&published.file(&of(3, "index.html")), |text| {
        text.replace(
            "</main>",
            "<script src='https://elsewhere.invalid/x.js'></script></main>",
        )
    });
    // Another record's bundle verifies, and is wrong there.
    let other = fs::read(published.file(&of(5, "bundle.json"))).unwrap();
    let place = published.file(&format!(".well-known/pith/{}/bundle.json", suffixes[4]));
    fs::remove_file(&place).unwrap();
    fs::write(place, other).unwrap();
    fs::remove_file(published.file("pith-mirrors.json")).unwrap();
    fs::create_dir(published.file("pith/AAAAAAAAAAAAAAAAAAAAAAAAAA")).unwrap();

    let found = findings(&published.verify().exits(1));
    let mut sorted = found.clone();
    sorted.sort();
    let (well_known, record) = (
        format!(".well-known/pith/{}/bundle.json", suffixes[4]),
        format!("pith/{}.json", suffixes[2]),
    );
    let mut wanted = expected(&[
        (&well_known, "wrong"),
        ("pith-mirrors.json", "missing"),
        ("pith/AAAAAAAAAAAAAAAAAAAAAAAAAA", "wrong"),
        (&of(0, "state.json"), "missing"),
        (&of(1, "bundle.json"), "wrong"),
        (&record, "wrong"),
        (&of(3, "index.html"), "stale"),
    ]);
    wanted.sort();
    assert_eq!(sorted, wanted);

    // Publishing once more mends all but what it does not know.
    run(published.command().arg("--recheck")).exits(0);
    fs::remove_dir(published.file("pith/AAAAAAAAAAAAAAAAAAAAAAAAAA")).unwrap();
    published.verify().exits(0);
}

#[test]
fn a_mirror_that_lags_behind_is_stale() {
    let published = Published::minted(1);
    published.publish();
    published.reissue();
    published.mint(2..=2);
    let found = findings(&published.verify().exits(1));
    let count = |kind: &str| found.iter().filter(|(_, finding)| finding == kind).count();
    // The bundle of the old receipt, and the index; five files of the new paper.
    assert_eq!(
        (count("stale"), count("missing"), count("wrong")),
        (2, 5, 0),
        "{found:?}"
    );
    published.publish();
    published.verify().exits(0);
}

#[test]
fn keys_alone_do_where_there_is_no_ledger() {
    let published = Published::minted(2);
    published.publish();
    let mirror = published.mirror();
    let elsewhere = published.home.beside("");
    let by_keys = |keyset: &Path| {
        let mut command = pith(["--json", "verify", "--mirror"]);
        command.arg(&mirror).current_dir(&elsewhere);
        run(command.arg("--keyset").arg(keyset))
    };
    let keyset = published.home.dir().join("keys/keyset.json");
    assert!(findings(&by_keys(&keyset).exits(0)).is_empty());
    // Nobody trusts this registry without its keys.
    let mut alone = pith(["--json", "verify", "--mirror"]);
    let ran = run(alone.arg(&mirror).current_dir(&elsewhere)).exits(4);
    assert_eq!(findings(&ran).len(), 8);
    assert!(
        findings(&ran)
            .iter()
            .all(|(_, finding)| finding == "untrusted")
    );

    let suffix = &published.suffixes()[0];
    replace(
        &published.file(&format!("pith/{suffix}/bundle.json")),
        |text| text.replacen("\"event_count\":2", "\"event_count\":3", 1),
    );
    let found = findings(&by_keys(&keyset).exits(1));
    assert_eq!(
        found,
        expected(&[(&format!("pith/{suffix}/bundle.json"), "wrong")])
    );

    // What the index names and is not there is missed.
    fs::remove_dir_all(published.file(&format!("pith/{suffix}"))).unwrap();
    let found = findings(&by_keys(&keyset).exits(1));
    assert_eq!(found.len(), 3, "{found:?}");
    assert!(found.iter().all(|(_, finding)| finding == "missing"));

    let ran = run(pith(["verify", "--mirror"]).arg(published.home.beside("empty"))).exits(5);
    assert!(ran.stderr.contains("empty"), "{}", ran.stderr);
}

/// Python's plain web server.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn of(folder: &Path) -> Self {
        let mut process = Command::new("python3")
            .args([
                "-u",
                "-m",
                "http.server",
                "0",
                "--bind",
                "127.0.0.1",
                "--directory",
            ])
            .arg(folder)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Python starts");
        let mut line = String::new();
        let stdout = process.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let port = line
            .split("port ")
            .nth(1)
            .and_then(|rest| rest.split(' ').next());
        let address = format!("http://127.0.0.1:{}/", port.expect("it says its port"));
        Server { process, address }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_mirror_on_a_plain_web_server_verifies() {
    let published = Published::minted(20);
    published.publish();
    let server = Server::of(&published.mirror());
    let verify = |keyset: bool| {
        let mut command = match keyset {
            true => pith(["--json"]),
            false => published.home.pith(["--json"]),
        };
        command.args(["verify", "--mirror", &server.address]);
        if keyset {
            command.arg("--keyset");
            command.arg(published.home.dir().join("keys/keyset.json"));
        }
        run(&mut command)
    };
    for keyset in [false, true] {
        let ran = verify(keyset).exits(0);
        assert!(
            ran.text().contains("\"records\":26,\"whole\":26"),
            "{}",
            ran.text()
        );
    }
    let suffix = &published.suffixes()[3];
    let path = format!("pith/{suffix}/bundle.json");
    replace(&published.file(&path), |text| {
        text.replacen("We count to", "We count on", 1)
    });
    let state = format!("pith/{suffix}/state.json");
    fs::remove_file(published.file(&state)).unwrap();
    for keyset in [false, true] {
        let found = findings(&verify(keyset).exits(1));
        let wanted = [(path.as_str(), "wrong"), (state.as_str(), "missing")];
        assert_eq!(found, expected(&wanted));
    }
    let address = server.address.clone();
    drop(server);
    let ran = run(&mut published.home.pith(["verify", "--mirror", &address])).exits(5);
    assert!(ran.stderr.contains("cannot fetch"), "{}", ran.stderr);
    run(&mut published
        .home
        .pith(["verify", "--mirror", "ftp://mirror.invalid"]))
    .exits(2);
}
