//! Stress marks on a phoneme string: the rules by which casing, context and compounds weaken or strengthen a word.
//!
//! After misaki 0.9.4, `en.py` (Apache-2.0): `apply_stress`, `stress_weight`.

/// Primary stress mark.
pub(crate) const PRIMARY: char = 'ˈ';
/// Secondary stress mark.
pub(crate) const SECONDARY: char = 'ˌ';

/// Whether `c` is a vowel (diphthongs have letters of their own).
pub(crate) fn is_vowel(c: char) -> bool {
    "AIOQWYaiuæɑɒɔəɛɜɪʊʌᵻ".contains(c)
}

/// Whether `c` is a consonant of the English symbol set.
pub(crate) fn is_consonant(c: char) -> bool {
    "bdfhjklmnpstvwzðŋɡɹɾʃʒʤʧθ".contains(c)
}

fn is_stress(c: char) -> bool {
    c == PRIMARY || c == SECONDARY
}

/// Length in moras, as it were: two for diphthongs and affricates, one for anything else.
pub(crate) fn weight(phonemes: &str) -> usize {
    phonemes.chars().map(|c| if "AIOQWYʤʧ".contains(c) { 2 } else { 1 }).sum()
}

/// Puts `mark` in front of the first vowel; a word without vowels stays as it is.
fn mark_first_vowel(phonemes: &str, mark: char) -> String {
    let Some(at) = phonemes.find(is_vowel) else { return phonemes.to_owned() };
    let mut marked = phonemes.to_owned();
    marked.insert(at, mark);
    marked
}

/// Changes the stress of `phonemes` by `level`: below -1 none is left, -1 and -0.5 weaken, 0 to 1 give at least a
/// secondary stress, 1 turns a secondary stress into a primary one, 2 also stresses what has none.
pub(crate) fn apply(phonemes: &str, level: Option<f32>) -> String {
    let Some(level) = level else { return phonemes.to_owned() };
    let primary = phonemes.contains(PRIMARY);
    let stressed = phonemes.contains(is_stress);
    if level < -1.0 {
        phonemes.replace(is_stress, "")
    } else if level == -1.0 || (primary && (level == 0.0 || level == -0.5)) {
        phonemes.replace(SECONDARY, "").replace(PRIMARY, &SECONDARY.to_string())
    } else if !stressed && (level == 0.0 || level == 0.5 || level == 1.0) {
        mark_first_vowel(phonemes, SECONDARY)
    } else if level >= 1.0 && !primary && stressed {
        phonemes.replace(SECONDARY, &PRIMARY.to_string())
    } else if level > 1.0 && !stressed {
        mark_first_vowel(phonemes, PRIMARY)
    } else {
        phonemes.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        assert_eq!(apply("hˈæpi", Some(-2.0)), "hæpi");
        assert_eq!(apply("hˈæpˌi", Some(-1.0)), "hˌæpi");
        assert_eq!(apply("hˈæpi", Some(0.0)), "hˌæpi");
        assert_eq!(apply("hæpi", Some(0.5)), "hˌæpi");
        assert_eq!(apply("hˌæpi", Some(1.0)), "hˈæpi");
        assert_eq!(apply("hæpi", Some(2.0)), "hˈæpi");
        assert_eq!(apply("ʃ", Some(2.0)), "ʃ");
        assert_eq!(apply("hˈæpi", None), "hˈæpi");
    }
}
