//! The ops on a GPU: the same functions as on the CPU, on signals that stay in the device's memory, computed by the kernels in `cuda/`.
//!
//! A [`Device`] is a CUDA device (feature `cuda`), or the emulation of one (feature `emulation`), which runs the kernels' own sources on the host: tests compare the
//! launchers here and whole graphs with the CPU where there is no GPU. Utterances of a batch may differ in length ([`Lengths`]).

mod attention;
mod conv1d;
mod device;
#[cfg(feature = "cuda")]
mod driver;
mod elementwise;
#[cfg(feature = "emulation")]
mod emulation;
mod expand;
mod fuse;
mod gate;
mod lstm;
mod norm;
mod random;
mod signal;
mod source;
mod spline;
mod stft;

pub use attention::{RelativePositions, attention};
pub use conv1d::{Conv1d, ConvTranspose1d};
pub use device::{Buffer, Copies, Device, Element, Recorded};
#[cfg(feature = "cuda")]
pub use driver::{cuda, is_driver_present};
pub use elementwise::{add_delayed, broadcast, broadcast_add, copy};
#[cfg(feature = "emulation")]
pub use emulation::{device_under_test, emulated};
pub use expand::{Durations, Embedding, Ids, sample_prior};
pub use fuse::{Activation, Affine, Epilogue, Prologue};
pub use gate::gate;
pub use lstm::BiLstm;
pub use norm::{ChannelNorm, ada_layer_norm, instance_affine};
pub use random::{fill_normal, fill_normal_into};
pub use signal::{Dtype, Lengths, Signal};
pub use source::SineGen;
pub use spline::spline_inverse;
pub use stft::Stft;
