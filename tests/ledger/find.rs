//! Finding records by their names, also when a name is that of more than one.

use pith::ledger::NewRecord;

use crate::fixture::*;

/// Titles whose records' numbers begin with the same 8 characters: found by trying 1.5 million.
const COLLISION: [&str; 2] = ["Paper 711291", "Paper 953173"];

#[test]
fn every_name_finds_its_record() {
    let bundle = published();
    let number = bundle.pith_number;
    let [other, old] = [
        minted("1706.02380", "Another"),
        minted("hep-lat/0305021", "An old one"),
    ];
    let scratch = Scratch::with(&[NewRecord::from(bundle), other, old.clone()]);
    let find = |text: &str| scratch.ledger.find(text).unwrap();
    for name in [
        "pith:2017:ED4F53GCRLOJRJHSWFUN2OGZG2",
        "pith:ED4F53GCRLOJRJHSWFUN2OGZG2",
        "ED4F53GCRLOJRJHSWFUN2OGZG2",
        "pith:ED4F53GC",
        "ED4F53GC",
        "ed4f53gc",
        "ED4F53GCR",
        "ED4F53GCRLOJ",
        "ED4F53GCRLOJRJHS",
        "1706.02379",
        "1706.02379v3",
        "arXiv:1706.02379",
        "arXiv:1706.02379v3",
        "10.48550/arxiv.1706.02379",
        "10.48550/arXiv.1706.02379",
        "https://doi.org/10.48550/ARXIV.1706.02379",
        " 1706.02379\n",
    ] {
        assert_eq!(find(name), [number], "{name}");
    }
    for name in ["hep-lat/0305021", "10.48550/arXiv.hep-lat/0305021"] {
        assert_eq!(find(name), [old.number], "{name}");
    }
    for name in [
        "pith:2018:ED4F53GCRLOJRJHSWFUN2OGZG2",
        "ED4F53GCA",
        "1706.02379v2",
        "1706.0237",
        "1706.02381",
        "10.48550/arxiv.1706.02381",
        "",
        "%",
        "ED4F53G%",
        "'; DROP TABLE records; --",
    ] {
        assert_eq!(find(name), [], "{name}");
    }
}

#[test]
fn an_ambiguous_name_finds_all() {
    let pair = COLLISION.map(|title| minted("2001.00001", title));
    let [a, b] = [pair[0].number, pair[1].number];
    assert_ne!(a, b);
    assert_eq!(a.short(), b.short());
    let scratch = Scratch::with(&pair);
    let mut sorted = [a, b];
    sorted.sort();
    let short = a.short().to_string();
    assert_eq!(scratch.ledger.find(&short).unwrap(), sorted);
    assert_eq!(scratch.ledger.find(&short[5..]).unwrap(), sorted);
    for number in [a, b] {
        let nine = &number.suffix().as_str()[..9];
        assert_eq!(scratch.ledger.find(nine).unwrap(), [number]);
        assert_eq!(scratch.ledger.find(&number.to_string()).unwrap(), [number]);
    }
    // One paper whose metadata changed without a new version: in sequence order.
    assert_eq!(scratch.ledger.find("2001.00001").unwrap(), [a, b]);
    assert_eq!(scratch.ledger.find("2001.00001v1").unwrap(), [a, b]);
    assert_eq!(scratch.findings(), []);
}

#[test]
fn versions_are_found_in_order() {
    let versions = |latest: usize| {
        let names: Vec<String> = (1..=latest).map(|v| format!("v{v}")).collect();
        let mut metadata = metadata("2001.00001", "A title");
        metadata.versions = names
            .iter()
            .map(|name| pith::arxiv::VersionEntry {
                version: name,
                date: Some("Thu, 2 Jan 2020 03:04:05 GMT"),
            })
            .collect();
        let options = pith::arxiv::ReadOptions::default();
        mint(&pith::arxiv::Paper::new(&metadata, options).unwrap())
    };
    let [v10, v2] = [versions(10), versions(2)];
    let scratch = Scratch::with(&[v10.clone(), v2.clone()]);
    let id = v2.record.source.id.clone();
    let by_arxiv = |version| scratch.ledger.by_arxiv(&id, version).unwrap();
    assert_eq!(by_arxiv(None), [v2.number, v10.number]);
    assert_eq!(by_arxiv(Some(10)), [v10.number]);
    assert_eq!(by_arxiv(Some(1)), []);
    assert_eq!(scratch.ledger.find("2001.00001v2").unwrap(), [v2.number]);
}
