//! Tests of what the laws of the testkit can't reach: the order of sync, answer and visibility, failing disks, and
//! the shape of the files.

mod disk;
mod files;
mod snapshots;
mod sync;

use crate::{SledOptions, SledStore};
use bytes::Bytes;
use mvchat_core::policy::{ConvKind, ConvSettings};
use mvchat_core::proto::{ConvId, Epoch, MsgId, Role, Seq, UserId};
use mvchat_core::seam::{
    Append, Change, ConversationStore, MessageStore, NewConversation, Op, Outcome, Page, PageQuery,
    StoreResult,
};
use mvchat_core::time::Timestamp;
use uuid::Uuid;

/// Options for tests: nothing that takes space.
fn small() -> SledOptions {
    SledStore::options().ballast(0).watermark(0).cache(1 << 20).read_threads(2)
}

fn user(number: u128) -> UserId {
    UserId(Uuid::from_u128(number))
}

fn conv(number: u128) -> ConvId {
    ConvId(Uuid::from_u128(number))
}

/// Makes a group of the users 1 and 2.
async fn group(store: &SledStore, number: u128) -> ConvId {
    let new = NewConversation {
        id: conv(number),
        kind: ConvKind::Group,
        members: [(user(1), Role::Owner), (user(2), Role::Member)].into(),
        owner: Some(user(1)),
        cid: None,
        settings: ConvSettings::default(),
        max_per_user: None,
        at: Timestamp::from_micros(1),
    };
    store.create_conversation(new).await.unwrap().0.id
}

fn append(conv: ConvId, content: impl Into<Bytes>) -> Change {
    let op = Op::Append(Append {
        id: MsgId(Uuid::nil()),
        from: Some(user(1)),
        cid: None,
        content: content.into(),
        reply_to: None,
        view_once: None,
        expires_in: None,
        event: None,
        pace: None,
        mentions: Vec::new(),
    });
    Change { conv, actor: user(1), epoch: Epoch(0), warrant: None, at: Timestamp::from_micros(2), op }
}

async fn send(store: &SledStore, conv: ConvId, content: impl Into<Bytes>) -> StoreResult<Seq> {
    match store.commit(vec![append(conv, content)]).await?.pop() {
        Some(Outcome::Done(committed)) => Ok(committed.message.unwrap().seq),
        other => panic!("not appended: {other:?}"),
    }
}

async fn newest(store: &SledStore, conv: ConvId) -> StoreResult<Page> {
    Ok(store.page(user(2), conv, PageQuery::Newest, 100).await?.unwrap())
}
