//! Bytes that the strict reader accepts have one canonical form, and it is the one that an
//! unrelated reader and writer of JSON give (SPEC 1).
#![no_main]

use libfuzzer_sys::fuzz_target;
use pith::canonical::{Json, MAX_DEPTH, Node, Numbers, ReadError, read, to_vec, wire};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let strict = read(bytes, Numbers::Integers);
    let floats = read(bytes, Numbers::PythonFloats);
    let any = read(bytes, Numbers::Any);
    // Each mode accepts what the one before it does, as the same value.
    assert!(accepts_the_same(&strict, &floats));
    assert!(accepts_the_same(&floats, &any));

    for (read_as, numbers) in [
        (&strict, Numbers::Integers),
        (&floats, Numbers::PythonFloats),
        (&any, Numbers::Any),
    ] {
        match read_as {
            Ok(node) => stable(node, numbers),
            Err(error) => {
                assert!(error.offset <= bytes.len());
                assert!(!error.to_string().is_empty());
            }
        }
    }
    // The other one follows documents not quite as deep.
    if let Ok(node) = &strict
        && !node.nests_deeper_than(MAX_DEPTH - 2)
    {
        let value: Value = serde_json::from_slice(bytes).expect("whoever is strict accepts only JSON");
        // Its maps are sorted by bytes, which is by code point.
        let other = serde_json::to_vec(&value).expect("it writes what it read");
        assert_eq!(canonical(node), other);
    }
});

fn accepts_the_same(narrow: &Result<Node, ReadError>, wide: &Result<Node, ReadError>) -> bool {
    match (narrow, wide) {
        (Ok(narrow), Ok(wide)) => narrow == wide,
        (Ok(_), Err(_)) => false,
        (Err(_), _) => true,
    }
}

/// Canonical bytes are read as the value they were written from and written as themselves.
fn stable(node: &Node, numbers: Numbers) {
    let written = canonical(node);
    // Whatever is written, floats are spelled as Python does.
    let mode = match numbers {
        Numbers::Any => Numbers::PythonFloats,
        narrower => narrower,
    };
    let again = read(&written, mode).expect("canonical bytes are strict JSON");
    assert_eq!(canonical(&again), written);

    let open = Json::from(node.clone());
    assert_eq!(to_vec(&open).expect("open content is JSON"), written);
    assert_eq!(Json::from(again), open);

    let published = wire(node).expect("what was read can be written");
    let again = read(&published, mode).expect("wire bytes are strict JSON");
    assert_eq!(again, *node, "the wire form keeps the order");
}

fn canonical(node: &Node) -> Vec<u8> {
    to_vec(node).expect("what was read can be written")
}
