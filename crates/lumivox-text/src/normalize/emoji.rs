//! Names of emoji, from CLDR's annotations.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::data::decompress;
use crate::error::{Error, Result};
use crate::language::Language;

const NAME: &str = "cldr.emoji";
static NAMES: &[u8] = include_bytes!("../../data/cldr.emoji.zst");

/// What is done with emoji.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Emoji {
    /// They are silent, and reported.
    #[default]
    Skip,
    /// They are said by their names.
    Name,
}

impl Emoji {
    /// The names in `language`, if emoji are said.
    pub(crate) fn names(self, language: Language) -> Option<EmojiNames> {
        // Without its table, which is compiled in, an emoji is silent and reported.
        (self == Self::Name).then(|| EmojiNames::new(language).ok()).flatten()
    }
}

/// The names of emoji in one language.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EmojiNames {
    column: usize,
    table: &'static Table,
}

/// Names in every language by sequence, and the first characters of sequences.
#[derive(Debug)]
struct Table {
    tags: Vec<String>,
    names: HashMap<String, Vec<String>>,
    longest: usize,
}

impl Table {
    fn new() -> Result<Self> {
        let raw = String::from_utf8(decompress(NAME, NAMES)?).map_err(|e| Error::data(NAME, e))?;
        let mut lines = raw.lines();
        let fields = |line: &str| line.split('\t').map(str::to_owned).collect::<Vec<_>>();
        let tags = lines.next().map(fields).ok_or_else(|| Error::data(NAME, "empty"))?;
        let mut names = HashMap::new();
        let mut longest = 0;
        for line in lines {
            let (sequence, rest) = line.split_once('\t').ok_or_else(|| Error::data(NAME, "cut short"))?;
            longest = longest.max(sequence.len());
            names.insert(sequence.to_owned(), fields(rest));
        }
        Ok(Self { tags, names, longest })
    }
}

impl EmojiNames {
    fn new(language: Language) -> Result<Self> {
        static TABLE: OnceLock<Table> = OnceLock::new();
        let table = match TABLE.get() {
            Some(table) => table,
            None => {
                let table = Table::new()?;
                TABLE.get_or_init(|| table)
            }
        };
        let tag = match language {
            Language::English(_) => "en",
            other => other.tag(),
        };
        let column = table.tags.iter().position(|known| known == tag);
        let column = column.ok_or_else(|| Error::data(NAME, format!("no names for `{tag}`")))?;
        Ok(Self { column, table })
    }

    /// The longest emoji at the start of `text`, from which joiners and variation selectors are gone: bytes and name. A skin tone behind it belongs to it.
    pub(crate) fn at(&self, text: &str) -> Option<(usize, &'static str)> {
        if text.starts_with(|c: char| c.is_ascii()) {
            return None;
        }
        let plain: Vec<(usize, char)> = text.char_indices().take(12).collect();
        let mut found = None;
        let mut key = String::new();
        for (index, &(at, c)) in plain.iter().enumerate() {
            if index == 0 || !is_skin_tone(c) {
                key.push(c);
            }
            if key.len() > self.table.longest {
                break;
            }
            if let Some(names) = self.table.names.get(&key) {
                found = Some((at + c.len_utf8(), names.get(self.column)?.as_str()));
            }
        }
        found
    }
}

fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1F3FB}'..='\u{1F3FF}')
}
