//! Rows of the tables, as the core's values.

use crate::codes::Code;
use crate::error::{failed, internal};
use bytes::Bytes;
use mvchat_core::policy::{ConvSettings, Conversation, Member, Message, MessageBody, Print};
use mvchat_core::proto::{ConvId, Epoch, MsgId, Rev, Seq, UserId};
use mvchat_core::seam::StoreResult;
use mvchat_core::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};
use uuid::Uuid;

/// Reads a column by its place.
pub(crate) fn get<'r, T: Decode<'r, Postgres> + Type<Postgres>>(
    row: &'r PgRow,
    index: usize,
) -> StoreResult<T> {
    row.try_get(index).map_err(failed)
}

/// Writes a counter or a limit: the tables' numbers have a sign, and what is beyond them is their largest.
pub(crate) fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Writes a limit.
pub(crate) fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Reads a counter.
pub(crate) fn count(row: &PgRow, index: usize) -> StoreResult<u64> {
    get::<i64>(row, index).map(unsigned)
}

/// Counters are never below zero.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

pub(crate) fn bytes(row: &PgRow, index: usize) -> StoreResult<Option<Bytes>> {
    Ok(get::<Option<Vec<u8>>>(row, index)?.map(Bytes::from))
}

/// Reads a text that is kept as bytes.
pub(crate) fn text(row: &PgRow, index: usize) -> StoreResult<Option<String>> {
    get::<Option<Vec<u8>>>(row, index)?.map(|bytes| String::from_utf8(bytes).map_err(internal)).transpose()
}

pub(crate) fn to_json(value: &impl Serialize) -> StoreResult<String> {
    serde_json::to_string(value).map_err(internal)
}

pub(crate) fn of_json<T: DeserializeOwned>(text: &str) -> StoreResult<T> {
    serde_json::from_str(text).map_err(internal)
}

/// The columns that [`message`] reads, of a table that is called `m`.
macro_rules! message_columns {
    () => {
        "m.seq, m.rev, m.id, m.sender, m.ts, m.state, m.content, m.cid, m.reply_to, m.view_once, m.mentions, m.extra, m.expires_at, m.event"
    };
}
/// As many columns without values.
macro_rules! no_message_columns {
    () => {
        "null::bigint, null::bigint, null::uuid, null::uuid, null::bigint, null::smallint, null::bytea, null::bytea, \
         null::bigint, null::integer, null::uuid[], null::text, null::bigint, null::text"
    };
}
pub(crate) use {message_columns, no_message_columns};

/// How many columns a message has.
pub(crate) const MESSAGE: usize = 14;

/// What few messages have.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Extra {
    #[serde(skip_serializing_if = "is_zero")]
    edits: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    edited_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    edit_cid: Option<(String, Print)>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reactions: Vec<(String, Vec<UserId>)>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// Writes what few messages have; nothing for the others.
pub(crate) fn extra(body: &MessageBody) -> StoreResult<Option<String>> {
    let MessageBody { edits, edited_at, edit_cid, reactions, .. } = body;
    if *edits == 0 && edited_at.is_none() && edit_cid.is_none() && reactions.is_empty() {
        return Ok(None);
    }
    let extra = Extra {
        edits: *edits,
        edited_at: edited_at.map(Timestamp::as_micros),
        edit_cid: edit_cid.clone(),
        reactions: reactions.clone(),
    };
    to_json(&extra).map(Some)
}

/// Writes users as an array's text, because arrays of arrays must all have one length.
pub(crate) fn users_text(users: &[UserId]) -> Option<String> {
    if users.is_empty() {
        return None;
    }
    let users: Vec<String> = users.iter().map(ToString::to_string).collect();
    Some(format!("{{{}}}", users.join(",")))
}

pub(crate) fn view_once_code(view_once: Option<Option<u32>>) -> Option<i32> {
    view_once.map(|seconds| seconds.map_or(-1, |seconds| i32::try_from(seconds).unwrap_or(i32::MAX)))
}

pub(crate) fn view_once(code: Option<i32>) -> Option<Option<u32>> {
    code.map(|seconds| u32::try_from(seconds).ok())
}

/// Reads a message whose columns begin at a place.
pub(crate) fn message(row: &PgRow, at: usize) -> StoreResult<Message> {
    let extra: Extra = match get::<Option<&str>>(row, at + 11)? {
        Some(extra) => of_json(extra)?,
        None => Extra::default(),
    };
    let mentions: Option<Vec<Uuid>> = get(row, at + 10)?;
    Ok(Message {
        seq: Seq(count(row, at)?),
        rev: Rev(count(row, at + 1)?),
        id: MsgId(get(row, at + 2)?),
        from: get::<Option<Uuid>>(row, at + 3)?.map(UserId),
        ts: Timestamp::from_micros(get(row, at + 4)?),
        body: MessageBody {
            state: Code::of(get(row, at + 5)?)?,
            content: bytes(row, at + 6)?,
            edits: extra.edits,
            edited_at: extra.edited_at.map(Timestamp::from_micros),
            edit_cid: extra.edit_cid,
            mentions: mentions.into_iter().flatten().map(UserId).collect(),
            reactions: extra.reactions,
        },
        reply_to: get::<Option<i64>>(row, at + 8)?.map(|seq| Seq(unsigned(seq))),
        view_once: view_once(get(row, at + 9)?),
        expires_at: get::<Option<i64>>(row, at + 12)?.map(Timestamp::from_micros),
        event: get::<Option<&str>>(row, at + 13)?.map(of_json).transpose()?,
        cid: text(row, at + 7)?,
    })
}

/// What the function `whole` writes.
#[derive(Deserialize)]
struct Whole {
    id: ConvId,
    kind: i16,
    epoch: u64,
    owner: Option<UserId>,
    created_at: i64,
    settings: String,
    members: Vec<MemberColumns>,
}

/// User, role, standing, blocks, muted until, joined at, rev.
pub(crate) type MemberColumns = (UserId, i16, i16, bool, Option<i64>, i64, u64);

pub(crate) fn member(columns: MemberColumns) -> StoreResult<(UserId, Member)> {
    let (user, role, standing, blocks, muted_until, joined_at, rev) = columns;
    let member = Member {
        role: Code::of(role)?,
        standing: Code::of(standing)?,
        blocks,
        muted_until: muted_until.map(Timestamp::from_micros),
        joined_at: Timestamp::from_micros(joined_at),
        rev: Rev(rev),
    };
    Ok((user, member))
}

/// Reads what the function `whole` wrote.
pub(crate) fn conversation(text: &str) -> StoreResult<Conversation> {
    let whole: Whole = of_json(text)?;
    Ok(Conversation {
        id: whole.id,
        kind: Code::of(whole.kind)?,
        epoch: Epoch(whole.epoch),
        owner: whole.owner,
        created_at: Timestamp::from_micros(whole.created_at),
        settings: of_json::<ConvSettings>(&whole.settings)?,
        members: whole.members.into_iter().map(member).collect::<StoreResult<_>>()?,
    })
}
