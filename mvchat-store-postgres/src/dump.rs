//! Everything in the tables, as items for another store: read in one transaction.

use crate::PgStore;
use crate::codes::Code;
use crate::commit::print;
use crate::conversations::made_by;
use crate::error::{failed, internal};
use crate::files::file;
use crate::invites::invite;
use crate::links::link;
use crate::load::{ALL, SOME};
use crate::messages::{SPARE, entry, untied};
use crate::rows::{
    bytes, count, get, limit, member, message, message_columns, number, of_json, to_json, unsigned,
};
use crate::sessions::session;
use crate::users::{credential, user};
use async_trait::async_trait;
use mvchat_core::policy::ConvSettings;
use mvchat_core::proto::{ConvId, Epoch, Own, Position, Rev, Seq, UserId};
use mvchat_core::seam::{
    ContactRow, DueItem, DueWhat, Dump, DumpPage, Item, KeptConversation, KeptMember, KeptMessage, Part,
    StoreResult,
};
use mvchat_core::time::Timestamp;
use serde::Deserialize;
use sqlx::postgres::PgRow;
use sqlx::{Executor, PgConnection};
use uuid::Uuid;

/// Gives back what began to be read, and what follows a place: `$1` is the place, as a row of JSON, `$2` the limit.
macro_rules! pages {
    ($select:expr, $after:literal, $order:literal) => {
        [
            concat!($select, " where $1::jsonb is null order by ", $order, " limit $2"),
            concat!($select, " where ", $after, " order by ", $order, " limit $2"),
        ]
    };
}

const USERS: [&str; 2] = pages!(
    "select u.id, u.state, u.must_change_password, u.private, u.email, u.row, u.version, u.email_hash, \
     jsonb_build_array(u.id)::text from @.users u",
    "u.id > ($1::jsonb ->> 0)::uuid",
    "u.id"
);
const CREDENTIALS: [&str; 2] = pages!(
    "select c.user_id, c.scheme, c.name, c.folded, c.secret, jsonb_build_array(c.scheme, encode(c.folded, 'hex'))::text \
     from @.credentials c",
    "(c.scheme, c.folded) > ($1::jsonb ->> 0, decode($1::jsonb ->> 1, 'hex'))",
    "c.scheme, c.folded"
);
const SESSIONS: [&str; 2] = pages!(
    "select s.used_at, s.expires_at, s.row, jsonb_build_array(s.id)::text from @.sessions s",
    "s.id > ($1::jsonb ->> 0)::uuid",
    "s.id"
);
const CONTACTS: [&str; 2] = pages!(
    "select c.owner, c.other, c.source, c.created_at, c.nickname, c.trusts, c.trusted, \
     jsonb_build_array(c.owner, c.other)::text from @.contacts c",
    "(c.owner, c.other) > (($1::jsonb ->> 0)::uuid, ($1::jsonb ->> 1)::uuid)",
    "c.owner, c.other"
);
const INVITES: [&str; 2] = pages!(
    "select i.id, i.inviter, i.code, i.email, i.sealed, i.created_at, i.expires_at, i.used_by, i.used_at, \
     jsonb_build_array(i.id)::text from @.invites i",
    "i.id > ($1::jsonb ->> 0)::uuid",
    "i.id"
);
const FILES: [&str; 2] = pages!(
    "select f.id, f.uploader, f.created_at, f.mime, f.size, f.location, f.state, f.sealed, \
     jsonb_build_array(f.id)::text from @.files f",
    "f.id > ($1::jsonb ->> 0)::uuid",
    "f.id"
);
const CONVERSATIONS: [&str; 2] = pages!(
    "select c.id, c.kind, c.epoch, c.owner, c.created_at, c.settings, c.settings_rev, c.found, c.rev, c.touched, \
     c.last_seq, c.last_at, c.keep, c.swept, \
     (select json_agg(json_build_object('it', json_build_array(m.user_id, m.role, m.standing, m.blocks, m.muted_until, \
     m.joined_at, m.rev), 'own', m.own, 'touched', m.touched, 'read', m.read_seq, 'recv', m.recv_seq, \
     'clear', m.clear_seq, 'favorite', m.favorite, 'muted', m.muted, 'archived', m.archived, \
     'private', encode(m.private, 'hex'), 'removed', m.removed, 'paced', m.paced) order by m.user_id) \
     from @.members m where m.conv = c.id)::text, jsonb_build_array(c.id)::text from @.conversations c",
    "c.id > ($1::jsonb ->> 0)::uuid",
    "c.id"
);
const LINKS: [&str; 2] = pages!(
    "select l.uses, l.row, jsonb_build_array(encode(l.code, 'hex'))::text from @.links l",
    "l.code > decode($1::jsonb ->> 0, 'hex')",
    "l.code"
);
const LOG: &str = "select e.* from ((select m.pos, m.conv, m.born_rev, coalesce(m.sender, m.actor), m.ts, m.seq, \
     null::text from @.messages m where m.pos > $1 order by m.pos limit $2) union all \
     (select l.pos, l.conv, l.rev, l.actor, l.at, l.seq, l.event from @.log l where l.pos > $1 order by l.pos limit $2) \
     order by 1 limit $2) e";
