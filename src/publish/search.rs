//! The index that the start page searches: static shards, each small enough to be fetched.
//!
//! There is an index by number, one by arXiv id and one by title. A shard holds the records whose key
//! begins with its name. Where these would be too many, it holds those whose key is its name, and says
//! which characters follow in others: each has a shard of its own, one character longer. The page
//! walks from the root, so nothing has to run on the server.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::error::PublishError;
use super::folder::{Folder, Put};
use super::memory::Memory;
use crate::canonical;

/// How many records a shard holds at most, but for those with the very same key.
const MOST: u64 = 256;

/// How long the keys of titles are: longer beginnings tell no more apart.
const LONGEST_KEY: usize = 64;

/// The folder of the indexes in a mirror.
const INDEXES: &str = "pith-index";

/// A record as it is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The suffix of its number.
    pub number: String,
    /// Its arXiv id with version.
    pub arxiv: String,
    /// Its title, as the bundle shows it.
    pub title: String,
}

/// What records are found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Index {
    /// The suffix of their number.
    Number,
    /// Their arXiv id.
    Arxiv,
    /// The beginning of their title.
    Title,
}

impl Index {
    /// All of them.
    pub const ALL: [Index; 3] = [Index::Number, Index::Arxiv, Index::Title];

    /// Its folder.
    pub fn as_str(self) -> &'static str {
        match self {
            Index::Number => "number",
            Index::Arxiv => "arxiv",
            Index::Title => "title",
        }
    }

    pub(super) fn column(self) -> &'static str {
        match self {
            Index::Number => "suffix",
            Index::Arxiv => "arxiv_key",
            Index::Title => "title_key",
        }
    }

    /// What a record is filed under. `templates/search.js` makes the same of what is typed.
    pub fn key_of(self, entry: &Entry) -> String {
        match self {
            Index::Number => entry.number.clone(),
            Index::Arxiv => {
                let plain = |c: &char| c.is_ascii_alphanumeric();
                let lower = entry.arxiv.to_ascii_lowercase();
                lower.chars().filter(plain).collect()
            }
            Index::Title => title_key(&entry.title),
        }
    }

    /// Where the shard of a prefix stands.
    pub fn path(self, prefix: &str) -> String {
        let name = match prefix {
            "" => "_".to_owned(),
            prefix => prefix.replace(' ', "-"),
        };
        format!("{INDEXES}/{}/{name}.json", self.as_str())
    }
}

/// Letters and digits of ASCII, in lower case; whatever stands between them is one space.
fn title_key(title: &str) -> String {
    let mut key = String::new();
    let words = title.split(|c: char| !c.is_ascii_alphanumeric());
    for word in words.filter(|word| !word.is_empty()) {
        if !key.is_empty() {
            key.push(' ');
        }
        key.push_str(&word.to_ascii_lowercase());
        if key.len() >= LONGEST_KEY {
            key.truncate(LONGEST_KEY);
            break;
        }
    }
    key
}

/// A shard.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// The characters for which there is a longer shard; empty where there is none.
    pub children: String,
    /// The records it holds, by key.
    pub entries: Vec<Entry>,
}

/// Writes all shards of all indexes, and removes those that are no more. Says how many changed.
///
/// # Errors
/// Those of the memory and of the folder.
pub fn write(memory: &Memory, folder: &Folder) -> Result<u64, PublishError> {
    let mut written = 0;
    for index in Index::ALL {
        let mut names = BTreeSet::new();
        let mut waiting = vec![String::new()];
        while let Some(prefix) = waiting.pop() {
            let following = memory.following(index, &prefix)?;
            let count: u64 = following.iter().map(|(_, count)| count).sum();
            let splits = count > MOST && following.iter().any(|(next, _)| !next.is_empty());
            let mut children = String::new();
            if splits {
                for (next, _) in following.iter().filter(|(next, _)| !next.is_empty()) {
                    children.push_str(next);
                    waiting.push(format!("{prefix}{next}"));
                }
            }
            let shard = Shard {
                children,
                entries: memory.entries(index, &prefix, splits)?,
            };
            let path = index.path(&prefix);
            let bytes = canonical::wire(&shard).expect("a shard is JSON");
            if folder.put(&path, &bytes)? == Put::Written {
                written += 1;
            }
            names.insert(path);
        }
        let dir = format!("{INDEXES}/{}", index.as_str());
        for name in folder.names(&dir)? {
            let path = format!("{dir}/{name}");
            if !names.contains(&path) {
                folder.remove(&path)?;
            }
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_filed_by_their_words() {
        for (title, key) in [
            ("On $L^2$-norms & <br> more", "on l 2 norms br more"),
            ("  \u{2014}Über  alles", "ber alles"),
            ("\u{212a}elvin", "elvin"),
            ("", ""),
        ] {
            assert_eq!(title_key(title), key);
        }
        assert_eq!(title_key(&"abc ".repeat(50)).len(), LONGEST_KEY);
    }
}
