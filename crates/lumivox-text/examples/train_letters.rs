//! Trains the letter-to-sound model of a dialect on the gold dictionary and measures it on held-out words.
//!
//! `cargo run --release -p lumivox-text --example train_letters -- en-us 22 8 10 OUT.bin`, then
//! `zstd --ultra -22 OUT.bin`; the arguments are dialect, bits of the table, passes, levels of a weight, output.

use std::error::Error;

use lumivox_text::letter_to_sound::{Options, Reach, train};
use lumivox_text::{Dialect, evaluation, gold_entries};

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [dialect, bits, epochs, levels, output] = args.as_slice() else {
        return Err("usage: train_letters DIALECT BITS EPOCHS LEVELS OUTPUT".into());
    };
    let (learned, held_out) = evaluation::split(gold_entries(dialect.parse::<Dialect>()?)?);
    let options = Options {
        bits: bits.parse()?,
        epochs: epochs.parse()?,
        levels: levels.parse()?,
        seed: 12345,
        reach: Reach::Word,
    };
    println!("{} words to learn, {} held out", learned.len(), held_out.len());
    let model = train(&learned, options, |epoch, wrong| println!("pass {epoch}: {:.3} % wrong", 100.0 * wrong));
    let errors = evaluation::errors(&model, &held_out);
    println!("held out: {errors}");
    std::fs::write(output, model.to_bytes())?;
    Ok(())
}
