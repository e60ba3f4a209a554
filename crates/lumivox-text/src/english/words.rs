//! One word to phonemes: dictionary, casing, function words in context, initialisms, and the endings -s, -ed, -ing.
//!
//! The rules and their order are those of misaki 0.9.4 (`en.py`, class `Lexicon`, Apache-2.0), so that the voices hear
//! the pronunciations they were trained on.

use super::Dialect;
use super::lexicon::{Grade, Lexicon, parent_tag};
use super::stress::{self, PRIMARY, SECONDARY};
use crate::token::Source;

/// What is known of the words that follow; words are therefore resolved from last to first.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Context {
    /// Whether the next sound is a vowel; `None` before a pause.
    pub future_vowel: Option<bool>,
    /// Whether the next word is "to".
    pub future_to: bool,
}

/// Phonemes and where they came from.
pub(crate) type Sound = (String, Source);

pub(crate) const GOLD: Source = Source::Lexicon(Grade::Gold);

/// The dictionary with the rules around it.
pub(crate) struct Words {
    pub lexicon: Lexicon,
    pub dialect: Dialect,
}

fn symbol_name(word: &str) -> Option<&'static str> {
    Some(match word {
        "%" => "percent",
        "&" => "and",
        "+" => "plus",
        "@" => "at",
        _ => return None,
    })
}

fn is_upper(word: &str) -> bool {
    !word.chars().any(char::is_lowercase)
}

fn is_lower(word: &str) -> bool {
    !word.chars().any(char::is_uppercase)
}

fn is_lexical(word: &str) -> bool {
    word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'\'' || b == b'-')
}

/// The level of stress that casing asks for: none for lower case, a little for a capital, full for capitals.
pub(crate) fn cap_stress(word: &str) -> Option<f32> {
    if is_lower(word) { None } else { Some(if is_upper(word) { 2.0 } else { 0.5 }) }
}

impl Words {
    /// Letter names run together, with the main stress on the last: "BBC" → `bˌibˌisˈi`.
    pub(crate) fn letters(&self, word: &str) -> Option<Sound> {
        let names: Option<String> = word
            .chars()
            .filter(|c| c.is_alphabetic())
            .map(|c| self.lexicon.gold(c.to_uppercase().collect::<String>().as_str())?.phonemes("", false))
            .collect();
        let mut names = stress::apply(&names?, Some(0.0));
        if let Some(last) = names.rfind(SECONDARY) {
            names.replace_range(last..last + SECONDARY.len_utf8(), PRIMARY.encode_utf8(&mut [0; 4]));
        }
        (!names.is_empty()).then_some((names, Source::Initialism))
    }

    fn special(&self, word: &str, tag: &str, level: Option<f32>, ctx: Context) -> Option<Sound> {
        let gold = |word| self.lexicon.gold(word).and_then(|e| e.phonemes("", false)).map(str::to_owned);
        let fixed = |ps: &str| Some((ps.to_owned(), Source::Context));
        if tag == "ADD" && (word == "." || word == "/") {
            return self.lookup(if word == "." { "dot" } else { "slash" }, "", Some(-0.5), ctx);
        } else if let Some(name) = symbol_name(word) {
            return self.lookup(name, "", None, ctx);
        } else if is_dotted_initialism(word) {
            return self.letters(word);
        }
        let nominal = tag.starts_with("NN");
        match word {
            "a" | "A" => fixed(if tag == "DT" { "ɐ" } else { "ˈA" }),
            "am" | "Am" | "AM" if nominal => self.letters(word),
            "am" if ctx.future_vowel.is_some() && level.is_none_or(|l| l <= 0.0) => fixed("ɐm"),
            "am" | "Am" | "AM" => Some((gold("am")?, GOLD)),
            "AN" if nominal => self.letters(word),
            "an" | "An" | "AN" => fixed("ɐn"),
            "I" if tag == "PRP" => fixed("ˌI"),
            "by" | "By" | "BY" if parent_tag(tag) == "ADV" => fixed("bˈI"),
            "to" | "To" | "TO" if word != "TO" || matches!(tag, "TO" | "IN") => match ctx.future_vowel {
                None => Some((gold("to")?, GOLD)),
                Some(vowel) => fixed(if vowel { "tʊ" } else { "tə" }),
            },
            "in" | "In" | "IN" if word != "IN" || tag != "NNP" => {
                fixed(if ctx.future_vowel.is_none() || tag != "IN" { "ˈɪn" } else { "ɪn" })
            }
            "the" | "The" | "THE" if word != "THE" || tag == "DT" => {
                fixed(if ctx.future_vowel == Some(true) { "ði" } else { "ðə" })
            }
            _ if tag == "IN" && matches!(word.to_ascii_lowercase().as_str(), "vs" | "vs.") => {
                self.lookup("versus", "", None, ctx)
            }
            "used" | "Used" | "USED" => {
                let to = matches!(tag, "VBD" | "JJ") && ctx.future_to;
                let entry = self.lexicon.gold("used")?;
                Some((entry.phonemes(if to { "VBD" } else { "" }, false)?.to_owned(), GOLD))
            }
            _ => None,
        }
    }

