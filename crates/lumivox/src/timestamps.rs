//! When each word and phoneme sounds: from the durations that the model decides, so exact to a frame.

use std::fmt::Write;
use std::ops::Range;

use lumivox_text::{Boundary, Source, Token};
use serde::Serialize;

/// Characters after which a subtitle ends at the next mark, and at the next word.
const CUE_CHARACTERS: (usize, usize) = (42, 84);

/// When a phoneme sounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PhonemeTime {
    /// The symbol; several characters where the model reads them as one.
    pub symbol: String,
    /// Its beginning, in seconds from the first sample.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
}

/// When a word sounds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WordTime {
    /// As written.
    pub text: String,
    /// Bytes of the input.
    #[serde(flatten, serialize_with = "start_and_end")]
    pub span: Range<usize>,
    /// Its beginning, in seconds from the first sample.
    pub start_s: f64,
    /// Its end.
    pub end_s: f64,
    /// Its phonemes, in the model's symbols.
    pub phonemes: Vec<PhonemeTime>,
    /// The word's token.
    #[serde(skip)]
    token: usize,
    /// Whether a sentence ends behind it, or a mark follows.
    #[serde(skip)]
    end: End,
}

/// What follows a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Word,
    Clause,
    Sentence,
}

fn start_and_end<S: serde::Serializer>(span: &Range<usize>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Span {
        start_byte: usize,
        end_byte: usize,
    }
    Span { start_byte: span.start, end_byte: span.end }.serialize(serializer)
}

/// When everything sounds, in the order of the text. Marks and silences have no entry; neither has what is not said.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Timestamps {
    /// Length of the audio.
    pub duration_s: f64,
    /// The words.
    pub words: Vec<WordTime>,
}

impl Timestamps {
    /// Adds the symbol of a token. Symbols come in order.
    pub(crate) fn push(&mut self, tokens: &[Token], token: usize, symbol: String, start_s: f64, end_s: f64) {
        let Token { text, span, source, boundary, .. } = &tokens[token];
        if *source == Source::Punctuation {
            return;
        }
        let phoneme = PhonemeTime { symbol, start_s, end_s };
        match self.words.last_mut() {
            Some(word) if word.token == token => {
                word.end_s = end_s;
                word.phonemes.push(phoneme);
            }
            _ => {
                let marks = tokens[token + 1..].iter().take_while(|token| token.source == Source::Punctuation);
                let marks: Vec<&Token> = marks.collect();
                let ends = |token: &&Token| token.boundary >= Boundary::Sentence;
                let end = if *boundary >= Boundary::Sentence || marks.iter().any(ends) {
                    End::Sentence
                } else if marks.is_empty() {
                    End::Word
                } else {
                    End::Clause
                };
                let (text, span) = (text.clone(), span.clone());
                self.words.push(WordTime { text, span, start_s, end_s, phonemes: vec![phoneme], token, end });
            }
        }
    }

    /// Adds those of a text that is said behind this one: `offset_s` seconds and `offset_bytes` bytes behind the beginning of all. No subtitle has words of
    /// both.
    pub fn append(&mut self, other: Timestamps, offset_s: f64, offset_bytes: usize) {
        if let Some(last) = self.words.last_mut() {
            last.end = End::Sentence;
        }
        self.duration_s = offset_s + other.duration_s;
        self.words.extend(other.words.into_iter().map(|mut word| {
            word.span = word.span.start + offset_bytes..word.span.end + offset_bytes;
            (word.start_s, word.end_s) = (word.start_s + offset_s, word.end_s + offset_s);
            for phoneme in &mut word.phonemes {
                (phoneme.start_s, phoneme.end_s) = (phoneme.start_s + offset_s, phoneme.end_s + offset_s);
            }
            word
        }));
    }

