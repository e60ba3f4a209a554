//! FLAC in blocks of equal length, so that each can leave as soon as it is full.

use flacenc::bitsink::MemSink;
use flacenc::component::{BitRepr, Stream, StreamInfo};
use flacenc::config;
use flacenc::error::{Verified, Verify};
use flacenc::source::{Fill, FrameBuf};

use super::failed;
use crate::error::Result;

/// Samples of a block.
const BLOCK: usize = 4096;

/// An encoder whose stream says nothing of its length, which is not known at its beginning.
pub struct Flac {
    config: Verified<config::Encoder>,
    info: StreamInfo,
    pending: Vec<i16>,
    /// Blocks that are done; the header is before the first.
    blocks: usize,
    begun: bool,
}

impl Flac {
    pub(super) fn new(sample_rate_hz: u32) -> Result<Self> {
        let fail = |error| failed("FLAC", error);
        let config = config::Encoder::default().into_verified().map_err(|(_, error)| failed("FLAC", error))?;
        let mut info = StreamInfo::new(sample_rate_hz as usize, 1, 16).map_err(fail)?;
        info.set_block_sizes(BLOCK, BLOCK).map_err(fail)?;
        Ok(Self { config, info, pending: Vec::new(), blocks: 0, begun: false })
    }

    pub(super) fn encode(&mut self, samples: &[i16]) -> Result<Vec<u8>> {
        let mut bytes = self.header()?;
        self.pending.extend_from_slice(samples);
        let full = self.pending.len() / BLOCK * BLOCK;
        let pending = self.pending.split_off(full);
        for block in std::mem::replace(&mut self.pending, pending).chunks_exact(BLOCK) {
            bytes.extend(self.block(block)?);
        }
        Ok(bytes)
    }

    /// The last block may be shorter.
    pub(super) fn finish(&mut self) -> Result<Vec<u8>> {
        let mut bytes = self.header()?;
        let rest = std::mem::take(&mut self.pending);
        if !rest.is_empty() {
            bytes.extend(self.block(&rest)?);
        }
        Ok(bytes)
    }

    fn header(&mut self) -> Result<Vec<u8>> {
        if std::mem::replace(&mut self.begun, true) {
            return Ok(Vec::new());
        }
        write(&Stream::with_stream_info(self.info.clone()))
    }

    fn block(&mut self, samples: &[i16]) -> Result<Vec<u8>> {
        let mut buffer = FrameBuf::with_size(1, samples.len()).map_err(|error| failed("FLAC", error))?;
        let samples: Vec<i32> = samples.iter().map(|&sample| sample.into()).collect();
        buffer.fill_interleaved(&samples).map_err(|error| failed("FLAC", error))?;
        let frame = flacenc::encode_fixed_size_frame(&self.config, &buffer, self.blocks, &self.info);
        self.blocks += 1;
        write(&frame.map_err(|error| failed("FLAC", error))?)
    }
}

fn write(component: &impl BitRepr) -> Result<Vec<u8>> {
    let mut sink = MemSink::<u8>::new();
    component.write(&mut sink).map_err(|error| failed("FLAC", error))?;
    Ok(sink.into_inner())
}
