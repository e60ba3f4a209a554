//! Named places in a WAV file: the chunks `cue ` (RIFF MCI, "Cue-Points Chunk") and `LIST adtl` with a `labl` for each.

/// A named place.
pub struct Mark {
    /// The sample that it is before.
    pub sample: u64,
    /// Its name; UTF-8, as players read it.
    pub label: String,
}

/// The chunks that say `marks`; nothing if there are none.
pub fn chunks(marks: &[Mark]) -> Vec<u8> {
    if marks.is_empty() {
        return Vec::new();
    }
    let number = |value: usize| (value as u32).to_le_bytes();
    let mut cue = number(marks.len()).to_vec();
    let mut labels = b"adtl".to_vec();
    for (id, mark) in (1..).zip(marks) {
        let sample = number(mark.sample as usize);
        // Its number and place in the order of playing; the chunk, and in that block 0, which begins at byte 0, the sample.
        [number(id), sample, *b"data", number(0), number(0), sample].iter().for_each(|field| cue.extend(field));
        let label: Vec<u8> = mark.label.bytes().filter(|byte| *byte != 0).chain([0]).collect();
        add(&mut labels, b"labl", &[number(id).as_slice(), &label].concat());
    }
    let mut chunks = Vec::new();
    add(&mut chunks, b"cue ", &cue);
    add(&mut chunks, b"LIST", &labels);
    chunks
}

/// Adds a chunk, padded to an even length.
fn add(to: &mut Vec<u8>, id: &[u8; 4], content: &[u8]) {
    to.extend(id);
    to.extend((content.len() as u32).to_le_bytes());
    to.extend(content);
    if content.len() % 2 == 1 {
        to.push(0);
    }
}
