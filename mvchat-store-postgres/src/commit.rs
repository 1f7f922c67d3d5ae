//! Shared changes.

use crate::PgStore;
use crate::codes::Code;
use crate::error::{full, internal, not_found};
use crate::rows::{
    conversation, count, extra, get, limit, message, number, to_json, users_text, view_once_code,
};
use crate::store::Statement;
use mvchat_core::policy::{ConvSettings, Conversation, Message, MessageBody, Print};
use mvchat_core::proto::{ConvId, Position, Rev, Seq, UserId};
use mvchat_core::seam::{
    Amend, Append, Change, Committed, MessageStore, Op, Outcome, Revise, Sent, StoreError, StoreErrorKind,
    StoreResult, Warrant,
};
use mvchat_core::time::Timestamp;
use sqlx::Row;
use sqlx::postgres::PgRow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// At most so many changes share a statement: places in the log have ten bits for them.
const MOST: usize = 1_000;

const APPEND_ONE: &str =
    "select * from @.append_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";
const APPEND_MANY: &str =
    "select * from @.append_many($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
pub(crate) const CHANGE: &str = "select * from @.change($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, \
                      $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31)";
pub(crate) const STATEMENTS: &[&str] = &[APPEND_ONE, APPEND_MANY, CHANGE];

impl PgStore {
    /// Carries changes out, as many as can be in one statement; `wait` stands in line for what others hold.
    pub(crate) async fn change(&self, changes: Vec<Change>, wait: bool) -> StoreResult<Vec<Outcome>> {
        let mut outcomes = Vec::with_capacity(changes.len());
        let mut changes = changes.into_iter();
        loop {
            let chunk: Vec<Change> = changes.by_ref().take(MOST).collect();
            if chunk.is_empty() {
                return Ok(outcomes);
            }
            if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Locked)) {
                // It may come after something that is locked.
                outcomes.extend(chunk.iter().map(|_| Outcome::Locked));
                continue;
            }
            let mut written = self.write_all(&chunk, wait).await?;
            self.once_more(&chunk, &mut written, wait).await;
            self.told(&chunk, &written);
            outcomes.extend(self.freshen(&chunk, written).await?);
        }
    }

    /// Tries once more what is held: other nodes hold conversations for about as long as a commit takes.
    async fn once_more(&self, chunk: &[Change], written: &mut [Written], wait: bool) {
        let is_locked = |place: &usize| matches!(written[*place], Some(Outcome::Locked));
        let places: Vec<usize> = (0..chunk.len()).filter(is_locked).collect();
        if wait || places.is_empty() || places.len() == chunk.len() {
            return;
        }
        let changes: Vec<Change> = places.iter().map(|place| chunk[*place].clone()).collect();
        match self.write_all(&changes, wait).await {
            Ok(outcomes) => {
                for (place, outcome) in places.into_iter().zip(outcomes) {
                    written[place] = outcome;
                }
            }
            // The others of the batch were committed.
            Err(error) => {
                for place in places {
                    let failed = StoreError::new(error.kind(), error.to_string());
                    written[place] = Some(Outcome::Rejected(failed));
                }
            }
        }
    }

    async fn write_all(&self, chunk: &[Change], wait: bool) -> StoreResult<Vec<Written>> {
        match self.write_chunk(chunk, wait).await {
            Err(error) if chunk.len() > 1 && is_poison(error.kind()) => self.one_by_one(chunk, wait).await,
            result => result,
        }
    }

    /// Carries changes out alone, so that one that can't be written fails alone.
    async fn one_by_one(&self, chunk: &[Change], wait: bool) -> StoreResult<Vec<Written>> {
        let mut outcomes = Vec::with_capacity(chunk.len());
        let mut locked = BTreeSet::new();
        for change in chunk {
            if locked.contains(&change.conv) {
                outcomes.push(Some(Outcome::Locked));
                continue;
            }
            outcomes.push(match self.write_chunk(std::slice::from_ref(change), wait).await {
                Ok(mut outcome) => outcome.remove(0),
                Err(error) if is_poison(error.kind()) => Some(Outcome::Rejected(error)),
                // What was committed before stays, and is found by its cid.
                Err(error) => return Err(error),
            });
            if matches!(outcomes.last(), Some(Some(Outcome::Locked))) {
                locked.insert(change.conv);
            }
        }
        Ok(outcomes)
    }

    async fn write_chunk(&self, chunk: &[Change], wait: bool) -> StoreResult<Vec<Written>> {
        let rows = match chunk {
            [change] if only_appends(chunk) => {
                let cells = Cells::of(&change.op)?;
                let account = change.warrant.as_ref().map(account_code).transpose()?;
                self.write(|| cells.append_one(sqlx::query(self.sql(APPEND_ONE)).bind(wait), change, account))
                    .await?
            }
            _ if only_appends(chunk) => {
                let columns = &Columns::of(chunk)?;
                let append = |known: bool| {
                    self.write(move || {
                        columns.append_many(sqlx::query(self.sql(APPEND_MANY)).bind(wait).bind(known))
                    })
                };
                match append(false).await {
                    // One of them was sent before, and nothing was written.
                    Err(error) if error.kind() == StoreErrorKind::AlreadyExists => append(true).await?,
                    result => result?,
                }
            }
            _ => {
                let columns = Columns::of(chunk)?;
                self.write(|| columns.change(sqlx::query(self.sql(CHANGE)).bind(false).bind(wait))).await?
            }
        };
        if rows.len() != chunk.len() {
            return Err(internal("changes and outcomes are not one to one"));
        }
        chunk.iter().zip(&rows).map(|(change, row)| outcome(change, row)).collect()
    }

    /// Tells others where something was committed, and remembers up to where.
    fn told(&self, chunk: &[Change], outcomes: &[Written]) {
        let mut convs = BTreeSet::new();
        for (change, outcome) in chunk.iter().zip(outcomes) {
            if let Some(Outcome::Done(committed)) = outcome {
                self.reached(committed.position);
                convs.insert(change.conv);
            }
        }
        self.tell(convs.into_iter());
    }

    /// Puts the fresh state to those that were decided on another.
    async fn freshen(&self, chunk: &[Change], outcomes: Vec<Written>) -> StoreResult<Vec<Outcome>> {
        let mut known: BTreeMap<ConvId, Option<Arc<Conversation>>> = BTreeMap::new();
        for (change, _) in chunk.iter().zip(&outcomes).filter(|(_, outcome)| outcome.is_none()) {
            if let Entry::Vacant(entry) = known.entry(change.conv) {
                entry.insert(self.whole(change.conv).await?);
            }
        }
        let mut fresh = Vec::with_capacity(chunk.len());
        for (change, outcome) in chunk.iter().zip(outcomes) {
            fresh.push(match outcome {
                Some(outcome) => outcome,
                None => match self.retried(change).await? {
                    Some(outcome) => outcome,
                    None => {
                        Outcome::Stale { conv: known.get(&change.conv).cloned().flatten(), message: None }
                    }
                },
            });
        }
        Ok(fresh)
    }

    /// Answers a retry of a message that was sent before.
    async fn retried(&self, change: &Change) -> StoreResult<Option<Outcome>> {
        let Op::Append(Append { from, cid: Some((cid, print)), .. }) = &change.op else { return Ok(None) };
        let sent = self.sent(change.conv, from.unwrap_or(change.actor), cid).await?;
        Ok(sent.map(|sent| match sent.print {
            Some(first) if first != *print => Outcome::CidReused,
            _ => Outcome::Replay(sent),
        }))
    }
}

