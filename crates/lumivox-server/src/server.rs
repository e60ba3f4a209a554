//! Listening, and stopping without dropping anyone.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::time::{interval, timeout};

use crate::engine::Engine;
use crate::http::{HttpConfig, router};

/// How often idle models are looked for.
const HOUSEKEEPING: Duration = Duration::from_secs(5);

/// Serves HTTP on `listener` until `stop`: then no more requests are taken, those under way are finished, and after `drain` the rest is dropped.
///
/// # Errors
/// If the socket fails.
pub async fn serve(
    engine: Arc<Engine>,
    config: HttpConfig,
    listener: TcpListener,
    drain: Duration,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let housekeeping = tokio::spawn(unload_idle(Arc::clone(&engine)));
    let (stopping, mut has_stopped) = tokio::sync::watch::channel(false);
    let draining = Arc::clone(&engine);
    let stop = async move {
        stop.await;
        draining.drain();
        stopping.send_replace(true);
    };
    let server = axum::serve(listener, router(engine, config)).with_graceful_shutdown(stop);
    let server = tokio::spawn(server.into_future());
    // Only the sender's end, which comes with the server's, is an error.
    let _ = has_stopped.wait_for(|stopped| *stopped).await;
    let abort = server.abort_handle();
    let ended = timeout(drain, server).await;
    housekeeping.abort();
    match ended {
        Ok(Ok(result)) => result,
        Ok(Err(error)) => Err(std::io::Error::other(error)),
        Err(_) => {
            tracing::warn!("some requests were not finished in time");
            abort.abort();
            Ok(())
        }
    }
}

async fn unload_idle(engine: Arc<Engine>) {
    let mut ticks = interval(HOUSEKEEPING);
    loop {
        ticks.tick().await;
        let engine = Arc::clone(&engine);
        let _ = tokio::task::spawn_blocking(move || engine.models.unload_idle()).await;
    }
}
