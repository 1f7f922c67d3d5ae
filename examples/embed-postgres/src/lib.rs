//! A shop that tells its customers about their orders: the order and the message about it are in one transaction, so
//! that there is never one without the other.

use mvchat_core::proto::{Command, ConvId, DmPeer, Json, ReplyParams, UserId};
use mvchat_core::{Chat, Keys};
use mvchat_store_postgres::{PgStore, SendIn};
use sqlx::PgPool;

/// Whatever fails.
pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// The shop, with its tables and its messenger in one database.
pub struct Shop {
    /// The database of both.
    pub pool: PgPool,
    /// The messenger.
    pub chat: Chat,
    clerk: UserId,
}

impl Shop {
    /// Opens the shop in a pool, with the messenger in the schema `chat`.
    pub async fn open(pool: PgPool, store: PgStore, keys: Keys) -> Outcome<Self> {
        let chat = Chat::builder(store).keys(keys).build().await?;
        let clerk = UserId::external("shop", "clerk");
        chat.add_user(clerk, Json::parse(r#"{"fn":"The shop"}"#).ok()).await?;
        Ok(Self { pool, chat, clerk })
    }

    /// Opens the conversation with a customer of the shop; always the same one.
    pub async fn greet(&self, customer: i64) -> Outcome<ConvId> {
        let customer = UserId::external("customer", customer);
        self.chat.add_user(customer, None).await?;
        let start = Command::StartDm(DmPeer::User(customer));
        match self.chat.act_as(self.clerk).execute(start).await?.params {
            ReplyParams::Dm(dm) => Ok(dm.conv),
            _ => Err("this was no answer about a conversation".into()),
        }
    }

    // ANCHOR: order
    /// Takes an order and says so: both happen, or neither.
    pub async fn order(&self, conv: ConvId, item: &str) -> Outcome<()> {
        let mut tx = self.pool.begin().await?;
        sqlx::query("insert into orders (item) values ($1)").bind(item).execute(&mut *tx).await?;
        let words = Json::from_value(&format!("We have your order: {item}"));
        let message = self.chat.act_as(self.clerk).send_in(&mut tx, conv, words).await?;
        tx.commit().await?;
        message.publish();
        Ok(())
    }
    // ANCHOR_END: order
}