/// What became of a change; nothing for a stale one whose fresh state was not told.
pub(crate) type Written = Option<Outcome>;

/// Returns whether an error may be the fault of one change.
fn is_poison(kind: StoreErrorKind) -> bool {
    !matches!(kind, StoreErrorKind::Unavailable)
}

/// Returns whether the changes are new messages only, none of which is a retry of another.
fn only_appends(chunk: &[Change]) -> bool {
    let mut cids = BTreeSet::new();
    chunk.iter().all(|change| match &change.op {
        Op::Append(append) if append.pace.is_some() || append.expires_in.is_some() => false,
        Op::Append(append) if append.event.is_some() => false,
        Op::Append(Append { from, cid: Some((cid, _)), .. }) => {
            cids.insert((change.conv, from.unwrap_or(change.actor), cid.as_str()))
        }
        Op::Append(_) => true,
        _ => false,
    })
}

/// Changes, as the columns of arrays.
#[derive(Default)]
pub(crate) struct Columns {
    kind: Vec<i16>,
    conv: Vec<Uuid>,
    actor: Vec<Uuid>,
    epoch: Vec<i64>,
    at: Vec<i64>,
    id: Vec<Option<Uuid>>,
    sender: Vec<Option<Uuid>>,
    cid: Vec<Option<Vec<u8>>>,
    print: Vec<Option<Vec<u8>>>,
    content: Vec<Option<Vec<u8>>>,
    reply_to: Vec<Option<i64>>,
    view_once: Vec<Option<i32>>,
    mentions: Vec<Option<String>>,
    seq: Vec<Option<i64>>,
    expect: Vec<Option<i64>>,
    state: Vec<Option<i16>>,
    extra: Vec<Option<String>>,
    event: Vec<Option<String>>,
    settings: Vec<Option<String>>,
    owner: Vec<Option<Uuid>>,
    members: Vec<Option<String>>,
    muted: Vec<Option<String>>,
    link: Vec<Option<Vec<u8>>>,
    pace: Vec<Option<i32>>,
    expires_in: Vec<Option<i64>>,
    said: Vec<Option<String>>,
    most: Vec<Option<i64>>,
    account: Vec<Option<i16>>,
    session: Vec<Option<Uuid>>,
}

