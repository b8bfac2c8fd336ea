//! Asking whoever sits at the terminal: passphrases, and what age plugins want to know.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;

use rustix::termios::{
    LocalModes, OptionalActions, SpecialCodeIndex, Termios, isatty, tcgetattr, tcsetattr,
};
use secrecy::SecretString;

use crate::keys::Prompts;

/// Why the terminal gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TerminalError {
    /// The process has no terminal.
    #[error("there is no terminal to ask at")]
    Absent,
    /// Whoever was asked pressed Ctrl-C or Ctrl-D.
    #[error("cancelled at the prompt")]
    Cancelled,
    /// The terminal can't be read or written.
    #[error("the terminal does not work")]
    Io(#[from] io::Error),
}

/// A terminal: this process's own, or one that a test plays.
pub trait Terminal: Send + Sync {
    /// Asks for a secret, without showing what is typed.
    ///
    /// # Errors
    ///
    /// [`TerminalError`] if there is no answer.
    fn ask_secret(&self, prompt: &str) -> Result<SecretString, TerminalError>;

    /// Asks for a line of text.
    ///
    /// # Errors
    ///
    /// [`TerminalError`] if there is no answer.
    fn ask_line(&self, prompt: &str) -> Result<String, TerminalError>;

    /// Shows a line of text, if there is a terminal.
    fn show(&self, message: &str);
}

/// The terminal that controls this process, whatever its standard streams are.
///
/// While a secret is typed, Ctrl-C is read as a character, so that the terminal is put right
/// before the answer is [`TerminalError::Cancelled`]: a signal would end the process and leave the
/// shell without echo. SIGTERM and SIGHUP still can, unless they are handled; a handler that only
/// sets a flag, on the other hand, is not heeded until the prompt is answered.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tty;

impl Tty {
    fn open() -> Result<File, TerminalError> {
        match OpenOptions::new().read(true).write(true).open("/dev/tty") {
            Ok(tty) if isatty(&tty) => Ok(tty),
            _ => Err(TerminalError::Absent),
        }
    }
}

impl Terminal for Tty {
    fn ask_secret(&self, prompt: &str) -> Result<SecretString, TerminalError> {
        let tty = Self::open()?;
        let typed = {
            let _silence = Silence::of(&tty)?;
            (&tty).write_all(prompt.as_bytes())?;
            let config = rpassword::ConfigBuilder::new()
                .input_reader(Keys(tty.try_clone()?))
                .output_discard()
                .build();
            rpassword::read_password_with_config(config)
        };
        // Enter was not echoed, so the cursor is still behind the prompt.
        (&tty).write_all(b"\n")?;
        match typed {
            Ok(secret) => Ok(SecretString::from(secret)),
            Err(error) if is_cancel(&error) => Err(TerminalError::Cancelled),
            Err(error) => Err(error.into()),
        }
    }

    fn ask_line(&self, prompt: &str) -> Result<String, TerminalError> {
        let mut tty = Self::open()?;
        tty.write_all(prompt.as_bytes())?;
        let mut line = String::new();
        match BufReader::new(tty).read_line(&mut line)? {
            0 => Err(TerminalError::Cancelled),
            _ => Ok(line.trim_end_matches(['\n', '\r']).to_owned()),
        }
    }

    fn show(&self, message: &str) {
        if let Ok(mut tty) = Self::open() {
            // There is nobody left to tell if this fails.
            let _ = writeln!(tty, "{message}");
        }
    }
}

fn is_cancel(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::UnexpectedEof
    )
}

/// The keys typed, with Ctrl-C as an error.
///
/// rpassword edits the line; on Ctrl-C it would raise SIGINT with the terminal still silent.
struct Keys(File);

impl Read for Keys {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const CTRL_C: u8 = 3;

        let count = self.0.read(buffer)?;
        if buffer[..count].contains(&CTRL_C) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(count)
    }
}

/// Echo, line editing and signals of a terminal are off until this is dropped.
struct Silence<'a> {
    tty: &'a File,
    before: Termios,
}

impl<'a> Silence<'a> {
    fn of(tty: &'a File) -> io::Result<Self> {
        let before = tcgetattr(tty)?;
        let mut silent = before.clone();
        silent.local_modes -=
            LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
        silent.special_codes[SpecialCodeIndex::VMIN] = 1;
        silent.special_codes[SpecialCodeIndex::VTIME] = 0;
        tcsetattr(tty, OptionalActions::Now, &silent)?;
        Ok(Silence { tty, before })
    }
}

impl Drop for Silence<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs no repair.
        let _ = tcsetattr(self.tty, OptionalActions::Now, &self.before);
    }
}

/// Lets age plugins ask at a terminal.
#[derive(Clone)]
pub struct TerminalPrompts(pub Arc<dyn Terminal>);

impl Prompts for TerminalPrompts {
    fn message(&self, message: &str) {
        self.0.show(&printable(message));
    }

    fn confirm(&self, message: &str, yes: &str, no: Option<&str>) -> Option<bool> {
        let (yes, no) = (printable(yes), printable(no.unwrap_or("cancel")));
        let prompt = format!("{}\n[y] {yes}  [n] {no}: ", printable(message));
        loop {
            match self.0.ask_line(&prompt).ok()?.trim() {
                "y" | "Y" => return Some(true),
                "n" | "N" => return Some(false),
                _ => {}
            }
        }
    }

    fn public_text(&self, description: &str) -> Option<String> {
        self.0
            .ask_line(&format!("{}: ", printable(description)))
            .ok()
    }

    fn secret_text(&self, description: &str) -> Option<SecretString> {
        self.0
            .ask_secret(&format!("{}: ", printable(description)))
            .ok()
    }
}

/// A plugin's text without what could move the cursor or fake a prompt.
fn printable(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .collect()
}
