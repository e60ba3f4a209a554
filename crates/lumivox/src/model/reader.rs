//! How a VITS model's text becomes phonemes and ids, by what its configuration says.

use lumivox_convert::vits::{MmsText, PiperText, Text};
use lumivox_text::espeak::Espeak;
use lumivox_text::ids::{Encoded, mms, piper};
use lumivox_text::mms::Mms;
use lumivox_text::{Accent, Dialect, Phonemized, to_espeak};

use super::english::EnglishFrontEnds;
use crate::error::{Error, Result};

/// A front-end and the ids that go with it.
pub(super) enum Reader {
    /// Piper voices of the `phoneme_type` `espeak`: IPA as espeak-ng writes it.
    Ipa { ids: piper::PhonemeIds, voice: String, english: Box<EnglishFrontEnds> },
    /// Piper voices of the `phoneme_type` `text`: code points.
    CodePoints { ids: piper::PhonemeIds },
    /// MMS-TTS: the characters of its vocabulary.
    Characters { ids: mms::Vocabulary, mms: Mms },
    /// Models whose text was phonemized by a program of their authors: phonemes alone are taken.
    Phonemes { ids: mms::Vocabulary },
}

impl Reader {
    /// # Errors
    /// The reason, if the configuration asks for what is not known.
    pub(super) fn new(text: &Text) -> Result<Self, String> {
        match text {
            Text::Piper(text) => Self::piper(text),
            Text::Mms(text) => Self::mms(text),
        }
    }

    fn piper(text: &PiperText) -> Result<Self, String> {
        let ids = piper::PhonemeIds::new(&text.phoneme_id_map).map_err(|error| error.to_string())?;
        match text.phoneme_type.as_str() {
            "espeak" => {
                let voice =
                    text.espeak_voice.clone().ok_or("`phoneme_type` is `espeak`, and no espeak voice is given")?;
                Ok(Self::Ipa { ids, voice, english: Box::default() })
            }
            "text" => Ok(Self::CodePoints { ids }),
            other => Err(format!("`phoneme_type` is `{other}`, not `espeak` or `text`")),
        }
    }

    fn mms(text: &MmsText) -> Result<Self, String> {
        let ids = mms::Vocabulary::new(&text.vocab, text.add_blank).map_err(|error| error.to_string())?;
        let ids = ids.with_pad_token(text.pad_token.as_deref());
        if text.phonemize {
            return Ok(Self::Phonemes { ids });
        }
        let options = lumivox_text::mms::Options {
            vocabulary: ids.clone(),
            language: text.language.clone(),
            normalize: text.normalize,
            is_uroman: text.is_uroman,
        };
        Ok(Self::Characters { ids, mms: Mms::new(options) })
    }

    /// Text to phonemes; English in `dialect` instead of the voice's own where that is given.
    pub(super) fn read(&self, text: &str, dialect: Option<Dialect>) -> Result<Phonemized> {
        match self {
            Self::Ipa { voice, english, .. } => match accent(voice, dialect) {
                Some(accent) => Ok(to_espeak(&english.get(accent.dialect())?.phonemize(text), accent)),
                None => Ok(Espeak::new(voice)?.phonemize(text)?),
            },
            Self::CodePoints { ids } => Ok(lumivox_text::piper::phonemize_text(text, ids)),
            Self::Characters { mms, .. } => Ok(mms.phonemize(text)),
            Self::Phonemes { .. } => Err(Error::PhonemesOnly),
        }
    }

    pub(super) fn encode(&self, phonemes: &str) -> Encoded {
        match self {
            Self::Ipa { ids, .. } | Self::CodePoints { ids } => ids.encode(phonemes),
            Self::Characters { ids, .. } | Self::Phonemes { ids } => ids.encode(phonemes),
        }
    }
}

/// The accent to read English in: the voice's own, unless another dialect is asked for; none where neither is English.
fn accent(voice: &str, dialect: Option<Dialect>) -> Option<Accent> {
    let own = Accent::of_voice(voice);
    match dialect {
        Some(dialect) if own.is_none_or(|own| own.dialect() != dialect) => Some(match dialect {
            Dialect::American => Accent::American,
            Dialect::British => Accent::Received,
        }),
        _ => own,
    }
}
