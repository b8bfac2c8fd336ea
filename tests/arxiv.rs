//! Reading metadata from files as operators have them: compressed, joined, cut off, mixed up.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use pith::arxiv::{InputError, Item, ReadOptions, Reader, RejectCode};
use proptest::prelude::*;
use tempfile::TempDir;

fn line(id: &str) -> String {
    format!(
        r#"{{"id":"{id}","authors":"A. Author","title":"On a thing","categories":"math.GT","license":null,"abstract":"  We study a thing.\n","versions":[{{"version":"v1","created":"Wed, 7 Jun 2017 21:01:15 GMT"}}]}}"#
    )
}

fn record(id: &str) -> String {
    format!(
        "<record><header><identifier>oai:arXiv.org:{id}</identifier></header><metadata>\n\
         <arXivRaw><id>{id}</id><version version=\"v1\"><date>Wed, 7 Jun 2017 21:01:15 GMT</date>\
         </version><title>On a thing</title><authors>A. Author</authors>\
         <categories>math.GT</categories><abstract>We study a thing.</abstract></arXivRaw>\n\
         </metadata></record>"
    )
}

fn page(ids: &[&str]) -> String {
    let records: Vec<String> = ids.iter().map(|id| record(id)).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<OAI-PMH><ListRecords>\n{}\n\
         <resumptionToken>x|1</resumptionToken></ListRecords></OAI-PMH>\n",
        records.join("\n")
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        let options = zip::write::SimpleFileOptions::default();
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A folder with files in it.
struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &[u8])]) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, bytes) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        Folder(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `text` without this folder's path.
    fn strip(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.0.path().display()), "")
    }
}

fn open(inputs: &[&Path], stdin: Box<dyn Read + Send>) -> Result<Reader, InputError> {
    let inputs: Vec<PathBuf> = inputs.iter().map(|path| path.to_path_buf()).collect();
    Reader::open(&inputs, stdin, ReadOptions::default())
}

/// What was found, in a few words an item.
fn describe(found: Result<Item, InputError>) -> String {
    match found {
        Ok(Item::Paper { place, paper }) => format!("{place} {}", paper.id()),
        Ok(Item::Rejected(rejection)) => {
            let id = rejection.arxiv_id.unwrap_or_default();
            let described = format!(
                "{}:{} {} {id}",
                rejection.input, rejection.line, rejection.code
            );
            described.trim_end().to_owned()
        }
        Ok(Item::Deleted { place }) => format!("{place} deleted"),
        Ok(other) => panic!("{other:?}"),
        Err(InputError::Read { input, line, .. }) => format!("{input}:{line} error"),
        Err(other) => format!("error: {other}"),
    }
}

fn read(folder: &Folder, names: &[&str]) -> Vec<String> {
    let paths: Vec<PathBuf> = names.iter().map(|name| folder.path(name)).collect();
    let paths: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    open(&paths, Box::new(io::empty()))
        .unwrap()
        .map(|found| folder.strip(&describe(found)))
        .collect()
}

fn read_stdin(bytes: impl Into<Vec<u8>>) -> Vec<String> {
    let stdin = io::Cursor::new(bytes.into());
    open(&[Path::new("-")], Box::new(stdin))
        .unwrap()
        .map(describe)
        .collect()
}

const A: &str = "1706.00001";
const B: &str = "1706.00002";

#[test]
fn the_format_is_told_by_the_first_bytes() {
    let lines = format!("{}\n{}\n", line(A), line(B));
    let found = [format!("-:1 {A}"), format!("-:2 {B}")];
    assert_eq!(read_stdin(lines.clone()), found);
    assert_eq!(read_stdin(lines.trim_end()), found);
    assert_eq!(read_stdin(lines.replace('\n', "\r\n")), found);
    assert_eq!(read_stdin(format!("\u{feff}{lines}")), found);
    assert_eq!(read_stdin(gzip(lines.as_bytes())), found);
    assert_eq!(read_stdin(zstd(lines.as_bytes())), found);
    let blank = format!("\n \n{}\n\n{}\n\n", line(A), line(B));
    assert_eq!(read_stdin(blank), [format!("-:3 {A}"), format!("-:5 {B}")]);

    let found = [format!("-:3 {A}"), format!("-:6 {B}")];
    assert_eq!(read_stdin(page(&[A, B])), found);
    assert_eq!(read_stdin(page(&[A, B]).replace('\n', "\r\n")), found);
    assert_eq!(read_stdin(format!("\u{feff}{}", page(&[A, B]))), found);
    assert_eq!(read_stdin(gzip(page(&[A, B]).as_bytes())), found);
    assert_eq!(
        read_stdin(format!("\n{}", page(&[A]))),
        [format!("-:4 {A}")]
    );
}

