//! What came of a ceremony: the files its commands wrote, and whether they are still those.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

use super::entry::{Base, Entry, Place, Role};
use super::error::CeremonyError;
use super::folder::Folder;
use crate::digest::Digest;
use crate::files::{self, Existing, FileError};
use crate::text::nullable;

/// Where copies of what came of a ceremony are kept in its folder.
pub const PRODUCTS_FOLDER: &str = "products";

/// The largest product that is copied; larger ones are looked for where they were written.
const LARGEST_COPY: u64 = 16 << 20;

/// A file that came of a ceremony, as it was when the ceremony was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    /// Where it was written.
    pub place: Place,
    /// Its digest.
    pub sha256: Digest,
    /// The name of its copy in the ceremony's folder: the original may change in later ceremonies.
    #[serde(deserialize_with = "nullable")]
    pub copy: Option<String>,
}

/// The digest of a regular file; of anything else, which might never end, there is none.
pub(super) fn digest_of(path: &Path) -> io::Result<Option<Digest>> {
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NONBLOCK | OFlags::NOCTTY).bits().cast_signed())
        .open(path);
    match opened {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
        Ok(file) if !file.metadata()?.is_file() => Ok(None),
        Ok(file) => digest(file).map(Some),
    }
}

fn digest(file: File) -> io::Result<Digest> {
    Digest::of_reader(file).map(|(digest, _)| digest)
}

/// What was written last at each place that has a digest.
pub(super) fn last_written(entries: &[Entry]) -> BTreeMap<&Place, Digest> {
    let files = entries.iter().flat_map(|entry| &entry.files);
    let written = files.filter(|file| file.role == Role::Written);
    written
        .filter_map(|file| Some((&file.place, file.sha256?)))
        .collect()
}

/// The path that a place stands for; none if it leads out of where it begins, or that is not known.
pub(super) fn path_of(place: &Place, dir: &Path, home: Option<&Path>) -> Option<PathBuf> {
    let path = Path::new(&place.path);
    let inside = path
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    match place.base {
        Base::Elsewhere => Some(path.to_owned()),
        Base::Ceremony => inside.then(|| dir.join(path)),
        Base::Home => Some(home?.join(path)).filter(|_| inside),
    }
}

impl Folder {
    /// Copies what came of the ceremony into its folder and lists it. Files that are gone again are
    /// left out.
    ///
    /// # Errors
    /// [`CeremonyError::ProductChanged`] if a file is not what was written there last; those of the
    /// system.
    pub fn gather_products(
        &self,
        entries: &[Entry],
        home: Option<&Path>,
    ) -> Result<Vec<Product>, CeremonyError> {
        let mut products: Vec<Product> = Vec::new();
        for (place, sha256) in last_written(entries) {
            let Some(path) = path_of(place, self.dir(), home) else {
                continue;
            };
            match digest_of(&path).map_err(FileError::io("read", &path))? {
                None => continue,
                Some(found) if found != sha256 => {
                    return Err(CeremonyError::ProductChanged { path });
                }
                Some(_) => {}
            }
            let taken: Vec<&str> = products.iter().filter_map(|p| p.copy.as_deref()).collect();
            let copy = self.copy(place, &path, sha256, &taken)?;
            products.push(Product {
                place: place.clone(),
                sha256,
                copy,
            });
        }
        Ok(products)
    }

    /// Copies a product; what is in the folder already, or too large, is not copied.
    fn copy(
        &self,
        place: &Place,
        path: &Path,
        sha256: Digest,
        taken: &[&str],
    ) -> Result<Option<String>, CeremonyError> {
        let size = path.metadata().map_err(FileError::io("read", path))?.len();
        if place.base == Base::Ceremony || size > LARGEST_COPY {
            return Ok(None);
        }
        let bytes = files::read(path)?;
        if Digest::of(&bytes) != sha256 {
            let path = path.to_owned();
            return Err(CeremonyError::ProductChanged { path });
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = free_name(&name, taken);
        let folder = self.dir().join(PRODUCTS_FOLDER);
        std::fs::create_dir_all(&folder).map_err(FileError::io("make the folder", &folder))?;
        files::write(&folder.join(&name), &bytes, Existing::Replace)?;
        Ok(Some(name))
    }
}

/// `name`, or with a number before its ending if two products are called that.
fn free_name(name: &str, taken: &[&str]) -> String {
    let (stem, ending) = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() => (stem, format!(".{ending}")),
        _ => (name, String::new()),
    };
    let numbered = (2..).map(|n| format!("{stem}-{n}{ending}"));
    std::iter::once(name.to_owned())
        .chain(numbered)
        .find(|name| !taken.contains(&name.as_str()))
        .expect("there are more numbers than names")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_products_of_one_name_have_copies_of_two_names() {
        assert_eq!(free_name("a.json", &[]), "a.json");
        assert_eq!(free_name("a.json", &["a.json"]), "a-2.json");
        assert_eq!(free_name("a", &["a", "a-2"]), "a-3");
    }

    #[test]
    fn a_place_does_not_lead_out_of_where_it_begins() {
        let place = |base, path: &str| Place {
            base,
            path: path.to_owned(),
        };
        let (dir, home) = (Path::new("/h/ceremonies/c"), Path::new("/h"));
        let of = |base, path| path_of(&place(base, path), dir, Some(home));
        assert_eq!(of(Base::Home, "keys/k.json"), Some("/h/keys/k.json".into()));
        assert_eq!(of(Base::Home, "../x"), None);
        assert_eq!(of(Base::Ceremony, "/etc/x"), None);
        assert_eq!(path_of(&place(Base::Home, "x"), dir, None), None);
    }
}
