//! How a VITS model's text becomes phonemes and ids, by what its configuration says.

use lumivox_convert::vits::{MmsText, PiperText, Text};
use lumivox_text::espeak::Espeak;
use lumivox_text::ids::{Encoded, mms, piper};
use lumivox_text::mms::Mms;
use lumivox_text::{Accent, Dialect, Language, Phonemized, to_espeak};

use crate::error::{Error, Result};
use crate::front_ends::FrontEnds;
use crate::options::{G2p, Options};

/// A front-end and the ids that go with it.
pub(super) enum Reader {
    /// Piper voices of the `phoneme_type` `espeak`: IPA as espeak-ng writes it.
    Ipa { ids: piper::PhonemeIds, voice: String, english: Box<FrontEnds> },
    /// Piper voices of the `phoneme_type` `text`: code points.
    CodePoints { ids: piper::PhonemeIds },
    /// Piper voices whose text goes through a program of Piper's that has no counterpart here: phonemes alone are taken.
    PiperPhonemes { ids: piper::PhonemeIds, phoneme_type: String },
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
        let clusters = text.vowel_clusters.iter().map(String::as_str);
        let ids = piper::PhonemeIds::new(&text.phoneme_id_map)
            .and_then(|ids| ids.with_vowel_clusters(&text.phoneme_id_map, clusters))
            .map_err(|error| error.to_string())?;
        match text.phoneme_type.as_str() {
            "espeak" => {
                let voice =
                    text.espeak_voice.clone().ok_or("`phoneme_type` is `espeak`, and no espeak voice is given")?;
                Ok(Self::Ipa { ids, voice, english: Box::default() })
            }
            "text" => Ok(Self::CodePoints { ids }),
            // Its phonemes are syllables' parts, not code points, and have their pads elsewhere.
            "pinyin" => {
                Err("`phoneme_type` is `pinyin`, which can't be read here; take a voice of `espeak` or of MMS-TTS"
                    .into())
            }
            other => Ok(Self::PiperPhonemes { ids, phoneme_type: other.to_owned() }),
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

    /// Text to phonemes, in another language than the voice's own where that is asked for.
    pub(super) fn read(&self, text: &str, options: &Options) -> Result<Phonemized> {
        let language = options.language;
        match self {
            Self::Ipa { voice, english, .. } => match accent(voice, language).filter(|_| options.g2p == G2p::Builtin) {
                Some(accent) => {
                    let english = english.get(Language::English(accent.dialect()))?;
                    Ok(to_espeak(&english.read(text, options.emoji), accent))
                }
                None => Ok(Espeak::new(espeak_voice(voice, language))?.phonemize(text)?),
            },
            Self::CodePoints { ids } => Ok(lumivox_text::piper::phonemize_text(text, ids)),
            Self::Characters { mms, .. } => Ok(mms.phonemize(text)),
            Self::PiperPhonemes { phoneme_type, .. } => {
                Err(Error::PhonemesOnly { reads: format!("Piper's own `{phoneme_type}` front-end") })
            }
            Self::Phonemes { .. } => Err(Error::PhonemesOnly { reads: "its authors' own program".to_owned() }),
        }
    }

    pub(super) fn encode(&self, phonemes: &str) -> Encoded {
        match self {
            Self::Ipa { ids, .. } | Self::CodePoints { ids } | Self::PiperPhonemes { ids, .. } => ids.encode(phonemes),
            Self::Characters { ids, .. } | Self::Phonemes { ids } => ids.encode(phonemes),
        }
    }
}

/// The accent to read English in: the voice's own, unless another dialect is asked for; none where another language is read.
fn accent(voice: &str, language: Option<Language>) -> Option<Accent> {
    let own = Accent::of_voice(voice);
    match language {
        Some(Language::English(dialect)) if own.is_none_or(|own| own.dialect() != dialect) => Some(match dialect {
            Dialect::American => Accent::American,
            Dialect::British => Accent::Received,
        }),
        Some(Language::English(_)) | None => own,
        Some(_) => None,
    }
}

/// The espeak-ng voice to read with: the model's own, unless another language is asked for.
fn espeak_voice(own: &str, language: Option<Language>) -> &str {
    let asked = match language {
        None => return own,
        Some(Language::French) => "fr-fr",
        Some(Language::Mandarin) => "cmn",
        Some(language) => language.tag(),
    };
    let primary = |voice: &str| voice.split(['-', '_']).next().map(str::to_ascii_lowercase);
    if primary(own) == primary(asked) { own } else { asked }
}
