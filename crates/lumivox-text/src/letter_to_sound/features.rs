//! What a decision looks at, as hashes.

use super::clause::ClauseFeatures;

/// The decisions so far.
#[derive(Debug, Clone, Default)]
pub(super) struct History {
    /// The last three labels plus one, latest first; 0 before the word.
    last: [u64; 3],
    /// The strongest stress so far: 0 none, 1 secondary, 2 primary.
    stress: u64,
}

impl History {
    /// The last three labels plus one, latest first; 0 where there is none.
    pub(super) fn last(&self) -> [u64; 3] {
        self.last
    }

    /// The strongest stress so far in the word.
    pub(super) fn stress(&self) -> u64 {
        self.stress
    }

    /// Another word begins.
    pub(super) fn next_word(&mut self) {
        self.stress = 0;
    }

    pub(super) fn push(&mut self, label: u32, stress: u64) {
        self.last = [u64::from(label) + 1, self.last[0], self.last[1]];
        self.stress = self.stress.max(stress);
    }
}

/// Stress in a label: 0 none, 1 secondary, 2 primary.
pub(super) fn stress_of(label: &str) -> u64 {
    if label.contains('ˈ') { 2 } else { u64::from(label.contains('ˌ')) }
}

/// Mixes the bits of `x` (the finaliser of MurmurHash3).
pub(super) fn mix(mut x: u64) -> u64 {
    x ^= x >> 33;
    x = x.wrapping_mul(0xff51_afd7_ed55_8ccd);
    x ^= x >> 33;
    x = x.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    x ^ (x >> 33)
}

/// Combined with a feature's hash it gives the weight's place.
pub(super) fn label_hash(label: u32) -> u64 {
    mix(u64::from(label) + 77)
}

/// Letters in view to each side, and of both together.
const REACH: i64 = 5;
const REACH_BOTH: i64 = 7;

/// The same for clauses.
pub(super) const LETTERS_SEEN: (i64, i64) = (REACH, REACH_BOTH);

/// What is read at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Single words, from left to right.
    Word,
    /// Clauses of words with blanks between them, from right to left.
    Clause,
}

/// The features of either.
pub(super) enum Context<'a> {
    Word(Features<'a>),
    Clause(ClauseFeatures<'a>),
}

impl<'a> Context<'a> {
    pub(super) fn new(reach: Reach, letters: &'a [char]) -> Self {
        match reach {
            Reach::Word => Self::Word(Features::new(letters)),
            Reach::Clause => Self::Clause(ClauseFeatures::new(letters)),
        }
    }

    /// Hashes of all features of the decision on letter `i`.
    pub(super) fn at(&mut self, i: usize, history: &History) -> &[u64] {
        match self {
            Self::Word(features) => features.at(i, history),
            Self::Clause(features) => features.at(i, history),
        }
    }

    /// The letter of the decision number `step` among `count`.
    pub(super) fn position(&self, step: usize, count: usize) -> usize {
        match self {
            Self::Word(_) => step,
            Self::Clause(_) => count - 1 - step,
        }
    }
}

/// Features of the letters of one word.
pub(super) struct Features<'a> {
    letters: &'a [char],
    /// `vowels[i]`: vowel letters before `i`.
    vowels: Vec<u64>,
    active: Vec<u64>,
}

impl<'a> Features<'a> {
    pub(super) fn new(letters: &'a [char]) -> Self {
        let mut vowels = vec![0];
        for letter in letters {
            vowels.push(vowels[vowels.len() - 1] + u64::from("aeiouy".contains(*letter)));
        }
        Self { letters, vowels, active: Vec::new() }
    }

    /// A letter as a number; 2 just before the word, 3 just after, 1 farther out.
    fn letter(&self, at: i64) -> u64 {
        match usize::try_from(at) {
            Ok(at) if at < self.letters.len() => u64::from(self.letters[at]),
            Ok(at) if at == self.letters.len() => 3,
            Err(_) if at == -1 => 2,
            _ => 1,
        }
    }

    /// Hashes of all features of the decision on letter `i`.
    pub(super) fn at(&mut self, i: usize, history: &History) -> &[u64] {
        let mut active = std::mem::take(&mut self.active);
        active.clear();
        self.windows(i as i64, &mut active);
        self.combinations(i, history, &mut active);
        self.active = active;
        &self.active
    }

    /// Every stretch of letters around `i` within reach.
    fn windows(&self, i: i64, active: &mut Vec<u64>) {
        let mut id = 1;
        for left in 0..=REACH {
            for right in 0..=REACH.min(REACH_BOTH - left) {
                let stretch = (i - left..=i + right).fold(mix(id), |hash, at| {
                    mix(hash.wrapping_add(self.letter(at)).wrapping_mul(0x9e37_79b9_7f4a_7c15))
                });
                active.push(stretch);
                id += 1;
            }
        }
    }

    /// The letter with decisions, stress, endings and vowel counts.
    fn combinations(&self, i: usize, history: &History, active: &mut Vec<u64>) {
        let (here, length) = (i as i64, self.letters.len() as i64);
        let (c, previous, next) = (self.letter(here), self.letter(here - 1), self.letter(here + 1));
        let [p1, p2, p3] = history.last;
        let stress = history.stress;
        let vowels_left = self.vowels[i].min(5);
        let vowels_right = (self.vowels[self.letters.len()] - self.vowels[i + 1]).min(5);
        let mut ending = 0;
        let endings: [u64; 4] = std::array::from_fn(|k| {
            ending = mix(ending) ^ self.letter(length - 1 - k as i64);
            ending
        });
        let tuples = [
            [c, p1, 0, 0],
            [c, p1, p2, 0],
            [c, p1, next, 0],
            [c, p1, p2, next],
            [c, p1, p2, p3],
            [c, p1, previous, next],
            [c, stress, vowels_right, vowels_left],
            [c, stress, vowels_right, endings[0]],
            [c, stress, vowels_right, endings[1]],
            [c, stress, vowels_right, endings[2]],
            [c, stress, vowels_right, endings[3]],
            [stress, vowels_right, next, c ^ mix(previous)],
            [c, stress, p1, vowels_left],
            [c, stress, vowels_right, mix(previous) ^ next],
            [c, stress, vowels_left, mix(endings[0]) ^ vowels_right],
        ];
        for (id, tuple) in (100..).zip(tuples) {
            active.push(tuple.into_iter().fold(mix(id), |hash, value| mix(hash.wrapping_add(value).rotate_left(17))));
        }
    }
}
