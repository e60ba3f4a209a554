//! Cutting into segments: limits, places, nothing lost.

#![allow(clippy::unwrap_used)] // test code

use lumivox_text::ids::kokoro::Vocabulary;
use lumivox_text::{Boundary, Dialect, English, Segment, SegmentLimits, segments};

const PROSE: &str = include_str!("data/english_sentences.txt");

fn cut(text: &str, limits: SegmentLimits) -> Vec<Segment> {
    segments(&English::new(Dialect::American).unwrap().phonemize(text), &limits)
}

fn symbols(segment: &Segment) -> usize {
    segment.phonemes.chars().count()
}

#[test]
fn nothing_is_lost_and_no_limit_is_passed() {
    let english = English::new(Dialect::American).unwrap();
    let said = english.phonemize(&PROSE.replace('\n', " "));
    for max_symbols in [60, 200, 510] {
        for first_symbols in [20, 100, max_symbols] {
            let limits = SegmentLimits { first_symbols, growth_percent: 150, max_symbols, end_at: Boundary::Paragraph };
            let cut = segments(&said, &limits);
            assert!(cut.iter().all(|s| symbols(s) <= max_symbols && !s.cut_inside_word));
            assert!(cut.windows(2).all(|w| w[0].tokens.end == w[1].tokens.start));
            assert_eq!((cut[0].tokens.start, cut[cut.len() - 1].tokens.end), (0, said.tokens.len()));
            let joined: Vec<_> = cut.iter().map(|s| s.phonemes.as_str()).collect();
            let bare = |text: &str| text.replace(' ', "");
            assert_eq!(bare(&joined.concat()), bare(&said.phonemes()));
        }
    }
}

#[test]
fn cuts_fall_between_sentences_where_they_can() {
    let text = PROSE.lines().take(12).collect::<Vec<_>>().join(" ");
    let cut = cut(&text, SegmentLimits::default());
    assert!(cut.len() > 2);
    assert!(cut.iter().all(|s| s.boundary >= Boundary::Sentence), "{cut:#?}");
    assert!(cut[..cut.len() - 1].iter().all(|s| symbols(s) > 150), "{cut:#?}");
}

#[test]
fn the_first_segment_can_be_short() {
    let text = "When she finally arrived, the hall was empty; nobody had waited, and the lamps, one after the other, had been \
                put out by the old caretaker, who wanted to go home to his supper and to his bed. It rained.";
    let limits = SegmentLimits { first_symbols: 100, growth_percent: 200, ..SegmentLimits::default() };
    let cut = cut(text, limits);
    assert!(symbols(&cut[0]) <= 100);
    assert!(cut[0].phonemes.ends_with(';'), "{cut:#?}");
    assert!(cut.windows(2).all(|w| w[0].tokens.end == w[1].tokens.start));
}

#[test]
fn paragraphs_end_segments() {
    let cut = cut("First paragraph.\n\nSecond one\n\nand the third.", SegmentLimits::default());
    assert_eq!(cut.len(), 3);
    assert!(cut.iter().all(|s| s.boundary == Boundary::Paragraph));
}

#[test]
fn without_any_mark_the_cut_falls_between_words() {
    let text = "word ".repeat(400);
    let cut = cut(&text, SegmentLimits::default());
    assert!(cut.iter().all(|s| symbols(s) <= 510 && !s.phonemes.starts_with(' ') && s.phonemes.ends_with('d')));
    assert_eq!(cut.iter().map(|s| s.tokens.len()).sum::<usize>(), 400);
}

#[test]
fn a_monster_word_is_cut_with_a_notice() {
    let text = format!("A {} end.", "ba".repeat(600));
    let english = English::new(Dialect::American).unwrap();
    let said = english.phonemize(&text);
    let cut = segments(&said, &SegmentLimits::default());
    assert!(cut.iter().any(|s| s.cut_inside_word));
    assert!(cut.iter().all(|s| symbols(s) <= 510));
    let bare = |text: &str| text.replace(' ', "");
    assert_eq!(bare(&cut.iter().map(|s| s.phonemes.as_str()).collect::<String>()), bare(&said.phonemes()));
}

#[test]
fn every_symbol_has_an_id_in_kokoros_vocabulary() {
    let vocabulary = Vocabulary::from_config(include_str!("data/kokoro_vocabulary.json")).unwrap();
    assert_eq!(vocabulary.len(), 114);
    for dialect in [Dialect::American, Dialect::British] {
        let said = English::new(dialect).unwrap().phonemize(PROSE);
        for segment in segments(&said, &SegmentLimits::default()) {
            let encoded = vocabulary.encode(&segment.phonemes);
            assert!(encoded.unknown.is_empty(), "{:?} in {}", encoded.unknown, segment.phonemes);
            assert_eq!(encoded.ids.len(), segment.phonemes.chars().count() + 2);
            assert_eq!((encoded.ids[0], encoded.ids[encoded.ids.len() - 1]), (0, 0));
        }
    }
    // `kokoro/pipeline.py` on "Hello, world!": KModel's ids by the same table.
    assert_eq!(vocabulary.encode("həlˈO").ids, [0, 50, 83, 54, 156, 31, 0]);
}