#[test]
fn inputs_without_papers() {
    for nothing in ["", "\n\n", "\u{feff}", " \r\n\t"] {
        assert!(read_stdin(nothing).is_empty(), "{nothing:?}");
    }
    assert!(read_stdin(gzip(b"")).is_empty());
    assert!(read_stdin(page(&[])).is_empty());
}

#[test]
fn inputs_of_another_kind_are_refused_with_what_is_accepted() {
    for (bytes, code, part) in [
        (&b"\n[{}]"[..], RejectCode::InputUnrecognised, "jq -c"),
        (
            b"\nid,title\n1,2\n",
            RejectCode::InputUnrecognised,
            "arXivRaw",
        ),
        (b"\n\0\0\0", RejectCode::InputUnrecognised, "arXivRaw"),
        (b"\n\xff", RejectCode::InputUnrecognised, "arXivRaw"),
        (
            b"\n<feed xmlns=\"http://www.w3.org/2005/Atom\"/>",
            RejectCode::SourceAtom,
            "Kaggle snapshot",
        ),
    ] {
        let stdin = Box::new(io::Cursor::new(bytes));
        let found: Vec<_> = open(&[Path::new("-")], stdin).unwrap().collect();
        let [Ok(Item::Rejected(rejection))] = &found[..] else {
            panic!("{found:?}");
        };
        assert_eq!((rejection.line, rejection.code), (2, code));
        assert!(rejection.message.contains(part), "{}", rejection.message);
    }
    for (bytes, code) in [
        (&b"\xff\xfe{\0"[..], "text.encoding"),
        (b"\xfe\xff\0{", "text.encoding"),
        (b"BZh91AY", "input.unrecognised"),
        (b"\xfd7zXZ\0", "input.unrecognised"),
    ] {
        assert_eq!(read_stdin(bytes), [format!("-:1 {code}")]);
    }
}

#[test]
fn rejected_lines_do_not_stop_the_others() {
    let lines = [
        line(A),
        line("math.GT/0309136"),
        "{\"id\":".to_owned(),
        line(A).replace("\"id\":", "\"id\":\"x\",\"id\":"),
        line(B).replace("\"versions\"", "\"no\""),
        line(A).replace("thing", "th\\u0000ing"),
        line(A).replace("thing", "thíng"),
        line(B),
    ];
    let mut bytes = lines.join("\n").into_bytes();
    bytes.extend_from_slice(b"\n\xff\xfe\n{\0}\n");
    assert_eq!(
        read_stdin(bytes),
        [
            format!("-:1 {A}"),
            "-:2 field.form math.GT/0309136".to_owned(),
            "-:3 json.invalid".to_owned(),
            "-:4 json.invalid".to_owned(),
            format!("-:5 source.no-versions {B}"),
            format!("-:6 text.nul {A}"),
            format!("-:7 text.non-ascii {A}"),
            format!("-:8 {B}"),
            "-:9 text.encoding".to_owned(),
            "-:10 json.invalid".to_owned(),
        ]
    );
}

#[test]
fn non_ascii_text_is_taken_where_the_operator_says_so() {
    let text = line(A).replace("thing", "thíng");
    let stdin = Box::new(io::Cursor::new(text));
    let options = ReadOptions {
        allow_non_ascii: true,
    };
    let found: Vec<_> = Reader::open(&["-".into()], stdin, options)
        .unwrap()
        .collect();
    assert!(matches!(found[..], [Ok(Item::Paper { .. })]));
}

#[test]
fn files_folders_and_archives_in_their_order() {
    let deleted = r#"<record><header status="deleted"/></record>"#;
    let folder = Folder::new(&[
        ("z.xml.gz", &gzip(page(&[A]).as_bytes())),
        ("pages/2.xml", page(&[B]).as_bytes()),
        (
            "pages/1.xml",
            page(&[A])
                .replace("<resumption", &format!("{deleted}<resumption"))
                .as_bytes(),
        ),
        ("pages/10/x.jsonl.zst", &zstd(line(B).as_bytes())),
        ("pages/notes.txt", b"not an input"),
        (
            "snapshot.zip",
            &zip(&[
                ("b.json", line(B).as_bytes()),
                ("a.json.gz", &gzip(line(A).as_bytes())),
                ("README", b"hello"),
            ]),
        ),
        ("no-ending", line(A).as_bytes()),
    ]);
    assert_eq!(
        read(&folder, &["z.xml.gz", "no-ending", "pages", "snapshot.zip"]),
        [
            format!("z.xml.gz:3 {A}"),
            format!("no-ending:1 {A}"),
            format!("pages/1.xml:3 {A}"),
            "pages/1.xml:6 deleted".to_owned(),
            format!("pages/10/x.jsonl.zst:1 {B}"),
            format!("pages/2.xml:3 {B}"),
            "snapshot.zip:README:1 input.unrecognised".to_owned(),
            format!("snapshot.zip:a.json.gz:1 {A}"),
            format!("snapshot.zip:b.json:1 {B}"),
        ]
    );
}

