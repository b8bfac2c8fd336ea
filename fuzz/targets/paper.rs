//! What has to hold of every paper, wherever it was read.

use pith::arxiv::Paper;
use pith::canonical::{from_slice, to_vec};
use pith::number::{PithNumber, aliases_at};
use pith::record::CanonicalRecord;
use pith::snapshot::GraphSnapshot;

/// Its record, number, aliases and snapshot can be made, and read back as they were made.
pub fn follows(paper: &Paper) {
    let record = CanonicalRecord::of(paper);
    let bytes = to_vec(&record).expect("a record is JSON");
    let again: CanonicalRecord = from_slice(&bytes).expect("a record can be read");
    assert_eq!(again, record);

    let digest = record.digest();
    let number = PithNumber::of(&record, &digest);
    let text = number.to_string();
    assert_eq!(
        text.parse::<PithNumber>().expect("a number can be read"),
        number
    );
    assert_eq!(number.year(), paper.submitted_at().year());

    let aliases = aliases_at(&record, &number, paper.submitted_at());
    assert!(aliases.is_sorted());

    let snapshot = GraphSnapshot::unreviewed(paper, &record, "fuzz");
    let bytes = to_vec(&snapshot).expect("a snapshot is JSON");
    let again: GraphSnapshot = from_slice(&bytes).expect("a snapshot can be read");
    assert_eq!(again, snapshot);
    assert!(snapshot.paper.abstract_excerpt.chars().count() <= 600);
}
