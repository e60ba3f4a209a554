//! How fast lumivox speaks, where its time goes, and how that compares with other engines on the same machine in the same run.
//!
//! [`Subject::open`] loads a model, [`measure`] has it and its [rivals](Rival) say the same ids in turn, and a [`Record`] holds every figure of every round; it becomes a
//! [table](report::table), JSON by serde, or an [HTML page](report::html). Outputs are checked before anything is timed.

mod case;
mod concurrency;
mod engine;
mod error;
mod machine;
mod measure;
mod onnxruntime;
mod profile;
mod record;
pub mod report;
mod rival;
mod speaker;
mod spread;
mod worker;

pub use case::{Case, Kind, cases};
pub use engine::{About, Engine, Said, Segment, Utterance};
pub use error::{Error, Result};
pub use machine::{Machine, peak_rss_bytes, reset_peak_rss, utc_now};
pub use measure::{Plan, Progress, measure};
pub use profile::{StageTime, TimingProbe};
pub use record::{Clock, Concurrency, EngineResult, ModelRecord, Profile, Record, Run};
pub use rival::Rival;
pub use speaker::{ModelSource, Subject, SubjectOptions};
pub use spread::{Spread, percentile};
