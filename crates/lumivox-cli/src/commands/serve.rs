//! `lumivox serve`

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use lumivox::embedded;
use lumivox::store::Store;
use lumivox_server::engine::{Engine, EngineConfig, Models, ModelsConfig};
use lumivox_server::{HttpConfig, encode, serve};
use tokio::net::TcpListener;
use tokio::signal;
use tokio::sync::watch;

use super::{load_options, locate};
use crate::args::{LogFormat, ServeArguments};
use crate::output::note;

/// Serves until it is told to stop.
pub fn run(arguments: &ServeArguments) -> Result<ExitCode> {
    start_log(arguments.log);
    let engine = Engine::new(Models::new(models(arguments)?), engine_config(arguments));
    // Whoever waits for the first answer waits for no loading, and a damaged model shows now.
    engine.models.get("").context("the model can't be loaded")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let served = runtime.block_on(listen(arguments, engine));
    // What is still read or loaded for somebody who has gone.
    runtime.shutdown_timeout(Duration::from_secs(1));
    served.map(|()| ExitCode::SUCCESS)
}

async fn listen(arguments: &ServeArguments, engine: Arc<Engine>) -> Result<()> {
    let config = http_config(arguments).await?;
    let bind = async |address: SocketAddr| {
        TcpListener::bind(address).await.with_context(|| format!("can't listen at {address}"))
    };
    let http = bind(SocketAddr::new(arguments.host, arguments.port)).await?;
    let wyoming = match arguments.wyoming {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    if let Some(wyoming) = &wyoming {
        note(format_args!("lumivox: Wyoming at tcp://{}", wyoming.local_addr()?));
    }
    note(format_args!("lumivox: http://{} (stop with Ctrl-C)", http.local_addr()?));
    let (stopping, mut stopped) = watch::channel(false);
    let drain = Duration::from_secs(arguments.drain);
    let speaks_wyoming = async {
        match wyoming {
            Some(wyoming) => lumivox_server::wyoming::serve(engine.clone(), wyoming, drain, stop(&mut stopped)).await,
            None => Ok(()),
        }
    };
    let told = async move {
        told_to_stop().await;
        stopping.send_replace(true);
    };
    tokio::try_join!(serve(engine.clone(), config, http, drain, told), speaks_wyoming)?;
    Ok(())
}

async fn http_config(arguments: &ServeArguments) -> Result<HttpConfig> {
    Ok(HttpConfig {
        api_keys: api_keys(arguments)?,
        cors_origins: arguments.cors.clone(),
        // JSON writes some characters with six bytes.
        max_body_bytes: arguments.max_text_bytes.saturating_mul(6).saturating_add(16 * 1024),
        body_timeout: Duration::from_secs(arguments.timeout.min(30)),
        has_ffmpeg: encode::ffmpeg_is_installed().await,
    })
}

/// Ends when the server is told to stop.
async fn stop(stopped: &mut watch::Receiver<bool>) {
    // A sender that is gone has stopped, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

fn start_log(format: LogFormat) {
    let log = tracing_subscriber::fmt()
        .log_internal_errors(false)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal());
    match format {
        LogFormat::Text => log.init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}

fn models(arguments: &ServeArguments) -> Result<ModelsConfig> {
    let mut files = BTreeMap::new();
    let located = locate(Some(&arguments.model), true, false)?;
    let default = match &located.path {
        Some(path) => {
            files.insert(located.name.clone(), path.clone());
            located.name
        }
        None => embedded::NAME.to_owned(),
    };
    for path in &arguments.also {
        if !path.is_file() {
            bail!("there is no file {}", path.display());
        }
        files.insert(name_of(path)?, path.clone());
    }
    Ok(ModelsConfig {
        default,
        files,
        store: if arguments.only { None } else { Some(Store::open()?) },
        load: load_options(&arguments.compute, false)?,
        unload_after: Duration::from_secs(arguments.unload_after),
        memory_bytes: arguments.model_memory.map_or_else(half_of_memory, |megabytes| megabytes * 1_000_000),
    })
}

fn name_of(path: &Path) -> Result<String> {
    let name = path.file_stem().and_then(|stem| stem.to_str());
    Ok(name.with_context(|| format!("{} has no name that can be asked for", path.display()))?.to_owned())
}

fn engine_config(arguments: &ServeArguments) -> EngineConfig {
    EngineConfig {
        max_requests: arguments.max_requests as usize,
        max_text_bytes: arguments.max_text_bytes,
        timeout: Duration::from_secs(arguments.timeout),
        at_once: arguments.at_once.into(),
    }
}

fn api_keys(arguments: &ServeArguments) -> Result<Vec<String>> {
    let mut keys = arguments.api_key.clone();
    if let Some(path) = &arguments.api_key_file {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("the keys in {} can't be read", path.display()))?;
        keys.extend(
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).map(str::to_owned),
        );
        if keys.is_empty() {
            bail!("there is no key in {}", path.display());
        }
    }
    keys.retain(|key| !key.is_empty());
    Ok(keys)
}

/// Half of the machine's memory, or of what this process may take; 4 GB where that is not known.
fn half_of_memory() -> u64 {
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let machine = || {
        let text = std::fs::read_to_string("/proc/meminfo").ok()?;
        let kib = text
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:"))?
            .trim()
            .strip_suffix("kB")?
            .trim()
            .parse::<u64>()
            .ok()?;
        Some(kib * 1024)
    };
    let known = [number("/sys/fs/cgroup/memory.max"), machine()];
    known.into_iter().flatten().min().map_or(4_000_000_000, |bytes| bytes / 2)
}

/// Ends at Ctrl-C, and where there is such a thing at SIGTERM.
async fn told_to_stop() {
    #[cfg(unix)]
    {
        let terminated = signal::unix::signal(signal::unix::SignalKind::terminate());
        if let Ok(mut terminated) = terminated {
            tokio::select! {
                _ = signal::ctrl_c() => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    let _ = signal::ctrl_c().await;
}
