//! Messages, changes and the log, as they are read.

use crate::PgStore;
use crate::commit::print;
use crate::error::internal;
use crate::rows::{
    MemberColumns, count, get, limit, member, message, message_columns, no_message_columns, number, of_json,
    unsigned,
};
use crate::views::view;
use async_trait::async_trait;
use mvchat_core::policy::Message;
use mvchat_core::proto::{ConvId, Own, Position, Rev, Seq, UserId};
use mvchat_core::seam::{
    Change, Changed, Changes, ChangesQuery, LogEntry, LogEvent, LogPage, Mention, MessageStore, Outcome,
    Page, PageQuery, Sent, StoreResult,
};
use mvchat_core::time::Timestamp;
use sqlx::postgres::PgRow;
use std::collections::BTreeSet;
use uuid::Uuid;

/// What the viewer, $1, keeps of the conversation, $2; nothing if not an active member.
macro_rules! me {
    () => {
        "with me as materialized (select m.clear_seq, m.own from @.members m \
         where m.conv = $2 and m.user_id = $1 and m.standing = 1)"
    };
}
/// Whether the viewer sees a message of the table `m`.
macro_rules! seen {
    () => {
        "m.conv = $2 and m.seq > (select me.clear_seq from me) and not exists \
         (select from @.hidden h where h.conv = $2 and h.user_id = $1 and h.seq = m.seq)"
    };
}

const ONE: &str =
    concat!(me!(), " select ", message_columns!(), " from @.messages m where m.seq = $3 and ", seen!());
/// Kinds of rows: 0 the conversation, 1 shown, 2 answered.
const PAGE: &str = concat!(
    me!(),
    ", shown as materialized ((select m.* from @.messages m where m.seq < $3 and ",
    seen!(),
    " order by m.seq desc limit $4) union all (select m.* from @.messages m where m.seq > $5 and ",
    seen!(),
    " order by m.seq limit $6)) select 0::smallint, c.rev, me.own, ",
    no_message_columns!(),
    " from me, @.conversations c where c.id = $2 union all select 1::smallint, null, null, ",
    message_columns!(),
    " from shown m union all select 2::smallint, null, null, ",
    message_columns!(),
    " from @.messages m where m.seq in (select s.reply_to from shown s) and ",
    seen!()
);
/// Kinds of rows: 0 the view, 1 a message, 2 a member, 3 the conversation, 4 answered, 5 hidden, 6 where to go on.
///
/// How many messages there were at a rev is known from the last entry of the log that is no message.
const CHANGES: &str = concat!(
    me!(),
    ", c as materialized (select c.rev, c.settings_rev, c.rev - $3 > $6 as far from @.conversations c \
     where c.id = $2), start as materialized (select l.last_seq + $3 - l.rev as seq from @.log l \
     where l.conv = $2 and l.rev <= $3 order by l.rev desc limit 1), \
     thing as materialized (\
     select m.rev, 1 as kind, m.seq, null::uuid as user_id from @.messages m \
     where m.seq > (select s.seq from start s) and not (select c.far from c) and ",
    seen!(),
    " union select m.rev, 1, m.seq, null from @.messages m where m.seq in (\
     select l.seq from @.log l where l.conv = $2 and l.rev > $3 and not (select c.far from c)) and ",
    seen!(),
    " union all select m.rev, 2, null, m.user_id from @.members m where m.conv = $2 and m.rev > $3 \
     and not (select c.far from c) and exists (select from me) \
     union all select c.settings_rev, 3, null, null from c where c.settings_rev > $3 and not c.far \
     and exists (select from me)), \
     counted as (select t.*, count(*) over (partition by t.rev) as together, count(*) over (order by t.rev) as upto \
     from thing t), \
     shown as materialized (select * from counted t where t.upto <= $5 or t.upto = t.together) \
     select 0::smallint, c.rev, me.own, @.view_of($1, $2), ",
    no_message_columns!(),
    " from me, c union all select 1::smallint, t.rev, null, null, ",
    message_columns!(),
    " from shown t join @.messages m on m.conv = $2 and m.seq = t.seq where t.kind = 1 \
     union all select 2::smallint, t.rev, null, json_build_array(m.user_id, m.role, m.standing, m.blocks, \
     m.muted_until, m.joined_at, m.rev)::text, ",
    no_message_columns!(),
    " from shown t join @.members m on m.conv = $2 and m.user_id = t.user_id where t.kind = 2 \
     union all select 3::smallint, t.rev, null, null, ",
    no_message_columns!(),
    " from shown t where t.kind = 3 union all select 4::smallint, null, null, null, ",
    message_columns!(),
    " from @.messages m where m.seq in (select x.reply_to from shown t join @.messages x \
     on x.conv = $2 and x.seq = t.seq where t.kind = 1) and ",
    seen!(),
    " union all select 5::smallint, h.seq, null, null, ",
    no_message_columns!(),
    " from @.hidden h where h.conv = $2 and h.user_id = $1 and h.own > $4 and not (select c.far from c) \
     and exists (select from me) union all select 6::smallint, min(t.rev), null, null, ",
    no_message_columns!(),
    " from counted t where t.upto > $5 and t.upto <> t.together having count(*) > 0"
);
const SENT: &str = "select m.seq, m.born_rev, m.ts, m.print from @.messages m \
     where m.conv = $1 and coalesce(m.sender, m.actor) = $2 and m.cid = $3";
