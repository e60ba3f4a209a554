//! All words that a text can be cut into, and the cheapest way through them.

use std::ops::Range;

use super::Dictionary;
use super::categories::Category;
use super::lexicon::{Entry, Lexicon};

/// Longest run of characters that is tried as one unknown word.
const MAX_GROUP: usize = 24;

/// A word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Morpheme {
    /// Bytes of the text.
    pub range: Range<usize>,
    /// Whether it is in the dictionary.
    pub known: bool,
    /// The category of its first character.
    pub category: usize,
    /// Where its features are.
    pub(super) features: u32,
}

struct Node {
    morpheme: Morpheme,
    left: u16,
    right: u16,
    /// Cost of the word, then of the cheapest way to its end.
    cost: i64,
    before: usize,
}

impl Dictionary {
    /// The words of `text`; blanks are in none of them.
    pub(crate) fn morphemes(&self, text: &str) -> Vec<Morpheme> {
        let text = text.trim_end_matches(|c: char| self.categories.of(c).is_kind_of(self.categories.space()));
        let start = Node {
            morpheme: Morpheme { range: 0..0, known: false, category: 0, features: 0 },
            left: 0,
            right: 0,
            cost: 0,
            before: 0,
        };
        let mut nodes = vec![start];
        let mut ends: Vec<Vec<usize>> = vec![Vec::new(); text.len() + 1];
        ends[0].push(0);
        for at in 0..text.len() {
            if ends[at].is_empty() {
                continue;
            }
            // The newest first, as in MeCab, where that decides between equals.
            for mut node in self.words_at(text, at).into_iter().rev() {
                let Some((cost, before)) = self.cheapest(&nodes, &ends[at], node.left) else { continue };
                node.cost += cost;
                node.before = before;
                ends[node.morpheme.range.end].push(nodes.len());
                nodes.push(node);
            }
        }
        let Some((_, mut at)) = ends.iter().rev().find_map(|ends| self.cheapest(&nodes, ends, 0)) else {
            return Vec::new();
        };
        let mut words = Vec::new();
        while at != 0 {
            words.push(nodes[at].morpheme.clone());
            at = nodes[at].before;
        }
        words.reverse();
        words
    }

    /// The cheapest of the words `ends` before one with the left context `left`.
    fn cheapest(&self, nodes: &[Node], ends: &[usize], left: u16) -> Option<(i64, usize)> {
        let costs = ends
            .iter()
            .rev()
            .map(|&index| (nodes[index].cost + self.connections.cost(nodes[index].right, left), index));
        costs.reduce(|best, other| if other.0 < best.0 { other } else { best })
    }

    /// All words that begin at `at`, after blanks.
    fn words_at(&self, text: &str, at: usize) -> Vec<Node> {
        let space = self.categories.space();
        let rest = &text[at..];
        let start = at + rest.len() - rest.trim_start_matches(|c| self.categories.of(c).is_kind_of(space)).len();
        let Some(first) = text[start..].chars().next() else { return Vec::new() };
        let category = self.categories.of(first);
        let mut found = Vec::new();
        self.known.prefixes(&text.as_bytes()[start..], |length, value| {
            // A damaged dictionary may have words that end within a character.
            if text.is_char_boundary(start + length) {
                found.extend(nodes(&self.known, value, start..start + length, true, category));
            }
        });
        if found.is_empty() || category.always {
            self.unknown_words(text, start, category, &mut found);
        }
        found
    }

    fn unknown_words(&self, text: &str, start: usize, category: Category, found: &mut Vec<Node>) {
        let add = |end: usize, found: &mut Vec<Node>| {
            let value = self.unknown_entries[category.main];
            found.extend(nodes(&self.unknown, value, start..end, false, category));
        };
        // No unknown word is longer.
        let characters = text[start..].char_indices().take(MAX_GROUP + 2);
        let ends: Vec<(usize, Category)> =
            characters.map(|(at, c)| (start + at + c.len_utf8(), self.categories.of(c))).collect();
        let mut group_end = None;
        if category.group {
            // Each of a kind with the one before it.
            let run = 1 + ends.windows(2).take_while(|pair| pair[0].1.is_kind_of(pair[1].1)).count();
            group_end = Some(ends[run - 1].0);
            if run - 1 <= MAX_GROUP {
                add(ends[run - 1].0, found);
            }
        }
        for length in 1..=category.length {
            let Some((end, _)) = ends.get(length - 1) else { break };
            if group_end == Some(*end) {
                break;
            }
            add(*end, found);
            if !ends.get(length).is_some_and(|(_, next)| category.is_kind_of(*next)) {
                break;
            }
        }
        if found.is_empty() {
            add(ends[0].0, found);
        }
    }
}

/// The nodes of a word's entries.
fn nodes(
    lexicon: &Lexicon,
    value: u32,
    range: Range<usize>,
    known: bool,
    category: Category,
) -> impl Iterator<Item = Node> + '_ {
    lexicon.entries(value).map(move |Entry { left, right, cost, features }| Node {
        morpheme: Morpheme { range: range.clone(), known, category: category.main, features },
        left,
        right,
        cost: i64::from(cost),
        before: 0,
    })
}
