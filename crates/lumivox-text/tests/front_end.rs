//! The whole front-end on text that is not plain: spans, warnings, overrides, scripts, any Unicode, long input.

#![allow(clippy::unwrap_used)] // test code

use std::time::{Duration, Instant};

use lumivox_text::{Boundary, Dialect, English, Phonemized, Reason, SegmentLimits, Source, Token, segments};
use proptest::prelude::*;

thread_local! {
    static AMERICAN: English = English::new(Dialect::American).unwrap();
    static BRITISH: English = English::new(Dialect::British).unwrap();
}

fn say(text: &str) -> Phonemized {
    AMERICAN.with(|english| english.phonemize(text))
}

fn token<'a>(said: &'a Phonemized, text: &str) -> &'a Token {
    said.tokens.iter().find(|t| t.text == text).unwrap_or_else(|| panic!("no `{text}` in {said:?}"))
}

#[test]
fn phoneme_strings_are_misakis() {
    // Expected values: misaki 0.9.4, `en.G2P(trf=False)`.
    for (text, american) in [
        ("Hello, world!", "həlˈO, wˈɜɹld!"),
        ("The apple and the pear.", "ði ˈæpᵊl ænd ðə pˈɛɹ."),
        ("\"Read it,\" she said.", "“ɹˈid ɪt,” ʃi sˈɛd."),
        ("I used to live in (old) houses; do you?", "ˌI jˈust tə lˈɪv ɪn (ˈOld) hˈWsᵻz; dˈu ju?"),
    ] {
        assert_eq!(say(text).phonemes(), american, "{text}");
    }
}

#[test]
fn dialects_differ() {
    let said = |text: &str| BRITISH.with(|english| english.phonemize(text).phonemes());
    assert_eq!(said("water"), "wˈɔːtə");
    assert_eq!(said("105"), "wˈʌn hˈʌndɹəd and fˈIv");
    assert_eq!("en-GB".parse::<Dialect>().unwrap(), Dialect::British);
    assert_eq!(Dialect::of_kokoro_voice("bf_emma"), Some(Dialect::British));
    assert_eq!(Dialect::of_kokoro_voice("af_heart"), Some(Dialect::American));
    assert_eq!(Dialect::of_kokoro_voice("jf_alpha"), None);
    assert!("fr".parse::<Dialect>().is_err());
}

#[test]
fn overrides_win_over_the_dictionary() {
    let text = "I [read](/ɹˈɛd/) [New York](/nˈu jˈɔɹk/)'s [Kokoro](/kˈOkəɹO/).";
    let said = say(text);
    let read = token(&said, "read");
    assert_eq!((read.phonemes.as_str(), read.source), ("ɹˈɛd", Source::User));
    assert_eq!(&text[read.span.clone()], "[read](/ɹˈɛd/)");
    assert_eq!(token(&said, "New York").phonemes, "nˈu jˈɔɹk");
    assert_eq!(token(&said, "Kokoro").phonemes, "kˈOkəɹO");
    assert!(said.phonemes().ends_with("kˈOkəɹO."));
    assert_eq!(say("a [word](-1)").tokens[1].phonemes, "wˌɜɹd");
    // Numbers, too.
    assert_eq!(say("[17](/fˈu/) [5 km](/bˈɑɹ/)").phonemes(), "fˈu bˈɑɹ");
}

#[test]
fn spoken_words_and_sources() {
    let said = say("Dr. Xyvoria paid $5 at 17:45, with the BBC's well-known dogs.");
    assert_eq!(token(&said, "Dr.").spoken, "doctor");
    assert_eq!(token(&said, "$5").spoken, "five dollars");
    assert_eq!(token(&said, "17:45").spoken, "seventeen forty-five");
    assert_eq!(token(&said, "Xyvoria").source, Source::Model);
    assert_eq!(token(&said, "$5").source, Source::Normalizer);
    assert_eq!(token(&said, ",").source, Source::Punctuation);
    assert!(token(&said, "Xyvoria").phonemes.contains('ˈ'));
    assert_eq!(token(&said, "BBC's").phonemes, "bˌibˌisˈiz");
    assert!(said.warnings.is_empty());
}

#[test]
fn readings_keep_their_distance() {
    for (text, american) in [
        ("10^6", "tˈɛn tə ðə pˈWəɹ ʌv sˈɪks"),
        ("2+2=4.", "tˈu plˈʌs tˈu ˈikwᵊlz fˈɔɹ."),
        ("It is -40°F.", "ˌɪt ɪz mˈInəs fˈɔɹTi dəɡɹˈiz fˈɛɹənhˌIt."),
        ("x²", "ˈɛks skwˈɛɹd"),
        ("1,2,3", "wˈʌn tˈu θɹˈi"),
    ] {
        assert_eq!(say(text).phonemes(), american);
    }
}

#[test]
fn possessives_of_unknown_words_agree() {
    let said = say("Zyzzyx's and Debian's and Quorbit's");
    assert!(said.tokens[0].phonemes.ends_with("ᵻz"), "{said:?}");
    assert!(said.tokens[2].phonemes.ends_with("nz"), "{said:?}");
    assert!(said.tokens[4].phonemes.ends_with("ts"), "{said:?}");
}