/// The messages that were new then, and everything else.
const HAPPENED: &str = concat!(
    "with start as materialized (select l.last_seq + $2 - l.rev as seq from @.log l \
     where l.conv = $1 and l.rev <= $2 order by l.rev desc limit 1) \
     select m.pos, m.conv, m.born_rev, coalesce(m.sender, m.actor), m.ts, m.seq, null::text, ",
    message_columns!(),
    " from @.messages m where m.conv = $1 and m.seq > (select s.seq from start s) \
     and m.seq <= (select s.seq from start s) + $3 - $2 and m.born_rev > $2 and m.born_rev <= $3 \
     union all select l.pos, l.conv, l.rev, l.actor, l.at, l.seq, l.event, ",
    message_columns!(),
    " from @.log l left join @.messages m on m.conv = l.conv and m.seq = l.seq \
     where l.conv = $1 and l.rev > $2 and l.rev <= $3 order by 3"
);
const LOG: &str = "select e.* from (select @.horizon() as pos) h cross join lateral (\
     (select m.pos, m.conv, m.born_rev, coalesce(m.sender, m.actor), m.ts, m.seq, null::text from @.messages m \
     where m.pos > $1 and m.pos <= h.pos order by m.pos limit $2) union all \
     (select l.pos, l.conv, l.rev, l.actor, l.at, l.seq, l.event from @.log l \
     where l.pos > $1 and l.pos <= h.pos order by l.pos limit $2) union all \
     (select h.pos, null, null, null, null, null, null) order by 1 limit $2) e";
const POSITION: &str = "select @.horizon(), greatest(\
     (select m.pos from @.messages m where m.pos <= (select @.horizon()) order by m.pos desc limit 1), \
     (select l.pos from @.log l where l.pos <= (select @.horizon()) order by l.pos desc limit 1))";
pub(crate) const STATEMENTS: &[&str] = &[ONE, PAGE, CHANGES, SENT, HAPPENED, LOG, POSITION];

#[async_trait]
impl MessageStore for PgStore {
    async fn commit(&self, changes: Vec<Change>) -> StoreResult<Vec<Outcome>> {
        self.change(changes, true).await
    }

    async fn message(&self, viewer: UserId, conv: ConvId, seq: Seq) -> StoreResult<Option<Message>> {
        let rows =
            self.read(|| sqlx::query(self.sql(ONE)).bind(viewer.0).bind(conv.0).bind(number(seq.0))).await?;
        rows.first().map(|row| message(row, 0)).transpose()
    }

    async fn page(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: PageQuery,
        most: usize,
    ) -> StoreResult<Option<Page>> {
        let cut = Cut::of(query, most)?;
        let rows = self
            .read(|| {
                let query = sqlx::query(self.sql(PAGE)).bind(viewer.0).bind(conv.0);
                let query = query.bind(cut.below).bind(limit(cut.older.saturating_add(1)));
                query.bind(cut.above).bind(limit(cut.newer.saturating_add(1)))
            })
            .await?;
        page(&rows, &cut)
    }

    async fn changes(
        &self,
        viewer: UserId,
        conv: ConvId,
        query: ChangesQuery,
    ) -> StoreResult<Option<Changes>> {
        let rows = self
            .read(|| {
                let statement = sqlx::query(self.sql(CHANGES)).bind(viewer.0).bind(conv.0);
                let statement =
                    statement.bind(number(query.since.0)).bind(query.own.map(|own| number(own.0)));
                statement.bind(limit(query.limit)).bind(number(query.max_span))
            })
            .await?;
        changes(&rows, query)
    }

    async fn mentions(&self, viewer: UserId, limit: usize) -> StoreResult<Vec<Mention>> {
        self.mentions_of(viewer, limit).await
    }

