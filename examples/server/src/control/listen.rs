//! The running server's ear for administrators.

use std::{io, path::Path, time::Duration};

use mvchat_core::Chat;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::mpsc,
};

use super::{Answer, Request, carry::carry_out};

/// No request is longer, and none takes longer to be said.
const MAX_REQUEST: u64 = 64 * 1024;
const PATIENCE: Duration = Duration::from_secs(5);
/// How many answers may wait for a slow reader; progress beyond that is left out.
const ANSWERS: usize = 16;

/// Listens at a path until dropped. The folder keeps others out.
///
/// # Errors
/// If the socket cannot be made: the path is too long, say.
pub(crate) async fn listen(chat: Chat, path: &Path) -> io::Result<()> {
    // Whoever runs on this data folder holds the store's lock, so a socket that is there was left by a crash.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(path)?;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(chat.clone(), stream));
            }
            Err(error) => {
                tracing::warn!(%error, "an administrator could not be heard");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(chat: Chat, stream: UnixStream) {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    let mut reader = BufReader::new(reader).take(MAX_REQUEST);
    let read = tokio::time::timeout(PATIENCE, reader.read_line(&mut line)).await;
    if !matches!(read, Ok(Ok(1..))) {
        return;
    }
    let (answers, mut told) = mpsc::channel(ANSWERS);
    // In a task of its own: an administrator who goes away does not stop what was begun.
    tokio::spawn(async move {
        let answer = match serde_json::from_str::<Request>(&line) {
            Ok(request) => {
                tracing::info!(?request, "an administrator asks");
                let progress = |value| drop(answers.try_send(Answer::Progress(value)));
                carry_out(&chat, request, progress).await
            }
            Err(error) => Err(format!("this server does not understand that: {error}")),
        };
        let answer = answer.map_or_else(Answer::Error, Answer::Done);
        drop(answers.send(answer).await);
    });
    while let Some(answer) = told.recv().await {
        let Ok(mut line) = serde_json::to_vec(&answer) else { return };
        line.push(b'\n');
        if writer.write_all(&line).await.is_err() {
            return;
        }
    }
}
