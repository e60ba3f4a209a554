//! Each language from text to a voice: `lumivox say` with the real weights (`kokoro-int8`, pulled on first use), and `lumivox explain`.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::process::Command;

fn lumivox() -> Command {
    Command::new(env!("CARGO_BIN_EXE_lumivox"))
}

/// A voice, its language, a sentence, and how many words are heard.
const VOICES: [(&str, &str, &str, usize); 7] = [
    ("ef_dora", "es", "El sol salió temprano y los niños corrieron hacia la playa.", 11),
    ("ff_siwis", "fr", "Les enfants ont mangé une pomme avant d'aller à l'école.", 10),
    ("if_sara", "it", "La mattina dopo siamo partiti presto per la montagna.", 9),
    ("pf_dora", "pt-br", "Amanhã de manhã vamos todos juntos até a praia.", 9),
    ("hf_alpha", "hi", "आज सुबह बच्चे बगीचे में खेल रहे थे।", 8),
    ("jf_alpha", "ja", "今朝、子供たちは庭で遊んでいました。", 9),
    ("zf_xiaobei", "zh", "今天早上孩子们在院子里玩了很久。", 11),
];

const MARKS: [&str; 4] = [".", "।", "。", "、"];

#[test]
fn every_language_has_a_voice() {
    // They stay, to be listened to.
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("samples");
    fs::create_dir_all(&folder).unwrap();
    for (voice, _, text, words) in VOICES {
        let (wav, times) = (folder.join(format!("{voice}.wav")), folder.join(format!("{voice}.json")));
        let mut say = lumivox();
        say.args(["say", "-m", "kokoro-int8", "--strict", "--voice", voice, text, "-o"]).arg(&wav);
        let output = say.arg("--timestamps").arg(&times).output().unwrap();
        assert!(output.status.success(), "{voice}: {}", String::from_utf8_lossy(&output.stderr));

        let samples: Vec<i16> = hound::WavReader::open(&wav).unwrap().samples().map(Result::unwrap).collect();
        let audio_s = samples.len() as f64 / 24_000.0;
        let per_word_s = audio_s / words as f64;
        assert!((0.15..0.8).contains(&per_word_s), "{voice}: {audio_s} s for {words} words");
        let rms = |part: &[i16]| (part.iter().map(|&s| f64::from(s).powi(2)).sum::<f64>() / part.len() as f64).sqrt();
        assert!(rms(&samples) > 500.0, "{voice} is silent: {}", rms(&samples));
        // It speaks in every second between the first and the last.
        let inside = &samples[12_000..samples.len() - 12_000];
        assert!(inside.chunks_exact(24_000).all(|second| rms(second) > 200.0), "{voice} pauses for a second");

        let times: serde_json::Value = serde_json::from_str(&fs::read_to_string(&times).unwrap()).unwrap();
        let said: Vec<_> = times["words"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|w| !MARKS.contains(&w["text"].as_str().unwrap()))
            .collect();
        assert_eq!(said.len(), words, "{voice}: {said:?}");
        for word in said {
            let length_s = word["end_s"].as_f64().unwrap() - word["start_s"].as_f64().unwrap();
            assert!(length_s > 0.0 && length_s < 2.0, "{voice}: {word}");
        }
    }
}

#[test]
fn explain_reads_each_language() {
    for (_, tag, text, words) in VOICES {
        let output = lumivox().args(["explain", "--json", "--language", tag, text]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let read: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let said = read["tokens"].as_array().unwrap().iter().filter(|token| token["source"] != "punctuation");
        assert_eq!(said.count(), words, "{tag}: {read}");
        assert_eq!(read["warnings"].as_array().map(Vec::len), Some(0), "{tag}: {read}");
    }
}

#[test]
fn emoji_and_espeak_are_choices() {
    let explain = |arguments: &[&str]| {
        let output = lumivox().arg("explain").args(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.success(), text(output.stdout), text(output.stderr))
    };
    for (tag, name) in [("en-us", "party popper"), ("es", "cañón de confeti"), ("zh", "la1 pao4 cai3 dai4")] {
        let (_, silent, warning) = explain(&["-l", tag, "🎉"]);
        assert!(!silent.contains(name) && warning.contains("🎉"), "{silent}{warning}");
        let (_, said, warning) = explain(&["-l", tag, "--emoji", "🎉"]);
        assert!(said.contains(name) && warning.is_empty(), "{said}{warning}");
    }
    let (_, said, _) = explain(&["-l", "es", "--g2p", "espeak", "El muchacho come pan."]);
    assert!(said.starts_with("el muʧˈaʧo kˈome pˈan.") && said.contains("espeak-ng"), "{said}");
    let (fine, _, refusal) = explain(&["-l", "zh", "--g2p", "espeak", "你好"]);
    assert!(!fine && refusal.contains("`zh`"), "{refusal}");
}
