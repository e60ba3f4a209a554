//! Documents as people have them.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use lumivox_document::{Chapter, Content, Document, Error, Format, Limits, read};
use proptest::prelude::*;

fn file(name: &str) -> Document {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name);
    read(&std::fs::read(&path).unwrap(), Format::of(&path).unwrap(), &Limits::default()).unwrap()
}

fn chapters(document: &Document) -> &[Chapter] {
    match &document.content {
        Content::Chapters(chapters) => chapters,
        Content::Cues(_) => panic!("no chapters"),
    }
}

fn markdown(source: &str) -> Vec<(Option<String>, String)> {
    let document = read(source.as_bytes(), Format::Markdown, &Limits::default()).unwrap();
    chapters(&document).iter().map(|chapter| (chapter.title.clone(), chapter.text())).collect()
}

#[test]
fn markdown_is_read_in_order_and_nothing_is_lost_in_silence() {
    let document = file("guide.md");
    assert_eq!(document.title.as_deref(), Some("A Walk in the Garden"));
    let [before, gate, pond] = chapters(&document) else { panic!("{document:#?}") };
    assert_eq!((before.title.as_deref(), before.text().as_str()), (None, "Before you start, put on good shoes."));
    assert_eq!(gate.title.as_deref(), Some("The gate"));
    let want = [
        "The gate",
        "The gate is green, and the latch sticks. Push it with both hands,\nthen step back.",
        "1. Lift the latch.",
        "2. Push.",
        "Not too hard.",
        "Not too soft.",
        "It squeaks.",
        "Oil it",
        "Paint it",
        "A gate is an opening with manners.",
        "The hinge",
        "A rusty hinge, seen from below",
        "It is made of iron,",
        "not of brass.",
    ];
    assert_eq!(gate.paragraphs, want);
    assert_eq!(pond.title.as_deref(), Some("The pond"));
    let want = [
        "The pond",
        "Fish, Number",
        "Carp, 3",
        "Tench, old, 1",
        "The water is blue brown — and cold.\nMind the step.",
        "So my aunt used to say.",
    ];
    assert_eq!(pond.paragraphs, want);
    assert_eq!(document.notes, ["line 27: the code block (sh) is not read", "line 34: the picture has no description"]);
}

#[test]
fn chapters_of_markdown_are_the_highest_headings_that_there_are_several_of() {
    let titles = |source| markdown(source).into_iter().map(|(title, _)| title.unwrap_or_default()).collect::<Vec<_>>();
    assert_eq!(titles("# T\n\n## a\n\nx\n\n## b\n\n### c\n\n### d"), ["T", "a", "b"]);
    assert_eq!(titles("# a\n\n## s\n\n## t\n\n# b"), ["a", "b"]);
    assert_eq!(titles("x\n\n# T\n\ny"), ["", "T"]);
    assert_eq!(titles("# Only\n\ny"), ["Only"]);
    assert_eq!(titles("no heading\n\n#\n"), [""]);
    assert_eq!(markdown("a\n\nb"), [(None, "a\n\nb".to_owned())]);
}

#[test]
fn subtitles_keep_their_times_and_lose_their_markup() {
    let Content::Cues(cues) = file("whale.srt").content else { panic!("no cues") };
    let cues: Vec<(f64, f64, &str)> = cues.iter().map(|cue| (cue.start_s, cue.end_s, cue.text.as_str())).collect();
    let want = [
        (1.0, 3.5, "Call me Ishmael."),
        (4.0, 6.25, "Some years ago - never mind how long precisely -"),
        (10.5, 12.0, "having little & no money: 1851"),
    ];
    assert_eq!(cues, want);
}

#[test]
fn what_is_not_what_it_should_be_is_named() {
    let error = |bytes: &[u8], format| read(bytes, format, &Limits::default()).unwrap_err().to_string();
    assert!(error(b"WEBVTT\n\n00:01.000 --> 00:02.000\nx", Format::SubRip).starts_with("line 1: there should be"));
    assert!(error(b"1\n00:00:01,000 -> 00:00:02,000\nx", Format::SubRip).starts_with("line 2: "));
    assert!(error(b"1\n00:00:03,000 --> 00:00:02,000\nx", Format::SubRip).starts_with("line 2: the times"));
    assert!(error(b"caf\xe9", Format::Markdown).contains("byte 3"));
    assert!(matches!(read(b"\n", Format::Markdown, &Limits::default()), Err(Error::Empty)));
    assert!(matches!(read(b"", Format::SubRip, &Limits::default()), Err(Error::Empty)));
    let limits = Limits { max_bytes: 3 };
    assert!(matches!(read(b"four", Format::Markdown, &limits), Err(Error::TooLarge { limit: 3 })));
    assert!(error(b"four", Format::Epub).starts_with("it is not a whole EPUB"));
    // UTF-16 with its mark, as old editors of subtitles write it.
    let wide: Vec<u8> = "\u{feff}# Ä".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let document = read(&wide, Format::Markdown, &Limits::default()).unwrap();
    assert_eq!(chapters(&document)[0].text(), "Ä");
}

proptest! {
    /// Whatever is in a file: it is read, or refused, and every word of plain Markdown is there.
    #[test]
    fn any_text_is_read_or_refused(source in "[#*_>`|\\[\\]()<>!&;:\\- \n0-9a-zé]{0,200}") {
        let _ = read(source.as_bytes(), Format::Markdown, &Limits::default());
        let _ = read(source.as_bytes(), Format::SubRip, &Limits::default());
        let _ = read(source.as_bytes(), Format::Epub, &Limits::default());
    }

    #[test]
    fn every_word_is_kept(words in prop::collection::vec("[a-z]{1,8}", 1..40), breaks in prop::collection::vec(0usize..5, 40)) {
        let joints = [" ", "\n", "\n\n", "\n\n- ", "\n\n## "];
        let source: String = words.iter().zip(&breaks).map(|(word, joint)| format!("{word}{}", joints[*joint])).collect();
        let read: Vec<String> = markdown(&source).into_iter().flat_map(|(_, text)| {
            text.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        }).collect();
        // A last list item or heading without text adds nothing.
        prop_assert_eq!(read, words);
    }
}

/// Counting lines from the beginning for each note would take minutes.
#[test]
fn very_many_notes_have_their_lines_in_time() {
    let source = "![](x)\n".repeat(200_000) + "end";
    let started = std::time::Instant::now();
    let document = read(source.as_bytes(), Format::Markdown, &Limits::default()).unwrap();
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
    assert_eq!(document.notes.len(), 200_000);
    assert_eq!(document.notes[199_999], "line 200000: the picture has no description");
}
