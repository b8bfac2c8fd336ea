//! Arguments that could be secrets given by mistake, and are not written down.

use std::ffi::OsString;
use std::path::Path;

/// What stands in the place of an argument that is not written down.
const WITHHELD: &str = "<withheld>";

/// What is longer than this and names nothing could be a seed or a share.
const LONGEST_NAME: usize = 31;

/// Flags whose value is a file to be read: one that is not there may be the secret itself.
const OF_FILES: [&str; 5] = [
    "--passphrase-file",
    "--new-passphrase-file",
    "--custodian-passphrase-file",
    "--identity",
    "--key-file",
];

/// Flags whose value is the name of a key or its file.
const OF_KEYS: [&str; 3] = ["--key", "--custodian", "--witness"];

/// Verbs that take files with secrets, and nothing else without a flag before it.
const OF_SECRETS: [&str; 2] = ["key combine", "key import"];

/// What an argument should be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// A file that is there.
    File,
    /// The name of a key, or a file.
    Key,
    /// Anything.
    Anything,
}

/// Arguments that are not written down, wherever they are quoted.
#[derive(Debug, Default)]
pub struct Withholding {
    texts: Vec<String>,
}

impl Withholding {
    /// The arguments of `verb` as they are written down, and what was left out.
    pub fn of(verb: &str, arguments: &[OsString]) -> (Vec<String>, Self) {
        let mut withheld = Withholding::default();
        let about_keys = verb == "key" || verb.starts_with("key ");
        let mut words = verb.split(' ').peekable();
        let mut before: Option<String> = None;
        let mut shown = Vec::new();
        for argument in arguments {
            let text = argument.to_string_lossy().into_owned();
            if words.next_if(|word| *word == text).is_some() {
                shown.push(text);
                continue;
            }
            let (name, value) = match text.split_once('=') {
                Some((name, value)) if name.starts_with('-') => (Some(name), value),
                _ => (None, text.as_str()),
            };
            let expected = match name.or(before.as_deref()) {
                Some(flag) if OF_FILES.contains(&flag) => Expected::File,
                Some(flag) if OF_KEYS.contains(&flag) => Expected::Key,
                None if OF_SECRETS.contains(&verb) => Expected::File,
                _ if about_keys => Expected::Key,
                _ => Expected::Anything,
            };
            let secret = !value.is_empty() && may_be_secret(value, expected);
            if secret {
                withheld.texts.push(value.to_owned());
            }
            shown.push(match (secret, name) {
                (false, _) => text.clone(),
                (true, Some(name)) => format!("{name}={WITHHELD}"),
                (true, None) => WITHHELD.to_owned(),
            });
            before = (name.is_none() && text.starts_with('-') && text != "-").then_some(text);
        }
        (shown, withheld)
    }

    /// A text that may quote such an argument, without it.
    pub fn clean(&self, text: &str) -> String {
        let mut cleaned = text.to_owned();
        for secret in &self.texts {
            cleaned = cleaned.replace(secret, WITHHELD);
            // Messages spell out what cannot be printed.
            let printed = super::output::printable(secret);
            cleaned = cleaned.replace(&printed, WITHHELD);
        }
        cleaned
    }
}

/// Whether a text holds what marks a secret, in upper case or lower.
pub fn looks_secret(text: &str) -> bool {
    let upper = text.to_ascii_uppercase();
    let marks = ["AGE-SECRET-KEY-", "AGE-PLUGIN-", "PRIVATE KEY"];
    marks.iter().any(|mark| upper.contains(mark)) || holds_share(text)
}

/// Whether the text of a share stands in it: 64 characters of base32, in groups of four or not.
fn holds_share(text: &str) -> bool {
    const SHARE_CHARS: usize = 64;
    let is_part = |word: &&str| word.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'));
    let mut chars = 0;
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
        .any(|word| {
            chars = match is_part(&word) && word.len().is_multiple_of(4) {
                true => chars + word.len(),
                false => 0,
            };
            chars >= SHARE_CHARS
        })
}

fn may_be_secret(value: &str, expected: Expected) -> bool {
    if looks_secret(value) {
        return true;
    }
    // A recipient is public, and as long as a secret.
    let recipient = value.starts_with("age1");
    if value.starts_with('-') || Path::new(value).symlink_metadata().is_ok() || recipient {
        return false;
    }
    match expected {
        Expected::Anything => false,
        Expected::File => true,
        Expected::Key => value.chars().count() > LONGEST_NAME && !names_a_file_to_be(value),
    }
}

