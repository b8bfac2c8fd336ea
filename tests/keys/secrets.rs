use std::fs;
use std::io::Write as _;
use std::os::fd::AsRawFd;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use pith::cli::secrets::{
    NewSecretArgs, PassphraseArgs, SecretError, SecretErrorKind, SecretSources, UnlockArgs,
    Unlocker,
};
use pith::keys::{
    KeyFileError, PrivateKey, Protection, RecipientError, SealedKeyError, UnlockError,
    WeakPassphrase,
};
use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::typist::Typist;
use super::{PASSPHRASE, age_file, cheap, cheaply_sealed, rfc_key};

fn sources(terminal: &Arc<Typist>, variable: Option<&Path>) -> SecretSources {
    SecretSources {
        passphrase_file: variable.map(Path::to_owned),
        terminal: terminal.clone(),
    }
}

/// As a verb that opens a key takes them.
#[derive(Parser)]
struct Opening {
    #[command(flatten)]
    unlock: UnlockArgs,
}

/// As a verb that makes a key takes them.
#[derive(Parser)]
struct Making {
    #[command(flatten)]
    passphrase: PassphraseArgs,
    #[command(flatten)]
    new: NewSecretArgs,
}

/// As a verb that seals a key anew takes them.
#[derive(Parser)]
struct Rewrapping {
    #[command(flatten)]
    unlock: UnlockArgs,
    #[command(flatten)]
    new: NewSecretArgs,
}

fn parse<T: Parser>(args: &[&str]) -> T {
    T::try_parse_from([&["pith"], args].concat()).unwrap()
}

struct Home(TempDir);

impl Home {
    fn new() -> Self {
        Home(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }
}

fn open_with(args: &[&str], sources: SecretSources, key: &Path) -> Result<PrivateKey, SecretError> {
    Unlocker::new(parse::<Opening>(args).unlock, sources).open("pith-v1-2026-05", key)
}

fn opens(args: &[&str], key: &Path) -> Result<PrivateKey, SecretError> {
    open_with(args, sources(&Typist::typing(&[]), None), key)
}

fn make(args: &[&str], sources: &SecretSources) -> Result<Protection, SecretError> {
    let args: Making = parse(args);
    args.new
        .for_new_key("pith-v1-2026-05", &args.passphrase, sources)
}

#[test]
fn a_passphrase_file_gives_its_first_line() {
    let home = Home::new();
    let key = home.file("key.age", cheaply_sealed());
    for (number, text) in ["{}", "{}\n", "{}\r\n", "{}\nsecond line\n"]
        .into_iter()
        .enumerate()
    {
        let file = home.file(&format!("{number}.txt"), text.replace("{}", PASSPHRASE));
        let opened = opens(&["--passphrase-file", file.to_str().unwrap()], &key).unwrap();
        assert_eq!(opened.public_bytes(), rfc_key().public_bytes());
    }
    let file = home.file("spaced.txt", format!("{PASSPHRASE} \n"));
    let error = opens(&["--passphrase-file", file.to_str().unwrap()], &key).unwrap_err();
    assert!(
        matches!(error, SecretError::Unlock { .. }),
        "spaces belong to a passphrase: {error:?}"
    );
}

#[test]
fn unusable_passphrase_files_are_named() {
    let home = Home::new();
    let key = home.file("key.age", cheaply_sealed());
    for (content, kind) in [
        (&b""[..], SecretErrorKind::Unlock),
        (b"\n", SecretErrorKind::Unlock),
        (b"\r\nsecond\n", SecretErrorKind::Unlock),
        (b"\xff\n", SecretErrorKind::Unlock),
        (&[b'a'; 5000], SecretErrorKind::Unlock),
    ] {
        let file = home.file("pass.txt", content);
        let error = opens(&["--passphrase-file", file.to_str().unwrap()], &key).unwrap_err();
        assert!(matches!(error, SecretError::Passphrase { .. }), "{error:?}");
        assert!(
            error.to_string().contains(file.to_str().unwrap()),
            "{error}"
        );
        assert_eq!(error.kind(), kind);
    }
    let error = opens(&["--passphrase-file", "/nonexistent"], &key).unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Io);
}

