//! Where two documents differ first, for reports.

use serde::Serialize;

use crate::canonical::Json;

/// A place at which two documents differ.
pub(super) struct Place {
    pub path: String,
    pub expected: Option<String>,
    pub found: Option<String>,
}

/// The first place, in canonical order, at which `found` is not `expected`.
pub(super) fn first<T: Serialize>(found: &T, expected: &T, root: &str) -> Place {
    match (Json::of(found), Json::of(expected)) {
        (Ok(found), Ok(expected)) => walk(Some(&found), Some(&expected), root.to_owned()),
        _ => Place::whole(root),
    }
}

impl Place {
    /// The document `root` itself, without a word about where in it.
    pub fn whole(root: &str) -> Self {
        Place {
            path: root.to_owned(),
            expected: None,
            found: None,
        }
    }
}

fn walk(found: Option<&Json>, expected: Option<&Json>, path: String) -> Place {
    match (found, expected) {
        (Some(Json::Object(a)), Some(Json::Object(b))) => {
            let keys: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            for key in keys {
                if a.get(key) != b.get(key) {
                    return walk(a.get(key), b.get(key), format!("{path}.{key}"));
                }
            }
        }
        (Some(Json::Array(a)), Some(Json::Array(b))) => {
            for index in 0..a.len().max(b.len()) {
                if a.get(index) != b.get(index) {
                    return walk(a.get(index), b.get(index), format!("{path}[{index}]"));
                }
            }
        }
        _ => {}
    }
    Place {
        path,
        expected: Some(shown(expected)),
        found: Some(shown(found)),
    }
}

/// A value in a line: its beginning is enough to recognise it by.
fn shown(value: Option<&Json>) -> String {
    const LONGEST: usize = 200;
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    let bytes = crate::canonical::to_vec(value).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}
