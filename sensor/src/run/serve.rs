//! The thread that serves HTTP and hears signals.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context as _, Result};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::output::web::{self, Shared};

/// Starts it; `stop` becomes true at SIGINT or SIGTERM.
///
/// # Errors
/// An address that cannot be listened on.
pub fn start(listen: &str, shared: &Arc<Shared>, stop: &Arc<AtomicBool>) -> Result<()> {
    let address: Option<SocketAddr> = match listen {
        "" => None,
        text => Some(text.parse().with_context(|| format!("`{text}` under [web] is no address and port"))?),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let listener = address.map(|address| runtime.block_on(web::bind(address))).transpose()?;
    // Handlers are in place before anything is analysed: a signal from then on ends or reloads, and never kills.
    let mut signals = {
        let _inside = runtime.enter();
        Signals::new().context("cannot hear signals")?
    };
    let (shared, stop) = (Arc::clone(shared), Arc::clone(stop));
    std::thread::Builder::new().name("web".to_owned()).spawn(move || {
        runtime.block_on(async move {
            if let Some(listener) = listener {
                tokio::spawn(web::serve(listener, Arc::clone(&shared)));
            }
            signals.until_end(&shared).await;
            stop.store(true, Ordering::Relaxed);
            // A second signal ends the program at once, as users expect who press Ctrl-C twice.
            signals.until_end(&shared).await;
            std::process::exit(1);
        });
    })?;
    Ok(())
}

struct Signals {
    interrupt: Signal,
    terminate: Signal,
    reload: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            reload: signal(SignalKind::hangup())?,
        })
    }

    /// Reloads at each SIGHUP until SIGINT or SIGTERM.
    async fn until_end(&mut self, shared: &Shared) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = self.reload.recv() => match shared.reload().await {
                    Ok(said) => eprintln!("isthmus: {said}"),
                    Err(said) => eprintln!("isthmus: {said}; the configuration in use stays"),
                },
            }
        }
    }
}
