//! MurmurHash as spaCy's string store and thinc's hash embeddings use it (public domain, Austin Appleby).

/// MurmurHash64A of `bytes` with seed 1: how spaCy tells strings apart.
pub(crate) fn string_hash(text: &str) -> u64 {
    const M: u64 = 0xc6a4_a793_5bd1_e995;
    let bytes = text.as_bytes();
    if bytes.is_empty() {
        return 0;
    }
    let mut h = 1 ^ (bytes.len() as u64).wrapping_mul(M);
    let (words, tail) = bytes.as_chunks::<8>();
    for word in words {
        let k = u64::from_le_bytes(*word).wrapping_mul(M);
        h = (h ^ (k ^ (k >> 47)).wrapping_mul(M)).wrapping_mul(M);
    }
    if !tail.is_empty() {
        let mut last = [0; 8];
        last[..tail.len()].copy_from_slice(tail);
        h = (h ^ u64::from_le_bytes(last)).wrapping_mul(M);
    }
    h = (h ^ (h >> 47)).wrapping_mul(M);
    h ^ (h >> 47)
}

/// The four table keys of an id, as thinc's `Ops.hash`.
pub(crate) fn embedding_keys(id: u64, seed: u32) -> [u32; 4] {
    fn mix(mut h: u64) -> u64 {
        h ^= h >> 33;
        h = h.wrapping_mul(0xff51_afd7_ed55_8ccd);
        h ^= h >> 33;
        h = h.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        h ^ (h >> 33)
    }
    let mut h1 = id.wrapping_mul(0x87c3_7b91_1142_53d5).rotate_left(31).wrapping_mul(0x4cf5_ad43_2745_937f);
    h1 ^= u64::from(seed) ^ 8;
    let mut h2 = u64::from(seed) ^ 8;
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    (h1, h2) = (mix(h1), mix(h2));
    h1 = h1.wrapping_add(h2);
    h2 = h2.wrapping_add(h1);
    [h1 as u32, (h1 >> 32) as u32, h2 as u32, (h2 >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn string_hashes_are_spacys() {
        // nlp.vocab.strings["the"], ["color"] and ["p.m."] of spaCy 3.8
        assert_eq!(string_hash("the"), 7_425_985_699_627_899_538);
        assert_eq!(string_hash("color"), 7_045_580_820_573_707_335);
        assert_eq!(string_hash("p.m."), 367_645_567_677_572_359);
    }
}
