//! The languages that Kokoro speaks.

use std::fmt;
use std::str::FromStr;

use crate::english::{Dialect, English};
use crate::error::{Error, Result};
use crate::japanese::Japanese;
use crate::mandarin::Mandarin;
use crate::normalize::Emoji;
use crate::phonemizer::Phonemizer;
use crate::token::Phonemized;

/// A language that Kokoro has voices for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// `en-us` or `en-gb`.
    English(Dialect),
    /// `es`.
    Spanish,
    /// `fr`.
    French,
    /// `hi`.
    Hindi,
    /// `it`.
    Italian,
    /// `ja`.
    Japanese,
    /// `pt-br`.
    BrazilianPortuguese,
    /// `zh`.
    Mandarin,
}

impl Language {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::English(Dialect::American),
        Self::English(Dialect::British),
        Self::Spanish,
        Self::French,
        Self::Hindi,
        Self::Italian,
        Self::Japanese,
        Self::BrazilianPortuguese,
        Self::Mandarin,
    ];

    /// The language that a Kokoro voice speaks, from the first letter of its name.
    pub fn of_kokoro_voice(voice: &str) -> Option<Self> {
        Some(match voice.as_bytes().first()? {
            b'e' => Self::Spanish,
            b'f' => Self::French,
            b'h' => Self::Hindi,
            b'i' => Self::Italian,
            b'j' => Self::Japanese,
            b'p' => Self::BrazilianPortuguese,
            b'z' => Self::Mandarin,
            _ => Self::English(Dialect::of_kokoro_voice(voice)?),
        })
    }

    /// Its tag, such as `pt-br`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English(Dialect::American) => "en-us",
            Self::English(Dialect::British) => "en-gb",
            Self::Spanish => "es",
            Self::French => "fr",
            Self::Hindi => "hi",
            Self::Italian => "it",
            Self::Japanese => "ja",
            Self::BrazilianPortuguese => "pt-br",
            Self::Mandarin => "zh",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

impl FromStr for Language {
    type Err = Error;

    /// Reads a tag in any casing, with `-` or `_`; with a region that changes nothing here, too (`es-es`, `fr-fr`, `cmn`).
    fn from_str(tag: &str) -> Result<Self> {
        let normal = tag.to_ascii_lowercase().replace('_', "-");
        Ok(match normal.as_str() {
            "en" => Self::English(Dialect::American),
            "es-es" | "es-419" | "es-mx" => Self::Spanish,
            "fr-fr" | "fr-ca" => Self::French,
            "hi-in" => Self::Hindi,
            "it-it" => Self::Italian,
            "ja-jp" => Self::Japanese,
            "pt" => Self::BrazilianPortuguese,
            "zh-cn" | "zh-hans" | "cmn" => Self::Mandarin,
            other => {
                let known = Self::ALL.into_iter().find(|language| language.tag() == other);
                known.ok_or_else(|| Error::UnknownLanguage(tag.to_owned()))?
            }
        })
    }
}

/// What reads a language.
pub trait FrontEnd: Send + Sync {
    /// Text to tokens with phonemes; what can't be said is among the warnings. Any text is accepted; the time is linear in its length.
    fn read(&self, text: &str, emoji: Emoji) -> Phonemized;

    /// The same with emoji silent, and reported.
    fn phonemize(&self, text: &str) -> Phonemized {
        self.read(text, Emoji::Skip)
    }
}

/// Loads the front-end of a language from what is compiled into the crate. Japanese has no dictionary then, for which see
/// [`Japanese::open`].
///
/// # Errors
/// Fails only if the compiled-in data is damaged.
pub fn front_end(language: Language) -> Result<Box<dyn FrontEnd>> {
    Ok(match language {
        Language::English(dialect) => Box::new(English::new(dialect)?),
        Language::Spanish | Language::French | Language::Hindi | Language::Italian | Language::BrazilianPortuguese => {
            Box::new(Phonemizer::new(language)?)
        }
        Language::Japanese => Box::new(Japanese::without_dictionary()?),
        Language::Mandarin => Box::new(Mandarin::new()?),
    })
}

impl FrontEnd for English {
    fn read(&self, text: &str, emoji: Emoji) -> Phonemized {
        Self::read(self, text, emoji)
    }
}

impl FrontEnd for Phonemizer {
    fn read(&self, text: &str, emoji: Emoji) -> Phonemized {
        Self::read(self, text, emoji)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_and_voices_name_languages() {
        for language in Language::ALL {
            assert_eq!(language.tag().parse::<Language>().ok(), Some(language));
        }
        assert_eq!("PT_BR".parse::<Language>().ok(), Some(Language::BrazilianPortuguese));
        assert!("tlh".parse::<Language>().is_err());
        let of = Language::of_kokoro_voice;
        assert_eq!(
            (of("ff_siwis"), of("zm_yunxi"), of("xx")),
            (Some(Language::French), Some(Language::Mandarin), None)
        );
    }
}
