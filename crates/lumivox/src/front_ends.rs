//! The front-ends of the languages, each loaded when it is first asked for.

use std::sync::OnceLock;

use lumivox_text::espeak::Espeak;
use lumivox_text::{FrontEnd, Japanese, Language, Phonemized, front_end};

use crate::error::Result;
use crate::options::{G2p, Options};
use crate::reading::read_text;
use crate::store::{JAPANESE_DICTIONARY, Store};

/// What reads text for Kokoro: a front-end for each of [`Language::ALL`], and for Japanese another by its dictionary.
///
/// ```
/// use lumivox::text::Language;
/// use lumivox::{FrontEnds, Options};
///
/// let said = FrontEnds::default().read("¿Qué tal?", Language::Spanish, &Options::default())?;
/// assert_eq!(said.phonemes(), "kˈe tˈal?");
/// # Ok::<(), lumivox::Error>(())
/// ```
#[derive(Default)]
pub struct FrontEnds {
    compiled_in: [OnceLock<Box<dyn FrontEnd>>; Language::ALL.len()],
    japanese: OnceLock<Box<dyn FrontEnd>>,
}

impl FrontEnds {
    /// A text with its `[[phonemes]]` in the symbols that Kokoro reads, by the options' lexicon and choices.
    ///
    /// # Errors
    /// If espeak-ng is asked for and can't be had, or the dictionary of Japanese in the store can't be read.
    pub fn read(&self, text: &str, language: Language, options: &Options) -> Result<Phonemized> {
        read_text(text, options, |part| self.read_part(part, language, options))
    }

    /// The same without phonemes in the text and a lexicon.
    pub(crate) fn read_part(&self, text: &str, language: Language, options: &Options) -> Result<Phonemized> {
        match options.g2p {
            G2p::Builtin => Ok(self.get(language)?.read(text, options.emoji)),
            G2p::Espeak => Ok(Espeak::for_kokoro(language)?.phonemize(text)?),
        }
    }

    /// Japanese is read by its dictionary as soon as that is in the store; before, kanji are silent and reported.
    pub(crate) fn get(&self, language: Language) -> Result<&dyn FrontEnd> {
        if language == Language::Japanese {
            if let Some(front_end) = self.japanese.get() {
                return Ok(front_end.as_ref());
            }
            // Without a place for a store there is no dictionary in it.
            let folder = Store::open().ok().and_then(|store| store.find_dictionary(JAPANESE_DICTIONARY).ok().flatten());
            if let Some(folder) = folder {
                let loaded = Box::new(Japanese::open(&folder)?);
                return Ok(self.japanese.get_or_init(|| loaded).as_ref());
            }
        }
        let at = Language::ALL.iter().position(|known| *known == language).unwrap_or_default();
        let cell = &self.compiled_in[at];
        if let Some(front_end) = cell.get() {
            return Ok(front_end.as_ref());
        }
        let loaded = front_end(language)?;
        Ok(cell.get_or_init(|| loaded).as_ref())
    }
}
