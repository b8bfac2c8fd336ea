//! A line of the Kaggle snapshot is refused, or gives a paper from which everything else follows
//! without another check (SPEC 2, 3, 6).
#![no_main]

use libfuzzer_sys::fuzz_target;
use pith::arxiv::{ReadOptions, kaggle};

mod paper;

fuzz_target!(|line: &[u8]| {
    let strict = kaggle::parse(line, ReadOptions::default());
    let options = ReadOptions {
        allow_non_ascii: true,
    };
    let lenient = kaggle::parse(line, options);
    match (&strict, &lenient) {
        (Ok(strict), Ok(lenient)) => assert_eq!(strict, lenient),
        (Ok(_), Err(fault)) => panic!("more is refused where more is allowed: {fault}"),
        (Err(fault), _) => assert!(!fault.message.is_empty()),
    }
    if let Ok(paper) = &lenient {
        paper::follows(paper);
    }
});
