//! What is said: the texts of `definitions`, which `tools/bench` reads, too.

use lumivox::convert::vits::{Config, Text};
use lumivox::convert::{Family, ModelFile};
use serde::Deserialize;

use crate::error::{Error, Result};

/// Families that read different symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Kokoro: misaki's phonemes.
    Kokoro,
    /// Piper voices: espeak-ng's phonemes.
    Piper,
    /// MMS-TTS and other VITS models that read letters.
    Mms,
}

impl Kind {
    /// The family of a model file.
    ///
    /// # Errors
    /// If the file's configuration can't be read, or nothing is known of its family.
    pub fn of(file: &ModelFile) -> Result<Self> {
        let metadata = file.metadata();
        match metadata.family {
            Family::Kokoro => Ok(Self::Kokoro),
            Family::Vits => {
                let config = Config::parse(&metadata.config).map_err(|error| Error::Model(error.to_string()))?;
                Ok(match config.text {
                    Text::Piper(_) => Self::Piper,
                    Text::Mms(_) => Self::Mms,
                })
            }
            other => Err(Error::Model(format!("there are no texts for {other} models"))),
        }
    }

    /// As the definitions call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kokoro => "kokoro",
            Self::Piper => "piper",
            Self::Mms => "mms",
        }
    }

    fn definition(self) -> &'static str {
        match self {
            Self::Kokoro => include_str!("../definitions/kokoro.toml"),
            Self::Piper => include_str!("../definitions/piper.toml"),
            Self::Mms => include_str!("../definitions/mms.toml"),
        }
    }
}

/// A text in segments, said one after another.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What it is called: its length in characters, `word` or `60s`.
    pub name: String,
    /// Characters of the text.
    pub characters: usize,
    /// Each segment's phonemes (or letters), in the model's symbols.
    pub segments: Vec<String>,
}

#[derive(Deserialize)]
struct Definition {
    cases: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    name: String,
    characters: usize,
    segments: Vec<SegmentEntry>,
}

#[derive(Deserialize)]
struct SegmentEntry {
    phonemes: String,
}

/// The texts called `names`, in the order of the definition; if there are no names, all whose name is a length.
///
/// # Errors
/// If a name is unknown.
pub fn cases(kind: Kind, names: &[String]) -> Result<Vec<Case>> {
    let definition: Definition =
        toml::from_str(kind.definition()).map_err(|error| Error::Definition(error.to_string()))?;
    let case = |entry: Entry| Case {
        name: entry.name,
        characters: entry.characters,
        segments: entry.segments.into_iter().map(|segment| segment.phonemes).collect(),
    };
    let all: Vec<Case> = definition.cases.into_iter().map(case).collect();
    if let Some(name) = names.iter().find(|name| *name != "all" && !all.iter().any(|case| case.name == **name)) {
        let mut known: Vec<&str> = all.iter().map(|case| case.name.as_str()).collect();
        known.push("all");
        return Err(Error::UnknownText { name: name.clone(), kind: kind.name(), known: known.join(", ") });
    }
    let is_length = |case: &Case| case.name.bytes().all(|byte| byte.is_ascii_digit());
    let chosen = |case: &Case| match names {
        [] => is_length(case),
        names => names.iter().any(|name| name == "all" || *name == case.name),
    };
    Ok(all.into_iter().filter(chosen).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(kind: Kind, chosen: &[&str]) -> Vec<String> {
        let chosen: Vec<String> = chosen.iter().map(|name| (*name).to_owned()).collect();
        cases(kind, &chosen).unwrap().into_iter().map(|case| case.name).collect()
    }

    #[test]
    fn texts_are_chosen_by_name() {
        assert_eq!(names(Kind::Kokoro, &[]), ["44", "122", "174"]);
        assert_eq!(names(Kind::Piper, &[]), ["41", "178"]);
        assert_eq!(names(Kind::Mms, &["178", "word"]), ["word", "178"]);
        assert_eq!(names(Kind::Kokoro, &["all"]), ["word", "44", "122", "174", "60s"]);
        let error = cases(Kind::Piper, &["44".into()]).unwrap_err().to_string();
        assert!(error.contains("no text `44` for piper models; there are word, 41, 178, 60s, all"), "{error}");
    }

    #[test]
    fn characters_and_segments_are_the_definitions() {
        let case = &cases(Kind::Kokoro, &["122".into()]).unwrap()[0];
        assert_eq!((case.characters, case.segments.len()), (122, 2));
        assert!(case.segments[0].starts_with("ðə skˈI"));
    }
}
