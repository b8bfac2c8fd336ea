//! What age plugins may ask of whoever sits at the machine.

use std::sync::Arc;

use secrecy::SecretString;

/// Answers to what an age plugin asks while it seals or opens a key: a touch, a PIN, a choice.
///
/// The command line implements it on the terminal; [`NoPrompts`] answers nothing. Messages come
/// from the plugin as they are.
pub trait Prompts: Send + Sync {
    /// Shows `message`, such as a request to touch a hardware key.
    fn message(&self, message: &str);

    /// Asks to choose between `yes` and `no`; `None` if nobody can be asked.
    fn confirm(&self, message: &str, yes: &str, no: Option<&str>) -> Option<bool>;

    /// Asks for text that is no secret; `None` if nobody can be asked.
    fn public_text(&self, description: &str) -> Option<String>;

    /// Asks for a secret such as a PIN; `None` if nobody can be asked.
    fn secret_text(&self, description: &str) -> Option<SecretString>;
}

/// Nobody to ask: what needs an answer fails, what does not works.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPrompts;

impl Prompts for NoPrompts {
    fn message(&self, _: &str) {}

    fn confirm(&self, _: &str, _: &str, _: Option<&str>) -> Option<bool> {
        None
    }

    fn public_text(&self, _: &str) -> Option<String> {
        None
    }

    fn secret_text(&self, _: &str) -> Option<SecretString> {
        None
    }
}

/// [`Prompts`] as the age crate wants them.
#[derive(Clone)]
pub(super) struct Callbacks(pub(super) Arc<dyn Prompts>);

impl age::Callbacks for Callbacks {
    fn display_message(&self, message: &str) {
        self.0.message(message);
    }

    fn confirm(&self, message: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        self.0.confirm(message, yes, no)
    }

    fn request_public_string(&self, description: &str) -> Option<String> {
        self.0.public_text(description)
    }

    fn request_passphrase(&self, description: &str) -> Option<SecretString> {
        self.0.secret_text(description)
    }
}
