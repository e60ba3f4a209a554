//! The front-end of Spanish, French, Italian, Brazilian Portuguese and Hindi on text that is not plain: marks, spans, warnings,
//! overrides, scripts, any Unicode, long input.

#![allow(clippy::unwrap_used)] // test code

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use lumivox_text::{Boundary, Dialect, Language, Phonemized, Phonemizer, Reason, Source, Token, ids};
use proptest::prelude::*;

const LANGUAGES: [Language; 5] =
    [Language::Spanish, Language::French, Language::Italian, Language::BrazilianPortuguese, Language::Hindi];

static PHONEMIZERS: LazyLock<Vec<Phonemizer>> =
    LazyLock::new(|| LANGUAGES.iter().map(|language| Phonemizer::new(*language).unwrap()).collect());

fn say(language: Language, text: &str) -> Phonemized {
    PHONEMIZERS.iter().find(|phonemizer| phonemizer.language() == language).unwrap().phonemize(text)
}

fn token<'a>(said: &'a Phonemized, text: &str) -> &'a Token {
    said.tokens.iter().find(|t| t.text == text).unwrap_or_else(|| panic!("no `{text}` in {said:?}"))
}

#[test]
fn phoneme_strings_are_those_of_misaki() {
    // Expected values: misaki 0.9.4, `EspeakG2P`, with libespeak-ng 1.52.0, but for marks that Kokoro has no symbol for.
    for (language, text, phonemes) in [
        (Language::Spanish, "«Bien», dijo él (y se fue).", "“bjˈen”, dˈixo ˈel (i se fwˈe)."),
        (Language::French, "Les enfants, aujourd'hui, sont là-bas.", "lez ɑ̃fˈɑ̃, oʒuʁdyˈi, sˈɔ̃ lˈabˈa."),
        (Language::Italian, "C'è un po' d'acqua.", "ʧe ʊn pˈo dˈakːwa."),
        (Language::BrazilianPortuguese, "o êxito é certo.", "u ˈezitw ɛ sˈɛɾətʊ."),
        (Language::Hindi, "नमस्ते, आप कैसे हैं", "nəmˈʌsteː, ˌaːp kˈɛːseː hɛ̃"),
    ] {
        assert_eq!(say(language, text).phonemes(), phonemes, "{text}");
    }
}

#[test]
fn neighbours_change_a_word() {
    let liaison = say(Language::French, "les amis, les filles");
    assert_eq!((&*liaison.tokens[0].phonemes, &*liaison.tokens[3].phonemes), ("lez", "le"));
    // A comma parts what would be said together.
    assert_eq!(say(Language::French, "les, amis").tokens[0].phonemes, "lˈe");
}

#[test]
fn overrides_win() {
    let text = "Digo [hola](/ˈɔla/) a [Kokoro](/kˈokoɾo/).";
    let said = say(Language::Spanish, text);
    let hola = token(&said, "hola");
    assert_eq!((hola.phonemes.as_str(), hola.source), ("ˈɔla", Source::User));
    assert_eq!(&text[hola.span.clone()], "[hola](/ˈɔla/)");
    assert!(said.phonemes().ends_with("kˈokoɾo."));
    assert!(said.warnings.is_empty());
    let stressed = |text| say(Language::Spanish, text).phonemes();
    assert_eq!(stressed("[casa](-1)"), stressed("casa").replace('ˈ', "ˌ"));
    assert_eq!(stressed("[casa](-2)"), stressed("casa").replace('ˈ', ""));
}

#[test]
fn sentences_end_where_the_language_ends_them() {
    for (language, sentences) in [
        (Language::Spanish, &["El Sr. López vino.", "¿Por qué?"][..]),
        (Language::French, &["M. Dupont dit : « Oui ! »", "Puis il part."]),
        (Language::Italian, &["Il dott. Rossi è qui... forse.", "Sì!"]),
        (Language::BrazilianPortuguese, &["A Dra. Ana disse: “Não!”", "E saiu (às pressas).", "Fim…"]),
        (Language::Hindi, &["मैं यहाँ हूँ।", "तुम कहाँ हो?", "डॉ. राम आए।"]),
    ] {
        let text = sentences.join(" ");
        let said = say(language, &text);
        let ends = said.tokens.iter().filter(|t| t.boundary != Boundary::None).map(|t| t.span.end);
        let mut start = 0;
        let cut: Vec<_> = ends.map(|end| text[std::mem::replace(&mut start, end)..end].trim()).collect();
        assert_eq!(cut, sentences);
    }
    assert_eq!(say(Language::Hindi, "हाँ।").phonemes().chars().last(), Some('.'));
    let paragraphs = say(Language::BrazilianPortuguese, "Um\n\nDois");
    assert_eq!(paragraphs.tokens[0].boundary, Boundary::Paragraph);
}

#[test]
fn other_scripts_are_read_too() {
    for language in LANGUAGES {
        let said = say(language, "Москва, Αθήνα, 東京, नमस्ते, hello");
        assert!(said.warnings.is_empty(), "{language}: {said:?}");
        assert!(said.tokens.iter().all(|t| !t.phonemes.is_empty()), "{language}: {said:?}");
    }
    // Latin words in Hindi are English, in espeak-ng's symbols as misaki has them.
    assert_eq!(say(Language::Hindi, "Google").phonemes(), "ɡˈuːɡəl");
    assert_eq!(say(Language::Spanish, "DVD").tokens[0].phonemes.split(' ').count(), 3);
}

