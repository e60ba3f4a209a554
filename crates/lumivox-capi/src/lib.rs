//! The C interface of lumivox. `include/lumivox.h` is made of it; `examples/` shows its use.
//!
//! Every object is made by one function and freed by another; strings are UTF-8 and end with a zero byte. What can fail returns a
//! [`LumivoxStatus`], and [`lumivox_last_error`] says what went wrong in the calling thread. No panic leaves the library.

pub mod audio;
pub mod options;
pub mod speech;
pub mod status;
pub mod synthesizer;

pub use audio::*;
pub use options::*;
pub use speech::*;
pub use status::*;
pub use synthesizer::*;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
