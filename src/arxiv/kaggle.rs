//! The Kaggle "arXiv dataset" snapshot: one paper a line, as JSON (SPEC 2, sources).

use super::paper::{Metadata, Paper, ReadOptions, VersionEntry};
use super::reject::{Fault, RejectCode};
use crate::canonical::{Node, Numbers, read};

/// Reads one line of the snapshot.
///
/// Fields that are not used may hold anything that is JSON; the line as a whole must be strict
/// JSON all the same (SPEC 1), for where a key stands twice nobody can tell which one counts.
///
/// # Errors
/// A [`Fault`] that names the field and, if the line has an `id`, the paper.
pub fn parse(line: &[u8], options: ReadOptions) -> Result<Paper, Fault> {
    let node = read(line, Numbers::Any).map_err(|error| {
        if std::str::from_utf8(line).is_err() {
            let message = format!("the line is not UTF-8 from its byte {} on", error.offset);
            return Fault::new(RejectCode::TextEncoding, message);
        }
        let message = format!("the line is not one whole JSON object: {error}");
        Fault::new(RejectCode::JsonInvalid, message)
    })?;
    if !matches!(node, Node::Object(_)) {
        let message = "a line holds one JSON object, and this one holds something else";
        return Err(Fault::new(RejectCode::JsonInvalid, message));
    }
    let metadata = metadata(&node)
        .map_err(|fault| fault.of_paper(node.get("id").and_then(|id| id.as_str())))?;
    Paper::new(&metadata, options)
}

fn metadata<'n>(line: &'n Node<'_>) -> Result<Metadata<'n>, Fault> {
    Ok(Metadata {
        id: text(line, "id")?,
        versions: versions(line)?,
        title: text(line, "title")?,
        abstract_text: text(line, "abstract")?,
        authors: text(line, "authors")?,
        categories: text(line, "categories")?,
        license: text(line, "license")?,
    })
}

fn text<'n>(line: &'n Node<'_>, field: &'static str) -> Result<Option<&'n str>, Fault> {
    match line.get(field) {
        None | Some(Node::Null) => Ok(None),
        Some(Node::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong_type(field, "a text in double quotes")),
    }
}

fn versions<'n>(line: &'n Node<'_>) -> Result<Vec<VersionEntry<'n>>, Fault> {
    const LIST: &str = "a list of objects, each with `version` and `created`";
    let entries = match line.get("versions") {
        Some(Node::Array(entries)) => entries,
        None | Some(Node::Null) => {
            return Err(Fault::in_field(
                "versions",
                RejectCode::SourceNoVersions,
                "there is no list of versions, so this is not a line of the Kaggle snapshot, and \
                 it is not known when v1 was submitted; arXiv's API and its `arXiv` and `oai_dc` \
                 formats do not say it: use the snapshot itself or OAI-PMH arXivRaw",
            ));
        }
        Some(_) => return Err(wrong_type("versions", LIST)),
    };
    entries
        .iter()
        .map(|entry| {
            let version = entry.get("version").and_then(|version| version.as_str());
            Ok(VersionEntry {
                version: version.ok_or_else(|| wrong_type("versions", LIST))?,
                date: entry.get("created").and_then(|date| date.as_str()),
            })
        })
        .collect()
}