/// What an ended conversation held is kept as places in the log only; the settings of such a one are given.
macro_rules! messages {
    ($select:expr, $settings:literal) => {
        concat!(
            $select,
            " from @.messages m join @.conversations c on c.id = m.conv \
             and not (c.active = 0 and c.owner is null and c.settings = ",
            $settings,
            ")"
        )
    };
}
const MESSAGES: [&str; 2] = pages!(
    messages!(
        concat!(
            "select ",
            message_columns!(),
            ", m.conv, coalesce(m.sender, m.actor), m.born_rev, m.print, jsonb_build_array(m.conv, m.seq)::text"
        ),
        "$3"
    ),
    "(m.conv, m.seq) > (($1::jsonb ->> 0)::uuid, ($1::jsonb ->> 1)::bigint)",
    "m.conv, m.seq"
);
const HIDDEN: [&str; 2] = pages!(
    "select h.conv, h.user_id, h.seq, h.own, jsonb_build_array(h.conv, h.user_id, h.seq)::text from @.hidden h",
    "(h.conv, h.user_id, h.seq) > (($1::jsonb ->> 0)::uuid, ($1::jsonb ->> 1)::uuid, ($1::jsonb ->> 2)::bigint)",
    "h.conv, h.user_id, h.seq"
);
const DUE: [&str; 2] = pages!(
    "select d.at, d.conv, d.user_id, d.seq, d.kind, d.upto, \
     jsonb_build_array(d.at, d.conv, d.user_id, d.seq)::text from @.due d",
    "(d.at, d.conv, d.user_id, d.seq) > (($1::jsonb ->> 0)::bigint, ($1::jsonb ->> 1)::uuid, \
     ($1::jsonb ->> 2)::uuid, ($1::jsonb ->> 3)::bigint)",
    "d.at, d.conv, d.user_id, d.seq"
);
const PARTLY: [&str; 2] = pages!(
    "select p.conv, p.seq, jsonb_build_array(p.conv, p.seq)::text from @.partly p",
    "(p.conv, p.seq) > (($1::jsonb ->> 0)::uuid, ($1::jsonb ->> 1)::bigint)",
    "p.conv, p.seq"
);
/// How many there are, of what is one row for each.
const COUNTS: [&str; 11] = [
    "select count(*) from @.users",
    "select count(*) from @.credentials",
    "select count(*) from @.sessions",
    "select count(*) from @.contacts",
    "select count(*) from @.invites",
    "select count(*) from @.conversations",
    "select count(*) from @.links",
    "select count(*) from @.hidden",
    "select count(*) from @.due",
    "select count(*) from @.partly",
    "select count(*) from @.files",
];
const COUNT_LOG: &str = "select (select count(*) from @.messages) + (select count(*) from @.log)";
const COUNT_MESSAGES: &str = messages!("select count(*)", "$1");
/// What is beyond everything: transactions that did not begin yet, and what waited longer than its transaction's id.
const POSITION: &str = "select greatest((pg_snapshot_xmax(pg_current_snapshot())::text::bigint << 10) + @.base(), \
     (select max(m.pos) from @.messages m), (select max(l.pos) from @.log l), \
     (select max(m.touched) from @.members m))";

pub(crate) const STATEMENTS: &[&str] = &[
    USERS[0],
    USERS[1],
    CREDENTIALS[0],
    CREDENTIALS[1],
    SESSIONS[0],
    SESSIONS[1],
    CONTACTS[0],
    CONTACTS[1],
    INVITES[0],
    INVITES[1],
    FILES[0],
    FILES[1],
    CONVERSATIONS[0],
    CONVERSATIONS[1],
    LINKS[0],
    LINKS[1],
    MESSAGES[0],
    MESSAGES[1],
    HIDDEN[0],
    HIDDEN[1],
    DUE[0],
    DUE[1],
    PARTLY[0],
    PARTLY[1],
    LOG,
    COUNTS[0],
    COUNTS[1],
    COUNTS[2],
    COUNTS[3],
    COUNTS[4],
    COUNTS[5],
    COUNTS[6],
    COUNTS[7],
    COUNTS[8],
    COUNTS[9],
    COUNTS[10],
    COUNT_LOG,
    COUNT_MESSAGES,
    POSITION,
];

