//! A person at a terminal: what is shown is waited for, and keys are typed.

use std::io::{Read as _, Write as _};
use std::process::{Child, Command, Stdio};

/// A command at a terminal of its own, as `script` gives it.
pub struct Session {
    child: Child,
    seen: String,
}

impl Session {
    pub fn start(command: &str) -> Self {
        let child = Command::new("script")
            .args(["--quiet", "--return", "--command", command, "/dev/null"])
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`script` is installed");
        Session {
            child,
            seen: String::new(),
        }
    }

    /// Waits until `prompt` was shown again, then types `keys`.
    pub fn answer(&mut self, prompt: &str, keys: &str) -> &mut Self {
        let start = self.seen.len();
        let mut byte = [0];
        while !self.seen[start..].contains(prompt) {
            let count = self.child.stdout.as_mut().unwrap().read(&mut byte).unwrap();
            assert_eq!(count, 1, "ended before {prompt:?}: {:?}", self.seen);
            self.seen.push(byte[0].into());
        }
        self.child
            .stdin
            .as_mut()
            .unwrap()
            .write_all(keys.as_bytes())
            .unwrap();
        self
    }

    pub fn end(&mut self) -> (Option<i32>, String) {
        let mut rest = Vec::new();
        self.child
            .stdout
            .as_mut()
            .unwrap()
            .read_to_end(&mut rest)
            .unwrap();
        self.seen.push_str(&String::from_utf8_lossy(&rest));
        (
            self.child.wait().unwrap().code(),
            std::mem::take(&mut self.seen),
        )
    }
}
