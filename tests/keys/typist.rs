use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use pith::cli::terminal::{Terminal, TerminalError};
use secrecy::SecretString;

use super::secret;

/// A terminal at which somebody types prepared answers. Without any it is absent.
#[derive(Default)]
pub struct Typist {
    answers: Mutex<VecDeque<&'static str>>,
    shown: Mutex<Vec<String>>,
}

impl Typist {
    pub fn typing(answers: &[&'static str]) -> Arc<Self> {
        Arc::new(Typist {
            answers: Mutex::new(answers.iter().copied().collect()),
            shown: Mutex::default(),
        })
    }

    pub fn seen(&self) -> String {
        self.shown.lock().unwrap().join("\n")
    }

    pub fn left(&self) -> usize {
        self.answers.lock().unwrap().len()
    }
}

impl Terminal for Typist {
    fn ask_secret(&self, prompt: &str) -> Result<SecretString, TerminalError> {
        self.show(prompt);
        match self.answers.lock().unwrap().pop_front() {
            Some("^C") => Err(TerminalError::Cancelled),
            Some(answer) => Ok(secret(answer)),
            None => Err(TerminalError::Absent),
        }
    }

    fn ask_line(&self, _: &str) -> Result<String, TerminalError> {
        Err(TerminalError::Absent)
    }

    fn show(&self, message: &str) {
        self.shown.lock().unwrap().push(message.to_owned());
    }
}
