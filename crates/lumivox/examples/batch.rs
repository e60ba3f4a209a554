//! `cargo run --release -p lumivox --example batch -- FOLDER < lines.txt`: a file a line, over one model, several at a time: its threads
//! share whatever there is to compute, so that none waits for the end of a line.

use std::error::Error;
use std::path::Path;

use lumivox::audio::{SampleFormat, WavFile};
use lumivox::{Input, Options, Synthesizer, store};
use rayon::prelude::*;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::args().nth(1).ok_or("usage: batch FOLDER < LINES")?;
    std::fs::create_dir_all(&folder)?;
    let lines: Vec<String> = std::io::stdin().lines().collect::<Result<_, _>>()?;
    let model = store::resolve("piper-joe", &())?;
    let synthesizer = Synthesizer::open(&model, None)?;
    let say = |(number, line): (usize, &String)| -> lumivox::Result<()> {
        let path = Path::new(&folder).join(format!("{number:04}.wav"));
        let mut wav = WavFile::create(&path, synthesizer.sample_rate_hz(), SampleFormat::I16)?;
        for chunk in synthesizer.speak(Input::Text(line), &Options::default())? {
            wav.write(&chunk?.samples)?;
        }
        wav.finish()
    };
    // One that fails keeps no other from being said.
    let results: Vec<_> = lines.par_iter().enumerate().map(say).collect();
    let failed: Vec<_> =
        results.iter().enumerate().filter_map(|(line, result)| Some((line, result.as_ref().err()?))).collect();
    for (line, error) in &failed {
        eprintln!("line {line}: {error}");
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("{} of {} lines failed", failed.len(), lines.len()).into()) }
}
