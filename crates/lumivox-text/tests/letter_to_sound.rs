//! The shipped letter-to-sound models on the words that were held out of their training.

#![allow(clippy::unwrap_used)] // test code

use lumivox_text::{Dialect, English, evaluation, gold_entries};

fn check(dialect: Dialect, phoneme_percent: f64, unstressed_percent: f64) {
    let (learned, held_out) = evaluation::split(gold_entries(dialect).unwrap());
    assert!(learned.len() > 75_000 && held_out.len() > 2_000);
    let errors = evaluation::errors(English::new(dialect).unwrap().letter_to_sound(), &held_out);
    println!("{dialect}: {errors}");
    assert!(errors.phoneme_percent < phoneme_percent, "{errors}");
    assert!(errors.phoneme_unstressed_percent < unstressed_percent, "{errors}");
}

#[test]
fn american_words_held_out() {
    check(Dialect::American, 9.0, 6.5);
}

#[test]
fn british_words_held_out() {
    check(Dialect::British, 9.7, 7.1);
}