#[test]
fn composed_and_decomposed_text_sound_alike() {
    let composed = "A naïve café in Łódź, São Paulo";
    let decomposed = "A nai\u{308}ve cafe\u{301} in Ło\u{301}dz\u{301}, Sa\u{303}o Paulo";
    let (one, other) = (say(composed), say(decomposed));
    assert_eq!(one.phonemes(), other.phonemes());
    assert!(one.warnings.is_empty() && other.warnings.is_empty());
    assert_eq!(&decomposed[other.tokens[2].span.clone()], "cafe\u{301}");
}

#[test]
fn what_cannot_be_said_is_reported() {
    let text = "Party 🎉👍🏽! Привет, 日本. \u{7} ok";
    let said = say(text);
    let warned: Vec<_> = said.warnings.iter().map(|w| (w.text.as_str(), w.reason)).collect();
    assert_eq!(
        warned,
        [("🎉👍🏽", Reason::Symbol), ("Привет", Reason::Script), ("日本", Reason::Script), ("\u{7}", Reason::Control)]
    );
    for warning in &said.warnings {
        assert_eq!(text[warning.span.clone()], warning.text);
        assert!(warning.to_string().contains("bytes"));
    }
    assert!(said.phonemes().starts_with("pˈɑɹTi!"));
    let only_emoji = say("🎉 🎉");
    assert_eq!(only_emoji.phonemes(), "");
    assert_eq!(only_emoji.warnings.len(), 2);
}

#[test]
fn parts_without_sound_are_reported() {
    for (text, warned) in [
        ("https://пример.рф/тест", &["пример", "рф", "тест"][..]),
        ("[abc](/123/)", &["[abc](/123/)"]),
        ("helloмир", &["мир"]),
        ("a | b", &["|"]),
        ("=====", &["====="]),
        ("**bold**", &["**", "**"]),
        ("[st\0\u{200b}](+1)", &["\0"]),
        ("[st \u{200b}](+1)", &[]),
    ] {
        let said = say(text);
        assert_eq!(said.warnings.iter().map(|w| w.text.as_str()).collect::<Vec<_>>(), warned, "{text}");
    }
    assert_eq!(say("helloмир").phonemes(), say("hello").phonemes());
}

#[test]
fn marks_between_letters_are_heard() {
    for (text, american) in
        [("One…two", "wˈʌn… tˈu"), ("five;six nine!ten", "fˈIv; sˈɪks nˈIn! tˈɛn"), ("hi\"and", "hˈI” ænd")]
    {
        assert_eq!(say(text).phonemes(), american);
        assert!(say(text).warnings.is_empty());
    }
    assert!(say("said:\"go\"").phonemes().starts_with("sˈɛd:“ɡ"));
}

#[test]
fn a_point_can_end_an_abbreviation_and_a_sentence() {
    for text in ["at 5 p.m. She left", "Apple Inc. It is", "Bob Jr. He is", "in the U.S. It is", "Vitamin C. It helps"]
    {
        let said = say(text);
        let ends: Vec<_> = said.tokens.iter().filter(|t| t.boundary == Boundary::Sentence).collect();
        assert!(ends.len() == 1 && ends[0].text.ends_with('.') && ends[0].phonemes.ends_with('.'), "{said:?}");
    }
    for text in ["The U.S. Senate met", "Dr. Smith left", "J. K. Rowling wrote", "Inc. and more", "cats, i.e. The cats"]
    {
        assert!(say(text).tokens.iter().all(|t| t.boundary != Boundary::Sentence), "{text}");
    }
    assert!(say("She works for Apple Inc.").phonemes().ends_with("d."));
}

#[test]
fn noises_are_made_and_not_spelled() {
    assert_eq!(say("shh").phonemes(), "ʃ");
    assert_eq!(token(&say("html"), "html").source, Source::Initialism);
}

#[test]
fn sentences_and_paragraphs() {
    let said = say("One. Two! \"Three?\" four (five). Mr. Six... seven\n\nNext paragraph\n \nlast");
    let ends: Vec<_> =
        said.tokens.iter().filter(|t| t.boundary != Boundary::None).map(|t| (t.span.end, t.boundary)).collect();
    assert_eq!(
        ends,
        [
            (4, Boundary::Sentence),
            (9, Boundary::Sentence),
            (31, Boundary::Sentence),
            (48, Boundary::Paragraph),
            (64, Boundary::Paragraph),
            (71, Boundary::Paragraph)
        ]
    );
}

#[test]
fn empty_and_blank_text() {
    for text in ["", " ", "\n\n", "\u{feff}", "\u{200b}"] {
        let said = say(text);
        assert!(said.tokens.iter().all(|t| t.phonemes.is_empty()), "{text:?}");
        assert!(segments(&said, &SegmentLimits::default()).is_empty());
    }
}