    async fn sent(&self, conv: ConvId, sender: UserId, cid: &str) -> StoreResult<Option<Sent>> {
        let rows = self
            .read(|| sqlx::query(self.sql(SENT)).bind(conv.0).bind(sender.0).bind(cid.as_bytes().to_vec()))
            .await?;
        let Some(row) = rows.first() else { return Ok(None) };
        let (seq, rev) = (Seq(count(row, 0)?), Rev(count(row, 1)?));
        Ok(Some(Sent { seq, rev, at: Timestamp::from_micros(get(row, 2)?), print: print(get(row, 3)?)? }))
    }

    async fn log(&self, after: Position, most: usize) -> StoreResult<LogPage> {
        let read = async || {
            let rows = self
                .read(|| {
                    let most = limit(most.saturating_add(SPARE));
                    sqlx::query(self.sql(LOG)).bind(number(after.0)).bind(most)
                })
                .await?;
            let entries = rows.iter().map(entry).collect::<StoreResult<Vec<_>>>()?;
            // The horizon stands behind all entries, if the page reaches it.
            let horizon = match rows.last() {
                Some(row) if entries.last().is_some_and(Option::is_none) => Some(Position(count(row, 0)?)),
                _ => None,
            };
            let mut entries: Vec<LogEntry> = entries.into_iter().flatten().collect();
            let end = untied(&entries, most, |entry| entry.position);
            let horizon = horizon.filter(|_| end == entries.len());
            entries.truncate(end);
            let full = horizon.is_none();
            let last = entries.last().map(|entry| entry.position);
            let position = horizon.or(last).unwrap_or(after).max(after);
            // A full page is not held up by anybody.
            Ok(((entries, position), if full { Position(u64::MAX) } else { position }))
        };
        let ((entries, position), _) = self.settled(read).await?;
        Ok(LogPage { entries, position })
    }

    async fn happened(
        &self,
        conv: ConvId,
        after: Rev,
        upto: Rev,
    ) -> StoreResult<Vec<(LogEntry, Option<Message>)>> {
        let (after, upto) = (number(after.0), number(upto.0));
        let rows = self.read(|| sqlx::query(self.sql(HAPPENED)).bind(conv.0).bind(after).bind(upto)).await?;
        let read = |row| {
            let entry = entry(row)?.ok_or_else(|| internal("an entry without a conversation"))?;
            let about = get::<Option<i64>>(row, 7)?.map(|_| message(row, 7)).transpose()?;
            Ok((entry, about))
        };
        rows.iter().map(read).collect()
    }

    async fn position(&self) -> StoreResult<Position> {
        let read = async || {
            let rows = self.read(|| sqlx::query(self.sql(POSITION))).await?;
            let row =
                rows.first().ok_or_else(|| internal("a statement that has one row answered without"))?;
            let last = get::<Option<i64>>(row, 1)?.map_or(0, unsigned);
            let horizon = Position(count(row, 0)?);
            // Private changes have places too, but no entry by which others would know them.
            Ok((Position(last).max(self.last_own(horizon)), horizon))
        };
        let (position, _) = self.settled(read).await?;
        Ok(position)
    }
}

/// Which messages a page has: so many below a place, and so many above one.
struct Cut {
    below: i64,
    older: usize,
    above: i64,
    newer: usize,
    /// Whether what is above decides if there are more.
    upward: bool,
}

impl Cut {
    fn of(query: PageQuery, most: usize) -> StoreResult<Self> {
        let end = i64::MAX;
        Ok(match query {
            PageQuery::Newest => Self { below: end, older: most, above: end, newer: 0, upward: false },
            PageQuery::Before(seq) => {
                Self { below: number(seq.0), older: most, above: end, newer: 0, upward: false }
            }
            PageQuery::After(seq) => {
                Self { below: 0, older: 0, above: number(seq.0), newer: most, upward: true }
            }
            PageQuery::Around(seq) => Self {
                below: number(seq.0).saturating_add(1),
                older: most.div_ceil(2),
                above: number(seq.0),
                newer: most / 2,
                upward: false,
            },
            _ => return Err(internal("a query that this store does not know")),
        })
    }
}

