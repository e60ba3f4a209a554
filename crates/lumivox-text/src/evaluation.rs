//! Measuring the letter-to-sound model: which words are held out of training, and error rates.

use std::fmt;

use crate::letter_to_sound::Model;

/// A word and its phonemes.
pub type Example = (String, String);

/// Splits dictionary entries into those to learn and about one in 34 held out, chosen by a hash of the word. Initialisms
/// and entries with other characters than letters and apostrophes are left out.
pub fn split(entries: Vec<Example>) -> (Vec<Example>, Vec<Example>) {
    let spelled = |word: &str| {
        word.len() > 1
            && word.bytes().all(|b| b.is_ascii_alphabetic() || b == b'\'')
            && !word.bytes().skip(1).any(|b| b.is_ascii_uppercase())
    };
    entries
        .into_iter()
        .filter(|(word, phonemes)| spelled(word) && !phonemes.is_empty())
        .map(|(word, phonemes)| (word.to_ascii_lowercase(), phonemes))
        .partition(|(word, _)| !is_held_out(word))
}

fn is_held_out(word: &str) -> bool {
    // FNV-1a of the stem, so that a word and its plural fall on the same side.
    let stem = word.strip_suffix("'s").or_else(|| word.strip_suffix('s')).unwrap_or(word);
    let hash = stem.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
    (hash >> 32).is_multiple_of(34)
}

/// Error rates in percent.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Errors {
    /// Words.
    pub words: usize,
    /// Phoneme errors (insertions, deletions, substitutions) per phoneme, stress marks included.
    pub phoneme_percent: f64,
    /// The same without stress marks.
    pub phoneme_unstressed_percent: f64,
    /// Words that are not exact, without stress marks.
    pub word_unstressed_percent: f64,
}

impl fmt::Display for Errors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} words: PER {:.2} % ({:.2} % without stress), WER without stress {:.1} %",
            self.words, self.phoneme_percent, self.phoneme_unstressed_percent, self.word_unstressed_percent
        )
    }
}

/// Compares the model with the dictionary.
pub fn errors(model: &Model, examples: &[Example]) -> Errors {
    let (mut with_stress, mut without, mut wrong_words) = ((0, 0), (0, 0), 0);
    for (word, right) in examples {
        let said: Vec<char> = model.transcribe(&word.chars().collect::<Vec<_>>()).chars().collect();
        let right: Vec<char> = right.chars().collect();
        let plain = |p: &[char]| p.iter().copied().filter(|c| !matches!(c, 'ˈ' | 'ˌ')).collect::<Vec<char>>();
        with_stress = (with_stress.0 + distance(&said, &right), with_stress.1 + right.len());
        let (said, right) = (plain(&said), plain(&right));
        without = (without.0 + distance(&said, &right), without.1 + right.len());
        wrong_words += usize::from(said != right);
    }
    let percent = |(errors, total): (usize, usize)| 100.0 * errors as f64 / total.max(1) as f64;
    Errors {
        words: examples.len(),
        phoneme_percent: percent(with_stress),
        phoneme_unstressed_percent: percent(without),
        word_unstressed_percent: percent((wrong_words, examples.len())),
    }
}

/// Levenshtein distance: insertions, deletions and substitutions.
pub fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// How many words of running text are said as a reference says them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Agreement {
    /// Words, of ours or of the reference, whichever are more.
    pub words: usize,
    /// Those that are equal, stress included.
    pub equal: usize,
}

impl Agreement {
    /// Compares a sentence; punctuation is not counted.
    pub fn add(&mut self, said: &str, reference: &str) {
        let words = |text: &str| {
            let sound = |c: char| !c.is_ascii_punctuation() && !"¿¡—…“”«»।".contains(c);
            let cut = text.split_whitespace().map(|word| word.chars().filter(|c| sound(*c)).collect::<String>());
            cut.filter(|word| !word.is_empty()).collect::<Vec<_>>()
        };
        let (said, reference) = (words(said), words(reference));
        self.words += said.len().max(reference.len());
        self.equal += longest_common(&said, &reference);
    }

    /// In percent.
    pub fn percent(&self) -> f64 {
        100.0 * self.equal as f64 / self.words.max(1) as f64
    }
}

impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} words ({:.2} %)", self.equal, self.words, self.percent())
    }
}

/// The length of the longest common subsequence.
fn longest_common(a: &[String], b: &[String]) -> usize {
    let mut row = vec![0; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y { diagonal + 1 } else { above.max(row[j]) };
            diagonal = above;
        }
    }
    row[b.len()]
}