/// A path in a folder that is there: a file that will be written. Not in the topmost one: base64 may
/// begin with a slash.
fn names_a_file_to_be(value: &str) -> bool {
    let folder = Path::new(value).parent();
    folder.is_some_and(|folder| folder.file_name().is_some() && folder.is_dir())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(verb: &str, arguments: &[&str]) -> Vec<String> {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        Withholding::of(verb, &arguments).0
    }

    #[test]
    fn the_text_of_a_share_is_known_by_its_form() {
        let group = "ABCD";
        let grouped = [group; 16].join(" ");
        for text in [
            &grouped,
            &grouped.replace(' ', ""),
            &format!("it is {grouped}."),
        ] {
            assert!(looks_secret(text), "{text}");
        }
        for text in [
            &[group; 15].join(" "),
            "THIS WAS SEEN BY ALL WHO WERE HERE AND ALSO SIGN WHAT THEY HAVE READ",
            "pith:2024:464FKZVWWWAS6RK4REH6UF4MVX",
        ] {
            assert!(!looks_secret(text), "{text}");
        }
    }

    #[test]
    fn what_could_be_a_secret_is_left_out() {
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        assert_eq!(shown("key import", &["key", "import", seed])[2], WITHHELD);
        let share = "ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567";
        assert_eq!(shown("key combine", &[share]), [WITHHELD]);
        let base64 = "/STVStoiQhXFxp4s2pdzPNoqVNBMojDU/fJ2db5S3Cb=";
        assert_eq!(shown("key import", &[base64]), [WITHHELD]);
        let base64 = "/STVStoiQhXFxp4s2pdzPNoqVNBMojDUafJ2db5S3Cb=";
        assert_eq!(shown("key import", &[base64]), [WITHHELD]);
        let identity = "age-secret-key-1qqqqqq";
        assert_eq!(shown("mint", &[identity]), [WITHHELD]);
        let flag = format!("--identity={}", identity.to_uppercase());
        assert_eq!(shown("mint", &[&flag]), [format!("--identity={WITHHELD}")]);
        assert_eq!(shown("mint", &["-----BEGIN PRIVATE KEY-----"]), [WITHHELD]);
    }

    #[test]
    fn what_should_be_a_file_and_is_none_is_left_out_however_short() {
        let words = ["key", "combine", "36JM", "VPN7", "--id", "k1"];
        let expected = ["key", "combine", WITHHELD, WITHHELD, "--id", "k1"];
        assert_eq!(shown("key combine", &words), expected);
        for flag in ["--passphrase-file", "--identity", "--new-passphrase-file"] {
            let typed = ["key", "generate", "--id", "k9", flag, "hunter2 is my pass"];
            assert_eq!(shown("key generate", &typed)[5], WITHHELD);
            let joined = format!("{flag}=hunter2");
            assert_eq!(shown("mint", &[&joined]), [format!("{flag}={WITHHELD}")]);
        }
        let seed = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        assert_eq!(shown("keyset sign", &["--key", seed])[1], WITHHELD);
        assert_eq!(shown("mint", &["--key", "reg-1"])[1], "reg-1");
        let (_, withheld) = Withholding::of("mint", &["--identity".into(), "hunter2".into()]);
        assert_eq!(
            withheld.clean("no such file: hunter2"),
            format!("no such file: {WITHHELD}")
        );
    }

    #[test]
    fn what_names_something_is_kept() {
        let recipient = "age1t7rxyev2z3rw82stdlrrepyc39nvn86l5078zqkf5uasdy86jp6svpy7pa";
        assert_eq!(
            shown("key generate", &["--recipient", recipient])[1],
            recipient
        );
        assert_eq!(
            shown("key check", &["pith-v1-2026-05"]),
            ["pith-v1-2026-05"]
        );
        let folder = tempfile::tempdir().unwrap();
        let to_be = folder
            .path()
            .join("a-folder-that-is-not-there-yet-but-will-be");
        let to_be = to_be.to_str().unwrap();
        assert_eq!(shown("key split", &["--out", to_be])[1], to_be);
        let digest = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
        assert_eq!(shown("keyset sign", &["--yes-digest", digest])[1], digest);
    }

    #[test]
    fn messages_that_quote_it_do_not_show_it() {
        let share = "ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567";
        let (_, withheld) = Withholding::of("key combine", &[share.into()]);
        let message = format!("error: cannot read {share}: no such file");
        assert_eq!(
            withheld.clean(&message),
            "error: cannot read <withheld>: no such file"
        );
    }
}
