//! Paths and their troubles in messages.

use std::io;
use std::path::{Component, Path, PathBuf};

/// A path for a message: `config/../zones/a.zone` is `zones/a.zone`. Only for show: where a link leads elsewhere, `..`
/// does too.
pub fn shown(path: &Path) -> String {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match (part, plain.components().next_back()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                plain.pop();
            }
            _ => plain.push(part),
        }
    }
    if plain.as_os_str().is_empty() { ".".to_owned() } else { plain.display().to_string() }
}

/// Why a file could not be read, without the system's number of it.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it is not there".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a folder".to_owned(),
        io::ErrorKind::NotADirectory => "it is not a folder".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_shown_as_one_would_write_them() {
        for (path, expected) in [
            ("config/../zones/a.zone", "zones/a.zone"),
            ("../zones/./a.zone", "../zones/a.zone"),
            ("config/../../a", "../a"),
            ("/etc/windrose/../zones", "/etc/zones"),
            ("/../a", "/a"),
            ("config/..", "."),
        ] {
            assert_eq!(shown(Path::new(path)), expected, "{path}");
        }
    }
}
