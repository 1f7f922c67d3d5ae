//! Floors: the least that has to be done, by programs that do nothing else.

pub(crate) mod echo;
pub(crate) mod fanout;
pub(crate) mod rows;
pub(crate) mod sync;

use crate::Tried;
use crate::own::first_line;
use axum::Router;
use std::io::Write;
use std::path::Path;
use std::process::Stdio;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;

/// As small as those of mvchat's own connections.
pub(crate) const READ_BUFFER: usize = 1024;
pub(crate) const WRITE_BUFFER: usize = 8 * 1024;

/// A floor's server in a process of its own, so that its memory and time are its own.
pub(crate) struct Server {
    child: Child,
    address: String,
}

impl Server {
    /// Starts this program again as the server of a floor.
    ///
    /// # Errors
    /// If it does not start.
    pub(crate) async fn start(program: &Path, floor: &str) -> Tried<Self> {
        let mut command = Command::new(program);
        command
            .args(["bench", "child", floor])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        let address = first_line(&mut child).await?.trim().to_owned();
        Ok(Self { child, address })
    }

    pub(crate) fn id(&self) -> Option<u32> {
        self.child.id()
    }

    pub(crate) fn request(&self) -> Tried<Request> {
        Ok(format!("ws://{}/", self.address).into_client_request()?)
    }

    pub(crate) async fn stop(mut self) -> Tried<()> {
        Ok(self.child.kill().await?)
    }
}

/// Serves a floor until the process is ended; says where in the first line of standard output.
///
/// # Errors
/// If there is no port.
pub(crate) async fn serve(app: Router) -> Tried<()> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    writeln!(std::io::stdout(), "{}", listener.local_addr()?)?;
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        // As on mvchat's own connections; one that can't be set has ended already.
        let _ = stream.set_nodelay(true);
    });
    Ok(axum::serve(listener, app).await?)
}
