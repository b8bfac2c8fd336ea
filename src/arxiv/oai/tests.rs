use std::io::BufReader;

use proptest::prelude::*;

use super::*;
use crate::arxiv::{Paper, ReadOptions};

const LIMIT: usize = 4000;

const RECORD: &str = r#"<record>
<header>
 <identifier>oai:arXiv.org:1706.02379</identifier>
 <datestamp>2017-06-12</datestamp>
 <setSpec>math</setSpec>
</header>
<metadata>
 <arXivRaw xmlns="http://arxiv.org/OAI/arXivRaw/">
 <id>1706.02379</id><submitter>A. &eacute;</submitter>
 <version version="v1"><date>Wed, 7 Jun 2017 21:01:15 GMT</date><size>9kb</size></version>
 <version version="v2"><date>Fri, 9 Jun 2017 08:00:00 GMT</date><size>9kb</size></version>
 <title>On a &lt; b &amp;amp; $c&#62;d$
  and <![CDATA[e < f]]></title><authors>A. Author and B. Author</authors>
 <categories> math.GT hep-th
 </categories><comments>1 page</comments>
 <license> http://example.org/by/4.0/ </license><abstract>  We study
a thing.
</abstract></arXivRaw>
</metadata>
</record>"#;

fn page(records: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<OAI-PMH \
         xmlns=\"http://www.openarchives.org/OAI/2.0/\">\n<responseDate>2026-01-01T00:00:00Z\
         </responseDate><request verb=\"ListRecords\">http://example.org/oai</request>\n\
         <ListRecords>\n{records}\n<resumptionToken cursor=\"0\">abc|1</resumptionToken>\n\
         </ListRecords>\n</OAI-PMH>\n"
    )
}

#[derive(Debug, PartialEq)]
enum Found {
    Paper(u64, Box<Paper>),
    Fault(u64, Fault),
    Deleted(u64),
}

/// Everything in `text`, read through a buffer of `buffer` bytes.
fn read_with(text: &[u8], buffer: usize) -> Vec<Found> {
    let mut pages = Pages::new(BufReader::with_capacity(buffer, text), 1, LIMIT);
    let mut found = Vec::new();
    while let Some((line, unit)) = pages.next_unit().unwrap() {
        found.push(match unit {
            Unit::Record(record) => match record.parse(ReadOptions::default()) {
                Ok(paper) => Found::Paper(line, Box::new(paper)),
                Err(fault) => Found::Fault(line, fault),
            },
            Unit::Deleted => Found::Deleted(line),
            Unit::Fault(fault) => Found::Fault(line, fault),
        });
    }
    assert!(pages.next_unit().unwrap().is_none());
    found
}

fn read(text: &str) -> Vec<Found> {
    let found = read_with(text.as_bytes(), 8192);
    assert_eq!(read_with(text.as_bytes(), 7), found);
    found
}

