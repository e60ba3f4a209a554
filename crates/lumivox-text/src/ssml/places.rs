//! Lines and columns of a document.

/// Bytes between places that are known beforehand, so that asking for any number of places takes time in proportion to the document and to their number.
const BLOCK_BYTES: usize = 512;

/// The lines and columns of a text.
pub(super) struct Places<'a> {
    text: &'a str,
    /// Line and column at the first character that begins in each block.
    blocks: Vec<(usize, u32, u32)>,
}

impl<'a> Places<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut blocks = Vec::with_capacity(text.len() / BLOCK_BYTES + 1);
        let (mut line, mut column) = (1, 1);
        for (at, c) in text.char_indices() {
            if at / BLOCK_BYTES >= blocks.len() {
                blocks.push((at, line, column));
            }
            (line, column) = behind(c, line, column);
        }
        Self { text, blocks }
    }

    /// The line and the column in characters, both from 1, of the character at a byte.
    pub(super) fn of(&self, at: usize) -> (u32, u32) {
        let before = self.blocks.partition_point(|(start, ..)| *start <= at);
        let Some(&(start, line, column)) = before.checked_sub(1).and_then(|block| self.blocks.get(block)) else {
            return (1, 1);
        };
        let between = self.text.get(start..at).unwrap_or_default();
        between.chars().fold((line, column), |(line, column), c| behind(c, line, column))
    }
}

/// Where the character behind `c` stands.
fn behind(c: char, line: u32, column: u32) -> (u32, u32) {
    if c == '\n' { (line.saturating_add(1), 1) } else { (line, column.saturating_add(1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_that_counting_gives() {
        let text = "aé\n二".repeat(500);
        let places = Places::new(&text);
        for (at, _) in text.char_indices() {
            let line = text[..at].matches('\n').count() + 1;
            let column = text[..at].rsplit('\n').next().map_or(0, |line| line.chars().count()) + 1;
            assert_eq!(places.of(at), (line as u32, column as u32), "byte {at}");
        }
        assert_eq!(Places::new("").of(0), (1, 1));
    }
}
