//! What a decision in a clause looks at. Decisions are made from the last letter to the first, since endings tell most.

use super::features::{History, LETTERS_SEEN, mix};

/// How many features there are of letters, and of letters and of the word as such.
pub(super) const GENERAL: usize = 60;
pub(super) const LEXICAL: usize = GENERAL + 7;

/// A word of the clause.
#[derive(Debug, Clone)]
struct Word {
    start: usize,
    end: usize,
    /// Hashes of its letters, of their kinds, and of its first three and last one to four letters.
    letters: u64,
    kinds: u64,
    beginning: u64,
    endings: [u64; 4],
}

/// Features of the letters of a clause.
pub(super) struct ClauseFeatures<'a> {
    letters: &'a [char],
    /// Kinds of letters, for the shape of syllables.
    kinds: Vec<u64>,
    /// `vowels[i]`: vowel letters before `i`.
    vowels: Vec<u64>,
    words: Vec<Word>,
    /// The word that each letter is in; for a blank the word before it.
    word_at: Vec<usize>,
    active: Vec<u64>,
}

/// A kind of letter: 1 for vowels that bear stress on their own, more for others.
fn kind(letter: char) -> u64 {
    match letter {
        'a' | 'e' | 'o' | 'अ' | 'इ' | 'उ' | 'ऋ' => 1,
        'i' | 'u' | 'y' => 2,
        'á' | 'é' | 'í' | 'ó' | 'ú' | 'à' | 'è' | 'ì' | 'ò' | 'ù' | 'â' | 'ê' | 'î' | 'ô' | 'û' => 3,
        'ã' | 'õ' | 'ä' | 'ë' | 'ï' | 'ö' | 'ü' | 'æ' | 'œ' | 'å' | 'ø' => 4,
        'ि' | 'ु' | 'ृ' => 5,
        'ा' | 'ी' | 'ू' | 'े' | 'ै' | 'ो' | 'ौ' | 'ॉ' | 'ॅ' => 6,
        'आ' | 'ई' | 'ऊ' | 'ए' | 'ऐ' | 'ओ' | 'औ' | 'ऑ' => 7,
        '्' => 8,
        'ं' | 'ँ' | 'ः' => 9,
        '़' => 10,
        'n' | 's' | 'm' => 11,
        'l' | 'r' => 12,
        'h' | 'q' => 13,
        ' ' => 14,
        '\'' | '-' => 15,
        'ह' | 'य' | 'र' | 'ल' | 'व' => 16,
        'क'..='श' | 'ष' | 'स' | '\u{958}'..='\u{95f}' => 17,
        _ => 18,
    }
}

fn is_vowel(kind: u64) -> bool {
    kind <= 7
}

fn hash(id: u64, values: &[u64]) -> u64 {
    values.iter().fold(mix(id), |hash, value| mix(hash.wrapping_add(*value).rotate_left(17)))
}

impl Word {
    fn new(letters: &[char], kinds: &[u64], start: usize, end: usize) -> Self {
        let numbers: Vec<u64> = letters[start..end].iter().map(|c| u64::from(*c)).collect();
        let tail = |length: usize| hash(3, &numbers[numbers.len().saturating_sub(length)..]);
        Self {
            start,
            end,
            letters: hash(1, &numbers),
            kinds: hash(2, &kinds[start..end]),
            beginning: hash(4, &numbers[..numbers.len().min(3)]),
            endings: std::array::from_fn(|at| tail(at + 1)),
        }
    }
}

impl<'a> ClauseFeatures<'a> {
    pub(super) fn new(letters: &'a [char]) -> Self {
        let kinds: Vec<u64> = letters.iter().map(|c| kind(*c)).collect();
        let mut vowels = vec![0];
        for kind in &kinds {
            vowels.push(vowels[vowels.len() - 1] + u64::from(is_vowel(*kind)));
        }
        let (mut words, mut word_at, mut start) = (Vec::new(), Vec::with_capacity(letters.len()), 0);
        for at in 0..=letters.len() {
            if at == letters.len() || letters[at] == ' ' {
                words.push(Word::new(letters, &kinds, start, at));
                start = at + 1;
            }
            word_at.push(words.len().saturating_sub(usize::from(at < letters.len() && letters[at] == ' ')));
        }
        Self { letters, kinds, vowels, words, word_at, active: Vec::new() }
    }

    /// A letter as a number; 2 just before the clause, 3 just after, 1 farther out.
    fn letter(&self, at: i64) -> u64 {
        match usize::try_from(at) {
            Ok(at) if at < self.letters.len() => u64::from(self.letters[at]),
            Ok(at) if at == self.letters.len() => 3,
            Err(_) if at == -1 => 2,
            _ => 1,
        }
    }

    fn kind(&self, at: i64) -> u64 {
        usize::try_from(at).ok().and_then(|at| self.kinds.get(at)).copied().unwrap_or(0)
    }

