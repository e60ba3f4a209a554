//! What a book consists of: its package document, and what is encrypted.

use std::collections::HashMap;

use super::archive::{Archive, resolve};
use crate::error::{Error, Result};
use crate::xml::{self, Element};

/// Fonts made unreadable for other programs than the book; text is never stored so.
const FONT_ALGORITHMS: [&str; 2] = ["http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC"];

/// What a book consists of.
pub struct Package {
    /// Its title.
    pub title: Option<String>,
    /// The names of its pages, in the order of reading.
    pub pages: Vec<String>,
    /// How many pages stand outside that order and are not read.
    pub aside: usize,
    /// The table of contents of EPUB 3.
    pub nav: Option<String>,
    /// The table of contents of EPUB 2.
    pub ncx: Option<String>,
}

/// The package document.
pub fn read(archive: &mut Archive) -> Result<Package> {
    const CONTAINER: &str = "META-INF/container.xml";
    if !archive.has(CONTAINER) {
        return Err(Error::epub(format!("there is no {CONTAINER} in it")));
    }
    refuse_encrypted(archive)?;
    let container = parse(archive, CONTAINER)?;
    let root = container.find(&|element| element.name == "rootfile");
    let name = root.and_then(|root| root.attribute("full-path"));
    let name = name.ok_or_else(|| Error::epub(format!("{CONTAINER} names no package document")))?.to_owned();
    let package = parse(archive, &name)?;
    let section = |section: &'static str| {
        let found = package.find(&|element| element.name == section);
        found.ok_or_else(|| Error::epub(format!("{name} has no {section}")))
    };
    let (manifest, spine) = (section("manifest")?, section("spine")?);
    let items: HashMap<&str, &Element> =
        manifest.named("item").filter_map(|item| Some((item.attribute("id")?, item))).collect();
    let file = |item: &Element| resolve(&name, item.attribute("href")?).map(|(file, _)| file);
    let (mut pages, mut aside) = (Vec::new(), 0);
    for reference in spine.named("itemref") {
        if reference.attribute("linear") == Some("no") {
            aside += 1;
            continue;
        }
        let id = reference.attribute("idref").unwrap_or_default();
        let item = items.get(id).ok_or_else(|| Error::epub(format!("{name} has no item `{id}`")))?;
        // Pictures can be pages, too.
        if item.attribute("media-type").is_none_or(|kind| kind.contains("html") || kind.contains("xml")) {
            pages.push(file(item).ok_or_else(|| Error::epub(format!("the item `{id}` is not in the archive")))?);
        }
    }
    let title = package.find(&|element| element.name == "title").map(Element::text).filter(|title| !title.is_empty());
    let nav = manifest.named("item").find(|item| item.has("properties", "nav")).and_then(file);
    let is_ncx = |item: &&Element| item.attribute("media-type") == Some("application/x-dtbncx+xml");
    let ncx = spine.attribute("toc").and_then(|id| items.get(id).copied());
    let ncx = ncx.or_else(|| manifest.named("item").find(is_ncx)).and_then(file);
    Ok(Package { title, pages, aside, nav, ncx })
}

/// A file of the archive as a tree.
pub fn parse(archive: &mut Archive, name: &str) -> Result<Element> {
    let text = archive.text(name)?;
    xml::parse(&text).map_err(|reason| Error::Page { name: name.to_owned(), reason })
}

/// An error if anything but fonts is encrypted.
fn refuse_encrypted(archive: &mut Archive) -> Result<()> {
    const ENCRYPTION: &str = "META-INF/encryption.xml";
    if !archive.has(ENCRYPTION) {
        return Ok(());
    }
    let encryption = parse(archive, ENCRYPTION)?;
    let data = encryption.elements().flat_map(|root| root.named("EncryptedData"));
    for data in data {
        let method = data.named("EncryptionMethod").next().and_then(|method| method.attribute("Algorithm"));
        if method.is_some_and(|method| FONT_ALGORITHMS.contains(&method)) {
            continue;
        }
        let reference = data.find(&|element| element.name == "CipherReference");
        let name = reference.and_then(|reference| reference.attribute("URI")).unwrap_or("a file").to_owned();
        return Err(Error::Encrypted { name });
    }
    Ok(())
}