#[test]
fn an_error_ends_its_file_only() {
    let lines: Vec<String> = (10_000..10_200)
        .map(|n| line(&format!("1706.{n}")))
        .collect();
    let whole = lines.join("\n");
    let long = page(&["1706.00001"; 300]);
    for compress in [gzip, zstd] {
        let (lines, xml) = (compress(whole.as_bytes()), compress(long.as_bytes()));
        let folder = Folder::new(&[
            ("a.jsonl", &lines[..lines.len() - 10]),
            ("b.xml", &xml[..xml.len() - 10]),
            ("c.jsonl", line(B).as_bytes()),
        ]);
        let found = read(&folder, &["a.jsonl", "b.xml", "c.jsonl"]);
        let errors: Vec<&String> = found
            .iter()
            .filter(|text| text.ends_with("error"))
            .collect();
        assert_eq!(errors.len(), 2, "{errors:?}");
        assert!(errors[0].starts_with("a.jsonl:") && errors[1].starts_with("b.xml:"));
        assert_eq!(found.last(), Some(&format!("c.jsonl:1 {B}")));
        // Half a line must not be taken for a whole one.
        assert!(!found.iter().any(|text| text.contains(".invalid")));
    }
    let folder = Folder::new(&[
        ("a.jsonl.gz", line(A).as_bytes()),
        ("b.zip", b"PK\x03\x04 but no more"),
        ("c.jsonl", line(B).as_bytes()),
    ]);
    let found = read(&folder, &["."]);
    assert!(found[0].ends_with("a.jsonl.gz:1 error"), "{found:?}");
    assert!(found[1].starts_with("error: cannot open"), "{found:?}");
    assert!(found[2].ends_with(B), "{found:?}");
}

#[test]
fn zip_needs_a_file() {
    let found = read_stdin(zip(&[("a.json", line(A).as_bytes())]));
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("unpack it first"), "{found:?}");
}

#[test]
fn what_is_not_there_is_reported_before_anything_is_read() {
    let folder = Folder::new(&[("a.jsonl", line(A).as_bytes())]);
    let (there, typo) = (folder.path("a.jsonl"), folder.path("b.jsonl"));
    let error = open(&[&there, &typo], Box::new(io::empty())).err().unwrap();
    assert!(matches!(error, InputError::Open { path, .. } if path == typo));
}

#[test]
fn progress_ends_at_the_size_of_all_inputs() {
    let lines: String = (0..1000).map(|_| line(A) + "\n").collect();
    let folder = Folder::new(&[
        ("a.jsonl", lines.as_bytes()),
        ("b.jsonl.gz", &gzip(lines.as_bytes())),
        (
            "c.zip",
            &zip(&[("a.json", lines.as_bytes()), ("b.json", lines.as_bytes())]),
        ),
        ("d.xml", b"<html>this page is not read to its end"),
    ]);
    let size: u64 = fs::read_dir(folder.0.path())
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    let mut reader = open(&[folder.0.path()], Box::new(io::empty())).unwrap();
    let progress = reader.progress();
    assert_eq!((progress.read(), progress.total()), (0, Some(size)));
    let mut last = 0;
    while reader.next().is_some() {
        assert!((last..=size).contains(&progress.read()));
        last = progress.read();
    }
    assert_eq!(progress.read(), size);

    let mut reader = open(&[Path::new("-")], Box::new(io::Cursor::new(lines.clone()))).unwrap();
    let progress = reader.progress();
    assert_eq!(reader.by_ref().count(), 1000);
    assert_eq!(
        (progress.read(), progress.total()),
        (lines.len() as u64, None)
    );
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(
        head in prop::sample::select(vec![
            "", "{", "<", "[", "\u{feff}", "\u{1f}\u{8b}", "PK\u{3}\u{4}", "<OAI-PMH><ListRecords>",
        ]),
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
    ) {
        read_stdin([head.as_bytes(), &bytes].concat());
    }

    #[test]
    fn changed_compressed_bytes_never_panic(at: prop::sample::Index, byte: u8) {
        let whole = line(A) + "\n" + &line(B);
        for mut bytes in [gzip(whole.as_bytes()), zstd(whole.as_bytes())] {
            let at = at.index(bytes.len());
            bytes[at] = byte;
            read_stdin(bytes);
        }
        let mut bytes = zip(&[("a.json", line(A).as_bytes()), ("b.json", line(B).as_bytes())]);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let folder = Folder::new(&[("a.zip", &bytes)]);
        read(&folder, &["a.zip"]);
    }
}
