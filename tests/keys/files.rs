use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Instant;

use pith::keys::{KeyFileError, PermissionCheck, read_key_file, write_key_file};
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.age");
    (folder, path)
}

fn read(path: &Path) -> Result<Vec<u8>, KeyFileError> {
    read_key_file(path, PermissionCheck::OwnerOnly).map(|bytes| bytes.to_vec())
}

#[test]
fn what_is_written_is_read_and_private() {
    let (folder, path) = folder();
    write_key_file(&path, b"sealed").unwrap();
    assert_eq!(read(&path).unwrap(), b"sealed");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
        0o600
    );
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "a temporary file was left"
    );
}

#[test]
fn nothing_is_ever_replaced() {
    let (folder, path) = folder();
    fs::write(&path, "old").unwrap();
    assert!(matches!(
        write_key_file(&path, b"new"),
        Err(KeyFileError::Exists { .. })
    ));
    assert_eq!(fs::read(&path).unwrap(), b"old");

    let link = folder.path().join("link.age");
    symlink(folder.path().join("nowhere"), &link).unwrap();
    assert!(matches!(
        write_key_file(&link, b"new"),
        Err(KeyFileError::Exists { .. })
    ));
    assert!(!folder.path().join("nowhere").exists());
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        2,
        "a temporary file was left"
    );
}

#[test]
fn a_missing_folder_is_named() {
    let (folder, _) = folder();
    let error = write_key_file(&folder.path().join("no/key.age"), b"").unwrap_err();
    assert!(error.to_string().ends_with("/no`"), "{error}");
}

#[test]
fn files_that_others_can_reach_are_refused() {
    let (_folder, path) = folder();
    fs::write(&path, "sealed").unwrap();
    for mode in [0o640, 0o604, 0o620, 0o601, 0o666] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = read(&path).unwrap_err();
        assert!(matches!(error, KeyFileError::Permissions { mode: found, .. } if found == mode));
        let hint = error.hint().unwrap();
        assert!(
            hint.contains(&format!("`chmod 600 {}`", path.display())),
            "{hint}"
        );
        assert_eq!(
            *read_key_file(&path, PermissionCheck::Off).unwrap(),
            b"sealed"
        );
    }
    for mode in [0o600, 0o400, 0o700] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert_eq!(read(&path).unwrap(), b"sealed");
    }
}

#[test]
fn links_are_refused() {
    let (folder, path) = folder();
    write_key_file(&path, b"sealed").unwrap();
    let link = folder.path().join("link.age");
    symlink(&path, &link).unwrap();
    let error = read_key_file(&link, PermissionCheck::Off).unwrap_err();
    assert!(matches!(error, KeyFileError::Symlink { .. }), "{error:?}");
    let target = path.canonicalize().unwrap();
    assert!(error.hint().unwrap().contains(target.to_str().unwrap()));
}

#[test]
fn what_is_no_regular_file_is_refused_at_once() {
    let (folder, path) = folder();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &path,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    let start = Instant::now();
    for path in [path.as_path(), folder.path(), Path::new("/dev/null")] {
        let error = read_key_file(path, PermissionCheck::Off).unwrap_err();
        assert!(
            matches!(error, KeyFileError::NotRegular { .. }),
            "{error:?}"
        );
    }
    assert!(start.elapsed().as_secs() < 5);
}

#[test]
fn huge_files_are_refused() {
    let (_folder, path) = folder();
    write_key_file(&path, &vec![0; 1 << 20]).unwrap();
    assert_eq!(read(&path).unwrap().len(), 1 << 20);
    fs::OpenOptions::new()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(1 << 40)
        .unwrap();
    let error = read(&path).unwrap_err();
    assert!(matches!(error, KeyFileError::TooLarge { .. }), "{error:?}");
}

#[test]
fn a_missing_file_is_named() {
    let (_folder, path) = folder();
    let error = read(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("could not open `{}`", path.display())
    );
}
