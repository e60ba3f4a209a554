//! Files that have their name only when they are whole: written under a temporary name in the same folder, then renamed.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::NamedTempFile;

/// What a temporary name begins and ends with.
const PREFIX: &str = ".lumivox-";
const SUFFIX: &str = ".part";

/// A new file in the folder of `path`, with the permissions that a file made directly would have; [`NamedTempFile::persist`] gives it the name. It is locked as long
/// as it is open: what has such a name and no lock was left by a process that was killed, and the first file of a process in a folder clears that away.
///
/// # Errors
/// If no file can be made there.
pub fn temporary_beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    clear_once(folder);
    let mut builder = tempfile::Builder::new();
    builder.prefix(PREFIX).suffix(SUFFIX);
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    loop {
        // Its own error names the temporary file, which nobody has asked for.
        let file = builder.tempfile_in(folder).map_err(|error| match folder.is_dir() {
            true => io::Error::from(error.kind()),
            false => io::Error::new(error.kind(), format!("there is no folder {}", folder.display())),
        })?;
        // Some file systems have no locks; there everything stays.
        let locked = file.as_file().lock().is_ok();
        // Another process may have taken it for a left one before it was locked.
        if !locked || file.path().exists() {
            return Ok(file);
        }
    }
}

/// Clears a folder unless this process has before.
fn clear_once(folder: &Path) {
    static CLEARED: Mutex<Option<HashSet<PathBuf>>> = Mutex::new(None);
    let Ok(real) = fs::canonicalize(folder) else { return };
    let is_new = CLEARED.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default().insert(real);
    if is_new {
        clear(folder);
    }
}

/// Removes what processes that were killed have left in a folder. What can't be removed is only in the way of the disk's space.
fn clear(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let is_temporary = name.to_str().is_some_and(|name| name.starts_with(PREFIX) && name.ends_with(SUFFIX));
        if is_temporary
            && entry.file_type().is_ok_and(|kind| kind.is_file())
            && let Ok(file) = File::open(entry.path())
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_goes_and_what_is_written_stays() {
        let folder = tempfile::tempdir().unwrap();
        let left = folder.path().join(".lumivox-left.part");
        let others = [".lumivox-other", "lumivox-x.part", "book.wav.part"].map(|name| folder.path().join(name));
        fs::write(&left, "half").unwrap();
        others.iter().for_each(|other| fs::write(other, "mine").unwrap());
        let whole = folder.path().join("whole");
        let file = temporary_beside(&whole).unwrap();
        assert!(!left.exists());
        clear(folder.path());
        assert!(file.path().exists(), "it is being written");
        file.persist(&whole).unwrap();
        clear(folder.path());
        assert!(whole.exists() && others.iter().all(|other| other.exists()));
    }
}
