//! The compute floor of lumivox: the operations that speech models spend their time in, each as a safe op on [`candle_core::Tensor`], compared in its tests with a
//! scalar oracle in `f64`.
//!
//! An op is one file. Its inner loops are written once, generic over the instruction set, and compiled for AVX-512, AVX2 with FMA, and portable Rust; the
//! choice is made when the op runs ([`Isa::current`]). Work is shared among the threads of the rayon pool that the caller is in, so
//! `pool.install(|| …)` sets the number of threads.
//!
//! Dimension letters: `B` batch, `T` tokens, `C` channels, `L` time steps, `K` kernel width, `F` frames.

mod activation;
mod adain;
mod arch;
mod arena;
mod attention;
mod attention_qkvpacked;
mod channel_norm;
mod conv1d;
mod conv_transpose1d;
#[cfg(any(feature = "cuda", feature = "emulation"))]
pub mod cuda;
mod direct;
mod fuse;
mod gate;
mod int8;
mod layer_norm;
mod leaky_relu;
mod linear;
mod lstm;
mod math;
mod normal;
mod op;
mod parallel;
mod peak;
mod permutation;
mod prior;
mod product;
mod signal;
mod sine_gen;
mod spline;
mod statistics;
mod stft;
mod winograd;

pub use activation::Activation;
pub use adain::{AdaIn, adain_reference};
pub use arch::{Isa, with_isa};
pub use attention::{RelativePositions, attention, attention_reference};
pub use attention_qkvpacked::{attention_qkvpacked, attention_qkvpacked_reference};
pub use channel_norm::{ChannelNorm, channel_norm_reference};
pub use conv_transpose1d::{ConvTranspose1d, ConvTranspose1dConfig, conv_transpose1d_reference};
pub use conv1d::{Algorithm, Conv1d, Conv1dConfig, conv1d_reference};
pub use fuse::{Affine, Epilogue, Prologue};
pub use gate::{gate, gate_reference};
pub use int8::conv1d_int8_reference;
pub use layer_norm::{LayerNorm, ada_layer_norm, layer_norm_reference};
pub use leaky_relu::leaky_relu;
pub use linear::{Linear, linear_reference};
pub use lstm::{BiLstm, LstmWeights, lstm_reference};
pub use normal::{fill_normal, normal_reference};
pub use peak::peak_gflops;
pub use prior::{sample_prior, sample_prior_reference};
pub use signal::Signal;
pub use sine_gen::SineGen;
pub use spline::spline_inverse;
pub use statistics::Statistics;
pub use stft::{Stft, istft_reference, stft_reference};
