//! The voice inside this program, which speaks where no model can be fetched: Piper's en_US joe of medium quality (CC0-1.0), its weights rounded to 8 bits. How far
//! it is from the original is said in `crates/lumivox/weights/embedded/README.md`.

use lumivox_convert::{ModelFile, ModelFileError};

/// What errors call the voice.
pub const NAME: &str = "embedded";

static BYTES: &[u8] = include_bytes!("../weights/embedded/en_US-joe-medium.safetensors");

/// The voice's model file.
///
/// # Errors
/// If the program was damaged: the file is checked like any other.
pub fn model_file() -> Result<ModelFile, ModelFileError> {
    ModelFile::from_static(NAME, BYTES)
}
