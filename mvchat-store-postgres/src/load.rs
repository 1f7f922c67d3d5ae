//! Everything of another store, written as rows.

use crate::PgStore;
use crate::codes::Code;
use crate::conversations::found_key;
use crate::dump::PgDump;
use crate::error::{already_exists, failed, internal};
use crate::rows::{extra, get, number, of_json, to_json, view_once_code};
use crate::users::Written;
use async_trait::async_trait;
use mvchat_core::proto::{Seq, UserId};
use mvchat_core::seam::{
    DueItem, DueWhat, Dump, Item, KeptConversation, KeptMember, KeptMessage, LoadNote, Loading, LogEvent,
    Portable, StoreResult,
};
use mvchat_core::time::Timestamp;
use serde_json::{Map, Value, json};
use sqlx::Executor;
use uuid::Uuid;

/// Under which ids stands what concerns nobody in particular.
pub(crate) const ALL: Uuid = Uuid::nil();
pub(crate) const SOME: Uuid = Uuid::max();

const NOTE: &str = "select (select l.note from @.loading l), exists (select from @.users) \
     or exists (select from @.conversations) or exists (select from @.log) or exists (select from @.invites) \
     or exists (select from @.files)";
/// Files came later than the function.
const LOAD: &str = "with begun as (select exists (select from @.loading) or not exists (select from @.files) as free), \
     loaded as (select case when b.free then @.load($1, $2::json) else false end as done from begun b), \
     files as (insert into @.files (id, uploader, created_at, mime, size, location, state, sealed) \
     select f.id, f.uploader, f.created_at, f.mime, f.size, f.location, f.state, f.sealed from loaded l, \
     json_populate_recordset(null::@.files, $2::json -> 'files') f where l.done on conflict do nothing) \
     select l.done from loaded l";
const SETTLE: &str = "select @.settle($1, $2)";
const ANALYZE: &str = "analyze @.users, @.credentials, @.sessions, @.contacts, @.conversations, @.members, @.messages, \
     @.log, @.mentions, @.hidden, @.due, @.files";
const RELEASE: &str = "delete from @.loading";
const IDENTITY: &str = "select 'postgres:' || (select c.system_identifier from pg_control_system() c) || '/' || current_database()";

pub(crate) const STATEMENTS: &[&str] = &[NOTE, LOAD, SETTLE, RELEASE, IDENTITY];

#[async_trait]
impl Portable for PgStore {
    async fn identity(&self) -> StoreResult<String> {
        let rows = self.read(|| sqlx::query(self.sql(IDENTITY))).await?;
        let row = rows.first().ok_or_else(|| internal("a statement that has one row answered without"))?;
        Ok(format!("{}/{}", get::<&str>(row, 0)?, self.schema_name()))
    }

    async fn dump(&self) -> StoreResult<Box<dyn Dump>> {
        Ok(Box::new(PgDump::begin(self).await?))
    }

    async fn loading(&self) -> StoreResult<Loading> {
        let rows = self.read(|| sqlx::query(self.sql(NOTE))).await?;
        let row = rows.first().ok_or_else(|| internal("a statement that has one row answered without"))?;
        Ok(match (get::<Option<&str>>(row, 0)?, get(row, 1)?) {
            (Some(note), _) => Loading::Begun(of_json(note)?),
            (None, true) => Loading::Taken,
            (None, false) => Loading::Empty,
        })
    }

    async fn load(&self, items: Vec<Item>, note: &LoadNote) -> StoreResult<()> {
        let mut rows = Rows::default();
        items.into_iter().try_for_each(|item| rows.add(item))?;
        let (note, rows) = (to_json(note)?, to_json(&rows.0)?);
        let row = self.write_one(|| sqlx::query(self.sql(LOAD)).bind(&note).bind(&rows)).await?;
        if get(&row, 0)? { Ok(()) } else { Err(already_exists("the store holds something")) }
    }

    async fn settle(&self, note: &LoadNote) -> StoreResult<()> {
        let mut connection = self.patient().await?;
        let text = to_json(note)?;
        let settle = sqlx::query(self.sql(SETTLE)).bind(&text).bind(number(note.position.0));
        settle.execute(&mut connection).await.map_err(failed)?;
        connection.execute(sqlx::raw_sql(sqlx::AssertSqlSafe(self.named(ANALYZE)))).await.map_err(failed)?;
        sqlx::Connection::close(connection).await.map_err(failed)
    }

