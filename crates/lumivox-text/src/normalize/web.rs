//! Web and mail addresses, handles and hashtags.

use regex::Regex;

use super::grammar::{ADDRESS_SIGNS, Gender, Grammar};
use super::numeric::pattern;
use super::speller::Speller;
use super::{Match, Place, is_letter};
use crate::error::Result;

/// Endings that make a bare name a web address ("example.com").
const TOP: &str = "com|org|net|edu|gov|int|io|ai|dev|app|info|co|es|fr|it|br|in|eu|ch|tv|mx|ar|jp|cn|uk|us|pt|me";

pub(super) struct Patterns {
    url: Regex,
    mail: Regex,
    domain: Regex,
}

impl Patterns {
    pub(super) fn new() -> Result<Self> {
        Ok(Self {
            url: pattern(r"(?i:https?|ftp)://\S+|www\.\S+")?,
            mail: pattern(r"[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")?,
            domain: pattern(&format!(r"(?:[A-Za-z0-9][A-Za-z0-9-]*\.)+(?:{TOP})\b(?:/\S*)?"))?,
        })
    }

    pub(super) fn read(&self, place: &Place, grammar: &Grammar, speller: &Speller) -> Match {
        let chunk = place.rest.split(char::is_whitespace).next().unwrap_or_default();
        let letter = |text: &str| text.starts_with(is_letter);
        if let Some(tag) = chunk.strip_prefix('#').filter(|tag| letter(tag)) {
            let _ = tag;
            return Some((1, grammar.hashtag.to_owned()));
        }
        if chunk.strip_prefix('@').is_some_and(letter) {
            return Some((1, grammar.address[4].to_owned()));
        }
        if !chunk.contains('.') {
            return None;
        }
        let found = [&self.url, &self.mail, &self.domain].into_iter().find_map(|pattern| pattern.find(chunk))?;
        let address = found
            .as_str()
            .trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '>', '"', '\'', '”', '’', '»', '।']);
        let inside = chunk[address.len()..].starts_with(|c: char| is_letter(c) || c.is_ascii_digit());
        (!inside && !address.is_empty()).then(|| (address.len(), spell(address, grammar, speller)))
    }
}

/// An address: words as they are, short ones and those without vowels by their letters, signs by their names.
fn spell(address: &str, grammar: &Grammar, speller: &Speller) -> String {
    let kind = |c: char| (c.is_ascii_digit(), is_letter(c));
    let chars: Vec<char> = address.chars().collect();
    let mut said: Vec<String> = Vec::new();
    for part in chars.chunk_by(|a, b| kind(*a) == kind(*b) && kind(*a) != (false, false)) {
        let text: String = part.iter().collect();
        let name = ADDRESS_SIGNS.iter().position(|sign| part == [*sign]).map(|index| grammar.address[index]);
        let vowels = text.contains(|c: char| "aeiouyAEIOUY".contains(c) || !c.is_ascii());
        match (kind(part[0]), name) {
            ((true, _), _) => said.push(speller.decimal(&text, "", Gender::Alone)),
            ((_, true), _) if text.len() < 3 || !vowels || text.eq_ignore_ascii_case("https") => {
                said.extend(part.iter().map(|c| grammar.letter(*c).map_or_else(|| c.to_string(), str::to_owned)));
            }
            (_, Some(name)) => said.push(name.to_owned()),
            _ => said.push(text),
        }
    }
    said.join(" ")
}