/// The columns that only some kinds of changes have.
#[derive(Default)]
struct Cells {
    kind: i16,
    id: Option<Uuid>,
    sender: Option<Uuid>,
    cid: Option<Vec<u8>>,
    print: Option<Vec<u8>>,
    content: Option<Vec<u8>>,
    reply_to: Option<i64>,
    view_once: Option<i32>,
    mentions: Option<String>,
    seq: Option<i64>,
    expect: Option<i64>,
    state: Option<i16>,
    extra: Option<String>,
    event: Option<String>,
    settings: Option<String>,
    owner: Option<Uuid>,
    members: Option<String>,
    muted: Option<String>,
    link: Option<Vec<u8>>,
    pace: Option<i32>,
    expires_in: Option<i64>,
    said: Option<String>,
    most: Option<i64>,
}

impl Cells {
    fn of(op: &Op) -> StoreResult<Self> {
        match op {
            Op::Append(append) => Self::append(append),
            Op::Revise(revise) => Self::revise(revise),
            Op::Amend(amend) => Self::amend(amend),
            Op::Close(event) => Ok(Self {
                kind: 4,
                settings: Some(to_json(&ConvSettings::ended())?),
                event: Some(to_json(event)?),
                ..Self::default()
            }),
            _ => Err(internal("a change of a kind that this store does not know")),
        }
    }

