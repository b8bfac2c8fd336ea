//! A corpus while it is made: files, and a case for each document.

use std::collections::{BTreeMap, BTreeSet};

use pith::canonical;
use pith::conformance::{Case, CaseKind, CaseVerdict, Corpus, CorpusType, CorpusVersion, Given};
use pith::time::Timestamp;
use serde_json::Value;

/// The time by the verifier's clock in every case.
pub const NOW: &str = "2026-11-01T00:00:00Z";

/// What is to be found of a document, and what the verifier has beforehand.
#[derive(Clone)]
pub struct Expect {
    verdict: CaseVerdict,
    codes: BTreeSet<String>,
    notes: BTreeSet<String>,
    given: Given,
    gives: BTreeMap<String, String>,
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn expect(verdict: CaseVerdict, codes: &str) -> Expect {
    Expect {
        verdict,
        codes: words(codes),
        notes: BTreeSet::new(),
        given: Given::default(),
        gives: BTreeMap::new(),
    }
}

pub fn ok() -> Expect {
    expect(CaseVerdict::Ok, "")
}

pub fn untrusted(codes: &str) -> Expect {
    expect(CaseVerdict::Untrusted, codes)
}

pub fn bad(codes: &str) -> Expect {
    expect(CaseVerdict::Bad, codes)
}

/// What most malformed documents are.
pub fn shapeless() -> Expect {
    bad("document.shape")
}

impl Expect {
    pub fn noting(mut self, notes: &str) -> Self {
        self.notes = words(notes);
        self
    }

    pub fn keyset(mut self, file: &str) -> Self {
        self.given.keyset = Some(file.to_owned());
        self
    }

    pub fn trust(mut self, file: &str) -> Self {
        self.given.trust.push(file.to_owned());
        self
    }

    pub fn at(mut self, time: &str) -> Self {
        self.given.at = Some(time.parse().unwrap());
        self
    }

    pub fn asked(mut self, number: &str) -> Self {
        self.given.expect = Some(number.parse().unwrap());
        self
    }

    pub fn header(mut self, header: &str) -> Self {
        self.given.block_headers.push(header.to_owned());
        self
    }

    pub fn read_aloud(mut self, count: Option<u64>, head: Option<&str>) -> Self {
        self.given.count = count;
        self.given.head = head.map(|head| head.parse().unwrap());
        self
    }

    pub fn open_content(mut self) -> Self {
        self.given.open_content = true;
        self
    }

    pub fn giving(mut self, name: &str, value: &str) -> Self {
        self.gives.insert(name.to_owned(), value.to_owned());
        self
    }
}

/// What was made so far.
#[derive(Default)]
pub struct Making {
    pub files: BTreeMap<String, Vec<u8>>,
    cases: BTreeMap<String, Case>,
}

impl Making {
    /// A file that cases name.
    pub fn file(&mut self, path: &str, bytes: Vec<u8>) {
        let before = self.files.insert(path.to_owned(), bytes);
        assert!(before.is_none(), "{path} is made twice");
    }

    fn case(&mut self, kind: CaseKind, path: String, shows: &str, bytes: Vec<u8>, expect: Expect) {
        self.file(&path, bytes);
        let case = Case {
            path: path.clone(),
            kind,
            shows: shows.to_owned(),
            given: expect.given,
            verdict: expect.verdict,
            codes: expect.codes,
            notes: expect.notes,
            gives: expect.gives,
            state: None,
        };
        self.cases.insert(path, case);
    }

    /// A case whose document is this text, whatever it is; its name is made of what it shows.
    pub fn text(&mut self, kind: CaseKind, shows: &str, text: impl Into<Vec<u8>>, expect: Expect) {
        let expect = match (kind, &expect.given) {
            // Whom a verifier trusts unless a case is about that.
            (CaseKind::Bundle | CaseKind::Event | CaseKind::Receipt, given)
                if given.keyset.is_none() && given.trust.is_empty() =>
            {
                expect.keyset("keys/trusted.json")
            }
            _ => expect,
        };
        self.case(kind, path_of(kind, shows), shows, text.into(), expect);
    }

    /// A case whose document is this value.
    pub fn value(&mut self, kind: CaseKind, shows: &str, value: &Value, expect: Expect) {
        self.text(kind, shows, canonical::to_vec(value).unwrap(), expect);
    }

    /// A case whose document stands in a folder with others, the first of which it is.
    pub fn folder(
        &mut self,
        kind: CaseKind,
        shows: &str,
        files: &[(&str, Vec<u8>)],
        expect: Expect,
    ) {
        let folder = path_of(kind, shows).replace(".json", "");
        let ((name, document), others) = files.split_first().unwrap();
        self.case(
            kind,
            format!("{folder}/{name}"),
            shows,
            document.clone(),
            expect,
        );
        for (name, bytes) in others {
            self.file(&format!("{folder}/{name}"), bytes.clone());
        }
    }

    /// A merge whose state is this.
    pub fn merge(&mut self, shows: &str, set: &Value, state: Vec<u8>, notes: &str) {
        let path = path_of(CaseKind::Merge, shows);
        let state_path = path.replacen("merge/", "merge/states/", 1);
        self.value(CaseKind::Merge, shows, set, ok().noting(notes));
        self.file(&state_path, state);
        self.cases.get_mut(&path).unwrap().state = Some(state_path);
    }

    /// The list of the cases, one a line.
    pub fn manifest(&self) -> Vec<u8> {
        let corpus = Corpus {
            corpus_type: CorpusType,
            schema_version: CorpusVersion,
            now: NOW.parse::<Timestamp>().unwrap(),
            cases: self.cases.values().cloned().collect(),
        };
        let head = serde_json::json!({
            "corpus_type": corpus.corpus_type,
            "schema_version": corpus.schema_version,
            "now": corpus.now,
        });
        let head = head.to_string();
        let cases: Vec<String> = corpus
            .cases
            .iter()
            .map(|case| serde_json::to_string(case).unwrap())
            .collect();
        let head = head.trim_end_matches('}');
        format!("{head},\"cases\":[\n{}\n]}}\n", cases.join(",\n")).into_bytes()
    }

    pub fn cases(&self) -> impl Iterator<Item = &Case> {
        self.cases.values()
    }
}

fn path_of(kind: CaseKind, shows: &str) -> String {
    let folder = match serde_json::to_value(kind).unwrap() {
        Value::String(folder) => folder,
        other => panic!("a kind is a word, not {other}"),
    };
    let plain = |c: char| {
        if c.is_ascii_alphanumeric() {
            c.to_ascii_lowercase()
        } else {
            '-'
        }
    };
    let name: String = shows.chars().map(plain).collect();
    let parts: Vec<&str> = name.split('-').filter(|part| !part.is_empty()).collect();
    format!("{folder}/{}.json", parts.join("-"))
}
