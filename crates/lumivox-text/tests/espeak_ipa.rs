//! How near the English front-end comes to espeak-ng's IPA (`tools/reference/espeak_english.py`).

#![allow(clippy::unwrap_used)] // test code

use std::collections::BTreeMap;

use lumivox_text::evaluation::distance;
use lumivox_text::ids::piper::PhonemeIds;
use lumivox_text::{Accent, Dialect, English, Phonemized, to_espeak};
use serde::Deserialize;

const ACCENTS: [(&str, Accent); 3] =
    [("en-us", Accent::American), ("en-gb", Accent::British), ("en-gb-x-rp", Accent::Received)];

type Rows = Vec<BTreeMap<String, String>>;

#[derive(Deserialize)]
struct Golden {
    seen: Rows,
    held_out: Rows,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("data/english_espeak.json")).unwrap()
}

/// Phonemes without blanks, marks, and (if asked) stress.
fn bare(phonemes: &str, stress: bool) -> Vec<char> {
    let kept = |c: &char| if matches!(c, 'ˈ' | 'ˌ') { stress } else { c.is_alphabetic() || *c == 'ː' };
    phonemes.chars().filter(kept).collect()
}

/// Phoneme errors in percent, with and without stress marks.
fn errors(rows: &Rows, voice: &str, say: impl Fn(&BTreeMap<String, String>) -> String) -> [f64; 2] {
    [true, false].map(|stress| {
        let counts = rows.iter().map(|row| {
            let right = bare(&row[voice], stress);
            (distance(&bare(&say(row), stress), &right), right.len())
        });
        let (wrong, all) = counts.fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        100.0 * wrong as f64 / all as f64
    })
}

#[test]
fn the_front_end_comes_near_espeak() {
    let golden = golden();
    for (voice, accent) in ACCENTS {
        let english = English::new(accent.dialect()).unwrap();
        for (name, rows, limits) in [("seen", &golden.seen, [5.8, 3.8]), ("held out", &golden.held_out, [5.8, 3.8])] {
            let [with, without] =
                errors(rows, voice, |row| to_espeak(&english.phonemize(&row["text"]), accent).phonemes());
            println!("{voice}, {name}: PER {with:.2} %, without stress {without:.2} %");
            assert!(with <= limits[0] && without <= limits[1], "{voice}, {name}");
        }
    }
}

#[test]
fn the_mapping_alone_comes_near_espeak() {
    let golden = golden();
    for (voice, accent) in &ACCENTS[..2] {
        for (name, rows) in [("seen", &golden.seen), ("held out", &golden.held_out)] {
            let [with, without] = errors(rows, voice, |row| {
                let mut said = Phonemized::from_phonemes(&row[&format!("misaki-{voice}")]);
                // Without spelling: the table alone.
                said.tokens.iter_mut().for_each(|token| token.text.clear());
                to_espeak(&said, *accent).phonemes()
            });
            println!("mapping alone, {voice}, {name}: PER {with:.2} %, without stress {without:.2} %");
            assert!(with <= 4.0, "{voice}, {name}");
        }
    }
}

/// Expected values: espeak-ng 1.52.0, with the marks that piper-tts puts behind its clauses.
#[test]
fn sentences_are_written_as_espeak_writes_them() {
    for (accent, text, expected) in [
        (Accent::American, "Hello, world!", "həlˈoʊ, wˈɜːld!"),
        (Accent::American, "Thank you for this water.", "θˈæŋk juː fɔːɹ ðɪs wˈɔːɾɚ."),
        (Accent::American, "The apple — a big red one (and blue): yes?", "ðɪ ˈæpəl; ɐ bˈɪɡ ɹˈɛd wˈʌn ænd blˈuː: jˈɛs?"),
        (
            Accent::American,
            "Seven birds were happy to eat better bread there.",
            "sˈɛvən bˈɜːdz wɜː hˈæpi tʊ ˈiːt bˈɛɾɚ bɹˈɛd ðˈɛɹ.",
        ),
        (Accent::British, "Nothing was near the bath.", "nˈʌθɪŋ wɒz nˌiə ðə bˈaθ."),
        (Accent::Received, "An early bird caught the old worm.", "ɐn ˈɜːlɪ bˈɜːd kˈɔːt ðɪ ˈəʊld wˈɜːm."),
    ] {
        let said = to_espeak(&English::new(accent.dialect()).unwrap().phonemize(text), accent);
        assert_eq!(said.phonemes(), expected, "{text}");
    }
}

#[test]
fn every_symbol_is_in_a_real_voices_map() {
    #[derive(Deserialize)]
    struct Voice {
        phoneme_id_map: BTreeMap<String, Vec<u32>>,
    }
    let voice: Voice = serde_json::from_str(include_str!("data/piper_ids.json")).unwrap();
    let ids = PhonemeIds::new(&voice.phoneme_id_map).unwrap();
    let prose = include_str!("data/english_sentences.txt");
    let odd =
        "Wait… what?! “Quoted” (bracketed) [more] — dash; naïve café, $5.20 at 17:45 & 3/4 of Xyzzyx's https://a.b/c";
    for (_, accent) in ACCENTS {
        let english = English::new(accent.dialect()).unwrap();
        for text in [prose, odd] {
            let said = english.phonemize(text);
            let written = to_espeak(&said, accent);
            assert_eq!(ids.encode(&written.phonemes()).unknown, []);
            assert_eq!(said.tokens.len(), written.tokens.len());
            let lost = |(said, written): (&lumivox_text::Token, &lumivox_text::Token)| {
                said.phonemes.contains(char::is_alphabetic) && written.phonemes.is_empty()
            };
            assert!(!said.tokens.iter().zip(&written.tokens).any(lost));
        }
    }
}

#[test]
fn voices_have_accents() {
    assert_eq!(Accent::of_voice("en-us"), Some(Accent::American));
    assert_eq!(Accent::of_voice("en"), Some(Accent::British));
    assert_eq!(Accent::of_voice("en-GB-x-rp"), Some(Accent::Received));
    assert_eq!(Accent::of_voice("en-gb-scotland"), None);
    assert_eq!(Accent::of_voice("de"), None);
    assert_eq!(Accent::Received.dialect(), Dialect::British);
}
