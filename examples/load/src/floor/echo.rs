//! A tuned axum server that echoes: what a connection takes without a session.

use super::{READ_BUFFER, Server, WRITE_BUFFER};
use crate::args::IdleArgs;
use crate::bare::Entry;
use crate::driver::Road;
use crate::outcome::Outcome;
use crate::run::Crew;
use crate::scenario::{Scene, idle};
use crate::{Tried, meter};
use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::routing::any;

/// Opened at once.
const DOORS: usize = 64;

/// The server.
pub(crate) fn server() -> Router {
    let upgrade = |upgrade: WebSocketUpgrade| async move {
        upgrade.read_buffer_size(READ_BUFFER).write_buffer_size(WRITE_BUFFER).on_upgrade(serve)
    };
    Router::new().route("/", any(upgrade))
}

async fn serve(mut socket: WebSocket) {
    while let Some(Ok(message)) = socket.recv().await {
        if let Message::Text(text) = message
            && socket.send(Message::Text(text)).await.is_err()
        {
            return;
        }
    }
}

/// Opens connections, and looks at the memory of the server's process.
///
/// # Errors
/// If the run can't be made; what goes wrong in it is in the outcome.
pub(crate) async fn run(args: &IdleArgs, scene: &Scene) -> Tried<Outcome> {
    let (count, note) = idle::within_limit(args.connections);
    let server = Server::start(&scene.plan.program, "echo").await?;
    let stage = scene.stage();
    let name = format!("floor echo, {count} connections");
    let mut outcome = Outcome::new(name.clone()).with("connections", count);
    outcome.notes.extend(note);
    let mut crew = Crew::new(&name, Road::new(server.request()?, DOORS), stage.board.clone());
    let mut entries = std::iter::repeat_with(|| Entry::Greeting);
    let resident = || meter::resident(server.id()?);
    let cpu = || Some(meter::cpu(server.id()?)?.total());
    let counts = (idle::warm_up(count), count);
    idle::measure(&mut crew, &stage, &mut entries, counts, resident, cpu, &mut outcome).await?;
    idle::finish(crew, &mut outcome).await?;
    server.stop().await?;
    Ok(outcome)
}
