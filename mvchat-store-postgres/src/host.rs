//! Messages in transactions of the host.

use crate::PgStore;
use crate::commit::{CHANGE, Columns, outcome};
use crate::error::{failed, internal};
use async_trait::async_trait;
use mvchat_core::engine::{Actor, Unpublished};
use mvchat_core::proto::{ConvId, Json, MessageParams, SendMessage};
use mvchat_core::seam::{Change, OpenTransaction, Outcome, StoreResult};
use mvchat_core::{Error, ErrorKind, Result};
use sqlx::{Postgres, Transaction};

/// Sends messages in a transaction of the app, so that they are committed together with the app's own rows.
///
/// The transaction has to be in the database of the chat's [`PgStore`], and its role needs the rights of the store's.
/// Commit it soon: until then other changes of the conversation wait, for four seconds at most, and what other nodes and
/// followers of the log learn is delayed. Other conversations go on.
///
/// # Examples
/// ```no_run
/// # use mvchat_core::{Chat, proto::{ConvId, Json, UserId}};
/// # async fn order(
/// #     chat: Chat, pool: sqlx::PgPool, user: UserId, conv: ConvId,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// use mvchat_store_postgres::SendIn;
///
/// let mut tx = pool.begin().await?;
/// sqlx::query("insert into orders (item) values ('tea')").execute(&mut *tx).await?;
/// let message = chat.act_as(user).send_in(&mut tx, conv, Json::from_value(&"One tea, please.")).await?;
/// tx.commit().await?;
/// message.publish();
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait SendIn {
    /// Writes a message, Irido or a JSON string, into a transaction.
    ///
    /// # Errors
    /// As the command `send`: what is refused leaves the transaction as it was. `Unavailable` and `Internal` if the
    /// database fails, which ends the transaction; `Unsupported` if the chat is not on a [`PgStore`].
    async fn send_in(
        &self,
        transaction: &mut Transaction<'_, Postgres>,
        conv: ConvId,
        content: Json,
    ) -> Result<SentIn> {
        self.send_message_in(transaction, SendMessage::new(conv, content)).await
    }

    /// Writes a message with options into a transaction.
    ///
    /// # Errors
    /// As [`SendIn::send_in`].
    async fn send_message_in(
        &self,
        transaction: &mut Transaction<'_, Postgres>,
        message: SendMessage,
    ) -> Result<SentIn>;
}

#[async_trait]
impl SendIn for Actor {
    async fn send_message_in(
        &self,
        transaction: &mut Transaction<'_, Postgres>,
        message: SendMessage,
    ) -> Result<SentIn> {
        let store = self.store::<PgStore>();
        let store =
            store.ok_or_else(|| Error::new(ErrorKind::Unsupported, "the chat is not on a PgStore"))?;
        let unpublished = self.send_within(message, &mut Hosted { store, transaction }).await?;
        Ok(SentIn { store: store.clone(), unpublished })
    }
}

/// A message in a transaction: to be published when that is committed.
///
/// If that is forgotten, members hear of the message about a second later.
#[derive(Debug)]
#[must_use = "publish it after the transaction is committed: until then nobody is told"]
pub struct SentIn {
    store: PgStore,
    unpublished: Unpublished,
}

impl SentIn {
    /// Returns the message's numbers and its time, and whether it had been sent before. They hold if the transaction is
    /// committed.
    pub fn params(&self) -> &MessageParams {
        self.unpublished.params()
    }

    /// Tells the members, on all nodes. Never waits; does nothing if the transaction was not committed.
    pub fn publish(self) {
        if let Some(committed) = self.unpublished.committed() {
            self.store.reached(committed.position);
            self.store.tell(std::iter::once(self.unpublished.params().conv));
        }
        self.unpublished.publish();
    }
}

/// A transaction and the store that it is in.
struct Hosted<'a, 't> {
    store: &'a PgStore,
    transaction: &'a mut Transaction<'t, Postgres>,
}

#[async_trait]
impl OpenTransaction for Hosted<'_, '_> {
    async fn write(&mut self, change: &Change) -> StoreResult<Outcome> {
        let columns = Columns::of(std::slice::from_ref(change))?;
        let statement = columns.change(sqlx::query(self.store.sql(CHANGE)).bind(true).bind(true));
        let row = statement.fetch_one(&mut **self.transaction).await.map_err(failed)?;
        outcome(change, &row)?.ok_or_else(|| internal("an outcome that was not told"))
    }
}
