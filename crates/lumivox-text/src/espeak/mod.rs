//! Phonemes from an installed espeak-ng: for Piper's voices in languages that this crate has no front-end for, and for Kokoro where it is asked for.
//!
//! espeak-ng (GPL) is no part of this crate: it is run as a program, a few dozen clauses at a time, through pipes. Its output
//! becomes tokens the way piper-tts makes phonemes of it (`phonemize_espeak.py`, `EspeakPhonemizer.phonemize`).

mod clauses;
mod misaki;
mod process;

use std::path::PathBuf;
use std::time::Duration;

use crate::characters::{self, loss};
use crate::error::{Error, Result};
use crate::language::Language;
use crate::token::{Phonemized, Reason, Source, Token, Warning};
use clauses::{Clause, clauses};

/// Clauses that one process gets; each takes some milliseconds.
const CLAUSES_AT_ONCE: usize = 64;

/// How long a process may take by default.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A voice of the installed espeak-ng.
#[derive(Debug, Clone)]
pub struct Espeak {
    program: PathBuf,
    voice: String,
    timeout: Duration,
    /// The language whose Kokoro symbols are written instead of IPA.
    kokoro: Option<Language>,
}

impl Espeak {
    /// The voice `voice` of the `espeak-ng` or else the `espeak` that is found in the search path.
    ///
    /// # Errors
    /// [`Error::NoEspeak`] if there is none, [`Error::NoEspeakVoice`] if it doesn't have the voice, [`Error::Espeak`] if it
    /// fails.
    pub fn new(voice: &str) -> Result<Self> {
        match Self::with_program("espeak-ng", voice, TIMEOUT) {
            Err(missing @ Error::NoEspeak { .. }) => Self::with_program("espeak", voice, TIMEOUT)
                .map_err(|error| if matches!(error, Error::NoEspeak { .. }) { missing } else { error }),
            found => found,
        }
    }

    /// What is found likewise, writing the symbols that Kokoro reads: as misaki reads the language where its dictionaries don't know it.
    ///
    /// # Errors
    /// As [`Espeak::new`], and [`Error::NoEspeakReading`] for Japanese and Mandarin, which Kokoro was not taught from espeak-ng.
    pub fn for_kokoro(language: Language) -> Result<Self> {
        Ok(Self { kokoro: Some(language), ..Self::new(misaki::voice(language)?)? })
    }

    /// The voice of a program that takes espeak-ng's options; it is given up on when it takes longer than `timeout` for some
    /// dozen clauses.
    ///
    /// # Errors
    /// As [`Espeak::new`].
    pub fn with_program(program: impl Into<PathBuf>, voice: &str, timeout: Duration) -> Result<Self> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '+' | '/');
        if !voice.starts_with(|c: char| c.is_ascii_alphanumeric()) || !voice.chars().all(plain) {
            return Err(Error::NoEspeakVoice(voice.escape_debug().to_string()));
        }
        let espeak = Self { program: program.into(), voice: voice.to_owned(), timeout, kokoro: None };
        espeak.run("\n")?;
        Ok(espeak)
    }

    /// Turns text into tokens with espeak-ng's IPA, without ties, or Kokoro's symbols. Of punctuation the marks `, . ; : ! ?` are left, where they end
    /// a clause; other scripts' marks become those that piper-tts makes of them, and an ellipsis becomes `,` or `.`.
    ///
    /// A word has a token of its own where espeak-ng writes as many words as the clause has; else the clause is one token. What
    /// espeak-ng doesn't say is reported.
    ///
    /// # Errors
    /// [`Error::NoEspeak`] or [`Error::Espeak`] if the program fails or takes too long.
    pub fn phonemize(&self, text: &str) -> Result<Phonemized> {
        let mut tokens = characters::tokens(text);
        let clauses = clauses(text, &mut tokens);
        let mut said = Vec::with_capacity(clauses.len());
        for batch in clauses.chunks(CLAUSES_AT_ONCE) {
            said.extend(self.say(batch)?);
        }
        let mut whole = assemble(text, tokens, &clauses, &said);
        if let Some(language) = self.kokoro {
            for token in whole.tokens.iter_mut().filter(|token| token.source == Source::Espeak) {
                token.phonemes = misaki::symbols(&token.phonemes, language);
            }
        }
        Ok(whole)
    }

    /// What espeak-ng writes for each clause. A blank line goes behind each, which comes back as one, so that a clause that comes
    /// back in several lines is told apart; if that doesn't come out even, every clause is said by a process of its own.
    fn say(&self, clauses: &[Clause]) -> Result<Vec<String>> {
        let input: String = clauses.iter().map(|clause| format!("{}\n\n", clause.line)).collect();
        let output = self.run(&input)?;
        let mut said = Vec::with_capacity(clauses.len());
        let mut lines = output.lines();
        while let Some(first) = lines.next() {
            let more = lines.by_ref().map(str::trim).take_while(|line| !line.is_empty());
            said.push(more.fold(plain(first), |said, line| format!("{said} {}", plain(line))).trim().to_owned());
        }
        if said.len() == clauses.len() {
            return Ok(said);
        }
        let alone = |clause: &Clause| {
            let output = self.run(&format!("{}\n", clause.line))?;
            Ok(output.split_whitespace().map(plain).collect::<Vec<_>>().join(" ").trim().to_owned())
        };
        clauses.iter().map(alone).collect()
    }

    fn run(&self, input: &str) -> Result<String> {
        let tie = format!("--tie={}", misaki::TIE);
        let mut arguments = vec!["-q", "--ipa", "-b", "1", "-v", &self.voice];
        arguments.extend(self.kokoro.map(|_| tie.as_str()));
        process::run(&self.program, &arguments, input, self.timeout).map_err(|error| match error {
            Error::Espeak(reason)
                if reason.contains("voice does not exist") || reason.contains("Failed to read voice") =>
            {
                Error::NoEspeakVoice(self.voice.clone())
            }
            other => other,
        })
    }
}

