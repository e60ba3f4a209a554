//! Trains the letter-to-sound model of a language on clauses and words, and measures it on held-out sentences.
//!
//! `cargo run --release -p lumivox-text --example train_clauses -- es es.tsv SENTENCES.json 22 7 12 es.letters`, then
//! `zstd --ultra -22 es.letters`; the arguments are the language, what `tools/lexicon/espeak_languages.py` wrote, bits of the
//! table, passes, levels of a weight, output.

use std::error::Error;

use lumivox_text::Phonemizer;
use lumivox_text::evaluation::Agreement;
use lumivox_text::letter_to_sound::{Options, Reach, train};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [language, pairs, sentences, bits, epochs, levels, output] = args.as_slice() else {
        return Err("usage: train_clauses LANGUAGE PAIRS.tsv SENTENCES.json BITS EPOCHS LEVELS OUTPUT".into());
    };
    let pairs = std::fs::read_to_string(pairs)?;
    let pairs: Vec<(String, String)> =
        pairs.lines().filter_map(|line| line.split_once('\t')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    let sentences: Vec<(String, String)> = serde_json::from_str(&std::fs::read_to_string(sentences)?)?;
    let options = Options {
        bits: bits.parse()?,
        epochs: epochs.parse()?,
        levels: levels.parse()?,
        seed: 12345,
        reach: Reach::Clause,
    };
    println!("{} clauses and words", pairs.len());
    let model = train(&pairs, options, |epoch, wrong| println!("pass {epoch}: {:.3} % wrong", 100.0 * wrong));
    std::fs::write(output, model.to_bytes())?;
    let phonemizer = Phonemizer::with_model(language.parse()?, model)?;
    let mut agreement = Agreement::default();
    for (text, phonemes) in &sentences {
        agreement.add(&phonemizer.phonemize(text).phonemes(), phonemes);
    }
    println!("held out: {agreement}");
    Ok(())
}
