//! The server that is measured: a process of our own, or somebody else's.

use crate::meter::{self, Cpu};
use crate::own::Own;
use crate::{Tried, args::CommonArgs};
use std::path::PathBuf;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;

/// Which server is measured, and how to start it if it is ours.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The address of a server that runs already.
    pub(crate) url: Option<String>,
    /// The reference server's program.
    pub(crate) program: PathBuf,
    pub(crate) store: String,
    pub(crate) transport: String,
    /// A server in which databases can be made.
    pub(crate) database: Option<String>,
    /// Where data are kept while a run lasts.
    pub(crate) folder: PathBuf,
}

impl Plan {
    pub(crate) fn of(args: &CommonArgs, program: PathBuf) -> Self {
        Self {
            url: args.url.clone(),
            program,
            store: args.store.clone(),
            transport: args.transport.clone(),
            database: args.database_url.clone(),
            folder: args.folder.clone(),
        }
    }

    /// Starts the server, or takes the one that is there.
    ///
    /// # Errors
    /// With what the server said.
    pub(crate) async fn target(&self) -> Tried<Target> {
        if let Some(url) = &self.url {
            return Ok(Target { url: url.clone(), own: None });
        }
        let mut own = Own::prepare(self).await?;
        own.start().await?;
        Ok(Target { url: own.url(), own: Some(own) })
    }
}

/// A server.
pub(crate) struct Target {
    url: String,
    own: Option<Own>,
}

impl Target {
    pub(crate) fn is_own(&self) -> bool {
        self.own.is_some()
    }

    /// The request that opens a connection.
    ///
    /// # Errors
    /// If the address is none of a WebSocket without TLS.
    pub(crate) fn request(&self) -> Tried<Request> {
        let request = self.url.as_str().into_client_request()?;
        match request.uri().scheme_str() {
            Some("ws") => Ok(request),
            _ => Err(format!("{} is no address like ws://127.0.0.1:6060/v0/ws", self.url).into()),
        }
    }

    /// Processor time of the server.
    pub(crate) fn cpu(&self) -> Option<Cpu> {
        meter::cpu(self.id()?)
    }

    /// Processor time of the database's server, if it runs here.
    pub(crate) fn database_cpu(&self) -> Option<Cpu> {
        self.own.as_ref()?.database.as_ref()?.cpu()
    }

    /// Memory of the server, in KiB.
    pub(crate) fn resident(&self) -> Option<f64> {
        meter::resident(self.id()?)
    }

    fn id(&self) -> Option<u32> {
        self.own.as_ref()?.id()
    }

    /// Stops our server as an operator does, and starts it again on the same address and data.
    ///
    /// # Errors
    /// If it is not ours, or does not start again.
    pub(crate) async fn restart(&mut self) -> Tried<()> {
        let own = self.own.as_mut().ok_or("only a server of its own can be restarted")?;
        own.stop().await?;
        own.start().await
    }

    /// Ends our server and removes its data.
    ///
    /// # Errors
    /// If the database can't be removed.
    pub(crate) async fn finish(mut self) -> Tried<()> {
        match self.own.take() {
            Some(own) => own.finish().await,
            None => Ok(()),
        }
    }
}
