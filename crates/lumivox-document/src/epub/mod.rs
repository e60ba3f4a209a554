//! EPUB: pages of XHTML in a ZIP archive, in the order of reading that the package document states.

mod archive;
mod contents;
mod package;

use std::collections::{BTreeMap, HashMap};

use archive::Archive;
use contents::Entry;
use package::Package;

use crate::error::Result;
use crate::page::Page;
use crate::{Chapter, Content, Document, Limits};

/// A page of the book.
struct Read {
    name: String,
    /// What the page calls itself.
    title: Option<String>,
    page: Page,
}

/// Reads a book. The table of contents says where chapters begin; without one each page is a chapter.
pub fn read(bytes: &[u8], limits: &Limits) -> Result<Document> {
    let mut archive = Archive::open(bytes, limits)?;
    let package = package::read(&mut archive)?;
    let mut notes = Vec::new();
    let mut pages = Vec::new();
    for name in &package.pages {
        if package.nav.as_ref() == Some(name) {
            notes.push("the page with the table of contents is not read".to_owned());
            continue;
        }
        let root = package::parse(&mut archive, name)?;
        let title = root.find(&|element| element.name == "title").map(|title| title.text());
        let title = title.filter(|title| !title.is_empty());
        pages.push(Read { name: name.clone(), title, page: Page::of(&root) });
    }
    let entries = entries(&mut archive, &package)?;
    let undescribed: usize = pages.iter().map(|read| read.page.undescribed_images).sum();
    if undescribed > 0 {
        notes.push(format!("pictures without a description: {undescribed}"));
    }
    if package.aside > 0 {
        notes.push(format!("pages outside the order of reading, which are not read: {}", package.aside));
    }
    let content = Content::Chapters(chapters(&pages, &entries));
    Ok(Document { title: package.title, content, notes })
}

/// The table of contents; that of EPUB 3 if there are both.
fn entries(archive: &mut Archive, package: &Package) -> Result<Vec<Entry>> {
    if let Some(nav) = &package.nav {
        let entries = contents::of_nav(&package::parse(archive, nav)?, nav);
        if !entries.is_empty() {
            return Ok(entries);
        }
    }
    match &package.ncx {
        Some(ncx) => Ok(contents::of_ncx(&package::parse(archive, ncx)?, ncx)),
        None => Ok(Vec::new()),
    }
}

/// Cuts the pages' text into chapters.
fn chapters(pages: &[Read], entries: &[Entry]) -> Vec<Chapter> {
    // By the number of the page and of the paragraph in it: the names of the chapter that begins there.
    let mut starts: BTreeMap<(usize, usize), Option<String>> = BTreeMap::new();
    let places = Places::of(pages);
    for entry in entries {
        if let Some(place) = places.find(entry) {
            let title = starts.entry(place).or_default().get_or_insert_default();
            // Of several names for a place, such as a part's and its first chapter's, none is lost.
            if !title.is_empty() {
                title.push_str(", ");
            }
            title.push_str(&entry.title);
        }
    }
    if starts.is_empty() {
        for (number, read) in pages.iter().enumerate() {
            starts.insert((number, 0), read.page.heading.clone().or_else(|| read.title.clone()));
        }
    }
    starts.entry((0, 0)).or_insert_with(|| pages.first().and_then(|read| read.page.heading.clone()));
    let mut chapters = Vec::new();
    let ends = starts.keys().skip(1).copied().chain([(pages.len(), 0)]);
    for ((start, title), end) in starts.iter().zip(ends) {
        let paragraphs = between(pages, *start, end);
        if !paragraphs.is_empty() {
            chapters.push(Chapter { title: title.clone(), paragraphs });
        }
    }
    chapters
}

/// Where pages and the anchors in them are. Of several of a name the first counts.
struct Places<'a> {
    pages: HashMap<&'a str, usize>,
    anchors: HashMap<(usize, &'a str), usize>,
}

impl<'a> Places<'a> {
    fn of(pages: &'a [Read]) -> Self {
        let anchor = |(number, read): (usize, &'a Read)| {
            read.page.anchors.iter().rev().map(move |(id, paragraph)| ((number, id.as_str()), *paragraph))
        };
        Self {
            pages: pages.iter().enumerate().rev().map(|(number, read)| (read.name.as_str(), number)).collect(),
            anchors: pages.iter().enumerate().flat_map(anchor).collect(),
        }
    }

    /// The number of the page, and of the paragraph in it, that an entry leads to.
    fn find(&self, entry: &Entry) -> Option<(usize, usize)> {
        let number = *self.pages.get(entry.page.as_str())?;
        let paragraph = entry.place.as_deref().and_then(|place| self.anchors.get(&(number, place)));
        Some((number, paragraph.copied().unwrap_or(0)))
    }
}

/// The paragraphs from one place to another.
fn between(pages: &[Read], start: (usize, usize), end: (usize, usize)) -> Vec<String> {
    let mut paragraphs = Vec::new();
    for (number, read) in pages.iter().enumerate().skip(start.0) {
        if number > end.0 {
            break;
        }
        let all = &read.page.paragraphs;
        let from = if number == start.0 { start.1 } else { 0 };
        let to = if number == end.0 { end.1 } else { all.len() };
        paragraphs.extend_from_slice(all.get(from..to).unwrap_or_default());
    }
    paragraphs
}