/// A reading of everything.
pub(crate) struct PgDump {
    store: PgStore,
    connection: PgConnection,
    position: Position,
}

impl PgDump {
    pub(crate) async fn begin(store: &PgStore) -> StoreResult<Self> {
        let mut connection = store.patient().await?;
        connection.execute("begin isolation level repeatable read read only").await.map_err(failed)?;
        let row = sqlx::query(store.sql(POSITION)).fetch_one(&mut connection).await.map_err(failed)?;
        let position = Position(count(&row, 0)?);
        Ok(Self { store: store.clone(), connection, position })
    }

    async fn rows(
        &mut self,
        pages: [&'static str; 2],
        after: Option<&str>,
        most: usize,
    ) -> StoreResult<Vec<PgRow>> {
        let [first, next] = pages;
        let query = sqlx::query(self.store.sql(if after.is_some() { next } else { first }));
        let mut query = query.bind(after.map(str::to_owned)).bind(limit(most));
        if pages == MESSAGES {
            query = query.bind(ended()?);
        }
        query.fetch_all(&mut self.connection).await.map_err(failed)
    }

    /// Returns the log after a place, never ending between equals.
    async fn log(&mut self, after: Option<&str>, most: usize) -> StoreResult<DumpPage> {
        let after: i64 = after.map(of_json).transpose()?.unwrap_or(-1);
        let query = sqlx::query(self.store.sql(LOG)).bind(after).bind(limit(most.saturating_add(SPARE)));
        let rows = query.fetch_all(&mut self.connection).await.map_err(failed)?;
        let entries = rows.iter().map(entry).collect::<StoreResult<Vec<_>>>()?;
        let mut entries: Vec<_> = entries.into_iter().flatten().collect();
        let all = entries.len();
        entries.truncate(untied(&entries, most, |entry| entry.position));
        let ends = all <= most && all == entries.len();
        let next = entries.last().filter(|_| !ends).map(|entry| number(entry.position.0).to_string());
        Ok(DumpPage { items: entries.into_iter().map(Item::Log).collect(), next })
    }
}

#[async_trait]
impl Dump for PgDump {
    fn position(&self) -> Position {
        self.position
    }

    async fn count(&mut self, part: Part) -> StoreResult<u64> {
        let text = match part {
            Part::Users => COUNTS[0],
            Part::Credentials => COUNTS[1],
            Part::Sessions => COUNTS[2],
            Part::Contacts => COUNTS[3],
            Part::Invites => COUNTS[4],
            Part::Conversations => COUNTS[5],
            Part::Links => COUNTS[6],
            Part::Log => COUNT_LOG,
            Part::Messages => COUNT_MESSAGES,
            Part::Hidden => COUNTS[7],
            Part::Due => COUNTS[8],
            Part::Partly => COUNTS[9],
            Part::Files => COUNTS[10],
            _ => return Err(unknown()),
        };
        let mut query = sqlx::query(self.store.sql(text));
        if part == Part::Messages {
            query = query.bind(ended()?);
        }
        let row = query.fetch_one(&mut self.connection).await.map_err(failed)?;
        count(&row, 0)
    }