    /// Whether a dictionary or the rule for initialisms has something to say.
    fn is_known(&self, word: &str) -> bool {
        if self.lexicon.contains(word) || symbol_name(word).is_some() {
            return true;
        }
        if !word.chars().all(char::is_alphabetic) || !is_lexical(word) || word.is_empty() {
            return false;
        }
        word.len() == 1 || (is_upper(word) && self.lexicon.gold(&word.to_lowercase()).is_some()) || is_upper(&word[1..])
    }

    /// Dictionary look-up with casing, part of speech and stress.
    pub(crate) fn lookup(&self, word: &str, tag: &str, level: Option<f32>, ctx: Context) -> Option<Sound> {
        let lowered;
        let mut proper = false;
        let mut word = word;
        if is_upper(word) && self.lexicon.gold(word).is_none() {
            lowered = word.to_lowercase();
            word = &lowered;
            proper = tag == "NNP";
        }
        let entry = self.lexicon.gold(word).map(|e| (e, Grade::Gold));
        let entry =
            if proper { entry } else { entry.or_else(|| self.lexicon.silver(word).map(|e| (e, Grade::Silver))) };
        let phonemes = entry.and_then(|(e, grade)| Some((e.phonemes(tag, ctx.future_vowel.is_none())?, grade)));
        match phonemes {
            Some((ps, grade)) if !proper || ps.contains(PRIMARY) => {
                Some((stress::apply(ps, level), Source::Lexicon(grade)))
            }
            Some((ps, grade)) => {
                self.letters(word).or_else(|| Some((stress::apply(ps, level), Source::Lexicon(grade))))
            }
            None => self.letters(word),
        }
    }

    /// The plural, possessive or third-person ending after `stem`.
    pub(crate) fn suffix_s(&self, stem: &str) -> String {
        match stem.chars().last() {
            Some(c) if "ptkfθ".contains(c) => format!("{stem}s"),
            Some(c) if "szʃʒʧʤ".contains(c) => format!("{stem}{}z", self.weak_i()),
            _ => format!("{stem}z"),
        }
    }

    fn weak_i(&self) -> char {
        if self.dialect == Dialect::British { 'ɪ' } else { 'ᵻ' }
    }

    /// The past-tense ending after `stem`.
    pub(crate) fn suffix_ed(&self, stem: &str) -> String {
        match stem.chars().last() {
            Some(c) if "pkfθʃsʧ".contains(c) => format!("{stem}t"),
            Some('d') => format!("{stem}{}d", self.weak_i()),
            Some('t') if self.dialect == Dialect::British => format!("{stem}ɪd"),
            Some('t') => self.flapped(stem).map_or_else(|| format!("{stem}ᵻd"), |flapped| flapped + "ᵻd"),
            _ => format!("{stem}d"),
        }
    }

    /// The ending -ing after `stem`; none where British English would need a linking sound.
    pub(crate) fn suffix_ing(&self, stem: &str) -> Option<String> {
        if self.dialect == Dialect::British {
            return (!stem.ends_with(['ə', 'ː'])).then(|| format!("{stem}ɪŋ"));
        }
        Some(self.flapped(stem).unwrap_or_else(|| stem.to_owned()) + "ɪŋ")
    }

    /// American `t` between a vowel and an ending becomes a flap.
    fn flapped(&self, stem: &str) -> Option<String> {
        let body = stem.strip_suffix('t')?;
        body.ends_with(|c| "AIOWYiuæɑəɛɪɹʊʌ".contains(c)).then(|| format!("{body}ɾ"))
    }

