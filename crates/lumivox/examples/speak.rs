//! `cargo run --release -p lumivox --example speak -- "Hello, world!" hello.wav`: Kokoro, fetched on first use.

use std::error::Error;
use std::path::Path;

use lumivox::audio::{SampleFormat, WavFile};
use lumivox::{Input, Options, Synthesizer, store};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [text, path] = &arguments[..] else { return Err("usage: speak TEXT OUT.wav".into()) };
    let synthesizer = Synthesizer::open(&store::resolve("kokoro", &())?, None)?;
    let mut wav = WavFile::create(Path::new(path), synthesizer.sample_rate_hz(), SampleFormat::I16)?;
    for chunk in synthesizer.speak(Input::Text(text), &Options::new("af_heart"))? {
        wav.write(&chunk?.samples)?;
    }
    Ok(wav.finish()?)
}