    /// Binds the one change that these cells are of.
    fn append_one<'q>(
        &'q self,
        query: Statement<'q>,
        change: &Change,
        account: Option<i16>,
    ) -> Statement<'q> {
        query
            .bind(change.conv.0)
            .bind(change.actor.0)
            .bind(number(change.epoch.0))
            .bind(change.at.as_micros())
            .bind(self.id)
            .bind(self.sender)
            .bind(self.cid.as_deref())
            .bind(self.print.as_deref())
            .bind(self.content.as_deref())
            .bind(self.reply_to)
            .bind(self.view_once)
            .bind(self.mentions.as_deref())
            .bind(account)
            .bind(change.warrant.and_then(|warrant| warrant.session).map(|session| session.0))
    }

    fn append(append: &Append) -> StoreResult<Self> {
        let Append { id, from, cid, content, reply_to, view_once, mentions, expires_in, event, pace } =
            append;
        let (cid, print) = cid.as_ref().map(|(cid, print)| (cid.as_bytes().to_vec(), print.to_vec())).unzip();
        Ok(Self {
            kind: 1,
            id: Some(id.0),
            sender: from.map(|from| from.0),
            cid,
            print,
            content: Some(content.to_vec()),
            reply_to: reply_to.map(|seq| number(seq.0)),
            view_once: view_once_code(*view_once),
            mentions: users_text(mentions),
            expires_in: expires_in.map(i64::from),
            said: event.as_ref().map(to_json).transpose()?,
            pace: pace.filter(|_| from.is_some()).map(|seconds| i32::try_from(seconds).unwrap_or(i32::MAX)),
            ..Self::default()
        })
    }

    fn revise(revise: &Revise) -> StoreResult<Self> {
        let Revise { seq, expect, body, event } = revise;
        Ok(Self {
            kind: 2,
            content: body.content.as_ref().map(|content| content.to_vec()),
            mentions: users_text(&body.mentions),
            seq: Some(number(seq.0)),
            expect: Some(number(expect.0)),
            state: Some(body.state.to_number()?),
            extra: extra(body)?,
            event: Some(to_json(event)?),
            ..Self::default()
        })
    }

    fn amend(amend: &Amend) -> StoreResult<Self> {
        let Amend { settings, owner, members, muted, link, expect, max_conversations, event } = amend;
        let mut listed = Vec::with_capacity(members.len());
        for (user, role, standing) in members {
            listed.push(serde_json::json!({ "u": user, "r": role.to_number()?, "s": standing.to_number()? }));
        }
        let until = |(user, until): &(UserId, Option<Timestamp>)| serde_json::json!({ "u": user, "t": until.map(Timestamp::as_micros) });
        let muted: Vec<_> = muted.iter().map(until).collect();
        Ok(Self {
            kind: 3,
            settings: settings.as_ref().map(to_json).transpose()?,
            owner: owner.map(|owner| owner.0),
            members: (!listed.is_empty()).then(|| to_json(&listed)).transpose()?,
            muted: (!muted.is_empty()).then(|| to_json(&muted)).transpose()?,
            link: link.as_ref().map(|code| code.as_bytes().to_vec()),
            seq: expect.map(|(seq, _)| number(seq.0)),
            expect: expect.map(|(_, rev)| number(rev.0)),
            most: max_conversations.map(limit),
            event: Some(to_json(event)?),
            ..Self::default()
        })
    }
}

impl Columns {
    pub(crate) fn of(chunk: &[Change]) -> StoreResult<Self> {
        let mut columns = Self::default();
        for change in chunk {
            columns.push(change, Cells::of(&change.op)?)?;
        }
        Ok(columns)
    }

    fn push(&mut self, change: &Change, cells: Cells) -> StoreResult<()> {
        let Change { conv, actor, epoch, warrant, at, .. } = change;
        self.conv.push(conv.0);
        self.actor.push(actor.0);
        self.epoch.push(number(epoch.0));
        self.at.push(at.as_micros());
        macro_rules! push {
            ($($column:ident)*) => { $(self.$column.push(cells.$column);)* };
        }
        push! { kind id sender cid print content reply_to view_once mentions seq expect state extra event }
        push! { settings owner members muted link pace expires_in said most }
        self.account.push(warrant.as_ref().map(account_code).transpose()?);
        self.session.push(warrant.and_then(|warrant| warrant.session).map(|session| session.0));
        Ok(())
    }

    fn append_many<'q>(&self, query: Statement<'q>) -> Statement<'q> {
        self.message(query).bind(&self.account[..]).bind(&self.session[..])
    }

    /// Binds what a new message has.
    fn message<'q>(&self, query: Statement<'q>) -> Statement<'q> {
        query
            .bind(&self.conv[..])
            .bind(&self.actor[..])
            .bind(&self.epoch[..])
            .bind(&self.at[..])
            .bind(&self.id[..])
            .bind(&self.sender[..])
            .bind(&self.cid[..])
            .bind(&self.print[..])
            .bind(&self.content[..])
            .bind(&self.reply_to[..])
            .bind(&self.view_once[..])
            .bind(&self.mentions[..])
    }

    /// Binds all of them, after whether it is in a transaction that may have written changes before, and whether to
    /// wait.
    pub(crate) fn change<'q>(&self, query: Statement<'q>) -> Statement<'q> {
        self.message(query.bind(&self.kind[..]))
            .bind(&self.seq[..])
            .bind(&self.expect[..])
            .bind(&self.state[..])
            .bind(&self.extra[..])
            .bind(&self.event[..])
            .bind(&self.settings[..])
            .bind(&self.owner[..])
            .bind(&self.members[..])
            .bind(&self.muted[..])
            .bind(&self.link[..])
            .bind(&self.pace[..])
            .bind(&self.expires_in[..])
            .bind(&self.said[..])
            .bind(&self.most[..])
            .bind(&self.account[..])
            .bind(&self.session[..])
    }
}

