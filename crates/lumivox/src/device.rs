//! Where a model computes, and in which numbers.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// The numbers in which a model computes. Durations and pitch are decided with 32 bits always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// 32-bit floating point.
    #[default]
    F32,
    /// Values and weights stored with 16 bits, sums with 32: on a GPU, where tensor cores multiply them.
    F16,
    /// Weights and activations of 8 bits in Kokoro's residual blocks: on the CPU.
    Int8,
}

/// Which device is asked for: `auto`, `cpu`, `cuda` or `cuda:N`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceChoice {
    /// The first CUDA device where this program was built for CUDA and there is one, else the CPU.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A CUDA device, counted from 0.
    Cuda(usize),
}

impl FromStr for DeviceChoice {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let ordinal = |n: &str| n.parse().map_err(|_| format!("`{n}` is no device's number"));
        match s {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => match s.strip_prefix("cuda:") {
                Some(n) => Ok(Self::Cuda(ordinal(n)?)),
                None => Err("it is auto, cpu, cuda or cuda:N".into()),
            },
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(n) => write!(f, "cuda:{n}"),
        }
    }
}

impl DeviceChoice {
    /// Opens the device. Where `auto` is the CPU in a program built for CUDA, the reason comes with it.
    ///
    /// # Errors
    /// If a CUDA device is asked for and there is none, or this program was not built for CUDA.
    pub fn open(self) -> Result<(Device, Option<String>)> {
        match self {
            Self::Cpu => Ok((Device::Cpu, None)),
            #[cfg(not(feature = "cuda"))]
            Self::Auto => Ok((Device::Cpu, None)),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda(_) => Err(Error::Device {
                asked: self.to_string(),
                reason: "this program was built without it; build with `--features cuda`, or compute on the CPU".into(),
            }),
            #[cfg(feature = "cuda")]
            Self::Auto => match lumivox_kernels::cuda::cuda(0) {
                Ok(device) => Ok((Device::Gpu(device), None)),
                Err(error) => Ok((Device::Cpu, Some(reason(&error)))),
            },
            #[cfg(feature = "cuda")]
            Self::Cuda(ordinal) => match lumivox_kernels::cuda::cuda(ordinal) {
                Ok(device) => Ok((Device::Gpu(device), None)),
                Err(error) => Err(Error::Device { asked: self.to_string(), reason: reason(&error) }),
            },
        }
    }
}

/// What an error says, without the trace that may follow.
#[cfg(feature = "cuda")]
fn reason(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// A device that models compute on.
#[derive(Clone, Debug, Default)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// A GPU, or the emulation of one.
    #[cfg(any(feature = "cuda", feature = "emulation"))]
    Gpu(lumivox_kernels::cuda::Device),
}

impl Device {
    /// What it is called.
    pub fn name(&self) -> &str {
        match self {
            Self::Cpu => "CPU",
            #[cfg(any(feature = "cuda", feature = "emulation"))]
            Self::Gpu(device) => device.name(),
        }
    }

    /// Transfers between host and device since it was opened.
    pub fn copies(&self) -> Copies {
        match self {
            Self::Cpu => Copies::default(),
            #[cfg(any(feature = "cuda", feature = "emulation"))]
            Self::Gpu(device) => {
                let lumivox_kernels::cuda::Copies { to_device, to_host, launches } = device.copies();
                Copies { to_device, to_host, launches }
            }
        }
    }
}

/// Transfers between host and device; none on the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Copies {
    /// From the host to the device.
    pub to_device: u64,
    /// From the device to the host, each of which waits for the device.
    pub to_host: u64,
    /// Kernels that were launched, or recordings of several.
    pub launches: u64,
}

/// How a model is loaded. By default: 32 bits on all processors of the CPU.
#[derive(Clone, Debug, Default)]
pub struct LoadOptions {
    /// Threads that the CPU computes with; `None` takes one for each processor.
    pub threads: Option<usize>,
    /// In which numbers it computes.
    pub precision: Precision,
    /// Where it computes.
    pub device: Device,
    /// On a GPU: records launches as CUDA graphs, one for each size of request, so that a size that there was before costs a handful of launches instead of hundreds.
    /// Takes the memory of the last few sizes.
    pub cuda_graphs: bool,
}

impl Precision {
    /// Whether this processor computes faster in it than in [`Precision::F32`]: in 8-bit integers where it has their products (AVX-512 VNNI). Without them they
    /// take half as long again with AVX2, and only memory is saved.
    pub fn is_faster_on_cpu(self) -> bool {
        self == Self::Int8 && lumivox_kernels::Isa::current().has_byte_products()
    }
}

#[cfg(any(feature = "cuda", feature = "emulation"))]
impl Precision {
    /// How a GPU stores values.
    pub(crate) fn dtype(self) -> Result<lumivox_kernels::cuda::Dtype> {
        match self {
            Self::F32 => Ok(lumivox_kernels::cuda::Dtype::F32),
            Self::F16 => Ok(lumivox_kernels::cuda::Dtype::F16),
            Self::Int8 => Err(Error::Precision { precision: "int8", device: "a GPU", takes: "f32 and f16" }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read() {
        let read = |s: &str| s.parse::<DeviceChoice>();
        for (s, device) in [("auto", DeviceChoice::Auto), ("cpu", DeviceChoice::Cpu), ("cuda:3", DeviceChoice::Cuda(3))]
        {
            assert_eq!(read(s), Ok(device));
            assert_eq!(device.to_string(), s);
        }
        assert_eq!(read("cuda"), Ok(DeviceChoice::Cuda(0)));
        assert!(read("cuda:").is_err() && read("gpu").is_err() && read("cuda:x").is_err());
    }

    #[test]
    fn cuda_where_there_is_none_is_an_error_and_auto_is_the_cpu() {
        // There is none with such a number anywhere.
        let error = DeviceChoice::Cuda(9999).open().err().map(|error| error.to_string());
        assert!(error.is_some_and(|error| error.contains("cuda:9999")));
        assert!(DeviceChoice::Auto.open().is_ok());
    }
}