    async fn release(&self) -> StoreResult<()> {
        self.write(|| sqlx::query(self.sql(RELEASE))).await.map(drop)
    }
}

/// Rows by table.
#[derive(Default)]
struct Rows(Map<String, Value>);

impl Rows {
    fn put(&mut self, table: &str, row: Value) {
        match self.0.get_mut(table) {
            Some(Value::Array(rows)) => rows.push(row),
            _ => drop(self.0.insert(table.to_owned(), Value::Array(vec![row]))),
        }
    }

    fn add(&mut self, item: Item) -> StoreResult<()> {
        match item {
            Item::User(user) => {
                let row = Written::of(user)?;
                self.put(
                    "users",
                    json!({
                        "id": row.id, "state": row.state, "name": bytes(row.name.as_deref()),
                        "must_change_password": row.must_change_password, "private": bytes(row.private.as_deref()),
                        "email": bytes(row.email.as_deref()), "email_hash": bytes(row.email_hash.as_deref()),
                        "row": row.row,
                    }),
                );
            }
            Item::Credential(row) => self.put(
                "credentials",
                json!({
                    "scheme": row.scheme, "folded": text(Some(&row.folded)), "user_id": row.user.0,
                    "name": text(Some(&row.name)), "secret": text(Some(&row.secret)),
                }),
            ),
            Item::Session(row) => self.put(
                "sessions",
                json!({
                    "id": row.id.0, "user_id": row.user.0, "used_at": row.used_at.as_micros(),
                    "expires_at": row.expires_at.as_micros(), "row": to_json(&row)?,
                }),
            ),
            Item::Contact(owner, row) => self.put(
                "contacts",
                json!({
                    "owner": owner.0, "other": row.user.0, "source": row.source.to_number()?,
                    "created_at": row.created_at.as_micros(), "nickname": bytes(row.nickname.as_deref()),
                    "trusts": row.trusts, "trusted": row.trusted,
                }),
            ),
            Item::Invite(row) => self.put(
                "invites",
                json!({
                    "id": row.id.0, "code": bytes(Some(&row.code)), "inviter": row.inviter.0,
                    "email": bytes(Some(&row.email)), "sealed": bytes(Some(&row.sealed)),
                    "created_at": row.created_at.as_micros(), "expires_at": row.expires_at.as_micros(),
                    "used_by": row.used.map(|(by, _)| by.0), "used_at": row.used.map(|(_, at)| at.as_micros()),
                }),
            ),
            Item::File(row) => self.put(
                "files",
                json!({
                    "id": row.id.0, "uploader": row.uploader.0, "created_at": row.created_at.as_micros(),
                    "mime": text(Some(&row.mime)), "size": number(row.size), "location": text(Some(&row.location)),
                    "state": row.state.to_number()?, "sealed": bytes(Some(&row.sealed)),
                }),
            ),
            Item::Conversation(kept) => self.add_conversation(&kept)?,
            Item::Link(row) => self.put(
                "links",
                json!({
                    "code": text(Some(&row.code)), "conv": row.conv.0, "expires_at": micros(row.expires_at),
                    "max_uses": row.max_uses, "uses": row.uses, "row": to_json(&row)?,
                }),
            ),
            Item::Log(entry) => self.put(
                "log",
                json!({
                    "conv": entry.conv.0, "rev": entry.rev.0, "pos": entry.position.0, "actor": entry.actor.0,
                    "at": entry.at.as_micros(), "seq": entry.seq.map(|seq| seq.0),
                    "event": (entry.event != LogEvent::Sent).then(|| to_json(&entry.event)).transpose()?,
                }),
            ),
            Item::Message(kept) => self.add_message(kept)?,
            Item::Hidden(conv, user, seq, own) => {
                self.put("hidden", json!({"conv": conv.0, "user_id": user.0, "seq": seq.0, "own": own.0}));
            }
            Item::Due(due) => self.add_due(due)?,
            Item::Partly(conv, seq) => self.put("partly", json!({"conv": conv.0, "seq": seq.0})),
            other => return Err(internal(format!("{:?} is a part that this store does not know", other.part()))),
        }
        Ok(())
    }

