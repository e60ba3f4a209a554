//! Printing.

use std::io::{self, Write};

/// Prints on standard output. A reader that has seen enough (`| head`) is no error.
pub fn print(text: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| io::Error::new(error.kind(), format!("standard output: {error}"))),
    }
}

/// Prints a line on standard error. If that is closed or full there is nobody to tell, and the work goes on.
pub fn note(text: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// An error and its causes in one line; causes that the error's own text tells already are left out.
pub fn describe(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Rows with columns as wide as their widest cell, the last one free.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widest = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| widest(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, columns) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', columns - width(cell) + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Columns that a text takes on a terminal: two for a Chinese character, a syllable of Korean or an emoji, none for what stands above or below another.
fn width(text: &str) -> usize {
    let columns = |c: char| match c as u32 {
        0x300..=0x36F | 0x93C | 0x941..=0x948 | 0x94D | 0x200B..=0x200F | 0x20D0..=0x20FF | 0xFE00..=0xFE0F => 0,
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F | 0xFF00..=0xFF60 => 2,
        0x1F300..=0x1FAFF | 0x20000..=0x3FFFF => 2,
        _ => 1,
    };
    text.chars().map(columns).sum()
}

/// Longest file name that is made of a text, in characters and in bytes: with an extension it has to fit into 255 bytes.
const MAX_NAME: (usize, usize) = (100, 200);

/// A text as a file's name: without what names can't have; none if nothing is left.
pub fn file_name(text: &str) -> Option<String> {
    let allowed = |c: &char| !c.is_control() && !r#"/\:*?"<>|"#.contains(*c);
    let mut name: String = text.chars().filter(allowed).take(MAX_NAME.0).collect();
    while name.len() > MAX_NAME.1 {
        name.pop();
    }
    let name = name.trim().trim_start_matches('.');
    (!name.is_empty()).then(|| name.to_owned())
}

/// A time as hours, minutes and seconds.
pub fn clock(seconds: f64) -> String {
    let seconds = seconds as u64;
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A number of bytes as people read it.
pub fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// How a line looks on a terminal.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Bold,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

/// `text` in a style, by the codes of ECMA-48, or as it is.
pub fn styled(text: &str, style: Style, coloured: bool) -> String {
    let code = match style {
        Style::Bold => "1",
        Style::Dim => "2",
        Style::Red => "31",
        Style::Green => "32",
        Style::Yellow => "33",
        Style::Cyan => "36",
        Style::Plain => return text.to_owned(),
    };
    if coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_become_file_names() {
        assert_eq!(file_name("What/is: this?").as_deref(), Some("Whatis this"));
        assert_eq!(file_name("../etc").as_deref(), Some("etc"));
        assert_eq!(file_name(&"x".repeat(300)).map(|name| name.len()), Some(100));
        assert_eq!(file_name(&"漢".repeat(300)).map(|name| name.len()), Some(198));
        assert_eq!(file_name("???"), None);
    }

    #[test]
    fn columns_count_what_a_terminal_shows() {
        let rows = [["日本", "a"], ["e\u{301}", "b"], ["word", "c"]].map(|row| row.map(str::to_owned).to_vec());
        assert_eq!(table(&rows), "日本  a\ne\u{301}     b\nword  c\n");
    }
}