#[test]
fn what_cannot_be_said_is_reported() {
    let text = "Fiesta 🎉👍🏽! \u{7} sí";
    for language in LANGUAGES {
        let said = say(language, text);
        let warned: Vec<_> = said.warnings.iter().map(|w| (w.text.as_str(), w.reason)).collect();
        assert_eq!(warned, [("🎉👍🏽", Reason::Symbol), ("\u{7}", Reason::Control)], "{language}");
        assert!(said.warnings.iter().all(|w| text[w.span.clone()] == w.text));
    }
    assert_eq!(say(Language::Spanish, "[abc](/123/)").warnings[0].reason, Reason::Phonemes);
}

#[test]
fn languages_with_front_ends_of_their_own_are_refused() {
    for language in [Language::English(Dialect::American), Language::Japanese, Language::Mandarin] {
        assert!(Phonemizer::new(language).is_err());
    }
}

#[test]
fn empty_and_blank_text() {
    for text in ["", " ", "\n\n", "\u{feff}", "\u{200b}", "¿", "'", "-"] {
        for language in LANGUAGES {
            assert_eq!(say(language, text).phonemes().trim_matches('—'), "", "{text:?}");
        }
    }
}

#[test]
fn time_is_linear_in_the_text() {
    let time = |language, unit: &str, bytes: usize| {
        let text = unit.repeat(bytes / unit.len());
        let start = Instant::now();
        say(language, &text);
        start.elapsed()
    };
    for unit in ["(", "a", "a.", "\"'", "é", "[a](", "1", "1-", "🎉", "l'", "…-", "日", "а ", "bc "] {
        let (small, large) = (time(Language::Italian, unit, 1 << 12), time(Language::Italian, unit, 1 << 16));
        assert!(large < small * 48 + Duration::from_secs(2), "{unit:?}: {small:?} for 4 KiB, {large:?} for 64 KiB");
    }
}

/// Every letter, digit and symbol is in a token with sound, or reported.
fn check_nothing_vanishes(language: Language, text: &str) -> Result<Phonemized, TestCaseError> {
    let said = say(language, text);
    let mut end = 0;
    for token in &said.tokens {
        prop_assert!(token.span.start >= end && token.span.end >= token.span.start, "order: {:?}", said);
        prop_assert!(text.get(token.span.clone()).is_some(), "not on a character: {:?}", token);
        end = token.span.end;
    }
    let mut tokens = said.tokens.iter().peekable();
    for (at, c) in text.char_indices() {
        while tokens.next_if(|token| token.span.end <= at).is_some() {}
        let plain = c.is_whitespace() || (c.is_ascii_punctuation() && !"#$%&*+/<=>@\\^_|~".contains(c));
        if plain || !(c.is_alphanumeric() || "#$%&*+/<=>@\\^_|~€£🎉½°²".contains(c)) {
            continue;
        }
        let heard = tokens.peek().is_some_and(|t| t.span.contains(&at) && !t.phonemes.is_empty());
        let warned = said.warnings.iter().any(|w| w.span.contains(&at));
        prop_assert!(heard || warned, "{}: {:?} at {} of {:?}: {:?}", language, c, at, text, said);
    }
    for warning in &said.warnings {
        prop_assert_eq!(text.get(warning.span.clone()), Some(warning.text.as_str()));
    }
    Ok(said)
}

/// Sentences of thirty scripts and of all these languages, to each front-end: each word is heard or reported, in symbols that
/// Kokoro has.
#[test]
fn nothing_vanishes_from_a_mixed_corpus() {
    let mut sentences: Vec<String> = include_str!("data/english_sentences.txt").lines().map(str::to_owned).collect();
    let scripts: std::collections::BTreeMap<String, Vec<(String, String)>> =
        serde_json::from_str(include_str!("data/uroman.json")).unwrap();
    sentences.extend(scripts.into_values().flatten().map(|(text, _)| text));
    for pairs in [
        include_str!("data/es_sentences.json"),
        include_str!("data/fr_sentences.json"),
        include_str!("data/it_sentences.json"),
        include_str!("data/pt-br_sentences.json"),
        include_str!("data/hi_sentences.json"),
    ] {
        let pairs: Vec<(String, String)> = serde_json::from_str(pairs).unwrap();
        sentences.extend(pairs.into_iter().map(|(text, _)| text));
    }
    assert!(sentences.len() > 2000);
    let vocabulary = ids::kokoro::Vocabulary::from_config(include_str!("data/kokoro_vocabulary.json")).unwrap();
    for language in LANGUAGES {
        for text in &sentences {
            let phonemes = check_nothing_vanishes(language, text).unwrap().phonemes();
            assert!(vocabulary.encode(&phonemes).unknown.is_empty(), "{language}: {text}: {phonemes}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn any_text(text in any::<String>(), language in 0..LANGUAGES.len()) {
        check_nothing_vanishes(LANGUAGES[language], &text)?;
    }

    #[test]
    fn text_like_writing(text in "([A-Za-zñçãéèà]{1,9}|[क-ह][ािीुू]?|[0-9]{1,5}|[$€£#@&%+=*/:;.,!?¿¡'’\"“”«»()\\[\\]—–-]| |\n|e\u{301}|ß|я|🎉|\u{200b}|l'|D\\.|½|²|।|\\[x\\]\\(/y/\\)|\\[|\u{9c7}\u{9be}|\u{ad}|\0){0,24}", language in 0..LANGUAGES.len()) {
        check_nothing_vanishes(LANGUAGES[language], &text)?;
    }
}
