//! Text that comes bit by bit, as it is typed or as a language model writes it: what of it can be said already.

use std::sync::Arc;

use lumivox::text::{Boundary, Source};
use lumivox::{Input, Options};

use super::{Engine, InputKind, SpeechRequest};
use crate::error::{ApiError, Result};

/// The first clause is not waited for longer than this many characters.
const FIRST_CLAUSE: usize = 40;

/// Up to this many bytes without the end of a sentence, all of them are read again whenever a clause ends; beyond, less and less often. Else a text without
/// sentences that comes character by character would take time in proportion to its square.
const ALWAYS_READ_BYTES: usize = 2000;

/// Collects text, and gives out what is complete.
pub struct Typed {
    engine: Arc<Engine>,
    request: SpeechRequest,
    text: String,
    /// Bytes of everything that came.
    came_bytes: usize,
    is_first: bool,
    /// Bytes that were waiting when they were last read, and nothing was complete.
    read_bytes: usize,
}

impl Typed {
    /// Nothing is typed yet. What is said is said as `request`, whose input counts for nothing.
    pub fn new(engine: Arc<Engine>, request: SpeechRequest) -> Self {
        Self { engine, request, text: String::new(), came_bytes: 0, is_first: true, read_bytes: 0 }
    }

    /// Adds text, and gives what can be said now: whole sentences; at first a clause, so that something is heard soon.
    ///
    /// # Errors
    /// If there is no such model or voice, or the text is too long.
    pub async fn push(&mut self, text: &str) -> Result<Option<SpeechRequest>> {
        self.came_bytes += text.len();
        let limit = self.engine.config().max_text_bytes;
        if self.came_bytes > limit {
            return Err(ApiError::TooLarge(format!("this server takes up to {limit} bytes of text at a time")));
        }
        self.text.push_str(text);
        if !text.contains(ends) || !is_due(self.text.len(), self.read_bytes) {
            return Ok(None);
        }
        self.read_bytes = self.text.len();
        let (engine, request) =
            (Arc::clone(&self.engine), SpeechRequest { input: self.text.clone(), ..self.request.clone() });
        let is_first = self.is_first;
        let complete = tokio::task::spawn_blocking(move || complete(&engine, &request, is_first)).await;
        let end = complete.map_err(|error| ApiError::Internal(error.to_string()))??;
        if end == 0 {
            return Ok(None);
        }
        let rest = self.text.split_off(end);
        Ok(self.take(rest))
    }

    /// Everything that is left.
    pub fn finish(&mut self) -> Option<SpeechRequest> {
        self.take(String::new())
    }

    fn take(&mut self, rest: String) -> Option<SpeechRequest> {
        let input = std::mem::replace(&mut self.text, rest);
        if input.trim().is_empty() {
            return None;
        }
        self.is_first = false;
        self.read_bytes = 0;
        Some(SpeechRequest { input, ..self.request.clone() })
    }
}

/// Whether text is worth another look.
fn is_due(waiting_bytes: usize, read_bytes: usize) -> bool {
    waiting_bytes >= read_bytes + read_bytes.saturating_sub(ALWAYS_READ_BYTES) / 8
}

/// Whether a clause may end with `c`.
fn ends(c: char) -> bool {
    c == '\n' || ".!?…:;,—。！？、，।".contains(c)
}

/// Bytes up to the end of the last sentence behind which there is more text; or of the last clause if nothing was said yet.
fn complete(engine: &Engine, request: &SpeechRequest, is_first: bool) -> Result<usize> {
    if request.kind != InputKind::Text {
        return Ok(0);
    }
    let model = engine.models.get(&request.model)?;
    let options = Options { voice: model.voice(request.options.voice.as_deref()), ..request.options.clone() };
    let speech = match model.synthesizer.speak(Input::Text(&request.input), &options) {
        // Marks alone, so far.
        Err(lumivox::Error::NothingToSay { .. }) => return Ok(0),
        speech => speech?,
    };
    let tokens = &speech.read().tokens;
    let before_more = tokens.iter().rposition(|token| token.source != Source::Punctuation).unwrap_or(0);
    let earlier = &tokens[..before_more];
    let sentence = earlier.iter().rfind(|token| token.boundary >= Boundary::Sentence);
    let clause = || {
        let mark = earlier.iter().rfind(|token| token.source == Source::Punctuation && token.text.contains(ends));
        mark.filter(|mark| is_first && request.input[..mark.span.end].chars().count() >= FIRST_CLAUSE)
    };
    Ok(sentence.or_else(clause).map_or(0, |token| token.span.end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_sentences_is_not_read_for_each_of_its_characters() {
        let (mut read_bytes, mut all_bytes) = (0, 0);
        for waiting_bytes in 1..=100_000 {
            if is_due(waiting_bytes, read_bytes) {
                (read_bytes, all_bytes) = (waiting_bytes, all_bytes + waiting_bytes);
            }
            assert!(waiting_bytes > ALWAYS_READ_BYTES || read_bytes == waiting_bytes);
        }
        // Each time would be 5 GB.
        assert!(all_bytes < 10_000_000, "{all_bytes}");
        assert!(read_bytes > 80_000);
    }
}
