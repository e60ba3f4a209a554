//! Opus in Ogg (RFC 7845).

use ogg::{PacketWriteEndInfo, PacketWriter};
use ropus::{Application, Bitrate, Channels, Encoder};

use super::failed;
use crate::error::Result;

/// What a second of speech takes.
const BITS_PER_SECOND: u32 = 48_000;
/// Packets of 20 ms in a page: a page is heard when it is whole.
const PACKETS_PER_PAGE: u64 = 5;
/// The stream's number; there is one alone.
const SERIAL: u32 = 1;
/// Opus counts time at this rate, whatever the samples' is.
const GRANULE_HZ: u64 = 48_000;

/// Who made the stream.
const VENDOR: &[u8] = b"lumivox";

/// An encoder.
pub struct Opus {
    encoder: Encoder,
    pages: PacketWriter<'static, Vec<u8>>,
    rate_hz: u32,
    pending: Vec<i16>,
    /// Samples that came, and packets that were made of them.
    samples: u64,
    packets: u64,
    begun: bool,
}

impl Opus {
    /// The rate at which samples of `sample_rate_hz` are encoded.
    pub(super) fn rate_hz(sample_rate_hz: u32) -> u32 {
        [8_000, 12_000, 16_000, 24_000].into_iter().find(|rate| *rate >= sample_rate_hz).unwrap_or(48_000)
    }

    pub(super) fn new(rate_hz: u32) -> Result<Self> {
        let encoder =
            Encoder::builder(rate_hz, Channels::Mono, Application::Audio).bitrate(Bitrate::Bits(BITS_PER_SECOND));
        let encoder = encoder.build().map_err(|error| failed("Opus", error))?;
        let pages = PacketWriter::new(Vec::new());
        Ok(Self { encoder, pages, rate_hz, pending: Vec::new(), samples: 0, packets: 0, begun: false })
    }

    pub(super) fn encode(&mut self, samples: &[i16]) -> Result<Vec<u8>> {
        self.begin()?;
        self.samples += samples.len() as u64;
        self.pending.extend_from_slice(samples);
        let length = self.packet_samples();
        // One packet stays back, so that the last one is known when it comes.
        while self.pending.len() > length {
            let rest = self.pending.split_off(length);
            let packet = std::mem::replace(&mut self.pending, rest);
            self.packet(&packet, false)?;
        }
        Ok(std::mem::take(self.pages.inner_mut()))
    }

    /// The last packets: what is left, and silence until the encoder's delay is over; the last page says how much of it counts.
    pub(super) fn finish(&mut self) -> Result<Vec<u8>> {
        self.begin()?;
        let length = self.packet_samples();
        let needed = self.samples + u64::from(self.encoder.lookahead());
        let packets = needed.div_ceil(length as u64).max(self.packets + 1);
        while self.packets < packets {
            let rest = self.pending.split_off(self.pending.len().min(length));
            let mut packet = std::mem::replace(&mut self.pending, rest);
            packet.resize(length, 0);
            let last = self.packets + 1 == packets;
            self.packet(&packet, last)?;
        }
        Ok(std::mem::take(self.pages.inner_mut()))
    }

    fn packet_samples(&self) -> usize {
        self.rate_hz as usize / 50
    }

    fn pre_skip(&self) -> u64 {
        u64::from(self.encoder.lookahead()) * GRANULE_HZ / u64::from(self.rate_hz)
    }

    fn begin(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(());
        }
        let mut head = b"OpusHead\x01\x01".to_vec();
        head.extend((self.pre_skip() as u16).to_le_bytes());
        head.extend(self.rate_hz.to_le_bytes());
        head.extend([0, 0, 0]);
        let mut tags = b"OpusTags".to_vec();
        tags.extend((VENDOR.len() as u32).to_le_bytes());
        tags.extend(VENDOR);
        tags.extend(0u32.to_le_bytes());
        for packet in [head, tags] {
            let written = self.pages.write_packet(packet, SERIAL, PacketWriteEndInfo::EndPage, 0);
            written.map_err(|error| failed("Opus", error))?;
        }
        Ok(())
    }

    fn packet(&mut self, samples: &[i16], last: bool) -> Result<()> {
        let mut packet = vec![0; 4000];
        let length = self.encoder.encode(samples, &mut packet).map_err(|error| failed("Opus", error))?;
        packet.truncate(length);
        self.packets += 1;
        let made = self.packets * GRANULE_HZ / 50;
        let all = self.samples * GRANULE_HZ / u64::from(self.rate_hz) + self.pre_skip();
        let (end, granule) = match last {
            true => (PacketWriteEndInfo::EndStream, all.min(made)),
            false if self.packets.is_multiple_of(PACKETS_PER_PAGE) => (PacketWriteEndInfo::EndPage, made),
            false => (PacketWriteEndInfo::NormalPacket, made),
        };
        self.pages.write_packet(packet, SERIAL, end, granule).map_err(|error| failed("Opus", error))
    }
}
