//! Asks the server that runs on a data folder; if none does, does it here.

use std::time::Duration;

use serde_json::Value;

use super::{Answer, Request, carry::carry_out};
use crate::{
    chat,
    config::{Config, StoreKind},
};

/// How long the audit log and whatever else is left may take at the end.
const LAST: Duration = Duration::from_secs(20);

/// Has a request carried out, by the running server or here.
///
/// # Errors
/// A sentence for the administrator.
pub(crate) fn perform(
    config: &Config,
    request: Request,
    mut progress: impl FnMut(Value) + Send,
) -> Result<Value, String> {
    #[cfg(unix)]
    if let Some(answer) = ask(config, &request, &mut progress)? {
        return answer;
    }
    if config.store == StoreKind::Memory {
        return Err("the store `memory` keeps nothing that a command could look after".to_owned());
    }
    // Else a mistyped folder would become a new server's.
    chat::open_ring(config).map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let chat = chat::open(config).await.map_err(|error| error.to_string())?;
        let done = carry_out(&chat, request, progress).await;
        if !chat.drain(LAST).await {
            return Err("it was done, but not everything could be written in time".to_owned());
        }
        done
    })
}

/// Asks the running server; `None` if there is none.
#[cfg(unix)]
fn ask(
    config: &Config,
    request: &Request,
    progress: &mut impl FnMut(Value),
) -> Result<Option<Result<Value, String>>, String> {
    use std::{
        io::{BufRead, BufReader, ErrorKind, Write},
        os::unix::net::UnixStream,
    };
    let path = super::socket(&config.data_dir.0);
    let mut stream = match UnixStream::connect(&path) {
        Ok(stream) => stream,
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => {
            return Ok(None);
        }
        Err(error) => return Err(format!("cannot reach the server at {}: {error}", path.display())),
    };
    let lost = |error: std::io::Error| format!("the server went away: {error}");
    let mut line = serde_json::to_vec(request).map_err(|error| error.to_string())?;
    line.push(b'\n');
    stream.write_all(&line).map_err(lost)?;
    for line in BufReader::new(stream).lines() {
        match serde_json::from_str(&line.map_err(lost)?).map_err(|error| error.to_string())? {
            Answer::Progress(told) => progress(told),
            Answer::Done(value) => return Ok(Some(Ok(value))),
            Answer::Error(text) => return Ok(Some(Err(text))),
        }
    }
    Err("the server stopped before it was done; ask again, nothing is lost by that".to_owned())
}
