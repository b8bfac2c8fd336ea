//! What the tests of the program share: running it, registry homes to run it in, invented papers.

#![allow(dead_code, reason = "each test uses a part of it")]

pub mod measured;
pub mod python;
pub mod session;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pith::keys::PrivateKey;
use secrecy::{ExposeSecret, SecretString};
use tempfile::TempDir;

/// A time for `--now`.
pub const NOW: &str = "2026-05-18T00:30:44.452550Z";

/// A file of this repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The published bundle.
pub fn published() -> Vec<u8> {
    fs::read(repository("tests/vectors/bundle-1706.02379v3.json")).unwrap()
}

/// The program, with nothing from the environment that it heeds.
pub fn pith<I: IntoIterator<Item: AsRef<OsStr>>>(args: I) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pith"));
    command.args(args).stdin(Stdio::null());
    for variable in [
        "HOME",
        "NOW",
        "PASSPHRASE_FILE",
        "REGISTRY_ID",
        "BASE_URL",
        "CEREMONY",
        "MAX_BYTES",
    ] {
        command.env_remove(format!("PITH_{variable}"));
    }
    command
}

/// What a command printed and how it ended.
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: Vec<u8>,
    pub stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Ran {
            code: output.status.code(),
            stdout: output.stdout,
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

impl Ran {
    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stderr: {}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.stdout.clone()).expect("stdout is UTF-8")
    }
}

/// Runs a command to its end.
pub fn run(command: &mut Command) -> Ran {
    command.output().expect("the program starts").into()
}

/// A registry home with one key, which opens with an age identity beside it.
pub struct Home {
    folder: TempDir,
}

impl Home {
    pub fn new() -> Self {
        let home = Home::without_key();
        let identity = age::x25519::Identity::generate();
        let text = identity.to_string();
        write_private(&home.identity(), text.expose_secret().as_bytes());
        let recipient = identity.to_public().to_string();
        run(home
            .pith(["key", "generate", "--id", "test-key", "--recipient"])
            .arg(recipient))
        .exits(0);
        home
    }

    pub fn without_key() -> Self {
        Home::without_key_in(&std::env::temp_dir())
    }

    fn without_key_in(parent: &Path) -> Self {
        let home = Home {
            folder: TempDir::new_in(parent).unwrap(),
        };
        run(pith([OsStr::new("init"), home.dir().as_os_str()])
            .args(["--registry-id", "registry.invalid"])
            .args(["--base-url", "https://registry.invalid"]))
        .exits(0);
        home
    }

    /// Another home of the same registry, with the same keys and an empty ledger.
    pub fn twin(&self) -> Self {
        self.twin_in(&std::env::temp_dir())
    }

    /// The same in a folder of `parent`.
    pub fn twin_in(&self, parent: &Path) -> Self {
        let twin = Home::without_key_in(parent);
        let keys = twin.dir().join("keys");
        fs::remove_dir_all(&keys).unwrap();
        copy_folder(&self.dir().join("keys"), &keys);
        fs::copy(self.identity(), twin.identity()).unwrap();
        twin
    }

    pub fn dir(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A file beside the home.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn identity(&self) -> PathBuf {
        self.beside("identity.txt")
    }

    /// The program, in this home.
    pub fn pith<I: IntoIterator<Item: AsRef<OsStr>>>(&self, args: I) -> Command {
        let mut command = pith([OsStr::new("-C"), self.dir().as_os_str()]);
        command.args(args);
        command
    }

    /// `pith mint` at [`NOW`], without the input and where the bundles go.
    pub fn mint(&self) -> Command {
        let mut command = self.pith(["--now", NOW, "mint", "--identity"]);
        command.arg(self.identity());
        command
    }

    /// Mints `input` at [`NOW`] with its bundles to `out`.
    #[track_caller]
    pub fn mint_to(&self, input: &Path, out: &Path) -> Ran {
        run(self.mint().arg(input).arg("--bundles").arg(out)).exits(0)
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let copy = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_folder(&path, &copy);
        } else {
            fs::copy(&path, copy).unwrap();
        }
    }
}

