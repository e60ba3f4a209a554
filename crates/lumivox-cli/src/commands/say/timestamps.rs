//! The file of timestamps.

use std::path::Path;

use anyhow::{Context, Result, bail};
use lumivox::Timestamps;

/// Forms of timestamps, by the file's extension.
pub enum TimestampFormat {
    Json,
    Srt,
    Vtt,
}

impl TimestampFormat {
    /// The format that the extension names.
    pub fn of(path: &Path) -> Result<Self> {
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => Ok(Self::Json),
            Some("srt") => Ok(Self::Srt),
            Some("vtt") => Ok(Self::Vtt),
            _ => bail!("--timestamps {}: the name must end in .json, .srt or .vtt", path.display()),
        }
    }
}

/// When everything sounds that is said into a file.
#[derive(Default)]
pub struct Timed {
    /// The texts of all passages, with an empty line between them.
    pub text: String,
    /// The words, with the bytes of `text`.
    pub timestamps: Timestamps,
    /// Where marked passages begin: title, seconds and byte of `text`.
    pub chapters: Vec<(String, f64, usize)>,
}

impl Timed {
    /// Adds a passage that begins at `start_s`.
    pub fn add(&mut self, text: &str, mark: Option<&str>, start_s: f64, timestamps: &Timestamps) {
        if !self.text.is_empty() {
            self.text.push_str("\n\n");
        }
        let start_byte = self.text.len();
        self.chapters.extend(mark.map(|title| (title.to_owned(), start_s, start_byte)));
        self.text.push_str(text);
        self.timestamps.append(timestamps.clone(), start_s, start_byte);
    }

    /// Writes the file, which has its name only when it is whole.
    pub fn write(&self, path: &Path, is_document: bool) -> Result<()> {
        let content = match TimestampFormat::of(path)? {
            TimestampFormat::Json if is_document => self.document_json()?,
            TimestampFormat::Json => self.timestamps.to_json()? + "\n",
            TimestampFormat::Srt => self.timestamps.to_srt(&self.text),
            TimestampFormat::Vtt => self.timestamps.to_vtt(&self.text),
        };
        lumivox::audio::write_file(path, content.as_bytes()).with_context(|| "the timestamps can't be written")
    }

    /// The timestamps with the chapters and the text that the bytes are of.
    fn document_json(&self) -> Result<String> {
        let chapters = self.chapters.iter().map(|(title, start_s, start_byte)| {
            serde_json::json!({ "title": title, "start_s": start_s, "start_byte": start_byte })
        });
        let mut json = serde_json::to_value(&self.timestamps)?;
        json["chapters"] = chapters.collect();
        json["text"] = self.text.as_str().into();
        Ok(serde_json::to_string_pretty(&json)? + "\n")
    }
}