    async fn page(&mut self, part: Part, after: Option<String>, limit: usize) -> StoreResult<DumpPage> {
        let most = limit.max(1);
        let pages = match part {
            Part::Users => USERS,
            Part::Credentials => CREDENTIALS,
            Part::Sessions => SESSIONS,
            Part::Contacts => CONTACTS,
            Part::Invites => INVITES,
            Part::Files => FILES,
            Part::Conversations => CONVERSATIONS,
            Part::Links => LINKS,
            Part::Log => return self.log(after.as_deref(), most).await,
            Part::Messages => MESSAGES,
            Part::Hidden => HIDDEN,
            Part::Due => DUE,
            Part::Partly => PARTLY,
            _ => return Err(unknown()),
        };
        let rows = self.rows(pages, after.as_deref(), most).await?;
        // The last column is the place.
        let place = |row: &PgRow| get::<String>(row, sqlx::Row::len(row).saturating_sub(1));
        let next = rows.last().filter(|_| rows.len() >= most).map(place).transpose()?;
        let items = rows.iter().map(|row| item(part, row)).collect::<StoreResult<_>>()?;
        Ok(DumpPage { items, next })
    }
}

fn unknown() -> mvchat_core::seam::StoreError {
    internal("a part that this store does not know")
}

fn ended() -> StoreResult<String> {
    to_json(&ConvSettings::ended())
}

fn item(part: Part, row: &PgRow) -> StoreResult<Item> {
    Ok(match part {
        Part::Users => Item::User(user(row)?.0),
        Part::Credentials => Item::Credential(credential(row)?),
        Part::Sessions => Item::Session(session(row)?),
        Part::Contacts => Item::Contact(
            UserId(get(row, 0)?),
            ContactRow {
                user: UserId(get(row, 1)?),
                source: Code::of(get(row, 2)?)?,
                created_at: Timestamp::from_micros(get(row, 3)?),
                nickname: bytes(row, 4)?,
                trusts: get(row, 5)?,
                trusted: get(row, 6)?,
            },
        ),
        Part::Invites => Item::Invite(invite(row)?),
        Part::Files => Item::File(file(row)?),
        Part::Conversations => Item::Conversation(conversation(row)?),
        Part::Links => Item::Link(link(row)?),
        Part::Messages => {
            let message = message(row, 0)?;
            let (by, born): (Uuid, u64) = (get(row, 15)?, count(row, 16)?);
            let print = print(get(row, 17)?)?;
            let sent = message.cid.is_some().then_some((UserId(by), Rev(born), print));
            Item::Message(KeptMessage { conv: ConvId(get(row, 14)?), message, sent })
        }
        Part::Hidden => {
            let (seq, own) = (Seq(count(row, 2)?), Own(count(row, 3)?));
            Item::Hidden(ConvId(get(row, 0)?), UserId(get(row, 1)?), seq, own)
        }
        Part::Due => {
            let (user, seq, upto): (Uuid, _, _) = (get(row, 2)?, Seq(count(row, 3)?), Seq(count(row, 5)?));
            let what = match (get::<i16>(row, 4)?, user) {
                (1, user) => DueWhat::Read(UserId(user), seq, upto),
                (2, ALL) => DueWhat::Message(seq),
                (3, ALL) => DueWhat::Keep,
                (4, SOME) => DueWhat::Look(upto),
                _ => return Err(internal("something expires that this store does not know")),
            };
            Item::Due(DueItem { at: Timestamp::from_micros(get(row, 0)?), conv: ConvId(get(row, 1)?), what })
        }
        Part::Partly => Item::Partly(ConvId(get(row, 0)?), Seq(count(row, 1)?)),
        _ => return Err(unknown()),
    })
}

/// A member as it is read.
#[derive(Deserialize)]
struct Columns {
    it: crate::rows::MemberColumns,
    own: u64,
    touched: u64,
    read: u64,
    recv: u64,
    clear: u64,
    favorite: bool,
    muted: bool,
    archived: bool,
    private: Option<String>,
    removed: Option<u64>,
    paced: Option<i64>,
}

fn conversation(row: &PgRow) -> StoreResult<KeptConversation> {
    let at = |index| Ok(get::<Option<i64>>(row, index)?.map(Timestamp::from_micros));
    let members: Vec<Columns> = get::<Option<&str>>(row, 14)?.map_or(Ok(Vec::new()), of_json)?;
    let kept = members.into_iter().map(|columns| {
        let (user, member) = member(columns.it)?;
        Ok(KeptMember {
            user,
            member,
            own: Own(columns.own),
            touched: Position(columns.touched),
            read: Seq(columns.read),
            recv: Seq(columns.recv),
            clear: Seq(columns.clear),
            favorite: columns.favorite,
            muted: columns.muted,
            archived: columns.archived,
            private: columns.private.as_deref().map(crate::views::unhex).transpose()?,
            removed: columns.removed.map(Position),
            paced: columns.paced.map(Timestamp::from_micros),
        })
    });
    Ok(KeptConversation {
        id: ConvId(get(row, 0)?),
        kind: Code::of(get(row, 1)?)?,
        epoch: Epoch(count(row, 2)?),
        owner: get::<Option<Uuid>>(row, 3)?.map(UserId),
        created_at: Timestamp::from_micros(get(row, 4)?),
        settings: of_json(get(row, 5)?)?,
        settings_rev: Rev(count(row, 6)?),
        made_by: bytes(row, 7)?.as_deref().and_then(made_by),
        rev: Rev(count(row, 8)?),
        touched: Position(count(row, 9)?),
        last_seq: Seq(count(row, 10)?),
        last_at: at(11)?,
        keep: at(12)?,
        swept: Seq(unsigned(get(row, 13)?)),
        members: kept.collect::<StoreResult<_>>()?,
    })
}

/// Writes bytes in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |half: u8| char::from(DIGITS[usize::from(half & 15)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]).collect()
}
