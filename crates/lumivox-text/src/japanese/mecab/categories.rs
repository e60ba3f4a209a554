//! `char.bin`: the categories of characters, and how unknown words are made of them.

use super::{damaged, u32_at};
use crate::error::Result;

const NAME_BYTES: usize = 32;

/// What is said of a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Category {
    /// All categories that it is in, as bits.
    kinds: u32,
    /// The one that it is in first of all.
    pub main: usize,
    /// Unknown words of up to so many characters are tried.
    pub length: usize,
    /// Whether a run of characters of a kind is tried as one unknown word.
    pub group: bool,
    /// Whether unknown words are tried even where a known one begins.
    pub always: bool,
}

impl Category {
    pub(super) fn is_kind_of(self, other: Self) -> bool {
        self.kinds & other.kinds != 0
    }
}

pub(super) struct Categories {
    names: Vec<String>,
    /// A value for each character up to U+FFFF.
    table: Vec<u8>,
}

impl Categories {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let count = u32_at(bytes, 0).ok_or_else(|| damaged("char.bin"))? as usize;
        let end = 4 + count.min(32) * NAME_BYTES;
        let names = bytes.get(4..end).ok_or_else(|| damaged("char.bin"))?.chunks(NAME_BYTES);
        let name =
            |name: &[u8]| String::from_utf8_lossy(name.split(|b| *b == 0).next().unwrap_or_default()).into_owned();
        let names: Vec<String> = names.map(name).collect();
        let table = bytes[end..].to_vec();
        let categories = Self { names, table };
        let valid = categories.names.len() == count
            && categories.table.len() >= 0xFFFF * 4
            && (0..0xFFFF).all(|code| categories.at(code).main < count);
        if valid { Ok(categories) } else { Err(damaged("char.bin")) }
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// What is said of `c`; of characters above U+FFFF, what is said of U+0000.
    pub(super) fn of(&self, c: char) -> Category {
        let code = u32::from(c);
        self.at(if code < 0xFFFF { code } else { 0 })
    }

    fn at(&self, code: u32) -> Category {
        let bits = u32_at(&self.table, code as usize * 4).unwrap_or(0);
        Category {
            kinds: bits & 0x3_FFFF,
            main: (bits >> 18 & 0xFF) as usize,
            length: (bits >> 26 & 0xF) as usize,
            group: bits >> 30 & 1 == 1,
            always: bits >> 31 == 1,
        }
    }

    /// The category of blanks.
    pub(super) fn space(&self) -> Category {
        self.of(' ')
    }
}
