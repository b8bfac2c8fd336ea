//! Real metadata, which is not part of this repository: `PITH_SHARED` names the folder that holds
//! it. Without it these tests say on stderr that they did not run; with it they need every file.

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use common::{Home, NOW, pith, repository, run, shared};
use serde_json::Value;

fn data(folder: &Path, name: &str) -> PathBuf {
    let path = folder.join("data").join(name);
    assert!(path.is_file(), "{} is missing", path.display());
    path
}

fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Numbers and digests, in order, of what `pith record` prints for `input`.
fn recorded(input: &Path) -> Vec<(Value, Value)> {
    let output = run(pith(["record"]).arg(input)).exits(0);
    assert_eq!(output.stderr, "");
    pairs(&output.text())
}

fn pairs(text: &str) -> Vec<(Value, Value)> {
    json_lines(text)
        .into_iter()
        .map(|mut line| (line["pith_number"].take(), line["canonical_sha256"].take()))
        .collect()
}

fn expected(folder: &Path) -> Vec<(Value, Value)> {
    let path = data(folder, "registry-papers.expected.jsonl");
    let text = fs::read_to_string(path).unwrap();
    let in_repository = repository("tests/vectors/registry-papers.expected.jsonl");
    assert_eq!(text, fs::read_to_string(in_repository).unwrap());
    let expected = pairs(&text);
    assert_eq!(expected.len(), 38);
    expected
}

#[test]
fn papers_of_the_registry_have_their_numbers() {
    let Some(folder) = shared("papers_of_the_registry_have_their_numbers") else {
        return;
    };
    let found = recorded(&data(&folder, "registry-papers.jsonl"));
    assert_eq!(found, expected(&folder));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// A page of `ListRecords` with arXivRaw metadata, as arXiv answers a harvester.
fn arxiv_raw(papers: &[Value]) -> String {
    let mut page = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <OAI-PMH xmlns=\"http://www.openarchives.org/OAI/2.0/\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">\n\
         <responseDate>2026-05-18T00:00:00Z</responseDate>\n\
         <request verb=\"ListRecords\" metadataPrefix=\"arXivRaw\">\
         http://oaipmh.arxiv.org/oai</request>\n<ListRecords>\n",
    );
    for paper in papers {
        let field = |name: &str| escaped(paper[name].as_str().unwrap_or_default());
        let id = field("id");
        write!(
            page,
            "<record>\n<header>\n <identifier>oai:arXiv.org:{id}</identifier>\n \
             <datestamp>2020-01-01</datestamp>\n <setSpec>math</setSpec>\n</header>\n<metadata>\n \
             <arXivRaw xmlns=\"http://arxiv.org/OAI/arXivRaw/\" \
             xsi:schemaLocation=\"http://arxiv.org/OAI/arXivRaw/ x.xsd\">\n \
             <id>{id}</id><submitter>A. Author</submitter>"
        )
        .unwrap();
        for version in paper["versions"].as_array().unwrap() {
            let (name, date) = (&version["version"], &version["created"]);
            let (name, date) = (name.as_str().unwrap(), date.as_str().unwrap());
            write!(
                page,
                "<version version=\"{name}\"><date>{date}</date><size>12kb</size></version>"
            )
            .unwrap();
        }
        for name in ["title", "authors", "categories", "license", "abstract"] {
            if !paper[name].is_null() {
                write!(page, "<{name}>{}</{name}>", field(name)).unwrap();
            }
        }
        page.push_str("</arXivRaw>\n</metadata>\n</record>\n");
    }
    page + "<resumptionToken cursor=\"0\">1|2</resumptionToken>\n</ListRecords>\n</OAI-PMH>\n"
}

#[test]
fn the_same_papers_as_arxiv_raw_have_the_same_numbers() {
    let Some(folder) = shared("the_same_papers_as_arxiv_raw_have_the_same_numbers") else {
        return;
    };
    let lines = fs::read_to_string(data(&folder, "registry-papers.jsonl")).unwrap();
    let temporary = tempfile::tempdir().unwrap();
    let page = temporary.path().join("page.xml");
    fs::write(&page, arxiv_raw(&json_lines(&lines))).unwrap();
    assert_eq!(recorded(&page), expected(&folder));
}

#[test]
fn a_sample_of_arxiv_is_the_same_record_by_record_as_arxiv_raw() {
    let Some(folder) = shared("a_sample_of_arxiv_is_the_same_record_by_record_as_arxiv_raw") else {
        return;
    };
    let sample = data(&folder, "arxiv-kaggle-sample.jsonl");
    let temporary = tempfile::tempdir().unwrap();
    let page = temporary.path().join("page.xml");
    let lines = fs::read_to_string(&sample).unwrap();
    fs::write(&page, arxiv_raw(&json_lines(&lines))).unwrap();
    let found = recorded(&page);
    assert_eq!(found.len(), 200);
    assert_eq!(found, recorded(&sample));
}

/// A home that has minted the sample, and the bundles.
fn minted(folder: &Path) -> (Home, PathBuf, PathBuf) {
    let sample = data(folder, "arxiv-kaggle-sample.jsonl");
    let home = Home::new();
    let out = home.beside("out.jsonl");
    let summary = run(home
        .mint()
        .arg(&sample)
        .arg("--bundles")
        .arg(&out)
        .arg("--json"))
    .exits(0);
    let summary: Value = serde_json::from_str(&summary.text()).unwrap();
    assert_eq!(summary["minted"], 200);
    assert_eq!(summary["already_minted"], 0);
    (home, sample, out)
}

