//! The model, clause by clause.

use std::ops::Range;

use super::spell::{letter_names, spell};
use super::split::is_latin;
use super::{Kind, Phonemizer, Unit};
use crate::uroman;

/// A word of a clause.
struct Spoken {
    unit: usize,
    /// Its letters among those of the clause; may be none if the sound is known.
    letters: Range<usize>,
    /// Its sound, where the model is not to say. It is a neighbour all the same.
    sound: Option<String>,
}

/// Words that are said together.
#[derive(Default)]
struct Clause {
    letters: Vec<char>,
    words: Vec<Spoken>,
}

impl Clause {
    fn push(&mut self, unit: usize, letters: Vec<char>, sound: Option<String>) {
        if letters.is_empty() && sound.is_none() {
            return;
        }
        if !self.letters.is_empty() && !letters.is_empty() {
            self.letters.push(' ');
        }
        let start = self.letters.len();
        self.letters.extend(letters);
        self.words.push(Spoken { unit, letters: start..self.letters.len(), sound });
    }
}

impl Phonemizer {
    /// Fills in what the units sound like.
    pub(super) fn say(&self, text: &str, units: &mut [Unit]) {
        let mut clause = Clause::default();
        for i in 0..units.len() {
            let written = &text[units[i].range.clone()];
            match &units[i].kind {
                Kind::Mark { breaks: true } => self.say_clause(&std::mem::take(&mut clause), units),
                Kind::Mark { breaks: false } | Kind::Silent(_) => {}
                Kind::User => {
                    let sound = std::mem::take(&mut units[i].phonemes);
                    clause.push(i, spell(written, &self.model), Some(sound));
                }
                Kind::Word => self.push_word(i, written, &mut clause),
                // In scripts of their own the names are words that the model reads.
                Kind::Spelled(_) if self.traits.latin => {
                    for letter in written.chars().filter(|c| c.is_alphabetic()) {
                        self.push_letter(i, letter, &mut clause);
                    }
                }
                Kind::Reading(words) | Kind::Spelled(words) => {
                    let pauses = |c: char| c.is_whitespace() || matches!(c, ',' | ';' | ':' | '.');
                    for word in words.split(pauses).filter(|word| !word.is_empty()) {
                        self.push_word(i, word, &mut clause);
                    }
                }
            }
            if units[i].paragraph_after {
                self.say_clause(&std::mem::take(&mut clause), units);
            }
        }
        self.say_clause(&clause, units);
    }

    /// Adds a word to the clause.
    fn push_word(&self, unit: usize, word: &str, clause: &mut Clause) {
        let read = |c: char| self.model.knows(c) && !is_latin(c);
        if !self.traits.latin && !word.chars().any(read) {
            clause.push(unit, Vec::new(), Some(self.foreign(word)));
        } else {
            clause.push(unit, spell(word, &self.model), letter_names(word, self.traits));
        }
    }

    /// Adds a letter that is said by its name.
    fn push_letter(&self, unit: usize, letter: char, clause: &mut Clause) {
        let lower = letter.to_lowercase().next().unwrap_or(letter);
        let name = self.traits.letter_name(lower).map(str::to_owned);
        clause.push(unit, spell(&letter.to_string(), &self.model), name);
    }

    /// What a word sounds like in letters that the model of a language in another script does not read.
    fn foreign(&self, word: &str) -> String {
        if word.chars().any(is_latin) { self.latin.say(word) } else { self.latin.say(&uroman::romanize(word)) }
    }

    /// Gives each word its part of what the model says of the clause.
    fn say_clause(&self, clause: &Clause, units: &mut [Unit]) {
        let sounds = self.model.sounds(&clause.letters);
        let mut joined = false;
        for (at, word) in clause.words.iter().enumerate() {
            let next = clause.words.get(at + 1);
            // What the blank after it sounds like, which belongs to the one word or to the other: a liaison.
            let between = next.filter(|next| !word.letters.is_empty() && !next.letters.is_empty());
            let between = between.and_then(|_| sounds.get(word.letters.end).copied());
            let sound = word.sound.clone().unwrap_or_else(|| self.sound(clause, word, &sounds));
            let unit = &mut units[word.unit];
            if !unit.phonemes.is_empty() && !joined && !sound.is_empty() {
                unit.phonemes.push(' ');
            }
            unit.phonemes += &sound;
            let by_model = word.sound.is_none() && next.is_some_and(|next| next.sound.is_none());
            joined = by_model && between.is_some_and(|between| !between.contains(' '));
            if joined && next.is_some_and(|next| next.unit == word.unit + 1) {
                unit.whitespace = false;
            }
        }
    }

    /// What the model says of a word in its clause; of the word alone, if it has no sound there.
    fn sound(&self, clause: &Clause, word: &Spoken, sounds: &[&str]) -> String {
        let blank_before = word.letters.start.checked_sub(1).map_or("", |before| sounds[before]);
        let blank_after = sounds.get(word.letters.end).copied().unwrap_or_default();
        let before = blank_before.split_once(' ').map_or("", |(_, rest)| rest);
        let after = blank_after.split_once(' ').map_or(blank_after, |(rest, _)| rest);
        let sound = [before, &sounds[word.letters.clone()].concat(), after].concat();
        let sound = sound.split_whitespace().collect::<Vec<_>>().join(" ");
        if sound.is_empty() {
            self.model.transcribe(&clause.letters[word.letters.clone()]).trim().to_owned()
        } else {
            sound
        }
    }
}