    fn add_conversation(&mut self, kept: &KeptConversation) -> StoreResult<()> {
        let made_by = kept.made_by.as_ref().map(|(owner, cid)| (Some(*owner), cid.as_str()));
        let found = found_key(kept.kind, kept.members.iter().map(|kept| &kept.user), made_by);
        self.put(
            "conversations",
            json!({
                "id": kept.id.0, "kind": kept.kind.to_number()?, "epoch": kept.epoch.0,
                "owner": kept.owner.map(|owner| owner.0), "created_at": kept.created_at.as_micros(),
                "settings": to_json(&kept.settings)?, "settings_rev": kept.settings_rev.0, "active": kept.active(),
                "found": bytes(found.as_deref()), "rev": kept.rev.0, "last_seq": kept.last_seq.0,
                "last_at": micros(kept.last_at), "touched": kept.touched.0, "keep": micros(kept.keep),
                "swept": kept.swept.0,
            }),
        );
        for KeptMember { user, member, private, removed, paced, .. } in &kept.members {
            self.put(
                "members",
                json!({
                    "conv": kept.id.0, "user_id": user.0, "role": member.role.to_number()?,
                    "standing": member.standing.to_number()?, "blocks": member.blocks,
                    "muted_until": micros(member.muted_until), "joined_at": member.joined_at.as_micros(),
                    "rev": member.rev.0, "private": bytes(private.as_deref()),
                    "removed": removed.map(|position| position.0), "paced": micros(*paced),
                }),
            );
        }
        let Some(Value::Array(rows)) = self.0.get_mut("members") else { return Ok(()) };
        let begin = rows.len().saturating_sub(kept.members.len());
        for (row, mine) in rows.iter_mut().skip(begin).zip(&kept.members) {
            let Value::Object(row) = row else { continue };
            row.extend([
                ("own".to_owned(), json!(mine.own.0)),
                ("touched".to_owned(), json!(mine.touched.0)),
                ("read_seq".to_owned(), json!(mine.read.0)),
                ("recv_seq".to_owned(), json!(mine.recv.0)),
                ("clear_seq".to_owned(), json!(mine.clear.0)),
                ("favorite".to_owned(), json!(mine.favorite)),
                ("muted".to_owned(), json!(mine.muted)),
                ("archived".to_owned(), json!(mine.archived)),
            ]);
        }
        Ok(())
    }

    fn add_message(&mut self, kept: KeptMessage) -> StoreResult<()> {
        let KeptMessage { conv, message, sent } = kept;
        let body = &message.body;
        let mentions: Vec<Uuid> = body.mentions.iter().map(|user| user.0).collect();
        let print = sent.and_then(|(_, _, print)| print);
        // A cid that no retry is answered by is none.
        let cid = message.cid.as_deref().filter(|_| sent.is_some());
        self.put(
            "messages",
            json!({
                "conv": conv.0, "seq": message.seq.0, "rev": message.rev.0, "id": message.id.0,
                "sender": message.from.map(|from| from.0), "ts": message.ts.as_micros(),
                "state": body.state.to_number()?, "content": bytes(body.content.as_deref()), "cid": text(cid),
                "print": bytes(print.as_ref().map(<[u8; 32]>::as_slice)), "reply_to": message.reply_to.map(|seq| seq.0),
                "view_once": view_once_code(message.view_once),
                "mentions": (!mentions.is_empty()).then_some(mentions), "extra": extra(body)?,
                "expires_at": micros(message.expires_at), "event": message.event.as_ref().map(to_json).transpose()?,
            }),
        );
        Ok(())
    }

    fn add_due(&mut self, due: DueItem) -> StoreResult<()> {
        let DueItem { at, conv, what } = due;
        let (user, seq, kind, upto) = match what {
            DueWhat::Read(UserId(user), from, to) => (user, from, 1, to),
            DueWhat::Message(seq) => (ALL, seq, 2, Seq(0)),
            DueWhat::Keep => (ALL, Seq(0), 3, Seq(0)),
            DueWhat::Look(after) => (SOME, Seq(0), 4, after),
            _ => return Err(internal("something expires that this store does not know")),
        };
        self.put("due", json!({
            "at": at.as_micros(), "conv": conv.0, "user_id": user, "seq": seq.0, "kind": kind, "upto": upto.0,
        }));
        Ok(())
    }
}

/// Writes bytes as the database reads them.
fn bytes(bytes: Option<&[u8]>) -> Option<String> {
    bytes.map(crate::dump::hex).map(|hex| format!("\\x{hex}"))
}

/// Writes a text that is kept as bytes.
fn text(text: Option<&str>) -> Option<String> {
    bytes(text.map(str::as_bytes))
}

fn micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_micros)
}
