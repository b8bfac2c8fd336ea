//! A registry that was led through the life in `docs/CEREMONIES.md`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Ran, fences, papers, pith, run, shell};

pub const DOCUMENT: &str = include_str!("../../docs/CEREMONIES.md");

/// When it ends.
pub const END: &str = "2026-10-01T09:00:00Z";

/// The parts of the script, by their names, in the order of the document.
pub fn script() -> Vec<(String, String)> {
    let fences = fences(DOCUMENT).into_iter();
    fences
        .filter_map(|(mark, text)| {
            let name = mark?.strip_prefix("run: life-")?.to_owned();
            Some((name, text))
        })
        .collect()
}

pub struct Life {
    folder: TempDir,
    /// What the script printed and how it ended.
    pub ran: Ran,
}

impl Life {
    pub fn lead() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("papers.jsonl"), papers(10)).unwrap();
        let script: String = script().into_iter().map(|(_, text)| text).collect();
        let ran = Life::shell(&script, folder.path()).exits(0);
        Life { folder, ran }
    }

    /// Runs a script in a folder, with the program.
    fn shell(script: &str, folder: &Path) -> Ran {
        let program = Path::new(env!("CARGO_BIN_EXE_pith")).parent().unwrap();
        run(shell(script, &[program]).current_dir(folder))
    }

    /// Runs a script beside the registry.
    pub fn run(&self, script: &str) -> Ran {
        Life::shell(script, self.folder.path())
    }

    /// What lies beside the registry.
    pub fn beside(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    /// What lies in the registry's home.
    pub fn home(&self, path: &str) -> PathBuf {
        self.beside("registry").join(path)
    }

    /// The program, without the home, when it is over.
    pub fn outside<I: IntoIterator<Item: AsRef<OsStr>>>(&self, args: I) -> Ran {
        run(pith(["--now", END]).args(args).current_dir("/"))
    }

    /// The same in the home.
    pub fn pith<I: IntoIterator<Item: AsRef<OsStr>>>(&self, args: I) -> Ran {
        run(pith(["--now", END]).args(args).current_dir(self.home("")))
    }

    /// The JSON lines of a file in the home.
    pub fn lines(&self, path: &str) -> Vec<Value> {
        let text = fs::read_to_string(self.home(path)).unwrap();
        let lines = text.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Every file, wherever it lies.
    pub fn files(&self) -> Vec<PathBuf> {
        let (mut files, mut folders) = (Vec::new(), vec![self.folder.path().to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => files.push(path),
                }
            }
        }
        files
    }
}
