//! Paragraphs in the making.

/// Collects text; every run of white space becomes one blank.
#[derive(Default)]
pub struct Paragraphs {
    done: Vec<String>,
    current: String,
    /// Whether what comes next is another cell of the row.
    next_cell: bool,
}

impl Paragraphs {
    /// Adds to the current paragraph. A blank that does not break, as French has it, stays what it is.
    pub fn text(&mut self, text: &str) {
        for c in text.chars() {
            if !c.is_ascii_whitespace() {
                if std::mem::take(&mut self.next_cell) {
                    self.join_cell();
                }
                self.current.push(c);
            } else if !self.current.is_empty() && !self.current.ends_with([' ', '\n']) {
                self.current.push(' ');
            }
        }
    }

    fn join_cell(&mut self) {
        self.current.truncate(self.current.trim_end().len());
        if !self.current.is_empty() {
            self.current.push_str(", ");
        }
    }

    /// Ends the line, as between verses.
    pub fn line_break(&mut self) {
        self.current.truncate(self.current.trim_end_matches(' ').len());
        if !self.current.is_empty() {
            self.current.push('\n');
        }
    }

    /// Begins a cell of a row, which is a paragraph with commas.
    pub fn cell(&mut self) {
        self.next_cell = true;
    }

    /// Ends the paragraph, if there is something in it.
    pub fn end(&mut self) {
        let text = self.current.trim();
        if !text.is_empty() {
            self.done.push(text.to_owned());
        }
        self.current.clear();
        self.next_cell = false;
    }

    /// The number that the paragraph has, or will have, to which text is added.
    pub fn number(&self) -> usize {
        self.done.len()
    }

    /// A paragraph that is ended.
    pub fn get(&self, number: usize) -> Option<&str> {
        self.done.get(number).map(String::as_str)
    }

    /// All of them.
    pub fn finish(mut self) -> Vec<String> {
        self.end();
        self.done
    }
}
