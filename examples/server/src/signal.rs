//! SIGTERM and SIGINT: the first asks for a clean stop, the second ends the process at once.

use std::{io, time::Duration};

/// Catches the signals from now on; the future is ready when the first one comes.
///
/// From then on a watchdog ends the process with status 1, at a second signal or after `grace`, so that
/// nothing that hangs while stopping can keep the process alive.
///
/// # Errors
/// If the handlers cannot be installed.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn shutdown(grace: Duration) -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut signals = Signals::catch()?;
    Ok(async move {
        let signal = signals.next().await;
        tracing::info!(signal, "stopping");
        tokio::spawn(async move {
            match tokio::time::timeout(grace, signals.next()).await {
                Ok(signal) => tracing::warn!(signal, "stopping at once"),
                Err(_) => tracing::error!(?grace, "stopping took too long"),
            }
            std::process::exit(1)
        });
    })
}

/// SIGHUP, by which operators ask to read files again.
#[derive(Debug)]
pub struct Hangup {
    #[cfg(unix)]
    signal: tokio::signal::unix::Signal,
}

impl Hangup {
    /// Catches the signal from now on.
    ///
    /// # Errors
    /// If the handler cannot be installed.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn catch() -> io::Result<Self> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            Ok(Self { signal: signal(SignalKind::hangup())? })
        }
        #[cfg(not(unix))]
        Ok(Self {})
    }

    /// Lets it end nothing while there is nothing to read again.
    pub(crate) async fn ignore(mut self) {
        loop {
            self.next().await;
            tracing::info!("SIGHUP: there is no certificate to be read again");
        }
    }

    /// Waits for the next one; for ever where there is no such signal.
    pub async fn next(&mut self) {
        #[cfg(unix)]
        self.signal.recv().await;
        #[cfg(not(unix))]
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn catch() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) -> &'static str {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(windows)]
struct Signals {
    interrupt: tokio::signal::windows::CtrlC,
}

#[cfg(windows)]
impl Signals {
    fn catch() -> io::Result<Self> {
        Ok(Self { interrupt: tokio::signal::windows::ctrl_c()? })
    }

    async fn next(&mut self) -> &'static str {
        self.interrupt.recv().await;
        "Ctrl-C"
    }
}