    /// Hashes of all features of the decision on letter `i`, the most general first: [`GENERAL`] of letters, then those of
    /// the word as such, up to [`LEXICAL`] in all, then those of its neighbours.
    pub(super) fn at(&mut self, i: usize, history: &History) -> &[u64] {
        let mut active = std::mem::take(&mut self.active);
        active.clear();
        self.windows(i as i64, &mut active);
        self.in_word(i, history, &mut active);
        debug_assert_eq!(active.len(), GENERAL);
        self.in_clause(i, history, &mut active);
        self.active = active;
        &self.active
    }

    /// Every stretch of letters around `i` within reach, and some of their kinds.
    fn windows(&self, i: i64, active: &mut Vec<u64>) {
        let (reach, reach_both) = LETTERS_SEEN;
        let mut id = 1;
        for left in 0..=reach {
            for right in 0..=reach.min(reach_both - left) {
                let stretch = (i - left..=i + right).fold(mix(id), |hash, at| {
                    mix(hash.wrapping_add(self.letter(at)).wrapping_mul(0x9e37_79b9_7f4a_7c15))
                });
                active.push(stretch);
                id += 1;
            }
        }
        for (id, (left, right)) in (60..).zip([(2, 2), (3, 3), (4, 2), (2, 4), (1, 6), (6, 1)]) {
            let kinds = (i - left..=i + right).fold(self.letter(i), |hash, at| mix(hash.wrapping_add(self.kind(at))));
            active.push(hash(id, &[kinds]));
        }
    }

    /// The letter with decisions, stress, endings and vowels of its word.
    fn in_word(&self, i: usize, history: &History, active: &mut Vec<u64>) {
        let here = i as i64;
        let (c, decided, coming) = (self.letter(here), self.letter(here + 1), self.letter(here - 1));
        let [p1, p2, p3] = history.last();
        let stress = history.stress();
        let word = &self.words[self.word_at[i]];
        let left = (self.vowels[i] - self.vowels[word.start.min(i)]).min(5);
        let right = (self.vowels[word.end.max(i)] - self.vowels[i.min(word.end)]).min(6);
        let offset = (i - word.start) as u64;
        let (before, place) = self.surroundings(self.word_at[i]);
        let tuples = [
            [c, p1, 0, 0],
            [c, p1, p2, 0],
            [c, p1, coming, 0],
            [c, p1, p2, coming],
            [c, p1, p2, p3],
            [c, p1, decided, coming],
            [c, stress, right, left],
            [c, stress, right, word.endings[0]],
            [c, stress, right, word.endings[1]],
            [c, stress, right, word.endings[2]],
            [c, stress, right, word.endings[3]],
            [stress, right, coming, c ^ mix(decided)],
            [c, stress, p1, left],
            [c, stress, right, mix(decided) ^ coming],
            [c, stress, left, mix(word.endings[0]) ^ right],
            [c, stress, left, word.beginning],
            [offset, stress, word.kinds, c],
            [offset, word.kinds, word.endings[0], stress],
            [offset, word.kinds, word.endings[1], stress],
            [c, offset.min(3), before.map_or(0, |word| word.endings[0]), 0],
            [c, offset.min(3), before.map_or(0, |word| word.endings[1]), 1],
            [c, stress, place, word.kinds],
            [c, stress, place, right],
            [c, stress, mix(right) ^ left, place],
        ];
        active.extend((100..).zip(tuples).map(|(id, tuple)| hash(id, &tuple)));
    }

    /// The word before one, and whether it is the first or the last.
    fn surroundings(&self, at: usize) -> (Option<&Word>, u64) {
        let before = at.checked_sub(1).and_then(|at| self.words.get(at));
        (before, u64::from(before.is_none()) * 2 + u64::from(at + 1 == self.words.len()))
    }

    /// The word itself and the words around it.
    fn in_clause(&self, i: usize, history: &History, active: &mut Vec<u64>) {
        let at = self.word_at[i];
        let word = &self.words[at];
        let (before, place) = self.surroundings(at);
        let after = self.words.get(at + 1);
        let second = self.words.get(at + 2).map_or(0, |word| word.letters);
        let (c, stress) = (self.letter(i as i64), history.stress());
        let (offset, right) = ((i - word.start) as u64, (word.end - i) as u64);
        let (previous, next) = (before.map_or(0, |word| word.letters), after.map_or(0, |word| word.letters));
        let vowels =
            |word: Option<&Word>| word.map_or(9, |word| (self.vowels[word.end] - self.vowels[word.start]).min(4));
        let tuples = [
            [offset, word.letters, 0, 0],
            [offset, word.letters, stress, history.last()[0]],
            [offset, word.letters, place, stress],
            [offset, word.letters, vowels(after), stress],
            [offset, word.letters, vowels(before), stress],
            [offset, word.letters, after.map_or(0, |word| word.beginning), 2],
            [offset, word.letters, before.map_or(0, |word| word.endings[1]), 3],
            [offset, word.letters, next, 0],
            [offset, word.letters, previous, 1],
            [offset, word.letters, previous, next],
            [offset, word.letters, next, second],
            [offset.min(2), c, previous, 4],
            [right, c, next, 6],
            [word.endings[2], offset, previous, stress],
            [word.endings[1], right, next, stress],
        ];
        active.extend((200..).zip(tuples).map(|(id, tuple)| hash(id, &tuple)));
    }
}
