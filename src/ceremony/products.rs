//! What came of a ceremony: the files its commands wrote, and whether they are still those.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use rustix::fs::{Mode, OFlags, openat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use super::entry::{Base, Entry, FileRole, Place};
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

/// The digest of the regular file `inside` the folder `base`; of anything else, which might never end,
/// there is none. Links are not followed, neither to the file nor to a folder on the way: a transcript
/// may come from anywhere, and what it leads to is nobody's to tell.
pub(super) fn digest_inside(base: &Path, inside: &Path) -> io::Result<Option<Digest>> {
    let mut opened = match File::open(base) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        folder => folder?,
    };
    let mut parts = inside.components().peekable();
    while let Some(part) = parts.next() {
        let kind = match parts.peek() {
            Some(_) => OFlags::DIRECTORY,
            None => OFlags::NONBLOCK | OFlags::NOCTTY,
        };
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | kind;
        opened = match openat(&opened, part.as_os_str(), flags, Mode::empty()) {
            Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR) => return Ok(None),
            file => File::from(file?),
        };
    }
    if !opened.metadata()?.is_file() {
        return Ok(None);
    }
    Digest::of_reader(opened).map(|(digest, _)| Some(digest))
}

/// As [`digest_inside`], of what stands at a place; `None` if that leads out of where it begins, or it is
/// not known where that is.
pub(super) fn digest_of(
    place: &Place,
    dir: &Path,
    home: Option<&Path>,
) -> Option<io::Result<Option<Digest>>> {
    let (base, inside) = parts_of(place, dir, home)?;
    Some(digest_inside(base, inside))
}

/// What was written last at each place that has a digest.
pub(super) fn last_written(entries: &[Entry]) -> BTreeMap<&Place, Digest> {
    let files = entries.iter().flat_map(|entry| &entry.files);
    let written = files.filter(|file| file.role == FileRole::Written);
    written
        .filter_map(|file| Some((&file.place, file.sha256?)))
        .collect()
}

/// Where a place begins, and the path from there; none if it leads out of that, or it is not known.
fn parts_of<'a>(
    place: &'a Place,
    dir: &'a Path,
    home: Option<&'a Path>,
) -> Option<(&'a Path, &'a Path)> {
    let path = Path::new(&place.path);
    let base = match place.base {
        Base::Elsewhere => return Some((files::folder_of(path), Path::new(path.file_name()?))),
        Base::Ceremony => dir,
        Base::Home => home?,
    };
    let inside = path
        .components()
        .all(|part| matches!(part, std::path::Component::Normal(_)));
    inside.then_some((base, path))
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
            let Some((base, inside)) = parts_of(place, self.dir(), home) else {
                continue;
            };
            let path = base.join(inside);
            match digest_inside(base, inside).map_err(FileError::io("read", &path))? {
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
        std::fs::create_dir_all(&folder)
            .and_then(|()| folder.symlink_metadata())
            // Nothing is written where a link leads.
            .and_then(|made| match made.is_symlink() {
                true => Err(io::ErrorKind::NotADirectory.into()),
                false => Ok(()),
            })
            .map_err(FileError::io("make the folder", &folder))?;
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
        let of = |base, path, home| {
            let place = place(base, path);
            parts_of(&place, dir, home).map(|(base, inside)| base.join(inside))
        };
        let key = Some("/h/keys/k.json".into());
        assert_eq!(of(Base::Home, "keys/k.json", Some(home)), key);
        assert_eq!(of(Base::Home, "../x", Some(home)), None);
        assert_eq!(of(Base::Ceremony, "/etc/x", Some(home)), None);
        assert_eq!(of(Base::Home, "x", None), None);
        let elsewhere = Some("/etc/x".into());
        assert_eq!(of(Base::Elsewhere, "/etc/x", None), elsewhere);
    }

    #[test]
    fn no_link_is_followed_to_a_file_or_on_the_way() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let (inside, outside) = (folder.path().join("in"), folder.path().join("out"));
        for dir in [&inside, &outside, &inside.join("d")] {
            std::fs::create_dir(dir).unwrap();
        }
        for file in [&inside.join("d/x"), &outside.join("x")] {
            std::fs::write(file, "x").unwrap();
        }
        symlink(outside.join("x"), inside.join("link")).unwrap();
        symlink(&outside, inside.join("linked")).unwrap();
        let of = |path: &str| digest_inside(&inside, Path::new(path)).unwrap();
        assert_eq!(of("d/x"), Some(Digest::of(b"x")));
        for path in ["link", "linked/x", "d", "none", "d/x/y"] {
            assert_eq!(of(path), None, "{path}");
        }
    }
}
