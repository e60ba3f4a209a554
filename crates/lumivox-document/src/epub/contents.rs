//! Tables of contents: EPUB 3's navigation document and EPUB 2's NCX.

use super::archive::resolve;
use crate::xml::Element;

/// Levels of the table that are chapters: parts, and chapters in them. What is deeper are sections.
const LEVELS: usize = 2;

/// A chapter's entry.
#[derive(Debug, PartialEq)]
pub struct Entry {
    /// What it is called.
    pub title: String,
    /// The page that it leads to.
    pub page: String,
    /// The place in that page; its beginning if none.
    pub place: Option<String>,
}

/// The entries of a navigation document called `name`.
pub fn of_nav(root: &Element, name: &str) -> Vec<Entry> {
    let is_nav = |element: &Element| element.name == "nav";
    let is_toc = |element: &Element| is_nav(element) && (element.has("type", "toc") || element.has("role", "doc-toc"));
    let list = root.find(&is_toc).or_else(|| root.find(&is_nav)).and_then(|nav| nav.find(&|e| e.name == "ol"));
    let mut entries = Vec::new();
    if let Some(list) = list {
        add_list(list, name, LEVELS, &mut entries);
    }
    entries
}

fn add_list(list: &Element, name: &str, levels: usize, entries: &mut Vec<Entry>) {
    for item in list.named("li") {
        if let Some(link) = item.named("a").next() {
            add(link.text(), link.attribute("href"), name, entries);
        }
        if let Some(list) = item.named("ol").next().filter(|_| levels > 1) {
            add_list(list, name, levels - 1, entries);
        }
    }
}

/// The entries of an NCX called `name`.
pub fn of_ncx(root: &Element, name: &str) -> Vec<Entry> {
    let mut entries = Vec::new();
    if let Some(map) = root.find(&|element| element.name == "navMap") {
        add_points(map, name, LEVELS, &mut entries);
    }
    entries
}

fn add_points(parent: &Element, name: &str, levels: usize, entries: &mut Vec<Entry>) {
    for point in parent.named("navPoint") {
        let label = point.named("navLabel").next().map(Element::text).unwrap_or_default();
        add(label, point.named("content").next().and_then(|content| content.attribute("src")), name, entries);
        if levels > 1 {
            add_points(point, name, levels - 1, entries);
        }
    }
}

fn add(title: String, href: Option<&str>, name: &str, entries: &mut Vec<Entry>) {
    if let Some((page, place)) = href.and_then(|href| resolve(name, href))
        && !title.is_empty()
    {
        entries.push(Entry { title, page, place });
    }
}
