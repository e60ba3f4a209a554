//! How Japanese is read by the dictionary, which is pulled if it is not here.
#![allow(clippy::unwrap_used)] // test code

use std::collections::HashMap;

use lumivox::store::Store;
use lumivox::text::evaluation::distance;
use lumivox::text::{Emoji, FrontEnd, Japanese};

fn japanese() -> Japanese {
    let (folder, _) = Store::open().unwrap().dictionary("ja-dictionary", false, &()).unwrap();
    Japanese::open(&folder).unwrap()
}

/// Ground truth: `tools/reference/misaki_japanese.py`; marks and blanks are left out, as the dictionary's words are not UniDic's.
#[test]
fn japanese_is_read_nearly_as_by_misaki() {
    let japanese = japanese();
    let sounds = |phonemes: &str| -> Vec<char> {
        phonemes.chars().filter(|c| c.is_alphabetic() || "ːʔʲᵝ".contains(*c)).collect()
    };
    let (mut sentences, mut exact, mut errors, mut symbols) = (0, 0, 0, 0);
    for line in include_str!("../../lumivox-text/tests/data/japanese_misaki.tsv").lines() {
        let (text, wanted) = line.split_once('\t').unwrap();
        let (wanted, ours) = (sounds(wanted), sounds(&japanese.phonemize(text).phonemes()));
        sentences += 1;
        exact += usize::from(wanted == ours);
        errors += distance(&wanted, &ours);
        symbols += wanted.len();
    }
    println!("{exact} of {sentences} sentences, {errors} errors in {symbols} symbols");
    assert!(sentences >= 200 && exact >= 146 && errors * 1000 <= symbols * 15);
}

/// Japanese of the suite that `lumivox-text/tests/normalization.rs` tells of. What is said instead of what is written is compared by its sounds.
#[test]
fn readings_are_the_references() {
    let japanese = japanese();
    let sounds = |text: &str| -> String {
        japanese
            .read(text, Emoji::Name)
            .phonemes()
            .chars()
            .filter(|c| c.is_alphabetic() || "ːʔʲᵝ".contains(*c))
            .collect()
    };
    let rows = |file: &'static str| {
        file.lines().map(|line| line.split('\t').collect::<Vec<_>>()).filter(|fields| fields[0] == "ja")
    };
    let departures: HashMap<&str, &str> =
        rows(include_str!("../../lumivox-text/tests/data/normalization_departures.tsv"))
            .map(|f| (f[1], f[2]))
            .collect();
    let (mut agreeing, mut cases, mut failures) = (0, 0, Vec::new());
    for fields in rows(include_str!("../../lumivox-text/tests/data/normalization.tsv")) {
        let (written, spoken) = (fields[3], fields[4]);
        let ours = sounds(written);
        let agrees = spoken.split('~').any(|spoken| sounds(spoken) == ours);
        cases += 1;
        agreeing += usize::from(agrees);
        let fine = departures.get(written).map_or(agrees, |departure| !agrees && *departure == ours);
        if !fine {
            failures.push(format!("ja\t{written}\t{ours}\t{}\t{spoken}", sounds(spoken)));
        }
    }
    println!("{agreeing} of {cases} agree");
    assert!(failures.is_empty(), "{} cases:\n{}", failures.len(), failures.join("\n"));
}
