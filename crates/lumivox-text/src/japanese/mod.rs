//! The Japanese front-end: text to tokens with the symbols that misaki 0.9.4's `JAG2P` writes for Kokoro (`cutlet.py`).
//!
//! Numbers and signs are read first (`normalize`); the rest is cut into words by a MeCab dictionary (`mecab`, `words`), words are
//! joined to those of misaki's list (`phrases`), and their kana become symbols (`kana`). Latin words are said in Japanese
//! (`latin`). The dictionary is a folder of files that is not part of the crate.

mod counters;
mod kana;
mod latin;
mod marks;
mod mecab;
mod normalize;
mod numbers;
mod phrases;
mod words;

use std::path::Path;
use std::thread;

use crate::characters;
use crate::cjk::{Foreign, Glyph, Kind, Output, foreign_end, glyphs};
use crate::english::Grade;
use crate::english::source_text::{Markup, Override};
use crate::error::Result;
use crate::language::{FrontEnd, Language};
use crate::normalize::Emoji;
use crate::token::{Phonemized, Reason, Source, Token};
use kana::is_kana;
use marks::Place;
use mecab::Dictionary;
use phrases::Phrases;
use words::{Word, is_kanji};

/// The front-end for Japanese, with its dictionary if there is one.
///
/// ```
/// use lumivox_text::{FrontEnd, Japanese};
///
/// let japanese = Japanese::without_dictionary()?;
/// assert_eq!(japanese.phonemize("こんにちは。").phonemes(), "koɲɲiʨiha.");
/// # Ok::<(), lumivox_text::Error>(())
/// ```
pub struct Japanese {
    markup: Markup,
    dictionary: Option<Dictionary>,
    phrases: Phrases,
    foreign: Foreign,
}