#[track_caller]
fn only_paper(text: &str) -> Paper {
    match &read(text)[..] {
        [Found::Paper(_, paper)] => (**paper).clone(),
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn only_fault(text: &str) -> (u64, Fault) {
    match &read(text)[..] {
        [Found::Fault(line, fault)] => (*line, fault.clone()),
        other => panic!("{other:?}"),
    }
}

/// The fault of a page whose record has `to` where [`RECORD`] has `from`.
#[track_caller]
fn assert_record_fault(from: &str, to: &str, field: Option<&str>, code: RejectCode) {
    assert!(RECORD.contains(from), "{from}");
    let text = page(&format!("{}\n{RECORD}", RECORD.replacen(from, to, 1)));
    match &read(&text)[..] {
        [Found::Fault(line, fault), Found::Paper(..)] => {
            assert_eq!((fault.field, fault.code), (field, code), "{fault}");
            assert_eq!(*line, 5);
            assert_eq!(fault.arxiv_id.as_deref(), Some("1706.02379"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_record_becomes_a_paper() {
    let paper = only_paper(&page(RECORD));
    assert_eq!(paper.id().as_str(), "1706.02379");
    assert_eq!(paper.version(), 2);
    assert_eq!(paper.submitted_at().to_string(), "2017-06-07T21:01:15Z");
    assert_eq!(paper.title(), "On a < b &amp; $c>d$\n  and e < f");
    assert_eq!(paper.abstract_text(), "  We study\na thing.\n");
    assert_eq!(paper.authors(), "A. Author and B. Author");
    let categories: Vec<&str> = paper.categories().iter().map(|c| c.as_str()).collect();
    assert_eq!(categories, ["math.GT", "hep-th"]);
    assert_eq!(paper.license(), "http://example.org/by/4.0/");
}

#[test]
fn lines_are_those_of_the_records() {
    let found = read(&page(&format!("{RECORD}\n\n  {RECORD}{RECORD}")));
    let lines: Vec<u64> = found
        .iter()
        .map(|found| match found {
            Found::Paper(line, _) => *line,
            other => panic!("{other:?}"),
        })
        .collect();
    let length = RECORD.lines().count() as u64;
    assert_eq!(lines, [5, 5 + length + 1, 5 + 2 * length]);
}

#[test]
fn envelopes() {
    let paper = only_paper(&page(RECORD));
    let get = page(RECORD).replace("ListRecords>", "GetRecord>");
    assert_eq!(only_paper(&get), paper);
    for root in ["ListRecords", "GetRecord"] {
        let bare = format!("<{root}>{RECORD}</{root}>");
        assert_eq!(only_paper(&bare), paper);
    }
    assert_eq!(only_paper(RECORD), paper);
    let crlf = page(RECORD).replace('\n', "\r\n");
    assert_eq!(only_paper(&crlf), paper);
    assert_eq!(read(&[page(RECORD), page(RECORD)].concat()).len(), 2);
    assert_eq!(read(&page("")), []);
    assert_eq!(read("<OAI-PMH/>"), []);
}

#[test]
fn prefixes_do_not_matter() {
    let mut text = page(RECORD);
    for name in ["OAI-PMH", "ListRecords", "record", "header", "metadata"] {
        text = text.replace(&format!("<{name}"), &format!("<oai:{name}"));
        text = text.replace(&format!("</{name}"), &format!("</oai:{name}"));
    }
    text = text.replace("<arXivRaw xmlns=", "<r:arXivRaw xmlns:r=");
    text = text.replace("</arXivRaw", "</r:arXivRaw");
    text = text
        .replace("<title>", "<r:title>")
        .replace("</title>", "</r:title>");
    assert_eq!(only_paper(&text), only_paper(&page(RECORD)));
}

#[test]
fn deleted_records_are_told_apart() {
    let header = r#"<record><header status="deleted"><identifier>oai:arXiv.org:1706.02379</identifier></header></record>"#;
    assert_eq!(read(&page(header)), [Found::Deleted(5)]);
    let with_metadata = RECORD.replace("<header>", "<header status='deleted'>");
    assert_eq!(read(&page(&with_metadata)), [Found::Deleted(5)]);
    let other = RECORD.replace("<header>", "<header status='new'>");
    assert!(matches!(read(&page(&other))[..], [Found::Paper(..)]));
}

#[test]
fn licence_and_authors_may_be_missing() {
    let text = page(RECORD)
        .replace(
            "<license> http://example.org/by/4.0/ </license>",
            "<license/>",
        )
        .replace("<authors>A. Author and B. Author</authors>", "");
    let paper = only_paper(&text);
    assert_eq!((paper.license(), paper.authors()), ("", ""));
}

#[test]
fn faults_of_a_record_name_the_field_and_leave_the_next_one_alone() {
    use RejectCode::{FieldForm, FieldMissing, FieldRepeated, TextNonAscii, TextNul, XmlInvalid};
    let date = "<date>Wed, 7 Jun 2017 21:01:15 GMT</date>";
    assert_record_fault("<id>1706.02379</id>", "", Some("id"), FieldMissing);
    assert_record_fault(" version=\"v1\"", "", Some("versions"), FieldForm);
    assert_record_fault("\"v1\"", "\"v3\"", Some("versions"), FieldMissing);
    assert_record_fault("\"v2\"", "\"v1\"", Some("versions"), FieldRepeated);
    assert_record_fault(date, "", Some("versions"), FieldMissing);
    assert_record_fault(date, &date.repeat(2), Some("versions"), FieldRepeated);
    assert_record_fault("hep-th", "hep/th", Some("categories"), FieldForm);
    assert_record_fault("<license>", "<license>x y", Some("license"), FieldForm);
    assert_record_fault("thing.", "th&#237;ng.", Some("abstract"), TextNonAscii);
    assert_record_fault("thing.", "th\u{ed}ng.", Some("abstract"), TextNonAscii);
    assert_record_fault("thing.", "th\0ing.", Some("abstract"), TextNul);
    assert_record_fault("thing.", "th&#0;ing.", Some("abstract"), XmlInvalid);
    assert_record_fault("thing.", "th&eacute;ng.", Some("abstract"), XmlInvalid);
    assert_record_fault("thing.", "th<i>ing</i>.", Some("abstract"), FieldForm);
    assert_record_fault(
        "<license>",
        "<license/><license>",
        Some("license"),
        FieldRepeated,
    );
    assert_record_fault("<id>", "<id>1706.02379</id><id>", Some("id"), FieldRepeated);
    let repeated = "</arXivRaw><arXivRaw></arXivRaw>";
    assert_record_fault("</arXivRaw>", repeated, None, FieldRepeated);
    let abstract_text = "  We study\na thing.\n";
    assert_record_fault(abstract_text, "\n", Some("abstract"), FieldMissing);
}

#[test]
fn a_record_without_metadata() {
    let header = RECORD.split_once("<metadata>").unwrap().0;
    let (line, fault) = only_fault(&page(&format!("{header}</record>")));
    assert_eq!((line, fault.code), (5, RejectCode::FieldMissing));
    assert_eq!(fault.field, Some("metadata"));
    assert_eq!(fault.arxiv_id.as_deref(), Some("1706.02379"));
}

#[test]
fn other_formats_name_the_right_one() {
    for root in ["arXiv", "oai_dc:dc", "arXivOld"] {
        let text = page(&RECORD.replace("arXivRaw", root));
        let (_, fault) = only_fault(&text);
        assert_eq!(fault.code, RejectCode::SourceOaiFormat);
        assert_eq!(fault.arxiv_id.as_deref(), Some("1706.02379"));
        assert!(fault.message.contains("metadataPrefix=arXivRaw"), "{fault}");
    }
}

#[test]
fn pages_of_another_kind_are_refused() {
    use RejectCode::{InputUnrecognised, SourceAtom, SourceOaiError, TextEncoding, XmlInvalid};
    let oai = |inner: &str| format!("<OAI-PMH>\n{inner}\n</OAI-PMH>");
    let atom = "<?xml version='1.0'?>\n<feed xmlns='http://www.w3.org/2005/Atom'><entry/></feed>";
    let expired = "<error code='badResumptionToken'>it has expired</error>";
    let declared = |encoding| format!("<?xml version='1.0' encoding='{encoding}'?>{}", oai(""));
    for (text, line, code, part) in [
        (atom.to_owned(), 2, SourceAtom, "arXivRaw"),
        (
            "<html><body/></html>".to_owned(),
            1,
            InputUnrecognised,
            "`html`",
        ),
        (oai("<Identify/>"), 2, InputUnrecognised, "Identify"),
        (
            oai("<ListIdentifiers>"),
            2,
            InputUnrecognised,
            "ListRecords",
        ),
        (
            oai(expired),
            2,
            SourceOaiError,
            "badResumptionToken`: it has expired",
        ),
        (declared("ISO-8859-1"), 1, TextEncoding, "ISO-8859-1"),
        ("<!DOCTYPE html><html/>".to_owned(), 1, XmlInvalid, "HTML"),
        (
            format!("<!DOCTYPE x [<!ENTITY y 'z'>]>{}", oai("")),
            1,
            XmlInvalid,
            "type declaration",
        ),
    ] {
        let (at, fault) = only_fault(&text);
        assert_eq!((at, fault.code), (line, code), "{fault}");
        assert!(fault.message.contains(part), "{fault}");
    }
    assert_eq!(read(&declared("utf-8")), []);
    assert_eq!(read(&oai("<error code='noRecordsMatch'>none</error>")), []);
}

#[test]
fn what_is_not_well_formed_ends_the_page_but_not_what_came_before() {
    let cut = RECORD.find("<title>").unwrap();
    for (broken, code, id) in [
        (
            RECORD[..cut].to_owned(),
            RejectCode::XmlInvalid,
            Some("1706.02379"),
        ),
        (
            RECORD.replace("</title>", "</t>"),
            RejectCode::XmlInvalid,
            Some("1706.02379"),
        ),
        (
            RECORD.replace("&#62;", "&"),
            RejectCode::XmlInvalid,
            Some("1706.02379"),
        ),
        (
            RECORD.replace("version=\"v1\"", "version=v1"),
            RejectCode::XmlInvalid,
            Some("1706.02379"),
        ),
        (
            RECORD.replace("</record>", "</r>"),
            RejectCode::XmlInvalid,
            Some("1706.02379"),
        ),
    ] {
        let text = page(&format!("{RECORD}\n{broken}\n{RECORD}"));
        let found = read(&text);
        let [Found::Paper(5, _), Found::Fault(line, fault)] = &found[..] else {
            panic!("{found:?}");
        };
        let record_line = 5 + RECORD.lines().count() as u64;
        assert_eq!((*line, fault.code), (record_line, code), "{fault}");
        assert_eq!(fault.arxiv_id.as_deref(), id);
    }
    let whole = page(RECORD);
    let cut = whole.find("</ListRecords>").unwrap();
    let found = read(&whole[..cut]);
    assert!(
        matches!(&found[..], [Found::Paper(..), Found::Fault(..)]),
        "{found:?}"
    );
    let found = read(&[&whole[..cut], &whole].concat());
    assert!(
        matches!(&found[..], [Found::Paper(..), Found::Fault(..)]),
        "{found:?}"
    );
    for junk in ["x", "&amp;"] {
        let found = read(&[&whole, junk].concat());
        assert!(
            matches!(&found[..], [Found::Paper(..), Found::Fault(..)]),
            "{found:?}"
        );
    }
}

#[test]
fn text_that_is_not_utf_8_ends_the_page() {
    let mut text = page(RECORD).into_bytes();
    let at = text.windows(5).position(|part| part == b"thing").unwrap();
    text[at] = 0xe9;
    match &read_with(&text, 8192)[..] {
        [Found::Fault(5, fault)] => assert_eq!(fault.code, RejectCode::TextEncoding),
        other => panic!("{other:?}"),
    }
}

#[test]
fn records_and_depth_are_bounded() {
    let long = RECORD.replace("thing", &"thing ".repeat(LIMIT));
    let (line, fault) = only_fault(&page(&format!("{long}{RECORD}")));
    assert_eq!((line, fault.code), (5, RejectCode::RecordTooLong));
    assert_eq!(fault.arxiv_id.as_deref(), Some("1706.02379"));

    let (_, fault) = only_fault(&page(&"<other>some more</other>".repeat(LIMIT)));
    assert_eq!(fault.code, RejectCode::RecordTooLong);

    let (_, fault) = only_fault(&page(&"<a>".repeat(100)));
    assert_eq!(fault.code, RejectCode::XmlInvalid);

    assert_eq!(read(&page(&RECORD.repeat(20))).len(), 20);
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_with(&bytes, 5);
    }

    #[test]
    fn arbitrary_markup_never_panics(text in "(<|</|<!|<!--|-->|<\\?|\\?>|>|<!\\[CDATA\\[|\\]\\]>|&|;|\"|'|=| |record|OAI-PMH|id|a|\n){0,60}") {
        read_with(text.as_bytes(), 5);
        read_with(text.as_bytes(), 8192);
    }

    #[test]
    fn a_changed_page_never_panics(at: prop::sample::Index, byte: u8, cut: prop::sample::Index) {
        let mut bytes = page(&RECORD.repeat(2)).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let whole = read_with(&bytes, 8192);
        prop_assert_eq!(&read_with(&bytes, 13), &whole);
        prop_assert!(whole.len() <= 3);
        read_with(&bytes[..cut.index(bytes.len())], 8192);
    }
}