    /// JSON: `{"duration_s", "words": [{"text", "start_byte", "end_byte", "start_s", "end_s", "phonemes": [{"symbol", "start_s", "end_s"}]}]}`.
    ///
    /// # Errors
    /// Never for times that are finite.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string_pretty(self)
    }

    /// SubRip subtitles of `text`, the input that was said.
    ///
    /// # Panics
    /// Maybe, for another text.
    pub fn to_srt(&self, text: &str) -> String {
        let mut srt = String::new();
        for (i, (words, cue)) in self.cues(text).into_iter().enumerate() {
            let (start, end) = (clock(words[0].start_s, ','), clock(words[words.len() - 1].end_s, ','));
            // Writing to a string does not fail.
            let _ = write!(srt, "{}\n{start} --> {end}\n{}\n\n", i + 1, one_line(&text[cue]));
        }
        srt
    }

    /// WebVTT subtitles of `text`, the input that was said, with the time of each word inside.
    ///
    /// # Panics
    /// Maybe, for another text.
    pub fn to_vtt(&self, text: &str) -> String {
        let mut vtt = "WEBVTT\n".to_owned();
        for (words, cue) in self.cues(text) {
            let (start, end) = (clock(words[0].start_s, '.'), clock(words[words.len() - 1].end_s, '.'));
            let _ = write!(vtt, "\n{start} --> {end}\n");
            let mut done = cue.start;
            for word in &words[1..] {
                let _ =
                    write!(vtt, "{}<{}>", escaped(&one_line(&text[done..word.span.start])), clock(word.start_s, '.'));
                done = word.span.start;
            }
            vtt.push_str(escaped(&one_line(&text[done..cue.end])).trim_end());
            vtt.push('\n');
        }
        vtt
    }

    /// Words that are shown together, and the bytes of the text that they are shown as, marks included.
    fn cues(&self, text: &str) -> Vec<(&[WordTime], Range<usize>)> {
        let mut cues = Vec::new();
        let (mut first, mut start) = (0, 0);
        for (i, word) in self.words.iter().enumerate() {
            let characters = text[start..word.span.end].chars().count();
            let next = self.words.get(i + 1);
            let ends = match word.end {
                End::Sentence => true,
                End::Clause => characters >= CUE_CHARACTERS.0,
                End::Word => characters >= CUE_CHARACTERS.1,
            };
            if let Some(next) = next {
                // Where there is no space between words, as in Japanese, the next one begins the next line.
                let between = &text[word.span.end..next.span.start];
                if ends {
                    // A mark may stand by itself at the end of a paragraph.
                    let gap = between.find("\n\n").or_else(|| between.find(char::is_whitespace));
                    let end = gap.map_or(next.span.start, |gap| word.span.end + gap);
                    cues.push((&self.words[first..=i], start..end));
                    (first, start) = (i + 1, end + text[end..].len() - text[end..].trim_start().len());
                }
            } else {
                cues.push((&self.words[first..=i], start..text.len()));
            }
        }
        cues
    }
}

/// Every run of white space as one blank; an empty line would end a subtitle.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c.is_whitespace() {
            true if line.ends_with(' ') => {}
            true => line.push(' '),
            false => line.push(c),
        }
    }
    line
}

