use super::*;
use crate::{Dialect, English, FrontEnd, with_phoneme_blocks};

fn parts(source: &str) -> Vec<(f32, String, Boundary)> {
    let document = parse(source).unwrap();
    document.parts.into_iter().map(|part| (part.pause_s, part.text.trim().to_owned(), part.boundary)).collect()
}

#[test]
fn paragraphs_sentences_and_breaks() {
    let source = r#"<?xml version="1.0"?><speak version="1.1" xmlns="http://www.w3.org/2001/10/synthesis" xml:lang="en-GB">
        <break strength="weak"/><p><s>One</s><s>two</s></p> three <break time="500ms"/> four.<break time="1.5s"/></speak>"#;
    let part = |pause_s, text: &str, boundary| (pause_s, text.to_owned(), boundary);
    assert_eq!(
        parts(source),
        [
            part(0.25, "One", Boundary::Sentence),
            part(0.0, "two", Boundary::Paragraph),
            part(0.0, "three", Boundary::None),
            part(0.5, "four.", Boundary::None),
            part(1.5, "", Boundary::None),
        ]
    );
    let document = parse(source).unwrap();
    assert!(document.notices.is_empty(), "{:?}", document.notices);
    assert_eq!(document.parts[1].delivery.language, Some(Language::English(Dialect::British)));
}

#[test]
fn voices_languages_and_rates_nest() {
    let source = "<speak>a <prosody rate='150%'>b <voice name='bf_emma'>c<prosody rate='slow'>d</prosody></voice></prosody> \
                  <lang xml:lang='fr'>e</lang> f</speak>";
    let document = parse(source).unwrap();
    let said: Vec<_> = document
        .parts
        .iter()
        .map(|part| (part.text.trim(), part.delivery.rate, part.delivery.voice.as_deref(), part.delivery.language))
        .collect();
    assert_eq!(
        said,
        [
            ("a", 1.0, None, None),
            ("b", 1.5, None, None),
            ("c", 1.5, Some("bf_emma"), None),
            ("d", 1.125, Some("bf_emma"), None),
            ("e", 1.0, None, Some(Language::French)),
            ("f", 1.0, None, None),
        ]
    );
}

#[test]
fn aliases_phonemes_and_say_as_are_read_at_their_place() {
    let source = "<speak>Tom &amp; <sub alias='World Wide Web'>WWW</sub>: <phoneme alphabet='ipa' ph='təmˈɑːtQ'>tomato</phoneme>, \
                  <say-as interpret-as='ordinal'>3</say-as> <say-as interpret-as='characters'>ab</say-as>.</speak>";
    let document = parse(source).unwrap();
    let [part] = &document.parts[..] else { panic!("{document:?}") };
    assert_eq!(part.text, "Tom & World Wide Web: [[təmˈɑːtQ]], 3rd  A B .");
    let english = English::new(Dialect::American).unwrap();
    let read = |text: &str| Ok::<_, std::convert::Infallible>(FrontEnd::phonemize(&english, text));
    let mut said = with_phoneme_blocks(&part.text, read).unwrap();
    part.locate(&mut said);
    let place =
        |text: &str| said.tokens.iter().find(|token| token.text == text).map(|token| &source[token.span.clone()]);
    assert_eq!(place("Tom"), Some("Tom"));
    assert_eq!(place("&"), Some("&amp;"));
    assert_eq!(place("Wide"), Some("<sub alias='World Wide Web'>WWW</sub>"));
    assert_eq!(place("3rd"), Some("3"));
    let given = said.tokens.iter().find(|token| token.phonemes == "təmˈɑːtQ").unwrap();
    assert!(source[given.span.clone()].starts_with("<phoneme "));
}

#[test]
fn errors_and_notices_have_their_places() {
    for (source, line, column, reason) in [
        ("<speak>\n  <p>a</s></speak>", 2, 7, "expected 'p' tag"),
        ("<p>a</p>", 1, 1, "the root is `p`"),
        ("<speak>\n<break time='5 minutes'/></speak>", 2, 8, "is no time"),
        ("<speak><prosody rate='900%'>a</prosody></speak>", 1, 17, "is no rate"),
        ("<speak><sub>a</sub></speak>", 1, 8, "has no `alias`"),
        ("<speak><lang xml:lang='tlh'>a</lang></speak>", 1, 14, "unknown language `tlh`"),
        ("<speak><phoneme ph='1'>a</phoneme></speak>", 1, 17, "no sound"),
        ("<speak><phoneme alphabet='x-sampa' ph='a'>a</phoneme></speak>", 1, 8, "x-sampa"),
        (format!("<speak><voice name='{}'>a</voice></speak>", "n".repeat(257)).as_str(), 1, 15, "`name` has 257 bytes"),
        (&format!("<speak><say-as interpret-as='{}'>a</say-as></speak>", "n".repeat(257)), 1, 16, "257 bytes"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><speak>&b;</speak>", 1, 1, "DTD"),
    ] {
        let error = parse(source).unwrap_err();
        assert!(error.reason.contains(reason), "{source}: {error}");
        assert_eq!((error.line, error.column), (line, column), "{source}: {error}");
    }
    let document = parse(
        "<speak>\n<emphasis level='strong'>so</emphasis> <prosody pitch='high' rate='fast'>much</prosody></speak>",
    )
    .unwrap();
    let notices: Vec<String> = document.notices.iter().map(ToString::to_string).collect();
    assert_eq!(
        notices,
        [
            "SSML, line 2, column 1: `emphasis` has no effect; its text is spoken",
            "SSML, line 2, column 49: `pitch` of `prosody` has no effect"
        ]
    );
    assert_eq!(document.parts.iter().map(|part| part.text.trim()).collect::<Vec<_>>(), ["so", "much"]);
}

#[test]
fn deep_documents_are_read() {
    let depth = 20_000;
    let source = format!("<speak>{}x{}</speak>", "<s>".repeat(depth), "</s>".repeat(depth));
    assert_eq!(parts(&source), [(0.0, "x".to_owned(), Boundary::Paragraph)]);
}

/// Looking for the place of each notice from the beginning would take minutes.
#[test]
fn very_many_notices_are_told_in_time() {
    let source = format!("<speak>{}</speak>", "<a/>".repeat(100_000));
    let started = std::time::Instant::now();
    let document = parse(&source).unwrap();
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    assert_eq!(document.notices.len(), 100_000);
    assert_eq!((document.notices[99_999].line, document.notices[99_999].column), (1, 8 + 4 * 99_999));
}

/// The parser takes minutes for the one and seconds for the other.
#[test]
fn what_the_parser_is_slow_at_is_refused() {
    let nested = |count: usize| {
        let open: String = (0..count).map(|i| format!("<s xmlns:n{i}='x'>")).collect();
        parse(&format!("<speak>{open}x{}</speak>", "</s>".repeat(count)))
    };
    assert!(nested(10_000).unwrap_err().reason.contains("more than 500 namespaces"));
    let wide = |count: usize| {
        let attributes: String = (0..count).map(|i| format!(" a{i} = ''")).collect();
        parse(&format!("<speak\n{attributes}>x</speak>"))
    };
    let error = wide(100_000).unwrap_err();
    assert!(error.reason.contains("more than 500 attributes") && error.line == 2, "{error}");
    let started = std::time::Instant::now();
    assert!(nested(500).is_ok() && wide(500).is_ok());
    assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
}
