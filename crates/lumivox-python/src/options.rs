//! What is to be said and how, from keyword arguments.

use std::sync::Arc;

use lumivox::store::{JAPANESE_DICTIONARY, Store};
use lumivox::text::{Emoji, Language, UserLexicon};
use lumivox::{G2p, Input, Options};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};

use crate::errors;

/// How a text is to be taken.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Ssml,
    Phonemes,
}

/// What is to be said, and how.
pub struct Request {
    pub text: String,
    kind: Kind,
    pub options: Options,
}

impl Request {
    /// Reads the keyword arguments of `Synthesizer.speak`; a value of `None` is as good as none.
    ///
    /// # Errors
    /// `TypeError` for an argument that is not known or of another type, `OptionError` for a value that can't be.
    pub fn new(text: &Bound<PyString>, arguments: Option<&Bound<PyDict>>) -> PyResult<Self> {
        let Ok(text) = text.to_cow() else {
            return Err(errors::option("the text has lone surrogates, which are no characters".into()));
        };
        let (mut options, mut ssml, mut phonemes) = (Options::default(), false, false);
        for (key, value) in arguments.into_iter().flatten() {
            let key: String = key.extract()?;
            let value = &value;
            if value.is_none() {
                continue;
            }
            match key.as_str() {
                "voice" => options.voice = Some(get(&key, value)?),
                "language" => options.language = Some(language(&get::<String>(&key, value)?)?),
                "g2p" => options.g2p = g2p(&get::<String>(&key, value)?)?,
                "emoji" => options.emoji = if get(&key, value)? { Emoji::Name } else { Emoji::Skip },
                "speed" => options.speed = get(&key, value)?,
                "length_scale" => options.length_scale = Some(get(&key, value)?),
                "noise_scale" => options.noise_scale = Some(get(&key, value)?),
                "noise_w" => options.noise_w = Some(get(&key, value)?),
                "sentence_silence" => options.sentence_silence_s = get(&key, value)?,
                "paragraph_silence" => options.paragraph_silence_s = Some(get(&key, value)?),
                "lexicon" => options.lexicon = Some(lexicon(value)?),
                "seed" => options.seed = get(&key, value)?,
                "max_text_bytes" => options.max_text_bytes = get(&key, value)?,
                "ssml" => ssml = get(&key, value)?,
                "phonemes" => phonemes = get(&key, value)?,
                _ => return Err(PyTypeError::new_err(format!("there is no option `{key}`"))),
            }
        }
        let kind = match (ssml, phonemes) {
            (true, true) => return Err(errors::option("a text is either ssml or phonemes".into())),
            (true, false) => Kind::Ssml,
            (false, true) => Kind::Phonemes,
            (false, false) => Kind::Text,
        };
        Ok(Self { text: text.into_owned(), kind, options })
    }

    /// The text as the engine takes it.
    pub fn input(&self) -> Input<'_> {
        match self.kind {
            Kind::Text => Input::Text(&self.text),
            Kind::Ssml => Input::Ssml(&self.text),
            Kind::Phonemes => Input::Phonemes(&self.text),
        }
    }

    /// Pulls the dictionary by which Japanese is read, if that is asked for and it is not here. Returns why it can't be had.
    pub fn pull_dictionary(&self) -> Option<String> {
        if !self.options.needs_japanese_dictionary() {
            return None;
        }
        let pulled = Store::open().and_then(|store| store.dictionary(JAPANESE_DICTIONARY, false, &()));
        pulled.err().map(|error| {
            format!("the dictionary of Japanese is not here and can't be fetched ({error}); kanji are not read")
        })
    }
}

/// The value of an argument, whose name is told if it has another type.
pub fn get<'a, 'py, T: FromPyObject<'a, 'py>>(key: &str, value: &'a Bound<'py, PyAny>) -> PyResult<T> {
    value.extract::<T>().map_err(|error| {
        let error: PyErr = error.into();
        if error.is_instance_of::<PyOverflowError>(value.py()) {
            return errors::option(format!("`{key}`: {}", error.value(value.py())));
        }
        let named = PyTypeError::new_err(format!("`{key}`: {}", error.value(value.py())));
        named.set_cause(value.py(), Some(error));
        named
    })
}

fn language(tag: &str) -> PyResult<Language> {
    tag.parse().map_err(|error| errors::option(format!("the language `{tag}` is not known: {error}")))
}

fn g2p(name: &str) -> PyResult<G2p> {
    match name {
        "builtin" => Ok(G2p::Builtin),
        "espeak" => Ok(G2p::Espeak),
        _ => Err(errors::option(format!("`g2p` is \"builtin\" or \"espeak\", not \"{name}\""))),
    }
}

/// Pronunciations in a dictionary of words and their phonemes.
fn lexicon(value: &Bound<PyAny>) -> PyResult<Arc<UserLexicon>> {
    let words: std::collections::BTreeMap<String, String> =
        value.extract().map_err(|_| PyTypeError::new_err("`lexicon` is a dict of words and their phonemes"))?;
    let json = serde_json::to_string(&words).map_err(|error| errors::option(error.to_string()))?;
    UserLexicon::parse(&json).map(Arc::new).map_err(|error| errors::option(format!("the lexicon: {error}")))
}
