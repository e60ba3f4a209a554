//! Japanese: agreement with misaki 0.9.4, and text that is not plain.
//!
//! Ground truth: `tools/reference/misaki_japanese.py`. The dictionary is no part of the repository: `lumivox pull ja-dictionary`, then
//! `LUMIVOX_JA_DICTIONARY=FOLDER cargo test -p lumivox-text --release --test japanese -- --include-ignored`. With
//! `LUMIVOX_UNIDIC=FOLDER`, UniDic's (the `dicdir` of PyPI's `unidic-lite`), the sentences are held against that, too.

#![allow(clippy::unwrap_used, clippy::expect_used)] // test code

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Instant;

use lumivox_text::evaluation::distance;
use lumivox_text::{FrontEnd, Japanese, Reason, Source};

static WITHOUT: LazyLock<Japanese> = LazyLock::new(|| Japanese::without_dictionary().unwrap());
static WITH: LazyLock<Japanese> = LazyLock::new(|| Japanese::open(&folder("LUMIVOX_JA_DICTIONARY")).unwrap());

fn folder(variable: &str) -> PathBuf {
    std::env::var_os(variable).unwrap_or_else(|| panic!("{variable} is not set")).into()
}

/// Sounds alone, without blanks and marks.
fn sounds(phonemes: &str) -> Vec<char> {
    phonemes.chars().filter(|c| c.is_alphabetic() || "ːʔʲᵝ".contains(*c)).collect()
}

/// What Kokoro has a symbol for, one blank where misaki has several.
fn heard(phonemes: &str) -> String {
    let known: String = phonemes.chars().filter(|c| !"«»[]".contains(*c)).collect();
    known.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[derive(Debug, Default)]
struct Score {
    sentences: usize,
    /// With the same sounds.
    exact: usize,
    /// With the same blanks and marks, too.
    spaced: usize,
    errors: usize,
    symbols: usize,
}

impl Score {
    fn error_percent(&self) -> f64 {
        100.0 * self.errors as f64 / self.symbols as f64
    }
}

fn score(japanese: &Japanese) -> Score {
    let mut score = Score::default();
    for line in include_str!("data/japanese_misaki.tsv").lines() {
        let (text, wanted) = line.split_once('\t').unwrap();
        let said = japanese.phonemize(text);
        assert!(said.warnings.is_empty(), "{said:?}");
        let (wanted, ours) = (heard(wanted), said.phonemes());
        score.sentences += 1;
        score.spaced += usize::from(wanted == ours);
        let (a, b) = (sounds(&wanted), sounds(&ours));
        score.exact += usize::from(a == b);
        score.errors += distance(&a, &b);
        score.symbols += a.len();
        if wanted != ours {
            println!("{text}\n  misaki {wanted}\n  ours   {ours}");
        }
    }
    println!("{score:?}: {:.2} %", score.error_percent());
    assert!(score.sentences >= 200);
    score
}

#[test]
#[ignore = "needs the dictionary"]
fn naist_jdic_reads_nearly_as_misaki() {
    let score = score(&WITH);
    // What another reading by this dictionary reached: 45 of 96 sentences, 1.9 % of symbols.
    assert!(score.exact * 96 >= score.sentences * 45 && score.error_percent() <= 1.9);
    // What is reached: 146 of 201, 1.45 %.
    assert!(score.exact >= 146, "{score:?}");
}

#[test]
#[ignore = "needs UniDic"]
fn unidic_reads_as_misaki() {
    let score = score(&Japanese::open(&folder("LUMIVOX_UNIDIC")).unwrap());
    assert!(score.exact >= 200 && score.spaced >= 200, "{score:?}");
}

#[test]
#[ignore = "needs the dictionary"]
fn loading_is_quick() {
    let folder = folder("LUMIVOX_JA_DICTIONARY");
    let load = || {
        let start = Instant::now();
        Japanese::open(&folder).unwrap();
        start.elapsed()
    };
    // The quickest of several: other programs and tests run at the same time.
    let elapsed = (0..5).map(|_| load()).min().unwrap();
    println!("loaded in {elapsed:?}");
    assert!(elapsed.as_millis() < if cfg!(debug_assertions) { 2000 } else { 150 }, "{elapsed:?}");
}

#[test]
#[ignore = "needs the dictionary"]
fn what_is_not_plain_is_read() {
    for (text, phonemes) in [
        ("3本のペンと2人の子供", "saɴ boɴ no peɴ to ɸɯtaɾʲi no kodomo"),
        ("午後3:30に会う", "ɡoɡo saɴ ʥi saɲʥɨʔpɯɴ ɲi aɯ"),
        ("iPhoneでNHKとYouTubeを見る。", "aiɸoɴ de enɯeiʨikei to jɯːʨɨːbɯ o mʲiɾɯ."),
        ("価格は￥1,500です", "kakakɯ βa seɴ ɡoçakɯ eɴ desɨ"),
        ("東京（とうきょう）は", "toːkʲoː toːkʲoː βa"),
        ("ﾃｽﾄ、［駅］", "tesɨto, ekʲi"),
        ("四時に四人", "joʥi ɲi jo ɲiɴ"),
    ] {
        let said = WITH.phonemize(text);
        assert_eq!(said.phonemes(), phonemes, "{said:?}");
        assert!(said.warnings.is_empty());
    }
    let text = "今日は [Kokoro](/kokoɾo/) を２０２４年1月1日に使う。";
    let said = WITH.phonemize(text);
    let of = |written: &str| said.tokens.iter().find(|t| &text[t.span.clone()] == written).unwrap();
    assert_eq!((of("[Kokoro](/kokoɾo/)").source, of("[Kokoro](/kokoɾo/)").phonemes.as_str()), (Source::User, "kokoɾo"));
    assert_eq!(of("２０２４年").spoken, "ニセン ニジュー ヨ ネン");
    assert_eq!(of("1日").spoken, "ツイタチ");
}

#[test]
fn without_a_dictionary_kana_numbers_and_letters_are_read() {
    for (text, phonemes) in [
        ("こんにちは、せかい！", "koɲɲiʨiha, sekai!"),
        ("コーヒーを３本", "koːçiː o saɴ boɴ"),
        ("きって", "kʲiʔte"),
        ("ｶﾞﾗｽ", "ɡaɾasɨ"),
        ("「はい。」", "“hai.”"),
        ("NHK", "enɯeiʨikeː"),
    ] {
        assert_eq!(WITHOUT.phonemize(text).phonemes(), phonemes, "{text}");
    }
    let text = "これは漢字です";
    let said = WITHOUT.phonemize(text);
    assert_eq!((said.warnings[0].text.as_str(), said.warnings[0].reason), ("漢字", Reason::Dictionary));
    assert!(said.warnings[0].to_string().contains("lumivox pull ja-dictionary"));
}

#[test]
fn a_folder_that_is_no_dictionary_is_refused() {
    let error = |folder: &Path| Japanese::open(folder).err().unwrap().to_string();
    assert!(error(Path::new("/no/such/folder")).contains("sys.dic"));
    let folder = std::env::temp_dir().join(format!("lumivox-ja-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for file in ["sys.dic", "unk.dic", "matrix.bin", "char.bin"] {
        fs::write(folder.join(file), [7; 300]).unwrap();
    }
    assert!(error(&folder).contains("damaged"), "{}", error(&folder));
    fs::remove_dir_all(&folder).unwrap();
}
