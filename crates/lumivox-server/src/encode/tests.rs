use super::*;

/// A second and a bit of a tone.
fn tone(rate_hz: u32) -> Vec<f32> {
    (0..rate_hz + 1234).map(|n| 0.5 * (n as f32 * 440.0 * std::f32::consts::TAU / rate_hz as f32).sin()).collect()
}

fn encode(format: Format, rate_hz: u32, samples: &[f32], piece: usize) -> Vec<u8> {
    let mut encoder = Encoder::new(format, rate_hz).unwrap();
    let mut bytes: Vec<u8> = samples.chunks(piece).flat_map(|piece| encoder.encode(piece).unwrap()).collect();
    bytes.extend(encoder.finish().unwrap());
    bytes
}

#[test]
fn pieces_make_no_difference() {
    for format in [Format::Wav, Format::Pcm, Format::Flac, Format::Opus] {
        for rate_hz in [16_000, 22_050, 24_000] {
            let samples = tone(rate_hz);
            let whole = encode(format, rate_hz, &samples, samples.len());
            for piece in [1, 441, 5000] {
                assert!(encode(format, rate_hz, &samples, piece) == whole, "{format:?} {rate_hz} in pieces of {piece}");
            }
            assert!(!encode(format, rate_hz, &[], 1).is_empty() || format == Format::Pcm);
        }
    }
}

#[test]
fn another_rate_is_the_same_tone() {
    let bytes = encode(Format::Pcm, 22_050, &tone(22_050), 777);
    let samples: Vec<f32> =
        bytes.chunks_exact(2).map(|b| f32::from(i16::from_le_bytes([b[0], b[1]])) / 32767.0).collect();
    let expected = f64::from(22_050 + 1234) * 24_000.0 / 22_050.0;
    assert!((samples.len() as f64 - expected).abs() <= 1.0, "{} samples", samples.len());
    // Against the tone at that rate, without the ends, where the filter sees silence.
    let exact = |n: usize| 0.5 * (n as f32 * 440.0 * std::f32::consts::TAU / 24_000.0).sin();
    let worst = (1000..samples.len() - 1000).map(|n| (samples[n] - exact(n)).abs()).fold(0.0, f32::max);
    assert!(worst < 1e-3, "{worst}");
}

#[test]
fn opus_is_heard_again() {
    let samples = tone(24_000);
    let bytes = encode(Format::Opus, 24_000, &samples, 4800);
    let mut packets = ogg::PacketReader::new(std::io::Cursor::new(bytes));
    let mut decoder = ropus::Decoder::new(24_000, ropus::Channels::Mono).unwrap();
    let (mut heard, mut granule) = (Vec::new(), 0);
    let head = packets.read_packet().unwrap().unwrap().data;
    assert!(head.starts_with(b"OpusHead"));
    let skip = u64::from(u16::from_le_bytes([head[10], head[11]]));
    assert!(packets.read_packet().unwrap().unwrap().data.starts_with(b"OpusTags"));
    while let Some(packet) = packets.read_packet().unwrap() {
        granule = packet.absgp_page();
        let mut pcm = [0i16; 480];
        assert_eq!(decoder.decode(&packet.data, &mut pcm, ropus::DecodeMode::Normal).unwrap(), 480);
        heard.extend(pcm);
    }
    assert_eq!(granule - skip, samples.len() as u64 * 2, "length in 48ths of a millisecond");
    let heard = &heard[skip as usize / 2..][..samples.len()];
    let error: f64 = heard.iter().zip(&samples).map(|(a, b)| (f64::from(*a) / 32767.0 - f64::from(*b)).powi(2)).sum();
    let power: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    assert!(10.0 * (power / error).log10() > 20.0, "{} dB", 10.0 * (power / error).log10());
}