/// Returns what was decided on about an account, as one number.
fn account_code(warrant: &Warrant) -> StoreResult<i16> {
    Ok(warrant.state.to_number()? * 2 + i16::from(warrant.must_change_password))
}

/// Reads what became of a change: ord, status, rev, pos, seq, at, print; then, of [`CHANGE`], the conversation and
/// the message as it was.
pub(crate) fn outcome(change: &Change, row: &PgRow) -> StoreResult<Written> {
    Ok(Some(match get::<i16>(row, 1)? {
        0 => Outcome::Stale { conv: None, message: None },
        1 => Outcome::Done(done(change, row)?),
        2 => Outcome::Replay(Sent {
            seq: Seq(count(row, 4)?),
            rev: Rev(count(row, 2)?),
            at: Timestamp::from_micros(get(row, 5)?),
            print: print(get(row, 6)?)?,
        }),
        3 => Outcome::CidReused,
        4 => return stale(row).transpose(),
        5 => Outcome::Rejected(not_found("the link opens nothing")),
        6 => Outcome::TooSoon(Timestamp::from_micros(get(row, 5)?)),
        7 => Outcome::Rejected(full()),
        8 => Outcome::Locked,
        9 => Outcome::Unwarranted,
        _ => return Err(internal("an outcome that this program does not know")),
    }))
}

fn done(change: &Change, row: &PgRow) -> StoreResult<Committed> {
    let (rev, position) = (Rev(count(row, 2)?), Position(count(row, 3)?));
    let at = Timestamp::from_micros(get(row, 5)?);
    let mut committed = Committed { rev, position, at, message: None, conv: None };
    match &change.op {
        Op::Append(append) => committed.message = Some(appended(append, Seq(count(row, 4)?), rev, at)),
        Op::Revise(revise) => committed.message = Some(revised(revise, rev, row)?),
        _ => {
            let conv: Option<&str> = get(row, 7)?;
            committed.conv = conv.map(|conv| conversation(conv).map(Arc::new)).transpose()?;
        }
    }
    Ok(committed)
}

fn appended(append: &Append, seq: Seq, rev: Rev, ts: Timestamp) -> Message {
    let Append { id, from, cid, content, reply_to, view_once, mentions, expires_in, event, .. } =
        append.clone();
    let expires_at = expires_in.map(|seconds| ts + Duration::from_secs(seconds.into()));
    let body = MessageBody::new(content, mentions);
    let cid = cid.map(|(cid, _)| cid);
    Message { seq, rev, id, from, ts, body, reply_to, view_once, expires_at, event, cid }
}

fn revised(revise: &Revise, rev: Rev, row: &PgRow) -> StoreResult<Message> {
    Ok(Message { rev, body: revise.body.clone(), ..message(row, 8)? })
}

/// Reads the fresh state, where it was told.
fn stale(row: &PgRow) -> Option<StoreResult<Outcome>> {
    if row.len() <= 8 {
        return None;
    }
    let read = || {
        let conv: Option<&str> = get(row, 7)?;
        let conv = conv.map(|conv| conversation(conv).map(Arc::new)).transpose()?;
        let message = get::<Option<i64>>(row, 8)?.map(|_| message(row, 8)).transpose()?;
        Ok(Outcome::Stale { conv, message })
    };
    Some(read())
}

pub(crate) fn print(bytes: Option<Vec<u8>>) -> StoreResult<Option<Print>> {
    let read = |bytes: Vec<u8>| bytes.try_into().map_err(|_| internal("a print that is none"));
    bytes.map(read).transpose()
}