    fn stem_s(&self, word: &str, tag: &str, level: Option<f32>, ctx: Context) -> Option<Sound> {
        if word.len() < 3 {
            return None;
        }
        let body = word.strip_suffix('s')?;
        let long = word.chars().count() > 4;
        let stem = if !word.ends_with("ss") && self.is_known(body) {
            body.to_owned()
        } else if let Some(stem) = word
            .strip_suffix("'s")
            .or_else(|| word.strip_suffix("es").filter(|_| long && !word.ends_with("ies")))
            .filter(|stem| self.is_known(stem))
        {
            stem.to_owned()
        } else {
            let stem = word.strip_suffix("ies").filter(|_| long)?.to_owned() + "y";
            self.is_known(&stem).then_some(stem)?
        };
        let (ps, source) = self.lookup(&stem, tag, level, ctx)?;
        Some((self.suffix_s(&ps), source.suffixed()))
    }

    fn stem_ed(&self, word: &str, tag: &str, level: Option<f32>, ctx: Context) -> Option<Sound> {
        if word.len() < 4 {
            return None;
        }
        let body = word.strip_suffix('d')?;
        let stem = if !word.ends_with("dd") && self.is_known(body) {
            body
        } else {
            word.strip_suffix("ed").filter(|s| s.len() > 2 && !s.ends_with('e') && self.is_known(s))?
        };
        let (ps, source) = self.lookup(stem, tag, level, ctx)?;
        Some((self.suffix_ed(&ps), source.suffixed()))
    }

    fn stem_ing(&self, word: &str, tag: &str, level: Option<f32>, ctx: Context) -> Option<Sound> {
        let body = word.strip_suffix("ing").filter(|b| b.len() > 1)?;
        let stem = if body.len() > 2 && self.is_known(body) {
            body.to_owned()
        } else if self.is_known(&format!("{body}e")) {
            format!("{body}e")
        } else {
            let shorter = has_doubled_end(body).then(|| &body[..body.len() - 1])?;
            (body.len() > 2 && self.is_known(shorter)).then(|| shorter.to_owned())?
        };
        let (ps, source) = self.lookup(&stem, tag, level, ctx)?;
        Some((self.suffix_ing(&ps)?, source.suffixed()))
    }

    /// A whole word: special cases, dictionary, possessives, endings.
    pub(crate) fn word(&self, word: &str, tag: &str, level: Option<f32>, ctx: Context) -> Option<Sound> {
        if let Some(sound) = self.special(word, tag, level, ctx) {
            return Some(sound);
        }
        let lowered = word.to_lowercase();
        let mut word = word;
        if self.loses_case(word, &lowered, tag, level, ctx) {
            word = &lowered;
        }
        if self.is_known(word) {
            return self.lookup(word, tag, level, ctx);
        }
        if let Some(body) = word.strip_suffix('\'') {
            let possessive = body.strip_suffix('s').map(|stem| format!("{stem}'s"));
            if let Some(possessive) = possessive.filter(|p| self.is_known(p)) {
                return self.lookup(&possessive, tag, level, ctx);
            } else if self.is_known(body) {
                return self.lookup(body, tag, level, ctx);
            }
        }
        self.stem_s(word, tag, level, ctx)
            .or_else(|| self.stem_ed(word, tag, level, ctx))
            .or_else(|| self.stem_ing(word, tag, level.or(Some(0.5)), ctx))
    }

    /// Whether a capitalised or all-capital word that has no entry of its own is read as its lower-case form.
    fn loses_case(&self, word: &str, lowered: &str, tag: &str, level: Option<f32>, ctx: Context) -> bool {
        let mut chars = word.chars();
        let tail_is_lower = chars.next().is_some() && is_lower(chars.as_str());
        word.chars().count() > 1
            && word.chars().all(|c| c.is_alphabetic() || c == '\'')
            && word != lowered
            && (tag != "NNP" || word.chars().count() > 7)
            && !self.lexicon.contains(word)
            && (is_upper(word) || tail_is_lower)
            && (self.lexicon.contains(lowered)
                || self.stem_s(lowered, tag, level, ctx).is_some()
                || self.stem_ed(lowered, tag, level, ctx).is_some()
                || self.stem_ing(lowered, tag, level, ctx).is_some())
    }
}

/// "U.S.", "e.g.", "Ph.D.": dots inside, and no part longer than two letters.
fn is_dotted_initialism(word: &str) -> bool {
    word.trim_matches('.').contains('.')
        && word.chars().all(|c| c == '.' || c.is_alphabetic())
        && word.split('.').all(|part| part.chars().count() < 3)
}

/// Whether a stem before -ing ends in a doubled consonant that its base form does not have.
fn has_doubled_end(body: &str) -> bool {
    let bytes = body.as_bytes();
    body.ends_with("ck") || matches!(bytes, [.., a, b] if a == b && b"bcdgklmnprstvxz".contains(b))
}
