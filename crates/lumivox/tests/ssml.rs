//! SSML, a user's lexicon and pauses through the engine, on a real voice (`piper-joe`, pulled on first use).

#![allow(clippy::expect_used, clippy::unwrap_used)]

use std::sync::{Arc, OnceLock};

use lumivox::store::Store;
use lumivox::text::UserLexicon;
use lumivox::{ChunkSize, Error, Input, Options, Synthesizer, Warning};

fn joe() -> &'static Synthesizer {
    static JOE: OnceLock<Synthesizer> = OnceLock::new();
    JOE.get_or_init(|| {
        let model = Store::open().unwrap().resolve("piper-joe", &()).expect("the voice is pulled with pip");
        Synthesizer::open(&model, None).unwrap()
    })
}

/// Without noise every text has one length.
fn still() -> Options {
    Options { noise_scale: Some(0.0), noise_w: Some(0.0), ..Options::default() }
}

fn say(input: Input, options: &Options) -> Vec<f32> {
    joe().stream(input, options, ChunkSize::Segment).unwrap().flat_map(|chunk| chunk.unwrap().samples).collect()
}

#[test]
fn a_plain_document_is_its_text() {
    let text = say(Input::Text("Good morning. It is late."), &still());
    assert_eq!(say(Input::Ssml("<speak>Good morning. It is late.</speak>"), &still()), text);
}

#[test]
fn breaks_are_silence_before_between_and_behind() {
    let rate = joe().sample_rate_hz() as usize;
    let document =
        "<speak><break time='250ms'/>Good morning.<break time='1s'/>It is late.<break time='500ms'/></speak>";
    let spoken = say(Input::Ssml(document), &still());
    let without = say(Input::Ssml("<speak>Good morning.<break time='1ms'/>It is late.</speak>"), &still());
    let more = rate / 4 + rate + rate / 2 - (rate as f64 / 1000.0).round() as usize;
    assert!((spoken.len() - without.len()).abs_diff(more) <= 1, "{} and {}", spoken.len(), without.len());
    assert!(spoken[..rate / 4].iter().all(|sample| *sample == 0.0), "silence first");
    assert!(spoken[spoken.len() - rate / 2..].iter().all(|sample| *sample == 0.0), "silence last");
    assert!(spoken[rate / 4..rate / 4 + rate / 2].iter().any(|sample| sample.abs() > 0.05));
}

#[test]
fn rates_apply_to_their_part() {
    let part = "The old man walked down to the harbour.";
    let length = |document: &str| say(Input::Ssml(document), &still()).len() as f64;
    let slow = length(&format!("<speak><prosody rate='50%'>{part}</prosody></speak>"));
    let ratio = slow / length(&format!("<speak>{part}</speak>"));
    assert!((1.6..2.05).contains(&ratio), "{ratio}");
}

#[test]
fn words_have_their_bytes_in_the_document() {
    let document = "<speak>Tom &amp; <sub alias='Doctor Who'>Dr. W</sub> paid <s>$5 at 17:45.</s></speak>";
    let mut speech = joe().stream(Input::Ssml(document), &Options::default(), ChunkSize::Segment).unwrap();
    let samples: usize = speech.by_ref().map(|chunk| chunk.unwrap().samples.len()).sum();
    let timestamps = speech.timestamps();
    let words: Vec<&str> = timestamps.words.iter().map(|word| &document[word.span.clone()]).collect();
    let alias = "<sub alias='Doctor Who'>Dr. W</sub>";
    assert_eq!(words, ["Tom", "&amp;", alias, alias, "paid", "$5", "at", "17:45"]);
    assert!((timestamps.duration_s - samples as f64 / 22_050.0).abs() < 1e-9);
    assert!(timestamps.words.windows(2).all(|pair| pair[0].end_s <= pair[1].start_s));
}

#[test]
fn what_is_wrong_with_a_document_has_its_place() {
    let error = joe().speak(Input::Ssml("<speak>\n a <break time='x'/></speak>"), &Options::default()).err().unwrap();
    assert!(matches!(error, Error::Ssml(_)) && error.to_string().contains("line 2, column 11"), "{error}");
    let spanish = "<speak>a <lang xml:lang='es'>jota</lang></speak>";
    let speech = joe().speak(Input::Ssml(spanish), &Options::default()).unwrap();
    assert!(speech.read().phonemes().ends_with("xˈota"), "{}", speech.read().phonemes());
    let unknown = joe().speak(Input::Ssml("<speak><emphasis>Yes.</emphasis></speak>"), &Options::default()).unwrap();
    assert!(
        matches!(unknown.warnings(), [warning @ Warning::Markup(_)] if !warning.is_loss()),
        "{:?}",
        unknown.warnings()
    );
    assert_eq!(unknown.read().phonemes(), "jˈɛs.");
}

#[test]
fn the_lexicon_goes_before_the_front_end() {
    let lexicon = Arc::new(UserLexicon::parse("tomato\ttəmˈɑːtoʊ").unwrap());
    let options = Options { lexicon: Some(lexicon), ..Options::default() };
    let said = |input| joe().speak(input, &options).unwrap().read().phonemes();
    assert_eq!(said(Input::Text("Tomato!")), "təmˈɑːtoʊ!");
    assert_eq!(said(Input::Ssml("<speak>Tomato!</speak>")), "təmˈɑːtoʊ!");
}

#[test]
fn paragraphs_have_a_pause_of_their_own() {
    let text = "One is here. Two is here.\n\nThree is here.";
    let length = |sentence_silence_s, paragraph_silence_s| {
        say(Input::Text(text), &Options { sentence_silence_s, paragraph_silence_s, ..still() }).len()
    };
    let rate = joe().sample_rate_hz() as usize;
    let without = length(0.0, None);
    assert_eq!(length(0.5, None) - without, rate);
    assert_eq!(length(0.5, Some(2.0)) - without, rate / 2 + 2 * rate);
    assert_eq!(length(0.0, Some(1.0)) - without, rate);
}
