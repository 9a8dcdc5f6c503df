//! The files that a configuration was loaded from, and whether they have changed since.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::hash::BuildHasher;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use foldhash::fast::FixedState;

/// What was read, as it was when it was read. What could not be read is remembered too: it may come to be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    seen: BTreeMap<PathBuf, Seen>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Seen {
    /// A file, if it could be read.
    File(Option<(Stamp, u64)>),
    /// A folder: which zone and steering files it holds.
    Folder(Vec<PathBuf>),
}

/// Tells one state of a file from another without reading it. Symbolic links are followed: what matters is the file that
/// is read.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    len: u64,
    modified: (i64, i64),
    changed: (i64, i64),
    /// Whether it was written just before it was looked at. Another write within a tick of the kernel's clock would leave
    /// all of the above as it is.
    fresh: bool,
}

/// Longer than any kernel's tick.
const TICK: Duration = Duration::from_millis(50);

impl Files {
    /// Reads a file.
    pub(super) fn read(&mut self, path: &Path) -> io::Result<Vec<u8>> {
        // Before reading: a change while it is read is a change.
        let stamp = stamp(path);
        let bytes = read_file(path);
        let seen = stamp.zip(bytes.as_ref().ok().map(|bytes| content(bytes)));
        self.seen.insert(path.to_owned(), Seen::File(seen));
        bytes
    }

    /// Whether a file is, by all that can be told without reading it, as it was when these other ones were read: then it
    /// counts as read.
    pub(super) fn keep(&mut self, path: &Path, others: &Self) -> bool {
        let Some(Seen::File(Some(seen))) = others.seen.get(path) else { return false };
        let same = stamp(path).is_some_and(|now| now == seen.0 && !now.fresh);
        if same {
            self.seen.insert(path.to_owned(), Seen::File(Some(seen.clone())));
        }
        same
    }

    /// The files of a folder that end in `.zone` or `.toml`, in order of name.
    pub(super) fn folder(&mut self, path: &Path) -> io::Result<Vec<PathBuf>> {
        let entries = list(path);
        self.seen.insert(path.to_owned(), Seen::Folder(entries.as_ref().cloned().unwrap_or_default()));
        entries
    }

    /// Whether reading all of it again would find anything different.
    #[must_use]
    pub fn changed(&self) -> bool {
        self.seen.iter().any(|(path, seen)| match seen {
            Seen::File(before) => differs(path, before.as_ref()),
            Seen::Folder(before) => match list(path) {
                Ok(now) => now != *before,
                Err(error) => !before.is_empty() && is_gone(&error),
            },
        })
    }

    /// Whether none of the files was written within this time: one that was may still be being written.
    #[must_use]
    pub fn rest(&self, time: Duration) -> bool {
        let written =
            |path: &PathBuf| fs::metadata(path).ok().filter(Metadata::is_file)?.modified().ok()?.elapsed().ok();
        self.seen.keys().filter_map(written).all(|age| age >= time)
    }

    /// The folders in which a change would show: those of the files, and those that were listed.
    #[must_use]
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        for (path, seen) in &self.seen {
            // where a link leads to, the change is there
            let real = path.canonicalize().ok().filter(|real| real != path);
            for path in [Some(path), real.as_ref()].into_iter().flatten() {
                folders.push(if matches!(seen, Seen::Folder(_)) { path.clone() } else { parent(path) });
            }
        }
        folders.sort();
        folders.dedup();
        folders
    }
}

fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Whether an error says that something is not there any more. Others, such as having no descriptors left, say nothing of it.
fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory | io::ErrorKind::PermissionDenied)
}

/// Whether a file's content is another one; it is read only where that is not plain.
fn differs(path: &Path, before: Option<&(Stamp, u64)>) -> bool {
    match (before, stamp(path)) {
        (None, None) => false,
        (Some((before, _)), Some(now)) if *before == now && !now.fresh => false,
        (before, _) => match read_file(path) {
            Ok(bytes) => Some(content(&bytes)) != before.map(|&(_, content)| content),
            Err(error) => before.is_some() && is_gone(&error),
        },
    }
}

/// Reads what is a file: anything else may never end, or never begin.
fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
    }
    fs::read(path)
}

fn content(bytes: &[u8]) -> u64 {
    FixedState::with_seed(0).hash_one(bytes)
}

fn stamp(path: &Path) -> Option<Stamp> {
    let fresh = |file: &Metadata| file.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age < TICK));
    let of = |file: Metadata| Stamp {
        fresh: fresh(&file),
        device: file.dev(),
        inode: file.ino(),
        len: file.len(),
        modified: (file.mtime(), file.mtime_nsec()),
        changed: (file.ctime(), file.ctime_nsec()),
    };
    fs::metadata(path).ok().map(of)
}

fn list(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let ours = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "zone" || extension == "toml");
    let paths = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut paths = paths.collect::<io::Result<Vec<PathBuf>>>()?;
    paths.retain(ours);
    paths.sort();
    Ok(paths)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a.zone"), "a").expect("written");
        let mut files = Files::default();
        files.read(&path("a.zone")).expect("read");
        files.read(&path("missing.pem")).expect_err("is not there");
        files.folder(folder.path()).expect("listed");
        assert!(!files.changed());
        fs::write(path(".a.zone.swp"), "an editor's").expect("written");
        assert!(!files.changed());
        let before = files.clone();
        fs::write(path("a.zone"), "b").expect("written");
        assert!(files.changed());
        files.read(&path("a.zone")).expect("read");
        assert!(!files.changed() && files != before);
        fs::write(path("missing.pem"), "").expect("written");
        assert!(files.changed());
        files.read(&path("missing.pem")).expect("read");
        fs::write(path("missing.pem"), "").expect("written anew");
        assert!(!files.changed());
        fs::write(path("b.zone"), "").expect("written");
        assert!(files.changed());
        assert_eq!(files.folders(), [folder.path()]);
    }

    #[test]
    fn a_link_that_is_turned_is_a_change() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        for version in ["v1", "v2"] {
            fs::create_dir(path(version)).expect("made");
            fs::write(path(version).join("a.zone"), version).expect("written");
        }
        std::os::unix::fs::symlink("v1", path("now")).expect("linked");
        let mut files = Files::default();
        files.read(&path("now/a.zone")).expect("read");
        std::os::unix::fs::symlink("v2", path("next")).expect("linked");
        assert!(!files.changed());
        fs::rename(path("next"), path("now")).expect("turned");
        assert!(files.changed());
    }
}
