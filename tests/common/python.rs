//! What Python makes of JSON.

use std::io::Write as _;
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use pith::canonical::{self, Numbers, read};

/// The interpreter that `PITH_PYTHON` names.
pub fn python() -> Command {
    let name = std::env::var_os("PITH_PYTHON").unwrap_or_else(|| "python3".into());
    let mut check = Command::new(&name);
    let found = check.args(["-c", "import cryptography"]).output();
    let sound = found.is_ok_and(|output| output.status.success());
    assert!(
        sound,
        "{name:?} does not run, or lacks the package `cryptography`; name another in PITH_PYTHON, \
         or run scripts/test, which sets one up"
    );
    let mut command = Command::new(name);
    command.arg("-B");
    command
}

/// Reads texts, one a line in base64, and prints what Python makes of each, or why it refuses.
const REWRITE: &str = "
import base64, json, sys
for line in sys.stdin:
    try:
        text = base64.b64decode(line).decode()
        value = json.loads(text)
        found = json.dumps(value, sort_keys=True, separators=(',', ':'), ensure_ascii=False).encode()
        print(base64.b64encode(found).decode())
    except Exception as error:
        print('!', error)
";

pub fn rewritten_by_python<T: AsRef<[u8]>>(texts: &[T]) -> Vec<Result<Vec<u8>, String>> {
    let mut child = python()
        .args(["-c", REWRITE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String = texts
        .iter()
        .map(|text| BASE64.encode(text) + "\n")
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    let found: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| match line.strip_prefix('!') {
            Some(error) => Err(error.to_owned()),
            None => Ok(BASE64.decode(line).unwrap()),
        })
        .collect();
    assert_eq!(found.len(), texts.len());
    found
}

/// Compares all that the strict reader accepts; says how many those were.
pub fn assert_python_agrees(texts: &[String]) -> usize {
    let mut compared = 0;
    for (text, python) in texts.iter().zip(rewritten_by_python(texts)) {
        if let Ok(node) = read(text.as_bytes(), Numbers::PythonFloats) {
            let ours = canonical::to_vec(&node).unwrap();
            let python = python.unwrap_or_else(|error| panic!("{text}: Python says {error}"));
            assert_eq!(
                String::from_utf8(ours).unwrap(),
                String::from_utf8(python).unwrap(),
                "{text}"
            );
            compared += 1;
        }
    }
    compared
}