/// Writes a file that only its owner may read.
pub fn write_private(path: &Path, bytes: &[u8]) {
    use std::os::unix::fs::PermissionsExt as _;
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

/// A key under a passphrase that costs next to nothing to try, unlike the toolkit's own.
pub fn cheaply_sealed(key: &PrivateKey, passphrase: &str) -> Vec<u8> {
    let mut recipient = age::scrypt::Recipient::new(SecretString::from(passphrase));
    recipient.set_work_factor(2);
    age::encrypt(&recipient, key.to_pkcs8_v1_pem().as_bytes()).unwrap()
}

/// A line of a Kaggle snapshot with invented metadata; each `n` gives another paper.
pub fn paper(n: usize) -> String {
    format!(
        concat!(
            r#"{{"id":"2402.{:05}","authors":"Ada Placeholder and Number {}","#,
            r#""title":"On the {} of invented papers","categories":"math.GT cs.DL","#,
            r#""license":"http://creativecommons.org/licenses/by/4.0/","#,
            r#""abstract":"  We count to {} and stop.\n","#,
            r#""versions":[{{"version":"v1","created":"Thu, 1 Feb 2024 12:{:02}:{:02} GMT"}}]}}"#
        ),
        n,
        n,
        n,
        n,
        n / 60 % 60,
        n % 60
    )
}

/// The lines of papers 1 to `count`.
pub fn papers(count: usize) -> String {
    (1..=count).map(|n| paper(n) + "\n").collect()
}

/// The folder with real metadata, or `None` where it was not given, which is said aloud: these
/// texts are not part of the repository.
pub fn shared(test: &str) -> Option<PathBuf> {
    use std::io::Write as _;
    let folder = std::env::var_os("PITH_SHARED").filter(|folder| !folder.is_empty());
    if folder.is_none() {
        // Straight to the file: what goes through `eprintln!` is shown for failures only.
        let _ = writeln!(
            std::io::stderr(),
            "NOT RUN: {test}: it needs real metadata, and PITH_SHARED does not name its folder"
        );
    }
    folder.map(PathBuf::from)
}

/// The blocks of a document that is run, by what the comments before them say: `run: NAME` or
/// `file: NAME`.
pub fn document_blocks(document: &str) -> BTreeMap<String, String> {
    let mut blocks = BTreeMap::new();
    for (mark, text) in fences(document) {
        let mark = mark.unwrap_or_else(|| panic!("nothing says what to do with {text}"));
        assert!(mark.starts_with("run: ") || mark.starts_with("file: "));
        assert!(blocks.insert(mark.clone(), text).is_none(), "{mark}");
    }
    blocks
}

/// The blocks of a document, each with what the comment before it says.
pub fn fences(document: &str) -> Vec<(Option<String>, String)> {
    let mut fences = Vec::new();
    let mut lines = document.lines();
    let mut before = "";
    while let Some(line) = lines.next() {
        if line.starts_with("```") {
            let mark = before.strip_prefix("<!-- ");
            let mark = mark.and_then(|mark| mark.strip_suffix(" -->"));
            let text: Vec<_> = lines.by_ref().take_while(|line| *line != "```").collect();
            fences.push((mark.map(str::to_owned), text.join("\n") + "\n"));
        }
        before = line;
    }
    fences
}

/// A script of a document in a shell that stops at the first failure, as a process group of its own and
/// with nothing from the environment that the program heeds; `path` is where commands are looked for
/// besides the system's.
pub fn shell(script: &str, path: &[&Path]) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new("bash");
    for (name, value) in pith([""; 0]).get_envs() {
        assert!(value.is_none());
        command.env_remove(name);
    }
    let mut folders: Vec<_> = path.iter().map(|path| path.display().to_string()).collect();
    folders.push("/usr/bin:/bin".to_owned());
    command
        .args(["-euo", "pipefail", "-c", script])
        .env("PATH", folders.join(":"))
        .stdin(Stdio::null())
        .process_group(0);
    command
}
