//! What the app holds.

use mvchat_core::client::{Client, ClientError, ClientState, Credentials, Draft, OutboxState};
use mvchat_core::proto::{ConvId, Ctrl, Request, Seq};
use mvchat_core::time::Instant;
use tokio::sync::{mpsc, oneshot};

/// Why something that was asked for did not happen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server refused it, or the machine gave up.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The driver's task is gone, with its runtime.
    #[error("the driver is gone")]
    Gone,
}

/// The place that a message got.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sent {
    /// The message's own id.
    pub cid: String,
    /// Its number in the conversation.
    pub seq: Seq,
}

type Act = Box<dyn FnOnce(&mut Client, Instant) + Send>;
pub(crate) type Answer = oneshot::Sender<Result<Ctrl, ClientError>>;
pub(crate) type Delivery = oneshot::Sender<Result<Sent, ClientError>>;

pub(crate) enum Command {
    Act(Act),
    Ask(Box<Request>, Option<Answer>),
    Deliver(Draft, Delivery),
    Close(oneshot::Sender<()>),
}

/// Asks a driver for things; cheap to clone. The client ends when the last handle is dropped.
///
/// Answers arrive in the order in which the server gives them, between the events. A task that waits for an
/// answer and is also the one that reads the [`Events`](crate::Events) gets it as long as no more than
/// [`MAX_EVENTS`](crate::MAX_EVENTS) events come before it; otherwise the request times out.
#[derive(Clone, Debug)]
pub struct Handle {
    pub(crate) commands: mpsc::Sender<Command>,
}

impl Handle {
    /// Asks the server for anything and waits for the answer: the success, with its parameters.
    ///
    /// # Errors
    /// What the server refused with; `timeout`, `disconnected` and other errors of
    /// [`Client::request`]; [`Error::Gone`].
    pub async fn request(&self, request: Request) -> Result<Ctrl, Error> {
        let (answer, answered) = oneshot::channel();
        self.command(Command::Ask(Box::new(request), Some(answer))).await?;
        Ok(answered.await.map_err(|_| Error::Gone)??)
    }

    /// Asks the server for something whose answer does not matter, such as a read mark.
    ///
    /// # Errors
    /// [`Error::Gone`].
    pub async fn post(&self, request: Request) -> Result<(), Error> {
        self.command(Command::Ask(Box::new(request), None)).await
    }

    /// Puts a message into the outbox and returns its `cid`; the events tell the rest.
    ///
    /// # Errors
    /// `full` and `too_large`, as [`Client::send`]; [`Error::Gone`].
    pub async fn send(&self, draft: Draft) -> Result<String, Error> {
        Ok(self.act(|client, now| client.send(draft, now)).await??)
    }

    /// Puts a message into the outbox and waits, over any number of connections, until it has its place.
    ///
    /// # Errors
    /// What the server refused it with; those of [`send`](Handle::send).
    pub async fn deliver(&self, draft: Draft) -> Result<Sent, Error> {
        let (delivery, delivered) = oneshot::channel();
        self.command(Command::Deliver(draft, delivery)).await?;
        Ok(delivered.await.map_err(|_| Error::Gone)??)
    }

    /// Says that the user is writing.
    ///
    /// # Errors
    /// [`Error::Gone`].
    pub async fn typing(&self, conv: ConvId) -> Result<(), Error> {
        self.act(move |client, now| client.typing(conv, now)).await
    }

    /// Returns a copy of the model; [`inspect`](Handle::inspect) needs none.
    ///
    /// # Errors
    /// [`Error::Gone`].
    pub async fn state(&self) -> Result<ClientState, Error> {
        self.inspect(|client| client.state().clone()).await
    }

    /// Reads the machine where it is.
    ///
    /// # Errors
    /// [`Error::Gone`].
    pub async fn inspect<T, F>(&self, read: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&Client) -> T + Send + 'static,
    {
        self.act(move |client, _| read(client)).await
    }

    /// Returns the messages that are not accepted yet, for keeping them over a restart of the app.
    ///
    /// # Errors
    /// [`Error::Gone`].
    pub async fn export_outbox(&self) -> Result<OutboxState, Error> {
        self.inspect(Client::export_outbox).await
    }

    /// Takes over the messages of an earlier run.
    ///
    /// # Errors
    /// `other_user` and `full`, as [`Client::import_outbox`]; [`Error::Gone`].
    pub async fn import_outbox(&self, outbox: OutboxState) -> Result<(), Error> {
        Ok(self.act(move |client, now| client.import_outbox(outbox, now)).await??)
    }

    /// Connects again after the client has ended, with other credentials if some are given.
    ///
    /// # Errors
    /// [`Error::Gone`].
    pub async fn reopen(&self, credentials: Option<Credentials>) -> Result<(), Error> {
        self.act(move |client, now| client.reopen(credentials, now)).await
    }

    /// Ends the connection with a close handshake, and returns when that is done. What is in the outbox stays
    /// there.
    ///
    /// # Errors
    /// [`Error::Gone`].
    pub async fn close(&self) -> Result<(), Error> {
        let (done, closed) = oneshot::channel();
        self.command(Command::Close(done)).await?;
        closed.await.map_err(|_| Error::Gone)
    }

    async fn act<T, F>(&self, act: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut Client, Instant) -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let act: Act = Box::new(move |client, now| {
            // Whoever asked may have stopped waiting.
            let _ = answer.send(act(client, now));
        });
        self.command(Command::Act(act)).await?;
        answered.await.map_err(|_| Error::Gone)
    }

    async fn command(&self, command: Command) -> Result<(), Error> {
        self.commands.send(command).await.map_err(|_| Error::Gone)
    }
}