#[test]
fn an_open_key_file_is_refused_unless_allowed_and_an_open_passphrase_file_is_read() {
    let home = Home::new();
    let key = home.file("key.age", cheaply_sealed());
    let file = home.file("pass.txt", PASSPHRASE);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    opens(&["--passphrase-file", file.to_str().unwrap()], &key).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let args = [
        "--passphrase-file",
        file.to_str().unwrap(),
        "--insecure-permissions",
    ];
    let error = opens(&args[..2], &key).unwrap_err();
    assert!(
        matches!(error, SecretError::File(KeyFileError::Permissions { .. })),
        "{error:?}"
    );
    assert!(error.hint().unwrap().contains("chmod 600"));
    opens(&args, &key).unwrap();
}

/// As `--passphrase-file <(command)` and `--passphrase-fd 3 3< <(command)` of a shell do.
#[test]
fn a_pipe_is_read_once_and_serves_every_key() {
    let home = Home::new();
    let keys = [
        home.file("a.age", cheaply_sealed()),
        home.file("b.age", cheaply_sealed()),
    ];
    for by_path in [true, false] {
        let (reader, mut writer) = std::io::pipe().unwrap();
        // The writer stays: the line must be enough.
        writer
            .write_all(format!("{PASSPHRASE}\n").as_bytes())
            .unwrap();
        let number = reader.as_raw_fd();
        let args = if by_path {
            ["--passphrase-file".to_owned(), format!("/dev/fd/{number}")]
        } else {
            ["--passphrase-fd".to_owned(), number.to_string()]
        };
        let args: Opening = parse(&[&args[0], &args[1]]);
        let mut unlocker = Unlocker::new(args.unlock, sources(&Typist::typing(&[]), None));
        for key in &keys {
            unlocker.open("a key", key).unwrap();
        }
    }
}

#[test]
fn a_closed_descriptor_is_named() {
    let home = Home::new();
    let error = opens(
        &["--passphrase-fd", "987"],
        &home.file("key.age", cheaply_sealed()),
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not read a passphrase from file descriptor 987"
    );
}

#[test]
fn flags_come_before_the_environment_and_that_before_the_terminal() {
    let home = Home::new();
    let key = home.file("key.age", cheaply_sealed());
    let right = home.file("right.txt", PASSPHRASE);
    let wrong = home.file("wrong.txt", "wrong horse battery");
    let typist = Typist::typing(&[PASSPHRASE]);

    open_with(
        &["--passphrase-file", right.to_str().unwrap()],
        sources(&typist, Some(&wrong)),
        &key,
    )
    .unwrap();
    open_with(&[], sources(&typist, Some(&right)), &key).unwrap();
    assert_eq!(typist.left(), 1, "nobody was asked");
    open_with(&[], sources(&typist, None), &key).unwrap();
    assert_eq!(typist.left(), 0);
}