/// Texts that make a careless tokenizer quadratic.
#[test]
fn time_is_linear_in_the_text() {
    let time = |unit: &str, bytes: usize| {
        let text = unit.repeat(bytes / unit.len());
        let start = Instant::now();
        let said = say(&text);
        segments(&said, &SegmentLimits::default());
        start.elapsed()
    };
    for unit in ["(", "a", "a.", "\"'", "é", "e\u{301}", "[a](", "1", "1-", "\u{0}", "🎉", "'s", "http://", "…-", "日"]
    {
        let (small, large) = (time(unit, 1 << 12), time(unit, 1 << 16));
        assert!(large < small * 48 + Duration::from_secs(1), "{unit:?}: {small:?} for 4 KiB, {large:?} for 64 KiB");
    }
}

fn check_invariants(text: &str) -> Result<(), TestCaseError> {
    let said = say(text);
    let mut end = 0;
    for token in &said.tokens {
        prop_assert!(token.span.start >= end && token.span.end >= token.span.start, "order: {:?}", said);
        prop_assert!(text.get(token.span.clone()).is_some(), "not on a character: {:?}", token);
        end = token.span.end;
    }
    for (at, c) in text.char_indices().filter(|(_, c)| c.is_alphanumeric()) {
        prop_assert!(
            said.tokens.iter().any(|t| t.span.contains(&at) && t.span.end >= at + c.len_utf8()),
            "{:?} at {} is in no token: {:?}",
            c,
            at,
            said
        );
    }
    for token in said.tokens.iter().filter(|t| t.phonemes.is_empty() && t.text.chars().any(char::is_alphanumeric)) {
        let warned = said.warnings.iter().any(|w| w.span.start < token.span.end && token.span.start < w.span.end);
        prop_assert!(warned, "silent without a warning: {:?}", token);
    }
    for warning in &said.warnings {
        prop_assert_eq!(text.get(warning.span.clone()), Some(warning.text.as_str()));
    }
    let limits = SegmentLimits { first_symbols: 20, growth_percent: 150, max_symbols: 40, ..SegmentLimits::default() };
    let cut = segments(&said, &limits);
    prop_assert!(cut.iter().all(|s| s.phonemes.chars().count() <= 40));
    Ok(())
}

/// Marks of sentences and signs that join words, which may be heard as a pause or not at all.
fn may_be_silent(c: char) -> bool {
    c.is_whitespace() || ".,;:!?'\"()[]-".contains(c)
}

/// Leaving out a word, a number or a symbol must be heard or reported.
fn check_nothing_vanishes(pieces: &[String]) -> Result<(), TestCaseError> {
    let text = pieces.concat();
    let said = say(&text);
    for (at, c) in text.char_indices().filter(|(_, c)| !may_be_silent(*c)) {
        let heard = said.tokens.iter().any(|t| t.span.contains(&at) && !t.phonemes.is_empty());
        let warned = said.warnings.iter().any(|w| w.span.contains(&at));
        prop_assert!(heard || warned, "{:?} at {} of {:?}: {:?}", c, at, text, said);
    }
    let outcome =
        |said: &Phonemized| (said.phonemes(), said.warnings.iter().map(|w| w.text.as_str()).collect::<String>());
    // A run is whole only between neighbours of another kind.
    let kind = |piece: &String| piece.chars().next().map(|c| if c.is_alphanumeric() { 'a' } else { c });
    let alone = |i: usize| {
        let beside = [i.checked_sub(1), Some(i + 1)].into_iter().flatten().filter_map(|k| pieces.get(k));
        beside.into_iter().all(|other| kind(other) != kind(&pieces[i]))
    };
    let counts = |i: usize| pieces[i].chars().all(|c| c.is_alphanumeric() || "$€@#%&^<>|~+".contains(c));
    for i in (0..pieces.len()).filter(|i| counts(*i) && alone(*i)) {
        let without = [&pieces[..i], &pieces[i + 1..]].concat().concat();
        prop_assert_ne!(outcome(&said), outcome(&say(&without)), "{:?} without piece {}: {:?}", text, i, without);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>()) {
        check_invariants(&text)?;
    }

    #[test]
    fn nothing_vanishes(pieces in prop::collection::vec(
        "[a-c]{1,2}|[1-9]{1,3}|[$€+=*/:;.,!?'\"@#%&^<>|~_()-]|http://|www\\.|\\.com|мир|pm|km|GB|°C|½|🎉| |e|I|UTC|Henry|p\\.m\\.|…|R\\$|ⅱ|²", 1..12)) {
        check_nothing_vanishes(&pieces)?;
    }

    #[test]
    fn text_like_writing(text in "([A-Za-z]{1,9}|[0-9]{1,5}|[$€£#@&%+=*/:;.,!?'’\"“”()\\[\\]—–-]| |\n|é|e\u{301}|ß|я|🎉|\u{200b}|st|th|pm|km|°C|IV|May|Dr\\.|½|²|\\[x\\]\\(/y/\\)|\\[|\\]\\(\\+1\\)|\u{9c7}\u{9be}|\u{ad}|\0){0,24}") {
        check_invariants(&text)?;
    }
}
