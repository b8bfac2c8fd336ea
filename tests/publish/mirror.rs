//! A home with a few papers, some of them hostile, and its mirror.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Home, Ran, paper, run};

/// Titles that try to be more than text.
pub const HOSTILE: [&str; 6] = [
    r"<script>window.ran = 1</script> and <img src=x onerror='window.ran = 1'>",
    r#"" autofocus onfocus="window.ran = 1" x=""#,
    r"</title></h1><svg onload=window.ran=1> {{ 7 * 7 }} {% raw %}",
    r"On $L^2$ & $a<b$ by <br> Erd\H{o}s and \'Etale 'quotes' &lt;b&gt; &amp;amp;",
    r"--><!-- `${window.ran = 1}` javascript:window.ran=1 ]]>",
    r"Unbalanced } braces { in } BibTeX",
];

/// When it is published: after all that the tests sign.
pub const LATER: &str = "2026-06-02T00:00:00Z";

/// A paper with this title.
fn titled(n: usize, title: &str) -> String {
    let title = title.replace('\\', "\\\\").replace('"', "\\\"");
    let line = paper(n);
    let own = format!("On the {n} of invented papers");
    assert!(line.contains(&own));
    line.replace(&own, &title)
}

/// A home and the folder that it publishes to.
pub struct Published {
    pub home: Home,
}

impl Published {
    /// A home that has minted `plain` papers and the hostile ones, and has not published yet.
    pub fn minted(plain: usize) -> Self {
        let published = Published { home: Home::new() };
        published.mint(1..=plain);
        let hostile: Vec<_> = HOSTILE
            .iter()
            .enumerate()
            .map(|(n, title)| titled(90_000 + n, title))
            .collect();
        published.mint_lines(&(hostile.join("\n") + "\n"));
        published
    }

    /// Mints more.
    pub fn mint(&self, numbers: impl Iterator<Item = usize>) {
        self.mint_lines(&numbers.map(|n| paper(n) + "\n").collect::<String>());
    }

    fn mint_lines(&self, lines: &str) {
        let input = self.home.beside("input.jsonl");
        fs::write(&input, lines).unwrap();
        run(self.home.mint().arg(&input)).exits(0);
    }

    /// Issues the receipt of the first paper again.
    pub fn reissue(&self) {
        let now = "2026-06-01T00:00:00Z";
        run(self
            .home
            .pith([
                "--now",
                now,
                "receipt",
                "reissue",
                "2402.00001",
                "--identity",
            ])
            .arg(self.home.beside("identity.txt")))
        .exits(0);
    }

    /// Where the mirror is.
    pub fn mirror(&self) -> PathBuf {
        self.home.beside("mirror")
    }

    /// `pith publish`, with the key at hand.
    pub fn command(&self) -> Command {
        let mut command = self.home.pith(["--now", LATER, "--json", "publish"]);
        command.arg(self.mirror());
        command
            .arg("--identity")
            .arg(self.home.beside("identity.txt"));
        command
    }

    /// Publishes; says how many records were written and how many were not.
    #[track_caller]
    pub fn publish(&self) -> (u64, u64) {
        counted(run(&mut self.command()).exits(0))
    }

    /// `pith verify --mirror` of the folder, in this home.
    pub fn verify(&self) -> Ran {
        run(self
            .home
            .pith([
                OsStr::new("--json"),
                OsStr::new("verify"),
                OsStr::new("--mirror"),
            ])
            .arg(self.mirror()))
    }

    /// The suffixes of all records, sorted.
    pub fn suffixes(&self) -> Vec<String> {
        let names = fs::read_dir(self.mirror().join("pith")).unwrap();
        let mut names: Vec<_> = names
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.contains('.'))
            .collect();
        names.sort();
        names
    }

    /// A file of the mirror.
    pub fn file(&self, path: &str) -> PathBuf {
        self.mirror().join(path)
    }
}

/// What `pith --json publish` says of records: written, unchanged.
pub fn counted(ran: Ran) -> (u64, u64) {
    let done: serde_json::Value = serde_json::from_slice(&ran.stdout).unwrap();
    assert_eq!(done["complete"], true);
    let number = |name: &str| done[name].as_u64().unwrap();
    assert_eq!(number("records"), number("written") + number("unchanged"));
    (number("written"), number("unchanged"))
}

/// All files below a folder, by path, without the publisher's own memory.
pub fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![dir.to_owned()];
    while let Some(folder) = waiting.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                waiting.push(path);
            } else if !name.starts_with(".pith-publish") {
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}
