//! `cargo run --release -p lumivox --example timestamps -- "Hello there."`: when each word sounds, with its phonemes and its bytes of the text, and the same as subtitles.

use std::error::Error;

use lumivox::{Input, Options, Synthesizer, store};

fn main() -> Result<(), Box<dyn Error>> {
    let text = std::env::args().nth(1).ok_or("usage: timestamps TEXT")?;
    let synthesizer = Synthesizer::open(&store::resolve("piper-joe", &())?, None)?;
    let mut speech = synthesizer.speak(Input::Text(&text), &Options::default())?;
    // Times are known when the audio is.
    for chunk in &mut speech {
        chunk?;
    }
    for word in &speech.timestamps().words {
        let phonemes: String = word.phonemes.iter().map(|phoneme| phoneme.symbol.as_str()).collect();
        println!("{:6.3} {:6.3}  {:<12} {phonemes}  {:?}", word.start_s, word.end_s, word.text, word.span);
    }
    println!("\n{}", speech.timestamps().to_srt(&text));
    for warning in speech.warnings() {
        eprintln!("warning: {warning}");
    }
    Ok(())
}