#[test]
fn a_sample_of_arxiv_is_minted_and_verifies() {
    let Some(folder) = shared("a_sample_of_arxiv_is_minted_and_verifies") else {
        return;
    };
    let (home, sample, out) = minted(&folder);
    let bundles = fs::read_to_string(&out).unwrap();
    assert_eq!(bundles.lines().count(), 200);
    let numbers: Vec<Value> = json_lines(&bundles)
        .into_iter()
        .map(|mut bundle| bundle["pith_number"].take())
        .collect();
    let recorded: Vec<Value> = recorded(&sample).into_iter().map(|(n, _)| n).collect();
    assert_eq!(numbers, recorded, "in the order of the input");

    let verified = run(home.pith(["verify"]).arg(&out)).exits(0);
    let last = verified.text();
    let last = last.lines().last().unwrap();
    assert_eq!(last, "200 documents: 200 verified, 0 untrusted, 0 failed");
    // Elsewhere the same bundles are sound, but by a key that nobody knows.
    run(pith(["verify"]).arg(&out)).exits(4);
    run(&mut home.pith(["ledger", "check"])).exits(0);
}

#[test]
fn minting_a_sample_again_changes_nothing() {
    let Some(folder) = shared("minting_a_sample_again_changes_nothing") else {
        return;
    };
    let (home, sample, out) = minted(&folder);
    let before = fs::read(&out).unwrap();
    let again = run(home.mint().arg(&sample)).exits(0);
    assert!(
        again.stderr.contains("0 minted, 200 already minted"),
        "{}",
        again.stderr
    );
    let again = run(home.mint().arg(&sample).arg("--json")).exits(0);
    let summary: Value = serde_json::from_str(&again.text()).unwrap();
    assert_eq!(summary["minted"], 0);
    assert_eq!(summary["already_minted"], 200);
    // To the same file, and to another one at another time: the bundles are those of the first run.
    home.mint_to(&sample, &out);
    assert_eq!(fs::read(&out).unwrap(), before);
    let later = home.beside("later.jsonl");
    run(home
        .pith(["mint", "--identity"])
        .arg(home.beside("identity.txt"))
        .arg(&sample)
        .arg("--bundles")
        .arg(&later))
    .exits(0);
    assert_eq!(fs::read(&later).unwrap(), before);
}

#[test]
fn a_ledger_rebuilt_from_bundles_gives_the_same_bundles() {
    let Some(folder) = shared("a_ledger_rebuilt_from_bundles_gives_the_same_bundles") else {
        return;
    };
    let (home, _, out) = minted(&folder);
    let twin = home.twin();
    run(twin.pith(["ledger", "rebuild"]).arg(&out)).exits(0);
    run(&mut twin.pith(["ledger", "check"])).exits(0);
    let again = twin.beside("again.jsonl");
    run(twin.pith(["bundle", "--all", "-o"]).arg(&again)).exits(0);
    assert!(fs::read(&again).unwrap() == fs::read(&out).unwrap());
    let dump = |home: &Home| run(&mut home.pith(["ledger", "dump"])).exits(0).stdout;
    assert!(dump(&home) == dump(&twin));
}

#[test]
fn equal_input_keys_and_time_give_equal_bytes() {
    let Some(folder) = shared("equal_input_keys_and_time_give_equal_bytes") else {
        return;
    };
    let (home, sample, out) = minted(&folder);
    let expected = fs::read(&out).unwrap();
    for jobs in ["1", "2", "7"] {
        let twin = home.twin();
        let lines = twin.beside("out.jsonl");
        run(twin
            .mint()
            .arg(&sample)
            .args(["--jobs", jobs, "--bundles"])
            .arg(&lines))
        .exits(0);
        assert!(fs::read(&lines).unwrap() == expected, "--jobs {jobs}");
    }
    let compressed = |jobs: &str| {
        let twin = home.twin();
        let (file, shards) = (twin.beside("out.jsonl.zst"), twin.beside("shards"));
        run(twin
            .mint()
            .arg(&sample)
            .args(["--jobs", jobs, "--bundles"])
            .arg(&file))
        .exits(0);
        twin.mint_to(&sample, &shards);
        let mut names: Vec<_> = fs::read_dir(&shards)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        names.sort();
        assert_eq!(names.len(), 2, "a shard and the manifest");
        run(twin.pith(["verify"]).arg(&shards)).exits(0);
        (fs::read(file).unwrap(), fs::read(&names[0]).unwrap())
    };
    let (file, shard) = compressed("1");
    assert!((file.clone(), shard.clone()) == compressed("2"));
    assert!(zstd::decode_all(&file[..]).unwrap() == expected);
    assert!(zstd::decode_all(&shard[..]).unwrap() == expected);
    // Standard output gets the same lines.
    let twin = home.twin();
    let printed = run(twin.mint().arg(&sample).args(["--bundles", "-"])).exits(0);
    assert!(printed.stdout == expected);
    assert!(String::from_utf8_lossy(&expected).contains(NOW));
}
