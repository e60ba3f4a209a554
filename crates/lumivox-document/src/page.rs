//! The text of an HTML page.

use crate::paragraphs::Paragraphs;
use crate::xml::{Element, Node};

/// Elements whose content is not read: it is no text of the page, or says again, in another way, what stands beside it.
const SILENT: [&str; 8] = ["head", "script", "style", "template", "rt", "rp", "audio", "video"];

/// Elements within a line; all others begin and end paragraphs.
const INLINE: [&str; 40] = [
    "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
    "image", "ins", "kbd", "label", "mark", "math", "mi", "mn", "mo", "mrow", "q", "rb", "ruby", "s", "samp", "small",
    "span", "strike", "strong", "sub", "sup", "time", "u", "wbr",
];

/// What a page says.
#[derive(Default)]
pub struct Page {
    /// Its text.
    pub paragraphs: Vec<String>,
    /// Names of places, and the number of the paragraph that each is in or before.
    pub anchors: Vec<(String, usize)>,
    /// The first heading.
    pub heading: Option<String>,
    /// How many pictures have no description.
    pub undescribed_images: usize,
}

impl Page {
    /// The text below `root`.
    pub fn of(root: &Element) -> Self {
        let mut walk = Walk::default();
        walk.inside(root);
        Self { paragraphs: walk.paragraphs.finish(), ..walk.page }
    }
}

#[derive(Default)]
struct Walk {
    paragraphs: Paragraphs,
    page: Page,
}

impl Walk {
    fn inside(&mut self, element: &Element) {
        for node in &element.children {
            match node {
                Node::Text(text) => self.paragraphs.text(text),
                Node::Element(element) => self.element(element),
            }
        }
    }

    fn element(&mut self, element: &Element) {
        let name = element.name.to_ascii_lowercase();
        let is_block = !INLINE.contains(&name.as_str()) && !matches!(name.as_str(), "br" | "td" | "th");
        if is_block {
            self.paragraphs.end();
        }
        if let Some(id) = element.attribute("id").or_else(|| element.attribute("name").filter(|_| name == "a")) {
            self.page.anchors.push((id.to_owned(), self.paragraphs.number()));
        }
        match name.as_str() {
            name if SILENT.contains(&name) => {}
            // Numbers of printed pages, and marks of notes, which stand in the middle of sentences.
            _ if ["pagebreak", "noteref"].iter().any(|kind| element.has("type", kind)) => {}
            _ if ["doc-pagebreak", "doc-noteref"].iter().any(|role| element.has("role", role)) => {}
            "br" => self.paragraphs.line_break(),
            "img" | "image" => self.image(element),
            "td" | "th" => {
                self.paragraphs.cell();
                self.inside(element);
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.heading(element),
            _ => self.inside(element),
        }
        if is_block {
            self.paragraphs.end();
        }
    }

    fn heading(&mut self, element: &Element) {
        let number = self.paragraphs.number();
        self.inside(element);
        self.paragraphs.end();
        if self.page.heading.is_none() {
            self.page.heading = self.paragraphs.get(number).map(|heading| heading.replace('\n', " "));
        }
    }

    fn image(&mut self, element: &Element) {
        match element.attribute("alt").map(str::trim) {
            Some(description) if !description.is_empty() => self.paragraphs.text(description),
            // An empty description says that it is an ornament.
            Some(_) => {}
            None => self.page.undescribed_images += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xml;

    #[test]
    fn blocks_become_paragraphs_and_everything_that_is_written_is_kept() {
        let source = r#"<html><head><title>No</title><style>p {}</style></head><body>
            <h2 id="one">The
              <i>first</i></h2><p>Some<sup><a epub:type="noteref" href="n">1</a></sup> text,<br/>a verse.</p>
            loose <div id="two">inner<p>deep &lt;1&gt;</p></div> tail
            <ul><li>one</li><li>two</li></ul>
            <table><tr><th>a</th><th>b</th></tr><tr><td><p>1</p></td><td/></tr></table>
            <p><img src="a" alt="A cat."/> <img src="b"/><img src="c" alt=""/></p>
            <ruby>漢<rt>かん</rt></ruby><script>x()</script></body></html>"#;
        let page = Page::of(&xml::parse(source).unwrap());
        let want = [
            "The first",
            "Some text,\na verse.",
            "loose",
            "inner",
            "deep <1>",
            "tail",
            "one",
            "two",
            "a, b",
            "1",
            "A cat.",
            "漢",
        ];
        assert_eq!(page.paragraphs, want);
        assert_eq!(page.heading.as_deref(), Some("The first"));
        assert_eq!(page.anchors, [("one".to_owned(), 0), ("two".to_owned(), 3)]);
        assert_eq!(page.undescribed_images, 1);
    }
}
