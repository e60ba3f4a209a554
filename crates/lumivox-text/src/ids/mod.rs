//! Phonemes to the ids that a model reads, one module a model family.

pub mod kokoro;
pub mod mms;
pub mod piper;

/// Ids of a phoneme string.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Encoded {
    /// What the model reads, marks and blanks included.
    pub ids: Vec<u32>,
    /// For each of `ids` the symbol that it belongs to, by its place (in characters) in the phoneme string. A blank belongs
    /// to the symbol before it; begin and end marks, and a blank at the start, to none. So the length of a symbol is the sum
    /// over its ids.
    pub symbols: Vec<Option<usize>>,
    /// Symbols that share the ids of the one before them, by their place, sorted: the second and later ones of a cluster.
    pub joined: Vec<usize>,
    /// Symbols without an id, with their place (in characters) in the phoneme string; they are not in `ids`.
    pub unknown: Vec<(usize, char)>,
}

impl Encoded {
    /// Whether no symbol has an id: there is nothing to say.
    pub fn is_silent(&self) -> bool {
        self.symbols.iter().all(Option::is_none)
    }

    fn push(&mut self, id: u32, symbol: Option<usize>) {
        self.ids.push(id);
        self.symbols.push(symbol);
    }

    fn extend(&mut self, ids: &[u32], symbol: Option<usize>) {
        ids.iter().for_each(|&id| self.push(id, symbol));
    }
}