fn wrong_type(field: &'static str, expected: &str) -> Fault {
    let message = format!("`{field}` must be {expected}");
    Fault::in_field(field, RejectCode::FieldType, message)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LINE: &str = r#"{"id":"1706.02379","submitter":"A. Author","authors":"A. Author and B. Author","title":"On a\n  thing","comments":null,"journal-ref":null,"doi":null,"report-no":null,"categories":"math.GT hep-th","license":null,"abstract":"  We study $L^2$.\n","versions":[{"version":"v1","created":"Wed, 7 Jun 2017 21:01:15 GMT"},{"version":"v2","created":"Fri, 9 Jun 2017 08:00:00 GMT"}],"update_date":"2017-06-12","authors_parsed":[["Author","A.",""]],"score":1.50e3}"#;

    fn parse(line: &str) -> Result<Paper, Fault> {
        super::parse(line.as_bytes(), ReadOptions::default())
    }

    #[track_caller]
    fn assert_fault(from: &str, to: &str, field: Option<&str>, code: RejectCode) {
        assert!(LINE.contains(from), "{from}");
        let fault = parse(&LINE.replacen(from, to, 1)).unwrap_err();
        assert_eq!((fault.field, fault.code), (field, code), "{fault}");
    }

    #[test]
    fn a_line_becomes_a_paper() {
        let paper = parse(LINE).unwrap();
        assert_eq!(paper.id().as_str(), "1706.02379");
        assert_eq!(paper.version(), 2);
        assert_eq!(paper.submitted_at().to_string(), "2017-06-07T21:01:15Z");
        assert_eq!(paper.title(), "On a\n  thing");
        assert_eq!(paper.abstract_text(), "  We study $L^2$.\n");
        assert_eq!(paper.authors(), "A. Author and B. Author");
        assert_eq!(paper.license(), "");
    }

    #[test]
    fn unused_fields_may_hold_anything() {
        let line = LINE.replacen("\"doi\":null", "\"doi\":{\"x\":[1e400000,true]}", 1);
        assert!(
            parse(&line).is_err(),
            "a number beyond f64 is no JSON value"
        );
        let line = LINE.replacen("\"doi\":null", "\"doi\":{\"x\":[-0.0,1E5,true]}", 1);
        assert_eq!(parse(&line), parse(LINE));
    }

    #[test]
    fn types_are_checked() {
        use RejectCode::FieldType;
        assert_fault(r#""1706.02379""#, "1706.02379", Some("id"), FieldType);
        assert_fault(r#""On a\n  thing""#, "[]", Some("title"), FieldType);
        assert_fault(r#""  We study $L^2$.\n""#, "7", Some("abstract"), FieldType);
        assert_fault(
            r#""A. Author and B. Author""#,
            "[]",
            Some("authors"),
            FieldType,
        );
        assert_fault(
            r#""math.GT hep-th""#,
            r#"["math.GT"]"#,
            Some("categories"),
            FieldType,
        );
        assert_fault(
            r#""license":null"#,
            r#""license":false"#,
            Some("license"),
            FieldType,
        );
        assert_fault(r#"{"version":"v1","#, "{", Some("versions"), FieldType);
        assert_fault(
            r#"{"version":"v1","#,
            r#"{"version":1,"#,
            Some("versions"),
            FieldType,
        );
        let at = LINE.find("\"versions\"").unwrap();
        for versions in ["{}", "\"v1\"", "[\"v1\"]", "[null]"] {
            let line = format!("{}\"versions\":{versions}}}", &LINE[..at]);
            let fault = parse(&line).unwrap_err();
            assert_eq!((fault.field, fault.code), (Some("versions"), FieldType));
            assert_eq!(fault.arxiv_id.as_deref(), Some("1706.02379"));
        }
    }

    #[test]
    fn missing_fields() {
        use RejectCode::FieldMissing;
        assert_fault(r#""id":"1706.02379","#, "", Some("id"), FieldMissing);
        assert_fault(r#""title""#, r#""Title""#, Some("title"), FieldMissing);
        assert_fault(
            r#""abstract":"#,
            r#""abstract":null,"x":"#,
            Some("abstract"),
            FieldMissing,
        );
        assert_fault(
            r#""categories""#,
            r#""cats""#,
            Some("categories"),
            FieldMissing,
        );
        assert_fault(r#""created""#, r#""date""#, Some("versions"), FieldMissing);
        assert!(parse(&LINE.replacen(r#""authors""#, r#""x""#, 1)).is_ok());
    }

    #[test]
    fn a_line_without_versions_names_the_right_source() {
        for versions in ["\"no\"", "\"versions\":null,\"no\""] {
            let fault = parse(&LINE.replacen("\"versions\"", versions, 1)).unwrap_err();
            assert_eq!(fault.code, RejectCode::SourceNoVersions);
            assert_eq!(fault.arxiv_id.as_deref(), Some("1706.02379"));
            assert!(fault.message.contains("arXivRaw"));
        }
    }

    #[test]
    fn json_is_strict() {
        use RejectCode::JsonInvalid;
        assert_fault(r#""id":"#, r#""id":"1706.02378","id":"#, None, JsonInvalid);
        assert_fault("}", "} ,", None, JsonInvalid);
        assert_fault("L^2", "L\\ud800", None, JsonInvalid);
        for line in ["{", "[]", "7", "\"x\"", "null", "{\"id\":\"1706.02379\""] {
            assert_eq!(parse(line).unwrap_err().code, JsonInvalid, "{line}");
        }
        let fault = super::parse(b"{\"id\":\"\xff\"}", ReadOptions::default()).unwrap_err();
        assert_eq!(fault.code, RejectCode::TextEncoding);
        assert!(fault.message.contains("byte 7"), "{fault}");
    }

    #[test]
    fn nul_is_refused() {
        assert_fault("L^2", "L\\u0000", Some("abstract"), RejectCode::TextNul);
        assert_fault("L^2", "L\0", None, RejectCode::JsonInvalid);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = super::parse(&bytes, ReadOptions::default());
        }

        #[test]
        fn a_changed_line_never_panics(at in 0..LINE.len(), byte: u8, cut in 0..LINE.len()) {
            let mut bytes = LINE.as_bytes().to_vec();
            bytes[at] = byte;
            let _ = super::parse(&bytes, ReadOptions { allow_non_ascii: true });
            let _ = super::parse(&bytes[..cut], ReadOptions::default());
        }
    }
}