fn page(rows: &[PgRow], cut: &Cut) -> StoreResult<Option<Page>> {
    let (mut older, mut newer, mut replied, mut head) = (Vec::new(), Vec::new(), Vec::new(), None);
    for row in rows {
        match get::<i16>(row, 0)? {
            0 => head = Some((Rev(count(row, 1)?), Own(count(row, 2)?))),
            1 => {
                let message = message(row, 3)?;
                let above = number(message.seq.0) > cut.above;
                if above { newer.push(message) } else { older.push(message) }
            }
            _ => replied.push(message(row, 3)?),
        }
    }
    let Some((rev, own)) = head else { return Ok(None) };
    older.sort_unstable_by_key(|message| std::cmp::Reverse(message.seq));
    newer.sort_unstable_by_key(|message| message.seq);
    let more = if cut.upward { newer.len() > cut.newer } else { older.len() > cut.older };
    older.truncate(cut.older);
    newer.truncate(cut.newer);
    let messages: Vec<Message> = newer.into_iter().rev().chain(older).collect();
    let replied = answered(messages.iter(), replied);
    Ok(Some(Page { messages, replied, more, rev, own }))
}

/// Leaves those that are answered, each once and ascending.
fn answered<'a>(messages: impl Iterator<Item = &'a Message>, mut known: Vec<Message>) -> Vec<Message> {
    let targets: BTreeSet<Seq> = messages.filter_map(|message| message.reply_to).collect();
    known.retain(|message| targets.contains(&message.seq));
    known.sort_unstable_by_key(|message| message.seq);
    known.dedup_by_key(|message| message.seq);
    known
}

fn changes(rows: &[PgRow], query: ChangesQuery) -> StoreResult<Option<Changes>> {
    let (mut items, mut replied, mut hidden) = (Vec::new(), Vec::new(), Vec::new());
    let (mut head, mut next) = (None, None);
    for row in rows {
        let kind: i16 = get(row, 0)?;
        let text = || get::<Option<&str>>(row, 3)?.ok_or_else(|| internal("a change without its columns"));
        match kind {
            0 => head = Some((Rev(count(row, 1)?), Own(count(row, 2)?), view(text()?)?)),
            1 => items.push((Rev(count(row, 1)?), Changed::Message(message(row, 4)?))),
            2 => {
                let (user, member) = member(of_json::<MemberColumns>(text()?)?)?;
                items.push((Rev(count(row, 1)?), Changed::Member(user, member)));
            }
            3 => items.push((Rev(count(row, 1)?), Changed::Conversation)),
            4 => replied.push(message(row, 4)?),
            5 => hidden.push(Seq(count(row, 1)?)),
            _ => next = Some(Rev(count(row, 1)?)),
        }
    }
    let Some((rev, own, view)) = head else { return Ok(None) };
    items.sort_by_key(|(rev, item)| (*rev, place(item)));
    hidden.sort_unstable();
    replied.sort_unstable_by_key(|message| message.seq);
    let reset = rev.0.saturating_sub(query.since.0) > query.max_span;
    let upto = next.map_or(rev, |next| Rev(next.0.saturating_sub(1)));
    Ok(Some(Changes { items, replied, rev: upto, more: next.is_some(), reset, own, hidden, view }))
}

/// Orders the things of one rev.
fn place(item: &Changed) -> (u8, Option<Uuid>) {
    match item {
        Changed::Message(_) => (0, None),
        Changed::Member(user, _) => (1, Some(user.0)),
        _ => (2, None),
    }
}

/// So many more rows than a page holds are read, because equal places must not be parted: few are ever equal.
pub(crate) const SPARE: usize = 4;

/// Returns where a page of at most so many rows ends: never between equals, which the next page would pass over. If
/// that leaves nothing, the equals stay together and the page is longer.
pub(crate) fn untied<T, P: PartialEq>(rows: &[T], most: usize, place: impl Fn(&T) -> P) -> usize {
    let Some(next) = rows.get(most).map(&place) else { return rows.len() };
    match rows[..most].iter().rposition(|row| place(row) != next) {
        Some(last) => last + 1,
        None => rows.iter().take_while(|row| place(row) == next).count(),
    }
}

/// Reads an entry of the log; the horizon is none.
pub(crate) fn entry(row: &PgRow) -> StoreResult<Option<LogEntry>> {
    let Some(conv) = get::<Option<Uuid>>(row, 1)? else { return Ok(None) };
    let event: Option<&str> = get(row, 6)?;
    Ok(Some(LogEntry {
        position: Position(count(row, 0)?),
        conv: ConvId(conv),
        rev: Rev(count(row, 2)?),
        actor: UserId(get(row, 3)?),
        at: Timestamp::from_micros(get(row, 4)?),
        seq: get::<Option<i64>>(row, 5)?.map(|seq| Seq(unsigned(seq))),
        event: event.map_or(Ok(LogEvent::Sent), of_json)?,
    }))
}
