//! Letters to phonemes: a hashed averaged perceptron that gives each letter zero to three phonemes. It reads words in no
//! dictionary from left to right, or, in languages whose words depend on their neighbours, whole clauses from right to left.
//!
//! A decision looks at the letters around, the last three decisions, whether the stress is already placed, and how many
//! vowel letters lie on either side. Features are hashed together with the decision into one table of small integers
//! (averaged perceptron: Collins 2002; feature hashing: Weinberger et al. 2009). Trained by `examples/train_letters.rs`
//! and `examples/train_clauses.rs`.

mod align;
mod clause;
mod features;
mod train;

use std::collections::BTreeMap;

pub use features::Reach;
pub use train::{Options, train};

use crate::data;
use crate::error::{Error, Result};
use features::{Context, History};

const NAME: &str = "letter-to-sound model";

/// A trained model.
pub struct Model {
    /// What a letter can sound like; the first is silence or the like, the order is the training's.
    labels: Vec<String>,
    /// For each letter the labels seen with it, most frequent first.
    candidates: BTreeMap<char, Vec<u32>>,
    /// Power of two in length.
    weights: Vec<i8>,
    reach: Reach,
}

/// The fourth section of a model of clauses; one of words has none.
const CLAUSES: &str = "clauses";

impl Model {
    /// Reads what [`Model::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`Error::Data`] if the bytes are cut short or refer to what is not there.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut rest = bytes;
        let labels: Vec<String> = data::text(NAME, &mut rest)?.split('\n').map(str::to_owned).collect();
        let mut candidates = BTreeMap::new();
        for line in data::text(NAME, &mut rest)?.lines() {
            // The letter may be a blank itself.
            let letter = line.chars().next().ok_or_else(|| Error::data(NAME, "no letter"))?;
            let fields = line[letter.len_utf8()..].split(' ').skip(1);
            let ids: Vec<u32> = fields.map(str::parse).collect::<Result<_, _>>().map_err(|e| Error::data(NAME, e))?;
            if ids.iter().any(|id| *id as usize >= labels.len()) {
                return Err(Error::data(NAME, "label out of range"));
            }
            candidates.insert(letter, ids);
        }
        let weights: Vec<i8> = data::section(NAME, &mut rest)?.iter().map(|b| b.cast_signed()).collect();
        if !weights.len().is_power_of_two() {
            return Err(Error::data(NAME, "the table's size is not a power of two"));
        }
        let reach = if rest.is_empty() {
            Reach::Word
        } else if data::text(NAME, &mut rest)? == CLAUSES {
            Reach::Clause
        } else {
            return Err(Error::data(NAME, "neither of words nor of clauses"));
        };
        Ok(Self { labels, candidates, weights, reach })
    }

    /// Three sections (little-endian u32 length, bytes): labels as lines, candidates as lines of `letter id id …`, weights. A
    /// fourth says `clauses` if that is what the model reads.
    pub fn to_bytes(&self) -> Vec<u8> {
        let line =
            |(letter, ids): (&char, &Vec<u32>)| ids.iter().fold(letter.to_string(), |line, id| format!("{line} {id}"));
        let candidates = self.candidates.iter().map(line).collect::<Vec<_>>().join("\n");
        let weights = self.weights.iter().map(|w| w.cast_unsigned()).collect();
        let mut bytes = Vec::new();
        let mut sections = vec![self.labels.join("\n").into_bytes(), candidates.into_bytes(), weights];
        if self.reach == Reach::Clause {
            sections.push(CLAUSES.into());
        }
        for section in sections {
            bytes.extend((section.len() as u32).to_le_bytes());
            bytes.extend(section);
        }
        bytes
    }

    /// Phonemes of a word or a clause in lower-case letters. Letters unknown to the model have no sound.
    pub fn transcribe(&self, letters: &[char]) -> String {
        self.sounds(letters).concat()
    }

    /// Whether the model knows the letter.
    pub fn knows(&self, letter: char) -> bool {
        self.candidates.contains_key(&letter)
    }

    /// The phonemes of each letter; a blank among them where one is heard.
    pub fn sounds(&self, letters: &[char]) -> Vec<&str> {
        let mask = self.weights.len() as u64 - 1;
        let mut context = Context::new(self.reach, letters);
        let mut history = History::default();
        let mut sounds = vec![""; letters.len()];
        for step in 0..letters.len() {
            let i = context.position(step, letters.len());
            let Some(candidates) = self.candidates.get(&letters[i]) else { continue };
            let active = context.at(i, &history);
            let score = |label: u32| {
                let hash = features::label_hash(label);
                active.iter().map(|f| i32::from(self.weights[((f ^ hash) & mask) as usize])).sum::<i32>()
            };
            // Of equals the more frequent.
            let best = candidates.iter().rev().max_by_key(|label| score(**label));
            if let Some(&best) = best {
                sounds[i] = &self.labels[best as usize];
                history.push(best, features::stress_of(sounds[i]));
            }
            if letters[i] == ' ' {
                history.next_word();
            }
        }
        sounds
    }
}