/// Text that WebVTT does not take for markup.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// `hh:mm:ss,mmm`
fn clock(time_s: f64, separator: char) -> String {
    let ms = (time_s * 1000.0).round() as u64;
    let (s, m, h) = (ms / 1000 % 60, ms / 60_000 % 60, ms / 3_600_000);
    format!("{h:02}:{m:02}:{s:02}{separator}{:03}", ms % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str, start: usize, source: Source, boundary: Boundary) -> Token {
        let span = start..start + text.len();
        let (spoken, phonemes) = (text.into(), text.into());
        Token { text: text.into(), span, spoken, phonemes, whitespace: true, source, boundary }
    }

    /// Each symbol takes a tenth of a second, marks too.
    fn times(text: &str) -> Timestamps {
        let mut tokens = Vec::new();
        for (start, word) in
            text.split_inclusive(' ').scan(0, |at, word| Some((std::mem::replace(at, *at + word.len()), word)))
        {
            let word = word.trim_end();
            let bare = word.trim_end_matches(['.', ',']);
            let sentence = if word.ends_with('.') { Boundary::Sentence } else { Boundary::None };
            tokens.push(token(bare, start, Source::Model, Boundary::None));
            if bare.len() < word.len() {
                tokens.push(token(&word[bare.len()..], start + bare.len(), Source::Punctuation, sentence));
            }
        }
        let (mut times, mut tenths) = (Timestamps::default(), 0);
        for index in 0..tokens.len() {
            for symbol in tokens[index].phonemes.clone().chars() {
                times.push(&tokens, index, symbol.into(), f64::from(tenths) / 10.0, f64::from(tenths + 1) / 10.0);
                tenths += 1;
            }
        }
        times.duration_s = f64::from(tenths) / 10.0;
        times
    }

    #[test]
    fn words_have_their_bytes_and_their_phonemes_times() {
        let json: serde_json::Value = serde_json::from_str(&times("A <bé>, c.").to_json().unwrap()).unwrap();
        assert_eq!(json["duration_s"], 0.8);
        let words = json["words"].as_array().unwrap();
        assert_eq!(words.len(), 3);
        let word = &words[1];
        assert_eq!((&word["text"], &word["start_byte"], &word["end_byte"]), (&"<bé>".into(), &2.into(), &7.into()));
        assert_eq!((word["start_s"].as_f64(), word["end_s"].as_f64()), (Some(0.1), Some(0.5)));
        assert_eq!(word["phonemes"][2], serde_json::json!({ "symbol": "é", "start_s": 0.3, "end_s": 0.4 }));
    }

    #[test]
    fn subtitles_end_with_sentences_and_hold_the_whole_text() {
        let text = "One, two. Three & four.";
        let srt = times(text).to_srt(text);
        let want = "1\n00:00:00,000 --> 00:00:00,700\nOne, two.\n\n2\n00:00:00,800 --> 00:00:01,800\nThree & four.\n\n";
        assert_eq!(srt, want);
        let vtt = times(text).to_vtt(text);
        assert!(vtt.contains("One, <00:00:00.400>two.\n\n"), "{vtt}");
        assert!(vtt.ends_with("\nThree <00:00:01.300>&amp; <00:00:01.400>four.\n"), "{vtt}");
    }

    #[test]
    fn texts_behind_each_other_have_times_and_bytes_of_the_whole() {
        let (first, second) = ("A title .", "One, two.");
        let text = format!("{first}\n\n{second}");
        let mut all = times(first);
        all.append(times(second), 10.0, first.len() + 2);
        let spans: Vec<&str> = all.words.iter().map(|word| &text[word.span.clone()]).collect();
        assert_eq!(spans, ["A", "title", "One", "two"]);
        assert_eq!((all.words[2].start_s, all.words[2].phonemes[1].end_s, all.duration_s), (10.0, 10.2, 10.8));
        assert!(all.to_srt(&text).contains("\nA title .\n\n2\n00:00:10,000 --> "), "{}", all.to_srt(&text));
    }

    #[test]
    fn long_sentences_are_cut_at_marks_else_between_words() {
        let text = format!("{}and so on, {}end.", "word ".repeat(9), "more ".repeat(30));
        let times = times(&text);
        let lines: Vec<String> = times.cues(&text).into_iter().map(|(_, cue)| text[cue].to_owned()).collect();
        assert!(lines[0].ends_with("so on,") && lines.len() == 3, "{lines:?}");
        assert!(lines.iter().all(|line| line.len() < 90));
        assert_eq!(lines.join(" "), text);
        assert_eq!(clock(3723.0456, '.'), "01:02:03.046");
    }
}
