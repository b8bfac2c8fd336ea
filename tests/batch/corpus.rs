//! Invented papers with everything that real inputs hold: faults, repetitions, revisions, deletions.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::common::{paper, papers};

/// An input in a folder of its own, so that every run names it alike.
pub struct Corpus {
    folder: TempDir,
    pub path: PathBuf,
}

impl Corpus {
    /// A file `name` with these bytes.
    pub fn file(name: &str, bytes: impl AsRef<[u8]>) -> Self {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        Corpus { folder, path }
    }

    /// `count` sound papers, one a line.
    pub fn plain(count: usize) -> Self {
        Corpus::file("papers.jsonl", papers(count))
    }

    /// A folder with lines, an XML page and compressed lines; see [`lines`].
    pub fn mixed(count: usize) -> Self {
        let corpus = Corpus::file("1-papers.jsonl", lines(1, count / 2));
        let path = corpus.folder.path().to_owned();
        fs::write(path.join("2-page.xml"), page(90_000, 60)).unwrap();
        let rest = gzip(lines(count / 2 + 1, count).as_bytes());
        fs::write(path.join("3-papers.jsonl.gz"), rest).unwrap();
        Corpus { path, ..corpus }
    }

    /// Another file beside the input, or in it if it is a folder.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Line `n` of a mixed input: a paper, or here and there something else.
pub fn line(n: usize) -> String {
    match n {
        _ if n % 37 == 5 => paper(n).replace("\"title\"", "\"heading\""),
        _ if n % 53 == 7 => paper(n)[..40].to_owned(),
        _ if n % 59 == 13 => "  ".to_owned(),
        _ if n > 20 && n % 41 == 3 => paper(n - 20),
        _ if n > 10 && n % 43 == 9 => paper(n - 10).replace("/by/4.0/", "/by-sa/4.0/"),
        _ if n > 30 && n % 47 == 11 => revised(n - 30),
        _ => paper(n),
    }
}

/// Lines `first` to `last` of a mixed input.
pub fn lines(first: usize, last: usize) -> String {
    (first..=last).map(|n| line(n) + "\n").collect()
}

/// Paper `n` in its second version.
fn revised(n: usize) -> String {
    let second = r#"GMT"},{"version":"v2","created":"Fri, 2 Feb 2024 12:00:01 GMT"}]"#;
    paper(n).replace(r#"GMT"}]"#, second)
}

/// An OAI-PMH page with the papers after `first`; every fifth is deleted, every seventh faulty.
pub fn page(first: usize, count: usize) -> String {
    let mut page = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <OAI-PMH xmlns=\"http://www.openarchives.org/OAI/2.0/\">\n\
         <responseDate>2026-05-18T00:00:00Z</responseDate>\n\
         <request verb=\"ListRecords\" metadataPrefix=\"arXivRaw\">\
         http://oai.invalid/oai</request>\n<ListRecords>\n",
    );
    for n in first + 1..=first + count {
        let deleted = n.is_multiple_of(5);
        let status = if deleted { " status=\"deleted\"" } else { "" };
        let header = format!(
            "<header{status}><identifier>oai:arXiv.org:2403.{n:05}</identifier>\
             <datestamp>2024-03-02</datestamp><setSpec>math</setSpec></header>"
        );
        let title = if n.is_multiple_of(7) { "" } else { "On pages" };
        let metadata = format!(
            "<metadata><arXivRaw xmlns=\"http://arxiv.org/OAI/arXivRaw/\"><id>2403.{n:05}</id>\
             <submitter>A. Placeholder</submitter><version version=\"v1\">\
             <date>Fri, 1 Mar 2024 12:00:00 GMT</date><size>9kb</size></version>\
             <title>{title}</title><authors>Ada Placeholder</authors>\
             <categories>math.GT</categories>\
             <license>http://creativecommons.org/licenses/by/4.0/</license>\
             <abstract>  We turn page {n}.\n</abstract></arXivRaw></metadata>"
        );
        let metadata = if deleted { "" } else { &metadata };
        writeln!(page, "<record>\n{header}{metadata}</record>").unwrap();
    }
    page + "</ListRecords>\n</OAI-PMH>\n"
}

/// How many lines of a file are not blank.
pub fn filled_lines(bytes: &[u8]) -> u64 {
    let blank = |line: &&[u8]| line.iter().all(u8::is_ascii_whitespace);
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.filter(|line| !blank(line)).count() as u64
}

/// Changes line `n` of the file at `path`, from 1 on.
pub fn change_line(path: &Path, n: usize, change: impl FnOnce(&str) -> String) {
    let text = fs::read_to_string(path).unwrap();
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines[n - 1] = change(&lines[n - 1]);
    fs::write(path, lines.join("\n") + "\n").unwrap();
}
