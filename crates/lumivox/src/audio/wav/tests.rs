use super::*;

#[test]
fn files_have_their_samples_back_and_no_name_before_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let samples: Vec<f32> = (0..1000).map(|i| (i as f32 * 0.01).sin()).collect();
    for (format, tolerance) in [(SampleFormat::I16, 0.5 / 32767.0 + 1e-7), (SampleFormat::F32, 0.0)] {
        let _ = fs::remove_file(&path);
        let mut wav = WavFile::create(&path, 24_000, format).unwrap();
        wav.write(&samples[..300]).unwrap();
        wav.write(&samples[300..]).unwrap();
        assert!(!path.exists());
        wav.finish().unwrap();
        let mut reader = hound::WavReader::open(&path).unwrap();
        assert_eq!((reader.spec().channels, reader.spec().sample_rate), (1, 24_000));
        let back: Vec<f32> = match format {
            SampleFormat::I16 => reader.samples::<i16>().map(|s| f32::from(s.unwrap()) / 32767.0).collect(),
            SampleFormat::F32 => reader.samples().map(|s| s.unwrap()).collect(),
        };
        assert_eq!(back.len(), samples.len());
        assert!(back.iter().zip(&samples).all(|(a, b)| (a - b).abs() <= tolerance));
    }
    drop(WavFile::create(&path, 24_000, SampleFormat::I16).unwrap());
    #[cfg(unix)]
    {
        use std::os::unix::fs::{PermissionsExt, symlink};
        fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        let link = folder.path().join("link.wav");
        symlink(&path, &link).unwrap();
        let mut wav = WavFile::create(&link, 24_000, SampleFormat::I16).unwrap();
        wav.write(&samples[..10]).unwrap();
        wav.finish().unwrap();
        assert_eq!(hound::WavReader::open(&path).unwrap().len(), 10, "a link leads to the file that is replaced");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::remove_file(&link).unwrap();
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "a dropped file leaves nothing behind");
}

/// The chunks of a RIFF file: id, and where its content begins and ends.
fn chunks(bytes: &[u8]) -> Vec<([u8; 4], std::ops::Range<usize>)> {
    let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
    assert_eq!((&bytes[..4], &bytes[8..12]), (&b"RIFF"[..], &b"WAVE"[..]));
    assert_eq!(number(4) + 8, bytes.len(), "the length that the file states is its own");
    let (mut at, mut chunks) = (12, Vec::new());
    while at < bytes.len() {
        let length = number(at + 4);
        chunks.push((bytes[at..at + 4].try_into().unwrap(), at + 8..at + 8 + length));
        at += 8 + length + length % 2;
    }
    assert_eq!(at, bytes.len());
    chunks
}

#[test]
fn marks_are_cue_points_with_labels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let titles = ["Odd", "Even", "Ünïcode"];
    for format in [SampleFormat::I16, SampleFormat::F32] {
        let mut wav = WavFile::create(&path, 24_000, format).unwrap();
        for (i, title) in titles.iter().enumerate() {
            wav.mark(100 * i as u64, title).unwrap();
            wav.write(&[0.25; 100]).unwrap();
        }
        wav.finish().unwrap();
        let bytes = fs::read(&path).unwrap();
        let number = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let chunks = chunks(&bytes);
        let ids: Vec<&[u8; 4]> = chunks.iter().map(|(id, _)| id).collect();
        assert_eq!(ids, [b"fmt ", b"data", b"cue ", b"LIST"]);
        assert_eq!(chunks[1].1.len() as u64, 300 * format.bytes());
        let (cue, list) = (chunks[2].1.clone(), chunks[3].1.clone());
        assert_eq!((number(cue.start), cue.len()), (3, 4 + 3 * 24));
        let points = (0..3).map(|i| cue.start + 4 + i * 24);
        let points: Vec<_> = points.map(|at| (number(at), number(at + 20), &bytes[at + 8..at + 12])).collect();
        assert_eq!(points, [(1, 0, &b"data"[..]), (2, 100, b"data"), (3, 200, b"data")]);
        assert_eq!(bytes[list.start..list.start + 4], *b"adtl");
        let mut at = list.start + 4;
        for (id, title) in (1..).zip(titles) {
            let length = number(at + 4) as usize;
            assert_eq!((&bytes[at..at + 4], number(at + 8)), (&b"labl"[..], id));
            assert_eq!(bytes[at + 12..at + 8 + length], [title.as_bytes(), &[0]].concat());
            at += 8 + length + length % 2;
        }
        assert_eq!(at, list.end);
        let reader = hound::WavReader::open(&path).unwrap();
        assert_eq!(reader.len(), 300, "a reader that knows no marks has the samples");
    }
}

#[test]
fn what_a_wav_can_not_hold_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut wav = WavFile::create(&folder.path().join("a.wav"), 24_000, SampleFormat::I16).unwrap();
    wav.samples = MAX_WAV_DATA_BYTES / 2 - 100;
    wav.write(&[0.0; 20]).unwrap();
    // The marks count, too: 8 + 4 + 24 bytes of a cue point, 8 + 4 + 8 + 4 + 2 of a label.
    wav.mark(0, "a").unwrap();
    wav.write(&[0.0; 80 - 31]).unwrap();
    assert!(matches!(wav.write(&[0.0]), Err(Error::WavTooLong)));
}

#[test]
fn an_unfinished_file_is_gone_on_with_from_what_it_surely_holds() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole) = (folder.path().join("a.wav"), folder.path().join("whole.wav"));
    let samples: Vec<f32> = (0..100_000).map(|i| (i as f32 * 0.01).sin()).collect();
    let mut wav = WavFile::create(&whole, 24_000, SampleFormat::I16).unwrap();
    wav.write(&samples).unwrap();
    wav.mark(0, "m").unwrap();
    wav.finish().unwrap();
    let part = WavFile::part_path(&path);
    let begin = |checkpoints: &[Checkpoint]| WavFile::resume(&path, 24_000, SampleFormat::I16, checkpoints).unwrap();
    let unfinished = || {
        let _ = fs::remove_file(&part);
        let (mut wav, held) = begin(&[]);
        assert_eq!(held, 0);
        let taken = [40_000, 40_000, 90_000].map(|end: usize| {
            wav.write(&samples[wav.samples as usize..end]).unwrap();
            wav.checkpoint()
        });
        wav.write(&[0.5; 77]).unwrap();
        taken
    };
    let edit = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = fs::read(&part).unwrap();
        edit(&mut bytes);
        fs::write(&part, bytes).unwrap();
    };
    type Damage<'a> = &'a dyn Fn(&mut Vec<u8>);
    let damages: [(usize, Damage); 6] = [
        (3, &|_| ()),
        (2, &|bytes| bytes.truncate(44 + 179_999)),
        (2, &|bytes| bytes[44 + 150_000..].fill(0)),
        (0, &|bytes| bytes[50] ^= 1),
        (0, &|bytes| bytes[24] ^= 1),
        (0, &|bytes| bytes.clear()),
    ];
    for (want, damage) in damages {
        let checkpoints = unfinished();
        assert!(!path.exists());
        edit(damage);
        let (mut wav, held) = begin(&checkpoints);
        assert_eq!(held, want);
        wav.write(&samples[wav.samples as usize..]).unwrap();
        wav.mark(0, "m").unwrap();
        wav.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), fs::read(&whole).unwrap());
        assert!(!part.exists());
        fs::remove_file(&path).unwrap();
    }
}
