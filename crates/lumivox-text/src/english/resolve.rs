//! Sounds for every unit, from the last to the first.

use unicode_normalization::UnicodeNormalization;

use super::compound::{self, Part};
use super::normalize::Say;
use super::numbers;
use super::stress;
use super::units::{Kind, Silent, Unit, is_plain_punctuation};
use super::words::{Context, Sound, cap_stress};
use super::{Dialect, English};
use crate::token::{Reason, Source};

impl Context {
    /// The context of the word before one that sounds like `phonemes`.
    fn before(self, phonemes: &str, text: &str, tag: &str) -> Self {
        let first = phonemes.chars().find_map(|c| match c {
            ';' | ':' | ',' | '.' | '!' | '?' | '—' | '…' => Some(None),
            c if stress::is_vowel(c) => Some(Some(true)),
            c if stress::is_consonant(c) => Some(Some(false)),
            _ => None,
        });
        Self {
            future_vowel: first.unwrap_or(self.future_vowel),
            future_to: matches!(text, "to" | "To") || (text == "TO" && matches!(tag, "TO" | "IN")),
        }
    }
}

impl English {
    /// Fills in the sounds; what has none is returned.
    pub(super) fn resolve(&self, text: &str, units: &mut [Unit]) -> Vec<Silent> {
        let mut silent = Vec::new();
        let mut ctx = Context::default();
        for unit in units.iter_mut().rev() {
            if unit.ends_sentence {
                ctx = Context::default();
            }
            match &mut unit.kind {
                Kind::Fixed(phonemes, _) => ctx = ctx.before(phonemes, "", ""),
                Kind::Item(say, phonemes) => {
                    let mut missing = Vec::new();
                    *phonemes = self.item(say, &mut ctx, &mut missing);
                    let mut end = unit.range.end;
                    for word in missing {
                        let found = text[unit.range.start..end].rfind(&word).map(|at| unit.range.start + at);
                        let range = found.map_or(unit.range.clone(), |start| start..start + word.len());
                        end = range.start;
                        silent.push((range, reason(&word)));
                    }
                }
                Kind::Word(parts) => {
                    self.word(parts, &mut ctx);
                    let any = parts.iter().any(|part| !part.phonemes().is_empty());
                    silent.extend(parts.iter().rev().filter_map(|part| silence(part, any)));
                }
            }
        }
        silent.reverse();
        silent
    }

    /// Phonemes of a reading; `missing` gets the words that have no sound, the last first.
    pub(super) fn item(&self, say: &[Say], ctx: &mut Context, missing: &mut Vec<String>) -> String {
        let mut sounds: Vec<String> = Vec::new();
        let mut possessive = false;
        for part in say.iter().rev() {
            match part {
                Say::Possessive => possessive = true,
                Say::Pause => {
                    sounds.push(",".to_owned());
                    ctx.future_vowel = None;
                }
                Say::Letters(letters) => {
                    let name = self.words.letters(letters).map(|(ps, _)| ps).unwrap_or_default();
                    if name.is_empty() {
                        missing.push(letters.clone());
                    }
                    *ctx = ctx.before(&name, "", "");
                    sounds.push(name);
                }
                Say::Words(words) => {
                    for word in words.rsplit([' ', '-']).filter(|w| !w.is_empty()) {
                        let mut sound = self.item_word(word, *ctx);
                        if sound.is_empty() {
                            missing.push(word.to_owned());
                        }
                        if std::mem::take(&mut possessive) {
                            sound = self.words.suffix_s(&sound);
                        }
                        *ctx = ctx.before(&sound, word, "");
                        sounds.push(sound);
                    }
                }
            }
        }
        let mut joined = String::new();
        for sound in sounds.iter().rev().filter(|s| !s.is_empty()) {
            if !joined.is_empty() && sound != "," {
                joined.push(' ');
            }
            joined += sound;
        }
        joined
    }

    /// A word of a reading: "a" and "the" as articles, "and" and "point" without stress.
    fn item_word(&self, word: &str, ctx: Context) -> String {
        let (tag, level) = match word {
            "a" | "the" => ("DT", None),
            "of" | "to" => ("IN", None),
            "point" => ("", Some(-2.0)),
            _ => ("", None),
        };
        let level = level.or_else(|| cap_stress(word));
        self.words.word(word, tag, level, ctx).or_else(|| self.unknown(word)).map(|(ps, _)| ps).unwrap_or_default()
    }

    /// Sounds of a word's parts: the longest known stretches first, from the end.
    fn word(&self, parts: &mut [Part], ctx: &mut Context) {
        if let [part] = parts {
            let found = self.stretch(std::slice::from_ref(part), true, *ctx).or_else(|| self.part(part, true));
            *ctx = ctx.before(found.as_ref().map_or("", |(ps, _)| ps), &part.text, part.tag);
            part.sound = found;
            return;
        }
        read_two_as_to(parts);
        let (mut left, mut right) = (0, parts.len());
        while left < right {
            if let Some(sound) = self.stretch(&parts[left..right], left == 0, *ctx) {
                let (text, tag, _) = compound::merge(&parts[left..right]);
                *ctx = ctx.before(&sound.0, &text, tag);
                let source = sound.1;
                parts[left..right].iter_mut().for_each(|p| p.sound = Some((String::new(), source)));
                parts[left].sound = Some(sound);
                right = left;
                left = 0;
            } else if left + 1 < right {
                left += 1;
            } else {
                right -= 1;
                left = 0;
                parts[right].sound = self.part(&parts[right], false);
                self.agree_possessive(&mut parts[right..]);
                *ctx = ctx.before(parts[right].phonemes(), &parts[right].text, parts[right].tag);
            }
        }
        compound::settle(parts);
    }

