//! The machine: what it is, how much memory a process has had, and how busy it is with other things.

use std::fs;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use cpu_time::ProcessTime;
use lumivox::Device;
use lumivox_kernels::Isa;
use serde::{Deserialize, Serialize};

/// Clock ticks in a second of `/proc/stat`, on every Linux.
const TICKS_PER_S: f64 = 100.0;

/// What figures were measured on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's model.
    pub processor: String,
    /// Processors that this process may use.
    pub processors: usize,
    /// The instruction set that kernels run in.
    pub isa: String,
    /// Operating system and architecture.
    pub system: String,
    /// Where the model computes.
    pub device: String,
}

impl Machine {
    /// This machine, with the device that the model computes on.
    pub fn this(device: &Device) -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
        Self {
            processor: model.map_or(std::env::consts::ARCH, |(_, model)| model.trim()).to_owned(),
            processors: std::thread::available_parallelism().map_or(1, usize::from),
            isa: Isa::current().name().to_owned(),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            device: device.name().to_owned(),
        }
    }
}

/// A field of a process's status in bytes; `None` where there is no `/proc`.
fn status_bytes(process: &str, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim_start_matches(':').split_whitespace().next()?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// The name of a process in `/proc`; `None` is this one.
fn process_name(id: Option<u32>) -> String {
    id.map_or("self".into(), |id| id.to_string())
}

/// The most memory that a process (`None`: this one) has had resident since it began or [`reset_peak_rss`] was called; `None` where the system does not tell.
pub fn peak_rss_bytes(process: Option<u32>) -> Option<u64> {
    status_bytes(&process_name(process), "VmHWM")
}

/// What this process has resident now.
pub(crate) fn rss_bytes() -> Option<u64> {
    status_bytes("self", "VmRSS")
}

/// Lets [`peak_rss_bytes`] count from now on; false where the system can't.
pub fn reset_peak_rss(process: Option<u32>) -> bool {
    fs::write(format!("/proc/{}/clear_refs", process_name(process)), "5").is_ok()
}

/// The share of the machine that other processes take.
pub(crate) struct Neighbours {
    started: Instant,
    own: ProcessTime,
    busy_s: Option<f64>,
}

impl Neighbours {
    /// From now on.
    pub(crate) fn begin() -> Self {
        Self { started: Instant::now(), own: ProcessTime::now(), busy_s: busy_s() }
    }

    /// The share so far, without this process and `other_cpu_s` of what belongs to it; `None` where the system does not tell.
    pub(crate) fn share(&self, other_cpu_s: f64) -> Option<f64> {
        let busy_s = busy_s()? - self.busy_s?;
        let processors = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        let own_s = self.own.elapsed().as_secs_f64() + other_cpu_s;
        Some(((busy_s - own_s) / (self.started.elapsed().as_secs_f64() * processors)).clamp(0.0, 1.0))
    }
}

/// Seconds that all processors together were busy since the machine started, time that other machines took included.
fn busy_s() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<f64> =
        stat.lines().next()?.split_whitespace().skip(1).map_while(|ticks| ticks.parse().ok()).collect();
    // user, nice, system, idle, iowait, irq, softirq, steal
    let busy = [0, 1, 2, 5, 6, 7].map(|field| ticks.get(field).copied().unwrap_or(0.0));
    Some(busy.iter().sum::<f64>() / TICKS_PER_S)
}

/// The time in UTC, as `2026-11-26T01:54:06Z`.
pub fn utc_now() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs());
    utc(seconds)
}

/// Seconds since 1970 as date and time. Years begin in March, so that the leap day is the last one.
fn utc(seconds: u64) -> String {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Days since the first of March of the year 0, in periods of 400 years.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let shifted = (5 * day + 2) / 153;
    let (month, day) = (if shifted < 10 { shifted + 3 } else { shifted - 9 }, day - (153 * shifted + 2) / 5 + 1);
    let year = era * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(utc(0), "1970-01-01T00:00:00Z");
        assert_eq!(utc(951_782_399), "2000-02-28T23:59:59Z");
        assert_eq!(utc(951_868_800), "2000-03-01T00:00:00Z");
        assert_eq!(utc(1_795_658_046), "2026-11-26T01:54:06Z");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn peaks_are_of_what_was_touched_since() {
        let bytes = 64 << 20;
        drop(std::hint::black_box(vec![1u8; bytes]));
        assert!(peak_rss_bytes(None).unwrap() >= bytes as u64);
        assert!(reset_peak_rss(None));
        let before = rss_bytes().unwrap();
        assert!(peak_rss_bytes(None).unwrap() < before + (bytes as u64) / 2);
        let kept = std::hint::black_box(vec![1u8; bytes]);
        assert!(peak_rss_bytes(None).unwrap() >= before + (bytes as u64) / 2);
        drop(kept);
    }
}
