//! A clock that only moves when it is told to, although sockets are real.

use std::sync::mpsc;
use std::time::Duration;

/// How long the work may take on a clock that nobody stops.
const PATIENCE: Duration = Duration::from_secs(120);

/// Does the work on a runtime whose clock is paused, and keeps it from moving on by itself.
///
/// A paused clock moves on when all tasks wait, and whoever waits for a socket looks as if nothing came any more. It
/// does not while there is blocking work, so there is some until the end.
pub(crate) async fn run(work: impl Future<Output = ()>) {
    let (done, over) = mpsc::channel::<()>();
    let watch = tokio::task::spawn_blocking(move || over.recv_timeout(PATIENCE));
    tokio::select! { biased;
        () = work => drop(done),
        _ = watch => panic!("waited in vain for a frame"),
    }
}
