//! `lumivox explain`

use std::process::ExitCode;

use anyhow::Result;
use lumivox::text::{Dialect, Language, Phonemized, Segment, front_end, segments};
use lumivox::{DeviceChoice, Input, KOKORO_SEGMENT_LIMITS, Options, Warning};
use serde_json::{Value, json};

use super::{load, read_text};
use crate::args::{ComputeArguments, ExplainArguments, Precision};
use crate::output::{note, print, table};

/// The longest text that is explained, in bytes.
const MAX_TEXT_BYTES: usize = 500_000;

/// Shows how a text is read.
pub fn run(arguments: &ExplainArguments) -> Result<ExitCode> {
    let input = read_text(arguments.text.as_deref(), None, MAX_TEXT_BYTES)?;
    let Some(model) = &arguments.model else {
        let read = front_end(arguments.language.unwrap_or(Language::English(Dialect::American)))?.phonemize(&input);
        let warnings: Vec<(Value, String)> = read.warnings.iter().map(|w| (place(w), w.to_string())).collect();
        return show(&read, &segments(&read, &KOKORO_SEGMENT_LIMITS), &warnings, arguments.json);
    };
    let options = Options { language: arguments.language, max_text_bytes: MAX_TEXT_BYTES, ..Options::default() };
    // Nothing is computed.
    let compute =
        ComputeArguments { device: DeviceChoice::Cpu, cuda_graphs: false, threads: None, precision: Precision::F32 };
    let loaded = load(Some(model), &options, &compute, false)?;
    let speech = loaded.synthesizer.speak(Input::Text(&input), &options)?;
    let place = |warning: &Warning| match warning {
        Warning::Text(warning) | Warning::Cut(warning) => place(warning),
        Warning::Symbol { symbol, .. } => json!({ "text": symbol }),
    };
    let warnings: Vec<(Value, String)> = speech.warnings().iter().map(|w| (place(w), w.to_string())).collect();
    show(speech.read(), speech.segments(), &warnings, arguments.json)
}

/// What of the text a warning is about.
fn place(warning: &lumivox::text::Warning) -> Value {
    json!({ "text": warning.text, "start": warning.span.start, "end": warning.span.end })
}

fn show(read: &Phonemized, segments: &[Segment], warnings: &[(Value, String)], as_json: bool) -> Result<ExitCode> {
    if as_json {
        print(&format!("{}\n", to_json(read, segments, warnings)?))?;
    } else {
        print(&text(read, segments))?;
    }
    for (_, warning) in warnings {
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

fn to_json(read: &Phonemized, segments: &[Segment], warnings: &[(Value, String)]) -> Result<String> {
    let tokens: Vec<_> = read
        .tokens
        .iter()
        .map(|token| {
            json!({
                "text": token.text, "start": token.span.start, "end": token.span.end, "spoken": token.spoken,
                "phonemes": token.phonemes, "source": token.source.to_string(),
            })
        })
        .collect();
    let segments: Vec<_> = segments
        .iter()
        .map(|segment| json!({ "phonemes": segment.phonemes, "tokens": [segment.tokens.start, segment.tokens.end] }))
        .collect();
    let warning = |(place, warning): &(Value, String)| {
        let mut place = place.clone();
        place["warning"] = json!(warning);
        place
    };
    let warnings: Vec<Value> = warnings.iter().map(warning).collect();
    Ok(serde_json::to_string_pretty(&json!({ "tokens": tokens, "segments": segments, "warnings": warnings }))?)
}