/// A line without the flags "(en)" that stand around words said in another language.
fn plain(line: &str) -> String {
    let mut kept = String::with_capacity(line.len());
    let mut rest = line.trim();
    while let Some((before, after)) = rest.split_once('(') {
        kept.push_str(before);
        match after.split_once(')') {
            Some((_, behind)) => rest = behind,
            None => rest = after,
        }
    }
    kept + rest
}

/// The tokens with their sounds.
fn assemble(text: &str, tokens: Vec<Token>, clauses: &[Clause], said: &[String]) -> Phonemized {
    let mut whole = Phonemized::default();
    let mut sounds = clauses.iter().zip(said).peekable();
    let mut tokens = tokens.into_iter().enumerate().peekable();
    while let Some((i, token)) = tokens.next() {
        let Some((clause, first)) = sounds.next_if(|(clause, _)| clause.tokens.start == i) else {
            whole.tokens.push(token);
            continue;
        };
        // A word too long for one line is in several.
        let mut phonemes = first.clone();
        while let Some((_, more)) = sounds.next_if(|(next, _)| next.tokens == clause.tokens) {
            phonemes += more;
        }
        let mut own = vec![token];
        while let Some((_, token)) = tokens.next_if(|(i, _)| clause.tokens.contains(i)) {
            own.push(token);
        }
        say_clause(text, own, &phonemes, &mut whole);
    }
    whole
}

/// Gives the words of a clause their sounds.
fn say_clause(text: &str, mut tokens: Vec<Token>, phonemes: &str, whole: &mut Phonemized) {
    let words: Vec<&str> = phonemes.split_whitespace().collect();
    let count = tokens.iter().filter(|token| token.source == Source::Characters).count();
    if words.is_empty() {
        for token in tokens.iter().filter(|token| token.source == Source::Characters) {
            if let Some(reason) = token.text.chars().find_map(loss) {
                let reason = if reason == Reason::Vocabulary { Reason::Script } else { reason };
                whole.warnings.push(Warning { text: token.text.clone(), span: token.span.clone(), reason });
            }
        }
    } else if words.len() == count {
        let spoken = tokens.iter_mut().filter(|token| token.source == Source::Characters);
        for (token, word) in spoken.zip(words) {
            (token.phonemes, token.source) = (word.to_owned(), Source::Espeak);
        }
    } else if let (Some(first), Some(last)) = (tokens.first(), tokens.last()) {
        let span = first.span.start..last.span.end;
        let (written, phonemes) = (text[span.clone()].to_owned(), words.join(" "));
        tokens = vec![Token {
            text: written.clone(),
            span,
            spoken: written,
            phonemes,
            source: Source::Espeak,
            ..last.clone()
        }];
    }
    whole.tokens.append(&mut tokens);
}
