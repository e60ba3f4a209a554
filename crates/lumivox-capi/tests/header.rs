//! The header is what the code says.

use std::error::Error;
use std::fs;
use std::path::Path;

/// Writes the header when `LUMIVOX_WRITE_HEADER` is set, as is to be done when the interface changes.
#[test]
fn the_header_is_made_of_the_code() -> Result<(), Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let config = cbindgen::Config::from_file(root.join("cbindgen.toml"))?;
    let sources = ["status", "synthesizer", "options", "speech", "audio"];
    let builder = sources.iter().fold(cbindgen::Builder::new().with_config(config), |builder, source| {
        builder.with_src(root.join(format!("src/{source}.rs")))
    });
    let mut made = Vec::new();
    builder.generate()?.write(&mut made);
    // What must hold of pointers stands in plain words in C.
    let made = String::from_utf8(made)?.replace(" # Safety\n", " Safety:\n");
    let header = root.join("include/lumivox.h");
    if std::env::var_os("LUMIVOX_WRITE_HEADER").is_some() {
        fs::write(&header, &made)?;
    }
    let committed = fs::read_to_string(&header)?;
    assert!(committed == made, "the interface has changed: run this test once with LUMIVOX_WRITE_HEADER=1");
    Ok(())
}
