//! Documents as text that can be spoken: Markdown and EPUB by their chapters, SubRip subtitles by their cues.
//!
//! What is written is kept, in the order of reading; what has no text, such as a picture without a description, is named in [`Document::notes`].
//!
//! ```
//! use lumivox_document::{Content, Format, Limits, read};
//!
//! let source = "# One\n\nIt *began* [here](https://example.org).\n\n# Two\n\nIt ended.";
//! let document = read(source.as_bytes(), Format::Markdown, &Limits::default())?;
//! let Content::Chapters(chapters) = document.content else { unreachable!() };
//! assert_eq!(chapters[0].title.as_deref(), Some("One"));
//! assert_eq!(chapters[0].paragraphs, ["One", "It began here."]);
//! assert_eq!(chapters[1].text(), "Two\n\nIt ended.");
//! # Ok::<(), lumivox_document::Error>(())
//! ```

mod epub;
mod error;
mod markdown;
mod page;
mod paragraphs;
mod subrip;
mod xml;

use std::path::Path;

pub use error::{Error, Result};

/// What is in a document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Its title, where it states one.
    pub title: Option<String>,
    /// What is said.
    pub content: Content,
    /// What is in it and can't be said, for people.
    pub notes: Vec<String>,
}

/// What is said, as the kind of document has it.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Chapters in their order, each with some text.
    Chapters(Vec<Chapter>),
    /// Subtitles in the order of their times.
    Cues(Vec<Cue>),
}

/// A chapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chapter {
    /// What it is called. That is its name alone: where the heading is part of the text it is the first paragraph, too.
    pub title: Option<String>,
    /// Its text, headings, items of lists and rows of tables among it.
    pub paragraphs: Vec<String>,
}

impl Chapter {
    /// The paragraphs with an empty line between them.
    pub fn text(&self) -> String {
        self.paragraphs.join("\n\n")
    }
}

/// A subtitle.
#[derive(Clone, Debug, PartialEq)]
pub struct Cue {
    /// When it appears, in seconds.
    pub start_s: f64,
    /// When it goes.
    pub end_s: f64,
    /// Its text in one line, without markup.
    pub text: String,
}

/// Kinds of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// CommonMark with GitHub's tables and footnotes.
    Markdown,
    /// EPUB 2 and 3.
    Epub,
    /// SubRip subtitles.
    SubRip,
}

impl Format {
    /// The format that a file's extension names; none for plain text and everything else.
    pub fn of(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "md" | "markdown" => Some(Self::Markdown),
            "epub" => Some(Self::Epub),
            "srt" => Some(Self::SubRip),
            _ => None,
        }
    }
}

/// How much is read.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The most bytes of text and markup, unpacked.
    pub max_bytes: u64,
}

impl Default for Limits {
    /// 64 MiB, some ten times the longest novels.
    fn default() -> Self {
        Self { max_bytes: 64 << 20 }
    }
}

/// Reads the document in `bytes`.
///
/// # Errors
/// If it is damaged, encrypted, larger than `limits`, or has no text.
pub fn read(bytes: &[u8], format: Format, limits: &Limits) -> Result<Document> {
    if format != Format::Epub && bytes.len() as u64 > limits.max_bytes {
        return Err(Error::TooLarge { limit: limits.max_bytes });
    }
    let document = match format {
        Format::Markdown => markdown::read(&utf8(bytes)?),
        Format::Epub => epub::read(bytes, limits)?,
        Format::SubRip => subrip::read(&utf8(bytes)?)?,
    };
    let is_empty = match &document.content {
        Content::Chapters(chapters) => chapters.is_empty(),
        Content::Cues(cues) => cues.is_empty(),
    };
    if is_empty { Err(Error::Empty) } else { Ok(document) }
}

/// UTF-8, or UTF-16 that begins with a byte order mark, which is no part of the text.
fn utf8(bytes: &[u8]) -> Result<String> {
    let wide = |decode: fn([u8; 2]) -> u16| {
        let units = bytes[2..].chunks(2).map(|pair| decode([pair[0], *pair.get(1).unwrap_or(&0)]));
        char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
    };
    match bytes {
        [0xFF, 0xFE, ..] => Ok(wide(u16::from_le_bytes)),
        [0xFE, 0xFF, ..] => Ok(wide(u16::from_be_bytes)),
        _ => {
            let text = std::str::from_utf8(bytes).map_err(|error| Error::NotUtf8 { byte: error.valid_up_to() })?;
            Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned())
        }
    }
}
