//! `lumivox inspect`

use std::fmt::Write;
use std::process::ExitCode;

use anyhow::Result;
use lumivox::convert::{Family, ModelFile, vits};

use super::open;
use crate::args::InspectArguments;
use crate::output::print;

/// Shows a model file's metadata, and its tensors if asked for.
pub fn run(arguments: &InspectArguments) -> Result<ExitCode> {
    let file = open(&arguments.model)?;
    let text = if arguments.json { format!("{}\n", json(&file, arguments)?) } else { text(&file, arguments)? };
    print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(file: &ModelFile, arguments: &InspectArguments) -> Result<String> {
    let metadata = file.metadata();
    let voices: Vec<&str> = file.voices().collect();
    let mut text = String::new();
    writeln!(text, "family       {}", metadata.family)?;
    writeln!(text, "tensors      {}, {:?}", file.tensors().count() - voices.len(), file.dtype())?;
    writeln!(text, "parameters   {}", file.parameters())?;
    writeln!(text, "sample rate  {} Hz", metadata.sample_rate_hz)?;
    writeln!(text, "languages    {}", metadata.languages.join(" "))?;
    writeln!(text, "licence      {}", metadata.license)?;
    writeln!(text, "source       {} ({})", metadata.source.file, metadata.source.kind)?;
    writeln!(text, "             SHA-256 {}", metadata.source.sha256)?;
    writeln!(text, "             converted by {}", metadata.source.converter)?;
    for (quantization, tensors) in &metadata.source.dequantized {
        writeln!(
            text,
            "             {tensors} tensors de-quantised from {quantization}: not exactly the original weights"
        )?;
    }
    match speakers(file)? {
        Some(speakers) => writeln!(text, "speakers     {speakers}")?,
        None => writeln!(text, "voices       {}", voices.len())?,
    }
    for row in voices.chunks(6) {
        writeln!(text, "             {}", row.join(" "))?;
    }
    if arguments.tensors {
        for (name, tensor) in file.tensors() {
            writeln!(text, "{name}  {:?}", tensor.shape())?;
        }
    }
    Ok(text)
}

/// The number of speakers of a VITS model; Kokoro has voices instead.
fn speakers(file: &ModelFile) -> Result<Option<usize>> {
    Ok(match file.metadata().family {
        Family::Vits => Some(vits::Config::parse(&file.metadata().config)?.n_speakers),
        _ => None,
    })
}

fn json(file: &ModelFile, arguments: &InspectArguments) -> Result<String> {
    let metadata = file.metadata();
    let mut json = serde_json::json!({
        "family": metadata.family.to_string(),
        "tensors": file.tensors().count() - file.voices().count(),
        "dtype": format!("{:?}", file.dtype()),
        "parameters": file.parameters(),
        "sample_rate_hz": metadata.sample_rate_hz,
        "languages": metadata.languages,
        "license": metadata.license,
        "source": {
            "file": metadata.source.file, "kind": metadata.source.kind.to_string(), "sha256": metadata.source.sha256,
            "converter": metadata.source.converter, "dequantized": metadata.source.dequantized,
        },
        "voices": file.voices().collect::<Vec<_>>(),
        "speakers": speakers(file)?,
    });
    if arguments.tensors {
        let shapes = file.tensors().map(|(name, tensor)| (name.to_owned(), serde_json::json!(tensor.shape())));
        json["shapes"] = serde_json::Value::Object(shapes.collect());
    }
    Ok(serde_json::to_string_pretty(&json)?)
}
