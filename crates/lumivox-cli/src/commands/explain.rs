//! `lumivox explain`

use std::io::{self, IsTerminal};
use std::process::ExitCode;

use anyhow::Result;
use lumivox::text::{Dialect, Language, Phonemized, Segment, Source, Token, segments};
use lumivox::{DeviceChoice, FrontEnds, Input, KOKORO_SEGMENT_LIMITS, Options, Warning};
use serde_json::{Value, json};

use super::{load, pull_dictionary, read_text, with_reading};
use crate::args::{ComputeArguments, ExplainArguments, Precision};
use crate::output::{Style, note, print, styled, table};

/// The longest text that is explained, in bytes.
const MAX_TEXT_BYTES: usize = 500_000;

/// Shows how a text is read.
pub fn run(arguments: &ExplainArguments) -> Result<ExitCode> {
    let input = read_text(arguments.text.as_deref(), None, MAX_TEXT_BYTES)?;
    let options = Options { language: arguments.language, max_text_bytes: MAX_TEXT_BYTES, ..Options::default() };
    let options = with_reading(&arguments.reading, options)?;
    let Some(model) = &arguments.model else {
        pull_dictionary(&options, false);
        let language = options.language.unwrap_or(Language::English(Dialect::American));
        let read = FrontEnds::default().read(&input, language, &options)?;
        let warnings: Vec<(Value, String)> = read.warnings.iter().map(|w| (place(w), w.to_string())).collect();
        return show(&read, &segments(&read, &KOKORO_SEGMENT_LIMITS), &warnings, arguments.json);
    };
    // Nothing is computed.
    let compute =
        ComputeArguments { device: DeviceChoice::Cpu, cuda_graphs: false, threads: None, precision: Precision::F32 };
    let loaded = load(Some(model), &options, &compute, false)?;
    let speech = loaded.synthesizer.speak(Input::Text(&input), &options)?;
    let place = |warning: &Warning| match warning {
        Warning::Text(warning) | Warning::Cut(warning) => place(warning),
        Warning::Markup(notice) => json!({ "line": notice.line, "column": notice.column }),
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
        // https://no-color.org: any value but an empty one.
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        print(&text(read, segments, io::stdout().is_terminal() && !plain))?;
    }
    for (_, warning) in warnings {
        note(format_args!("warning: {warning}"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Each segment's phonemes, and under them a line a token: bytes, as written, as spoken where that differs, phonemes, source.
fn text(read: &Phonemized, segments: &[Segment], coloured: bool) -> String {
    let rows = read.tokens.iter().map(|token| {
        let spoken = if token.spoken == token.text { String::new() } else { token.spoken.clone() };
        let bytes = format!("{}..{}", token.span.start, token.span.end);
        vec![bytes, token.text.replace(['\n', '\t'], " "), spoken, token.phonemes.clone(), token.source.to_string()]
    });
    let table = table(&rows.collect::<Vec<_>>());
    let mut text = String::new();
    for (index, (line, token)) in table.lines().zip(&read.tokens).enumerate() {
        if let Some(segment) = segments.iter().find(|segment| segment.tokens.start == index) {
            let phonemes = styled(&segment.phonemes, Style::Bold, coloured);
            text.push_str(&format!("{}{phonemes}\n", if index > 0 { "\n" } else { "" }));
        }
        text.push_str(&format!("  {}\n", styled(line, style(token), coloured)));
    }
    text
}

/// What stands out: what is not said, what a model guessed, what is read otherwise than written, and what the user gave.
fn style(token: &Token) -> Style {
    match token.source {
        Source::Silent => Style::Red,
        Source::Model => Style::Yellow,
        Source::Normalizer => Style::Cyan,
        Source::User => Style::Green,
        Source::Punctuation => Style::Dim,
        _ if token.phonemes.is_empty() => Style::Red,
        _ => Style::Plain,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other_and_colours_only_where_asked() {
        let read = lumivox::text::English::new(Dialect::American).unwrap().phonemize("Dr. Zyx 🎉 paid $5.");
        let segments = segments(&read, &KOKORO_SEGMENT_LIMITS);
        let plain = text(&read, &segments, false);
        assert!(!plain.contains('\x1b'));
        let column = |line: &str, word: &str| line.find(word).map(|at| line[..at].chars().count());
        let lines: Vec<&str> = plain.lines().collect();
        assert_eq!(column(lines[1], "Dr."), column(lines[2], "Zyx"));
        assert_eq!(column(lines[1], "doctor"), lines.iter().find_map(|line| column(line, "five dollars")));
        assert!(lines[1].trim_start().starts_with("0..3"), "{plain}");
        let coloured = text(&read, &segments, true);
        let lines: Vec<&str> = coloured.lines().collect();
        assert!(lines[1].starts_with("  \x1b[36m0..3") && lines[1].ends_with("\x1b[0m"), "{coloured:?}");
        assert!(lines[2].contains("\x1b[33m"));
    }
}