#[test]
fn the_terminal_asks_three_times() {
    let home = Home::new();
    let key = home.file("key.age", cheaply_sealed());
    let typist = Typist::typing(&["one", "two", PASSPHRASE]);
    open_with(&[], sources(&typist, None), &key).unwrap();
    assert!(typist.seen().contains("Passphrase for pith-v1-2026-05: "));

    let typist = Typist::typing(&["one", "two", "three", PASSPHRASE]);
    let error = open_with(&[], sources(&typist, None), &key).unwrap_err();
    assert!(
        matches!(
            error,
            SecretError::Unlock {
                source: UnlockError::Locked { .. },
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!((typist.left(), error.kind()), (1, SecretErrorKind::Unlock));
}

#[test]
fn without_a_terminal_the_ways_are_listed() {
    let home = Home::new();
    let error = opens(&[], &home.file("key.age", cheaply_sealed())).unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Unlock);
    let hint = error.hint().unwrap();
    for way in [
        "--passphrase-file",
        "--passphrase-fd",
        "PITH_PASSPHRASE_FILE",
        "--identity",
    ] {
        assert!(hint.contains(way), "{hint}");
    }
}

#[test]
fn cancelling_is_an_interrupt() {
    let home = Home::new();
    let key = home.file("key.age", cheaply_sealed());
    let error = open_with(&[], sources(&Typist::typing(&["^C"]), None), &key).unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Interrupted);
}

#[test]
fn identities_open_what_is_sealed_for_them() {
    let home = Home::new();
    let identity = age::x25519::Identity::generate();
    let key = home.file(
        "key.age",
        age_file(
            &identity.to_public(),
            rfc_key().to_pkcs8_v1_pem().as_bytes(),
        ),
    );
    let text = identity.to_string();
    let plain = home.file("plain.txt", text.expose_secret());
    let other = home.file(
        "other.txt",
        age::x25519::Identity::generate()
            .to_string()
            .expose_secret(),
    );
    let sealed = home.file(
        "sealed.age",
        age_file(&cheap(PASSPHRASE), text.expose_secret().as_bytes()),
    );
    let [plain, other, sealed] = [&plain, &other, &sealed].map(|path| path.to_str().unwrap());

    opens(&["--identity", plain], &key).unwrap();
    opens(&["--identity", other, "--identity", plain], &key).unwrap();
    let typist = Typist::typing(&["wrong", PASSPHRASE]);
    open_with(&["--identity", sealed], sources(&typist, None), &key).unwrap();
    assert!(
        typist
            .seen()
            .contains(&format!("Passphrase for the identity file `{sealed}`"))
    );

    let error = opens(&["--identity", other], &key).unwrap_err();
    assert!(matches!(error, SecretError::Unlock { .. }), "{error:?}");
    let error = opens(&[], &key).unwrap_err();
    assert!(error.hint().unwrap().contains("--identity FILE"));
    let error = opens(&["--identity", key.to_str().unwrap()], &key).unwrap_err();
    assert!(matches!(error, SecretError::Identity { .. }), "{error:?}");
}

#[test]
fn a_key_that_is_not_sealed_is_not_used() {
    let home = Home::new();
    let key = home.file("key.pem", rfc_key().to_pkcs8_v1_pem().as_bytes());
    let error = opens(&[], &key).unwrap_err();
    assert!(
        matches!(
            error,
            SecretError::Sealed {
                source: SealedKeyError::Unsealed,
                ..
            }
        ),
        "{error:?}"
    );
}

#[test]
fn two_sources_of_one_passphrase_are_a_usage_error() {
    for args in [
        &["pith", "--passphrase-file", "f", "--passphrase-fd", "3"][..],
        &[
            "pith",
            "--new-passphrase-file",
            "f",
            "--new-passphrase-fd",
            "3",
        ],
        &["pith", "--recipient", "age1", "--new-passphrase-fd", "3"],
        &["pith", "--recipient", "age1", "--new-passphrase-file", "f"],
    ] {
        assert_eq!(
            Rewrapping::try_parse_from(args).err().unwrap().exit_code(),
            2,
            "{args:?}"
        );
    }
    let nobody = sources(&Typist::typing(&[]), None);
    for args in [
        &["--recipient", "age1", "--passphrase-file", "f"][..],
        &["--recipient", "age1", "--passphrase-fd", "3"],
        &["--new-passphrase-fd", "4", "--passphrase-fd", "3"],
    ] {
        let error = make(args, &nobody).unwrap_err();
        assert!(matches!(error, SecretError::Conflict { .. }), "{error:?}");
        assert_eq!(error.kind(), SecretErrorKind::Usage);
    }
}

#[test]
fn a_new_key_takes_its_passphrase_from_every_way() {
    let home = Home::new();
    let file = home.file("pass.txt", PASSPHRASE);
    let path = file.to_str().unwrap();
    let typist = Typist::typing(&["short", PASSPHRASE, "another one", PASSPHRASE, PASSPHRASE]);

    for args in [
        &["--new-passphrase-file", path][..],
        &["--passphrase-file", path],
    ] {
        let protection = make(args, &sources(&typist, None)).unwrap();
        assert!(matches!(protection, Protection::Passphrase(_)));
    }
    make(&[], &sources(&typist, Some(&file))).unwrap();
    assert_eq!(typist.left(), 5, "nobody was asked");

    make(&[], &sources(&typist, None)).unwrap();
    assert_eq!(typist.left(), 0);
    let seen = typist.seen();
    assert!(
        seen.contains("8 or more") && seen.contains("differ"),
        "{seen}"
    );
}

#[test]
fn a_recipient_ignores_the_environment() {
    let home = Home::new();
    let file = home.file("pass.txt", PASSPHRASE);
    let public = age::x25519::Identity::generate().to_public().to_string();
    let protection = make(
        &["--recipient", &public],
        &sources(&Typist::typing(&[]), Some(&file)),
    )
    .unwrap();
    assert!(matches!(protection, Protection::Recipients(recipients) if recipients.len() == 1));
}

#[test]
fn unfit_new_secrets_are_usage_errors() {
    let home = Home::new();
    let nobody = sources(&Typist::typing(&[]), None);
    let short = home.file("short.txt", "seven77\n");
    let error = make(&["--new-passphrase-file", short.to_str().unwrap()], &nobody).unwrap_err();
    assert!(
        matches!(
            error,
            SecretError::Weak {
                source: WeakPassphrase::Short { found: 7, .. },
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(error.kind(), SecretErrorKind::Usage);

    let error = make(&["--recipient", "bob"], &nobody).unwrap_err();
    assert!(
        matches!(error, SecretError::Recipient(RecipientError::Invalid(_))),
        "{error:?}"
    );

    let error = make(&[], &nobody).unwrap_err();
    assert_eq!(error.kind(), SecretErrorKind::Usage);
    assert!(error.hint().unwrap().contains("--new-passphrase-file"));

    let typist = Typist::typing(&[
        PASSPHRASE, "a", PASSPHRASE, "b", PASSPHRASE, "c", PASSPHRASE,
    ]);
    let error = make(&[], &sources(&typist, None)).unwrap_err();
    assert!(matches!(error, SecretError::Mismatch { .. }), "{error:?}");
    assert_eq!(typist.left(), 1);
}

#[test]
fn rewrapping_keeps_old_and_new_secret_apart() {
    let home = Home::new();
    let old = home.file("old.txt", "old passphrase");
    let old_path = old.to_str().unwrap();
    let typist = Typist::typing(&[PASSPHRASE, PASSPHRASE]);

    // Neither the flags nor the environment of the old secret give the new one.
    let args: Rewrapping = parse(&["--passphrase-file", old_path]);
    args.new
        .for_rewrap("a key", &args.unlock, &sources(&typist, Some(&old)))
        .unwrap();
    assert_eq!(typist.left(), 0);

    let public = age::x25519::Identity::generate().to_public().to_string();
    let args: Rewrapping = parse(&["--passphrase-file", old_path, "--recipient", &public]);
    args.new
        .for_rewrap("a key", &args.unlock, &sources(&typist, None))
        .unwrap();

    let args: Rewrapping = parse(&["--passphrase-fd", "3", "--new-passphrase-fd", "3"]);
    let error = args
        .new
        .for_rewrap("a key", &args.unlock, &sources(&typist, None))
        .unwrap_err();
    assert!(matches!(error, SecretError::Conflict { .. }), "{error:?}");
}

#[test]
fn verbs_can_tell_that_stdin_is_taken() {
    for (args, expected) in [
        (&["--passphrase-file", "-"][..], true),
        (&["--passphrase-fd", "0"], true),
        (&["--passphrase-fd", "3"], false),
        (&[], false),
    ] {
        assert_eq!(
            parse::<Opening>(args).unlock.passphrase.reads_stdin(),
            expected,
            "{args:?}"
        );
    }
}
