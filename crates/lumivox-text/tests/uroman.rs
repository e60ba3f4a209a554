//! Agreement with the Python uroman (`tools/reference/uroman_golden.py`), script by script.

#![allow(clippy::unwrap_used)] // test code

use std::collections::BTreeMap;

use lumivox_text::uroman::romanize;

/// Sentences in percent that must agree, where not all do.
const FLOORS: [(&str, usize); 4] = [("Han", 90), ("Japanese", 90), ("Khmer", 90), ("Myanmar", 50)];

#[test]
fn romanises_as_the_original() {
    let golden: BTreeMap<String, Vec<(String, String)>> =
        serde_json::from_str(include_str!("data/uroman.json")).unwrap();
    let (mut all, mut all_same) = (0, 0);
    for (script, sentences) in &golden {
        let same = sentences.iter().filter(|(text, latin)| romanize(text) == *latin).count();
        println!("{script}: {same} of {}", sentences.len());
        let floor = FLOORS.iter().find(|(name, _)| name == script).map_or(100, |(_, floor)| *floor);
        assert!(same * 100 >= floor * sentences.len(), "{script}: {same} of {}", sentences.len());
        all += sentences.len();
        all_same += same;
    }
    println!("all: {all_same} of {all} in {} scripts", golden.len());
    assert!(golden.len() >= 15 && all >= 200);
}