impl Japanese {
    /// Opens the compiled MeCab dictionary in `folder` (`sys.dic`, `unk.dic`, `matrix.bin`, `char.bin`): naist-jdic, as Open JTalk
    /// has it, IPADIC, or UniDic, by which misaki reads. The folder must stay as it is meanwhile, as features of words are read
    /// when they are needed.
    ///
    /// # Errors
    /// A file is missing or not of MeCab's format.
    pub fn open(folder: &Path) -> Result<Self> {
        let (dictionary, phrases) = thread::scope(|scope| {
            let phrases = scope.spawn(Phrases::new);
            let dictionary = Dictionary::open(folder);
            (dictionary, phrases.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        Self::new(Some(dictionary?), phrases?)
    }

    /// Without a dictionary: kana, numbers and Latin words are read, kanji are reported.
    ///
    /// # Errors
    /// Fails only if the data compiled into the crate is damaged.
    pub fn without_dictionary() -> Result<Self> {
        Self::new(None, Phrases::new()?)
    }

    fn new(dictionary: Option<Dictionary>, phrases: Phrases) -> Result<Self> {
        Ok(Self { markup: Markup::new()?, dictionary, phrases, foreign: Foreign::default() })
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
            } else if glyph.kind == Kind::Read {
                let end = at + run(&|g| g.kind == Kind::Read && g.from == glyph.from);
                let kana: String = said[at..end].iter().map(|g| g.c).collect();
                say_word(glyph.from.clone(), &kana, Source::Normalizer, output);
                at = end;
            } else if is_foreign(glyph.c) {
                let end = foreign_end(said, at, is_foreign);
                self.say_foreign(&said[at..end], output);
                at = end;
            } else {
                let end = at + stretch(&said[at..]);
                self.say_stretch(&said[at..end], output);
                at = end;
            }
        }
    }

    /// Latin words, each with a blank around it.
    fn say_foreign(&self, glyphs: &[Glyph], output: &mut Output) {
        output.foreign(glyphs, &self.foreign, |token| kana::symbols(&self.foreign_kana(token)));
        if output.ends_with_word() {
            output.blank();
        }
    }

    /// The kana of a Latin word: the dictionary's, the names of its letters, or its English sounds in kana.
    fn foreign_kana(&self, token: &Token) -> String {
        let wide = |c: char| char::from_u32(u32::from(c) + 0xFEE0).filter(|_| c.is_ascii_graphic()).unwrap_or(c);
        let written: String = token.text.chars().map(wide).collect();
        let known = self.dictionary.as_ref().filter(|_| written.chars().count() > 1).and_then(|dictionary| {
            let features = dictionary.known_features(dictionary.find(&written)?)?;
            words::pronunciation(&features)
        });
        known.or_else(|| latin::spelled(&token.text)).unwrap_or_else(|| latin::katakana(&token.phonemes))
    }

    /// Words and marks, without numbers and foreign words.
    fn say_stretch(&self, stretch: &[Glyph], output: &mut Output) {
        let text: String = stretch.iter().map(|glyph| glyph.c).collect();
        let words = match &self.dictionary {
            Some(dictionary) => words::by_dictionary(dictionary, &text),
            None => words::by_characters(&text),
        };
        let surfaces: Vec<&str> = words.iter().map(|word| word.surface.as_str()).collect();
        let (mut at, mut glyph) = (0, 0);
        while at < words.len() {
            let count = self.phrases.first(&surfaces[at..]);
            let group = &words[at..at + count];
            let (start, end) = (group[0].start, group[count - 1].end);
            for blank in &stretch[glyph..start] {
                output.white_space(blank.c, true);
            }
            self.say_group(group, &stretch[start..end], output);
            (at, glyph) = (at + count, end);
        }
        for blank in &stretch[glyph..] {
            output.white_space(blank.c, true);
        }
    }

    /// Words that are said as one.
    fn say_group(&self, group: &[Word], glyphs: &[Glyph], output: &mut Output) {
        if glyphs.iter().all(|glyph| !is_kana(glyph.c) && !is_kanji(glyph.c)) {
            for glyph in glyphs {
                say_mark(glyph, output);
            }
            return;
        }
        let from = glyphs[0].from.start..glyphs[glyphs.len() - 1].from.end;
        if group.iter().any(|word| word.kana.is_none()) && group.len() > 1 {
            for word in group {
                let start = word.start - group[0].start;
                self.say_group(std::slice::from_ref(word), &glyphs[start..start + word.end - word.start], output);
            }
            return;
        }
        let mut kana: String = group.iter().map(words::sounds).collect();
        // Numbers have blanks inside, words of the list have none.
        if group.len() > 1 || kana.contains(' ') && self.phrases.has(&group[0].surface) {
            kana.retain(|c| c != ' ');
        }
        if kana::symbols(&kana).is_empty() {
            let known = self.dictionary.is_some();
            output.silent(from, if known { Reason::Script } else { Reason::Dictionary });
            return;
        }
        let known = group.iter().any(|word| word.known);
        say_word(from, &kana, if known { Source::Lexicon(Grade::Gold) } else { Source::Characters }, output);
    }
}

impl FrontEnd for Japanese {
    /// Any text is accepted; the time is linear in its length. What is neither white space nor plain punctuation lies in the span
    /// of a token with sound, or a warning tells of it.
    fn read(&self, text: &str, emoji: Emoji) -> Phonemized {
        let names = emoji.names(Language::Japanese);
        let source = self.markup.read(text);
        let mut output = Output::new(text, &source);
        let mut at = 0;
        for (range, asked) in &source.overrides {
            let Override::Phonemes(phonemes) = asked else { continue };
            self.say(&normalize::normalize(&glyphs(&source.text, at..range.start, names)), &mut output);
            output.user(range.clone(), phonemes);
            output.blank();
            at = range.end;
        }
        self.say(&normalize::normalize(&glyphs(&source.text, at..source.text.len(), names)), &mut output);
        output.finish()
    }
}

/// How many of `glyphs`, which begin with one for the dictionary, go to it together: to the end of a sentence or line, or to what
/// it does not read.
fn stretch(glyphs: &[Glyph]) -> usize {
    let kind = glyphs[0].kind;
    let belongs = |glyph: &Glyph| glyph.kind == kind && !is_foreign(glyph.c);
    let ends = |c: char| "。！？!?\n\u{2029}".contains(c);
    let mut length = 1;
    while glyphs.get(length).is_some_and(belongs) {
        if ends(glyphs[length - 1].c) && !ends(glyphs[length].c) {
            break;
        }
        length += 1;
    }
    length
}

/// A word, with a blank after it. misaki writes none on either side of a stop (っ).
fn say_word(from: std::ops::Range<usize>, kana: &str, source: Source, output: &mut Output) {
    let symbols = kana::symbols(kana);
    if symbols.starts_with('ʔ') && output.ends_with_word() {
        output.no_blank();
    }
    output.word(from, kana, &symbols, source);
    if !symbols.ends_with('ʔ') {
        output.blank();
    }
}

fn say_mark(glyph: &Glyph, output: &mut Output) {
    let (c, from) = (glyph.c, glyph.from.clone());
    if c.is_whitespace() {
        output.white_space(c, true);
        return;
    }
    let Some((place, symbol)) = marks::mark(c) else {
        match characters::loss(c) {
            Some(reason) => output.silent(from, reason),
            None if c == '\u{20E3}' => output.absorb(from),
            None if "#%&@§¶‰‱*/\\".contains(c) => output.silent(from, Reason::Symbol),
            None => output.mark(from, ""),
        }
        return;
    };
    match place {
        Place::Opens => output.blank(),
        Place::Closes => output.no_blank(),
        Place::Apart => {}
    }
    output.mark(from, symbol);
    if place != Place::Opens {
        output.blank();
    }
}

/// Letters of other scripts.
fn is_foreign(c: char) -> bool {
    c.is_alphabetic() && !is_kana(c) && !is_kanji(c)
}
