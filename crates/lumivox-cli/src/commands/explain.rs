//! `lumivox explain`

use std::process::ExitCode;

use anyhow::Result;
use lumivox::KOKORO_SEGMENT_LIMITS;
use lumivox::text::{English, Phonemized, Segment, segments};

use super::read_text;
use crate::args::ExplainArguments;
use crate::output::{note, print, table};

/// The longest text that is explained, in bytes.
const MAX_TEXT_BYTES: usize = 500_000;

/// Shows how a text is read.
pub fn run(arguments: &ExplainArguments) -> Result<ExitCode> {
    let input = read_text(arguments.text.as_deref(), None, MAX_TEXT_BYTES)?;
    let read = English::new(arguments.language)?.phonemize(&input);
    let segments = segments(&read, &KOKORO_SEGMENT_LIMITS);
    if arguments.json {
        print(&format!("{}\n", json(&read, &segments)?))?;
    } else {
        print(&text(&read, &segments))?;
    }
    for warning in &read.warnings {
        note(format_args!("warning: {warning}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Each segment's phonemes, and under them a line a token: as written, as spoken where that differs, phonemes, source.
fn text(read: &Phonemized, segments: &[Segment]) -> String {
    let rows = read.tokens.iter().map(|token| {
        let spoken = if token.spoken == token.text { String::new() } else { token.spoken.clone() };
        vec![token.text.clone(), spoken, token.phonemes.clone(), token.source.to_string()]
    });
    let table = table(&rows.collect::<Vec<_>>());
    let mut text = String::new();
    for (index, line) in table.lines().enumerate() {
        if let Some(segment) = segments.iter().find(|segment| segment.tokens.start == index) {
            text.push_str(&format!("{}{}\n", if index > 0 { "\n" } else { "" }, segment.phonemes));
        }
        text.push_str(&format!("  {line}\n"));
    }
    text
}

fn json(read: &Phonemized, segments: &[Segment]) -> Result<String> {
    let tokens: Vec<_> = read
        .tokens
        .iter()
        .map(|token| {
            serde_json::json!({
                "text": token.text, "start": token.span.start, "end": token.span.end, "spoken": token.spoken,
                "phonemes": token.phonemes, "source": token.source.to_string(),
            })
        })
        .collect();
    let segments: Vec<_> = segments
        .iter()
        .map(|segment| serde_json::json!({ "phonemes": segment.phonemes, "tokens": [segment.tokens.start, segment.tokens.end] }))
        .collect();
    let warnings: Vec<_> = read
        .warnings
        .iter()
        .map(|w| serde_json::json!({ "text": w.text, "start": w.span.start, "end": w.span.end, "warning": w.to_string() }))
        .collect();
    Ok(serde_json::to_string_pretty(
        &serde_json::json!({ "tokens": tokens, "segments": segments, "warnings": warnings }),
    )?)
}
