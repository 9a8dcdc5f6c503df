//! The state that outlives the process: what probes said, as JSON in the state folder, replaced whole on every change.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use tracing::warn;

use crate::health::SavedTarget;

/// The form of the file. Another one is set aside, as nothing is known of what its fields mean.
const VERSION: u32 = 1;

/// The file of targets, or nowhere.
#[derive(Debug)]
pub(super) struct StateFile {
    path: Option<PathBuf>,
    /// Held while writing, so that a later state never loses to an earlier one.
    writing: Mutex<()>,
}

#[derive(Serialize)]
struct Written<'a> {
    version: u32,
    targets: &'a [SavedTarget],
}

#[derive(Deserialize)]
struct Read {
    version: u32,
    targets: Vec<SavedTarget>,
}

impl StateFile {
    /// The state file of a folder; without one nothing is kept.
    pub(super) fn in_folder(folder: Option<PathBuf>) -> Self {
        Self { path: folder.map(|folder| folder.join("targets.json")), writing: Mutex::new(()) }
    }

    /// What was saved; nothing if there is no file. A damaged one is set aside with a warning.
    pub(super) fn read(&self) -> Vec<SavedTarget> {
        let Some(path) = &self.path else { return Vec::new() };
        let bytes = match fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                warn!("cannot read the saved state {}: {error}; every target starts as unknown", path.display());
                return Vec::new();
            }
        };
        match serde_json::from_slice::<Read>(&bytes) {
            Ok(read) if read.version == VERSION => read.targets,
            Ok(read) => set_aside(path, &format!("its version is {} and not {VERSION}", read.version)),
            Err(error) => set_aside(path, &error.to_string()),
        }
    }

    /// Replaces what is saved with what `targets` returns. A failure is logged: verdicts are worth more than their file.
    pub(super) fn write(&self, targets: impl FnOnce() -> Vec<SavedTarget>) {
        let Some(path) = &self.path else { return };
        let _one_at_a_time = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = replace(path, &targets()) {
            warn!("cannot save the state to {}: {error}; a restart would start from unknown", path.display());
        }
    }
}

fn set_aside(path: &Path, why: &str) -> Vec<SavedTarget> {
    let aside = path.with_extension("json.damaged");
    let moved = fs::rename(path, &aside);
    let place = if moved.is_ok() { aside } else { path.to_owned() };
    warn!("the saved state cannot be used ({why}); it was set aside as {}", place.display());
    Vec::new()
}

/// Writes beside, syncs, renames: whenever the power goes, there is a whole file, the old or the new one.
fn replace(path: &Path, targets: &[SavedTarget]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let beside = path.with_extension("json.new");
    let mut file = File::create(&beside)?;
    file.write_all(&serde_json::to_vec_pretty(&Written { version: VERSION, targets })?)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_damaged_is_set_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let state = StateFile::in_folder(Some(folder.path().join("state")));
        assert!(state.read().is_empty());
        state.write(Vec::new);
        let path = folder.path().join("state/targets.json");
        assert!(path.exists());
        for damaged in ["", "{", "{\"version\":1}", "{\"version\":99,\"targets\":[]}"] {
            fs::write(&path, damaged).expect("written");
            assert!(state.read().is_empty());
            assert!(!path.exists(), "{damaged:?} was left in place");
            assert_eq!(fs::read_to_string(path.with_extension("json.damaged")).expect("kept"), damaged);
        }
    }
}
