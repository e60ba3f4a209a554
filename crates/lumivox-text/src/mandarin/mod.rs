//! The Mandarin front-end: text to tokens with Kokoro's symbols, as misaki 0.9.4 makes them for Kokoro v1.0 (`zh.py`, the path
//! without tone sandhi).
//!
//! Numbers and signs are read first (`normalize`), then runs of Han characters are cut into words (`segmentation`), each word
//! gets its pinyin and that its IPA (`readings`). Words of other scripts are read by the English front-end.

mod marks;
mod normalize;
mod numbers;
mod readings;
mod segmentation;
mod word_list;

use std::thread;

use crate::characters;
use crate::cjk::{Foreign, Glyph, Kind, Output, foreign_end, glyphs};
use crate::english::Grade;
use crate::english::source_text::{Markup, Override};
use crate::error::Result;
use crate::language::{FrontEnd, Language};
use crate::normalize::Emoji;
use crate::token::{Phonemized, Reason, Source};
use readings::Readings;
use segmentation::Segmentation;

/// The front-end for Mandarin, with its dictionaries loaded.
///
/// ```
/// use lumivox_text::{FrontEnd, Mandarin};
///
/// let mandarin = Mandarin::new()?;
/// assert_eq!(mandarin.phonemize("你好，世界！").phonemes(), "ni↓xau↓, ʂɨ↘ʨje↘!");
/// # Ok::<(), lumivox_text::Error>(())
/// ```
pub struct Mandarin {
    markup: Markup,
    segmentation: Segmentation,
    readings: Readings,
    foreign: Foreign,
}

impl Mandarin {
    /// Loads the data compiled into the crate. The English front-end is loaded when a text has a word for it.
    ///
    /// # Errors
    /// Fails only if that data is damaged.
    pub fn new() -> Result<Self> {
        let (segmentation, readings) = thread::scope(|scope| {
            let segmentation = scope.spawn(Segmentation::new);
            let readings = Readings::new();
            (segmentation.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), readings)
        });
        Ok(Self {
            markup: Markup::new()?,
            segmentation: segmentation?,
            readings: readings?,
            foreign: Foreign::default(),
        })
    }

    /// Says a stretch of text.
    fn say(&self, said: &[Glyph], output: &mut Output) {
        let mut at = 0;
        while at < said.len() {
            let glyph = &said[at];
            let run = |is_in: &dyn Fn(&Glyph) -> bool| said[at..].iter().take_while(|g| is_in(g)).count();
            if glyph.kind == Kind::Web {
                let end = at + run(&|g| g.kind == Kind::Web);
                self.say_foreign(&said[at..end], output);
                at = end;
            } else if is_word_character(glyph.c) {
                let end = at + run(&|g| is_word_character(g.c));
                self.say_words(&said[at..end], output);
                at = end;
            } else if is_han(glyph.c) {
                self.say_character(glyph, output);
                at += 1;
            } else if is_foreign(glyph.c) {
                let end = foreign_end(said, at, is_foreign);
                self.say_foreign(&said[at..end], output);
                at = end;
            } else {
                say_mark(glyph, output);
                at += 1;
            }
        }
    }

    fn say_foreign(&self, glyphs: &[Glyph], output: &mut Output) {
        if output.ends_with_word() {
            output.blank();
        }
        output.foreign(glyphs, &self.foreign, |token| match token.text.as_str() {
            // A letter, not the article.
            "A" => "ˈA".to_owned(),
            _ => token.phonemes.clone(),
        });
    }

    /// Words of Han characters.
    fn say_words(&self, run: &[Glyph], output: &mut Output) {
        let text: Vec<u16> = run.iter().filter_map(|g| u16::try_from(u32::from(g.c)).ok()).collect();
        let mut at = 0;
        for length in self.segmentation.cut(&text) {
            let word = &run[at..at + length];
            let (mut pinyin, mut ipa) = (Vec::new(), String::new());
            for syllable in self.readings.read(&text[at..at + length]).into_iter().flatten() {
                pinyin.push(syllable.pinyin.as_str());
                ipa += &syllable.ipa;
            }
            say_syllables(word, &pinyin.join(" "), &ipa, output);
            at += length;
        }
    }

    /// A character that is in no dictionary of words.
    fn say_character(&self, glyph: &Glyph, output: &mut Output) {
        let syllable = self.readings.of(glyph.c, 0);
        let (pinyin, ipa) = syllable.map_or(("", ""), |s| (&s.pinyin, &s.ipa));
        say_syllables(std::slice::from_ref(glyph), pinyin, ipa, output);
    }
}

impl FrontEnd for Mandarin {
    /// Any text is accepted; the time is linear in its length. What is neither white space nor plain punctuation lies in the span
    /// of a token with sound, or a warning tells of it.
    fn read(&self, text: &str, emoji: Emoji) -> Phonemized {
        let names = emoji.names(Language::Mandarin);
        let source = self.markup.read(text);
        let mut output = Output::new(text, &source);
        let mut at = 0;
        for (range, asked) in &source.overrides {
            let Override::Phonemes(phonemes) = asked else { continue };
            self.say(&normalize::normalize(&glyphs(&source.text, at..range.start, names)), &mut output);
            if output.ends_with_word() {
                output.blank();
            }
            output.user(range.clone(), phonemes);
            at = range.end;
        }
        self.say(&normalize::normalize(&glyphs(&source.text, at..source.text.len(), names)), &mut output);
        output.finish()
    }
}

fn say_syllables(word: &[Glyph], pinyin: &str, ipa: &str, output: &mut Output) {
    let (Some(first), Some(last)) = (word.first(), word.last()) else { return };
    let from = first.from.start..last.from.end;
    if ipa.is_empty() {
        output.silent(from, Reason::Script);
        return;
    }
    if output.ends_with_word() {
        output.blank();
    }
    let read = word.iter().any(|glyph| glyph.kind == Kind::Read);
    output.word(from, pinyin, ipa, if read { Source::Normalizer } else { Source::Lexicon(Grade::Gold) });
}

fn say_mark(glyph: &Glyph, output: &mut Output) {
    let (c, from) = (glyph.c, glyph.from.clone());
    if c.is_whitespace() {
        output.white_space(c, true);
    } else if let Some((blank_before, symbol, blank_after)) = marks::mark(c) {
        if blank_before {
            output.blank();
        }
        output.mark(from, symbol);
        if blank_after {
            output.blank();
        }
    } else if let Some(reason) = characters::loss(c) {
        output.silent(from, reason);
    } else if "#%&@§¶‰‱*/\\＃％＆＠＊／＼٪".contains(c) {
        output.silent(from, Reason::Symbol);
    } else if c == '\u{20E3}' {
        output.absorb(from);
    } else {
        output.mark(from, "");
    }
}

/// Characters that words of the dictionary are made of.
fn is_word_character(c: char) -> bool {
    ('\u{4E00}'..='\u{9FFF}').contains(&c)
}

fn is_han(c: char) -> bool {
    matches!(c, '〇' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{3FFFF}')
}

/// Letters of other scripts.
fn is_foreign(c: char) -> bool {
    c.is_alphabetic() && !is_han(c)
}