    /// Lets the ending of "X's" agree with an X that only the model could say.
    fn agree_possessive(&self, parts: &mut [Part]) {
        let [stem, apostrophe, s] = parts else { return };
        if let (Some((ps, _)), true, "s" | "S") =
            (&mut stem.sound, apostrophe.text.chars().all(compound::is_apostrophe), s.text.as_str())
        {
            *ps = self.words.suffix_s(ps);
            apostrophe.sound = Some((String::new(), Source::Silent));
            s.sound = Some((String::new(), Source::Silent));
        }
    }

    /// A stretch of parts as the dictionary or the rules for numbers have it.
    fn stretch(&self, parts: &[Part], is_head: bool, ctx: Context) -> Option<Sound> {
        let (text, tag, level) = compound::merge(parts);
        if text.contains(is_raised_or_lowered) {
            return None;
        }
        let plain: String = text.replace(['‘', '’'], "'");
        let plain = if plain.is_ascii() { plain } else { plain.nfkc().collect() };
        let sound = match self.words.word(&plain, tag, cap_stress(&plain), ctx) {
            Some(sound) => sound,
            None => self.digits(&plain, is_head, ctx)?,
        };
        Some((stress::apply(&sound.0, level), sound.1))
    }

    /// Digits in a word: whole numbers at its head, as in names behind ("A320": three twenty).
    fn digits(&self, text: &str, is_head: bool, ctx: Context) -> Option<Sound> {
        let body = text.trim_start_matches('-');
        let (number, suffix) =
            body.split_at(body.find(|c: char| c.is_ascii_alphabetic() || c == '\'').unwrap_or(body.len()));
        let numeric = number.chars().all(|c| c.is_ascii_digit() || c == ',' || c == '.');
        if !numeric || !number.contains(|c: char| c.is_ascii_digit()) || !matches!(suffix, "" | "s" | "'s") {
            return None;
        }
        let dialect = self.words.dialect;
        let year = number.len() == 4 && ("1001".."2100").contains(&number);
        let plain = number.bytes().all(|b| b.is_ascii_digit());
        let words = match number.as_bytes() {
            _ if year => numbers::year(number, dialect),
            _ if is_head || !plain => numbers::number(number, dialect),
            [b'0', ..] => numbers::spell(number),
            [_, b'0', b'0'] | [_] | [_, _] => numbers::cardinal(number, Dialect::American),
            [_, b'0', _] => format!("{} oh {}", numbers::spell(&number[..1]), numbers::spell(&number[2..])),
            [_, _, _] => format!("{} {}", numbers::spell(&number[..1]), numbers::cardinal(&number[1..], dialect)),
            _ => numbers::spell(number),
        };
        let mut say = vec![Say::Words(words)];
        if !suffix.is_empty() {
            say.push(Say::Possessive);
        }
        let mut ctx = ctx;
        Some((self.item(&say, &mut ctx, &mut Vec::new()), Source::Normalizer))
    }

    /// A part that no stretch covers: punctuation that the tagger took for something else, silent signs, else the
    /// letter-to-sound model.
    fn part(&self, part: &Part, alone: bool) -> Option<Sound> {
        if alone && part.text.chars().all(|c| ";:,.!?…".contains(c)) {
            return Some((part.text.clone(), Source::Punctuation));
        } else if part.is_junk() {
            return Some((String::new(), Source::Silent));
        }
        let (ps, source) = self.unknown(&part.text)?;
        Some((stress::apply(&ps, part.level), source))
    }
}

/// Digits above or below the line, which are no part of the number before them.
pub(super) fn is_raised_or_lowered(c: char) -> bool {
    matches!(c, '²' | '³' | '¹' | '⁰'..='⁹' | '₀'..='₉')
}

/// "B2B": a 2 between letters.
fn read_two_as_to(parts: &mut [Part]) {
    let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
    for i in 1..parts.len().saturating_sub(1) {
        if parts[i].text == "2"
            && letter(parts[i - 1].text.chars().next_back())
            && letter(parts[i + 1].text.chars().next())
        {
            parts[i].reading = Some("to");
        }
    }
}

/// Why a part is silent, if that is worth a warning: signs that join words are heard as the join, if there are words.
fn silence(part: &Part, in_words: bool) -> Option<Silent> {
    let plain = part.text.chars().all(is_plain_punctuation) || (in_words && part.is_junk());
    let silent = part.phonemes().is_empty() && !plain && (part.sound.is_none() || !in_words);
    silent.then(|| (part.start..part.start + part.text.len(), reason(&part.text)))
}

fn reason(text: &str) -> Reason {
    if text.contains(char::is_alphanumeric) { Reason::Script } else { Reason::Symbol }
}
