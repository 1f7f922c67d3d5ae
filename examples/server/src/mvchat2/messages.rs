//! Messages, the log that they make up, and who does not see them.

use bytes::Bytes;
use mvchat_core::{
    builtin::keys::Context,
    policy::{Message, MessageBody, MessageState},
    proto::{ConvId, MsgId, Own, Position, Rev, Seq, UserId},
    seam::{DueItem, DueWhat, DumpPage, Item, KeptMessage, LogEntry, LogEvent, Part, StoreResult},
    time::Timestamp,
};
use uuid::Uuid;

use super::{
    Mvchat2,
    content::valid,
    dump::paged,
    rows::{Message as Row, Sight, timestamp},
};

const MESSAGES: &str = "select to_jsonb(t)::text from messages t where t.conversation_id = $1::uuid \
     and t.seq > $2::bigint order by t.seq limit $3::bigint";
/// Without what the log does not ask for.
const BARE: &str = "select (to_jsonb(t) - 'content' - 'head')::text from messages t where t.conversation_id = $1::uuid \
     and t.seq > $2::bigint order by t.seq limit $3::bigint";
const HIDDEN: &str = "select jsonb_build_object('conv', h.conv, 'user_id', h.user_id, 'seq', h.seq)::text from (\
     select m.conversation_id as conv, d.user_id, m.seq from message_deletions d join messages m on m.id = d.message_id \
     union select m.conversation_id, r.user_id, m.seq from message_reads r join messages m on m.id = r.message_id \
     where r.expired) h join members b on b.conversation_id = h.conv and b.user_id = h.user_id \
     where (h.conv, h.user_id, h.seq) > ($1::uuid, $2::uuid, $3::bigint) order by h.conv, h.user_id, h.seq limit $4::bigint";
const DUE: &str = "select jsonb_build_object('conv', m.conversation_id, 'user_id', r.user_id, 'seq', m.seq, \
     'at', r.expires_at)::text from message_reads r join messages m on m.id = r.message_id \
     join members b on b.conversation_id = m.conversation_id and b.user_id = r.user_id \
     where r.expires_at is not null and not r.expired and m.deleted_at is null \
     and (m.conversation_id, r.user_id, m.seq) > ($1::uuid, $2::uuid, $3::bigint) \
     order by m.conversation_id, r.user_id, m.seq limit $4::bigint";
const PARTLY: &str = "select distinct on (m.conversation_id, m.seq) jsonb_build_object('conv', m.conversation_id, \
     'user_id', '00000000-0000-0000-0000-000000000000'::uuid, 'seq', m.seq)::text from message_reads r \
     join messages m on m.id = r.message_id where r.expired and m.deleted_at is null \
     and (m.conversation_id, m.seq) > ($1::uuid, $3::bigint) and $2::text is not null \
     order by m.conversation_id, m.seq limit $4::bigint";

/// Where a walk over all conversations is: in which, after which number, and the time there.
struct Walk {
    room: usize,
    /// None before the creation.
    seq: Option<u64>,
    at: Timestamp,
}

impl Walk {
    fn read(text: Option<&str>, part: Part) -> Self {
        let first = (part != Part::Log).then_some(0);
        let mut parts = text.unwrap_or_default().split(' ').map(|part| part.parse::<i64>().ok());
        match (parts.next().flatten(), parts.next().flatten(), parts.next().flatten()) {
            (Some(room), Some(seq), Some(at)) => Self {
                room: usize::try_from(room).unwrap_or(usize::MAX),
                seq: u64::try_from(seq).ok(),
                at: Timestamp::from_micros(at),
            },
            _ => Self { room: 0, seq: first, at: Timestamp::from_micros(i64::MIN) },
        }
    }

    fn write(&self) -> String {
        let seq = self.seq.and_then(|seq| i64::try_from(seq).ok()).unwrap_or(-1);
        format!("{} {seq} {}", self.room, self.at.as_micros())
    }
}

impl Mvchat2 {
    /// Walks the numbers of all messages, whether there is one or not.
    pub(super) async fn messages_page(
        &mut self,
        part: Part,
        after: Option<String>,
        limit: usize,
    ) -> StoreResult<DumpPage> {
        let mut walk = Walk::read(after.as_deref(), part);
        let mut items = Vec::new();
        while items.len() < limit {
            let Some((conv, last, base)) =
                self.rooms.get(walk.room).map(|room| (room.id, room.last_seq, room.base))
            else {
                return Ok(DumpPage { items, next: None });
            };
            let asked = limit - items.len();
            if walk.seq.is_none() {
                items.push(Item::Log(self.created(conv, base).await?));
                walk.seq = Some(0);
                continue;
            }
            let seq = walk.seq.unwrap_or(0);
            let text = if part == Part::Log { BARE } else { MESSAGES };
            let rows =
                self.rows::<Row>(text, &[&conv.to_string(), &seq.to_string(), &asked.to_string()]).await?;
            let all = rows.len() < asked;
            let mut rows = rows.into_iter().peekable();
            while items.len() < limit && walk.seq < Some(last) {
                let seq = walk.seq.unwrap_or(0) + 1;
                if rows.peek().is_none() && !all {
                    break;
                }
                let row = rows.next_if(|row| row.seq == seq);
                // The time of a message is never before that of an earlier one.
                walk.at = row.as_ref().and_then(|row| row.created_at).map_or(walk.at, |at| at.max(walk.at));
                walk.seq = Some(seq);
                let at = walk.at.max(Timestamp::default());
                let position = Position(base + seq);
                items.push(match part {
                    Part::Log => {
                        let actor = UserId(row.and_then(|row| row.from_user_id).unwrap_or_default());
                        let (rev, seq) = (Rev(seq), Some(Seq(seq)));
                        let event = LogEvent::Sent;
                        Item::Log(LogEntry { position, conv: ConvId(conv), rev, actor, at, seq, event })
                    }
                    _ => Item::Message(self.message(conv, seq, at, row).await?),
                });
            }
            if part == Part::Log && walk.seq == Some(last) {
                if items.len() >= limit {
                    break;
                }
                items.push(self.settled(conv, walk.at).await?);
                walk.seq = Some(last + 1);
            }
            if walk.seq >= Some(last) {
                walk = Walk { room: walk.room + 1, ..Walk::read(None, part) };
            }
        }
        let next = (walk.room < self.rooms.len()).then(|| walk.write());
        Ok(DumpPage { items, next })
    }

    /// Makes the last entry of a conversation: its settings.
    async fn settled(&mut self, conv: Uuid, at: Timestamp) -> StoreResult<Item> {
        let place = self.places.get(&conv).and_then(|place| self.rooms.get(*place));
        let (last, base, no_screenshots) =
            place.map_or((0, 0, false), |plan| (plan.last_seq, plan.base, plan.no_screenshots));
        let entry = self.created(conv, base).await?;
        Ok(Item::Log(LogEntry {
            position: Position(base + last + 1),
            rev: Rev(last + 1),
            at: at.max(entry.at),
            event: LogEvent::NoScreenshotsSet(no_screenshots),
            ..entry
        }))
    }

    async fn created(&mut self, conv: Uuid, base: u64) -> StoreResult<LogEntry> {
        #[derive(serde::Deserialize)]
        struct Made {
            owner: Option<Uuid>,
            at: Option<String>,
        }
        let text = "select jsonb_build_object('owner', coalesce(c.owner_id, (select min(m.user_id::text)::uuid from \
             members m where m.conversation_id = c.id)), 'at', c.created_at)::text from conversations c where c.id = $1::uuid";
        let made = self.rows::<Made>(text, &[&conv.to_string()]).await?.into_iter().next();
        let (owner, at) =
            made.map_or((None, None), |made| (made.owner, made.at.as_deref().and_then(timestamp)));
        Ok(LogEntry {
            position: Position(base),
            conv: ConvId(conv),
            rev: Rev(0),
            actor: UserId(owner.unwrap_or_default()),
            at: at.unwrap_or_default(),
            seq: None,
            event: LogEvent::Created,
        })
    }

    async fn message(
        &mut self,
        conv: Uuid,
        seq: u64,
        at: Timestamp,
        row: Option<Row>,
    ) -> StoreResult<KeptMessage> {
        // An id of its own, and always the same.
        let mut message = Message {
            seq: Seq(seq),
            rev: Rev(seq),
            id: MsgId(row.as_ref().map_or_else(|| Uuid::new_v5(&conv, &seq.to_be_bytes()), |row| row.id)),
            from: None,
            ts: at,
            body: MessageBody::tombstone(MessageState::Deleted),
            reply_to: None,
            view_once: None,
            expires_at: None,
            event: None,
            cid: None,
        };
        let kept = |message| Ok(KeptMessage { conv: ConvId(conv), message, sent: None });
        let Some(row) = row else {
            self.remark("numbers without a message, which became deleted messages");
            return kept(message);
        };
        let Some(from) = row.from_user_id.filter(|from| self.users.contains(from)) else {
            self.remark("messages of nobody, which became deleted messages");
            return kept(message);
        };
        message.from = Some(UserId(from));
        let head = row.head.unwrap_or_default();
        if row.deleted_at.is_some() {
            self.remark("deleted messages, without what they said");
            if head.unsent == Some(true) {
                message.body.state = MessageState::Unsent;
            }
            return kept(message);
        }
        let stored = row.content.as_deref().and_then(|content| unhex(content.strip_prefix("\\x")?));
        let raw = stored.and_then(|stored| {
            let plain =
                || String::from_utf8(stored.clone()).ok().filter(|text| text.starts_with(['{', '"', '[']));
            self.content.open(&stored).or_else(plain)
        });
        let Some((content, changed)) = raw.as_deref().and_then(valid) else {
            self.remark("messages that can't be opened with the key, which became deleted messages");
            return kept(message);
        };
        if changed {
            self.remark("messages whose content broke a rule and was changed");
        }
        let edits = head.edit_count.unwrap_or(0);
        let context = Context::Message { conv, id: row.id, sender: from, revision: edits };
        let sealed: Bytes = self.seal(&context, from, content.raw().as_bytes()).await?;
        let mut mentions: Vec<UserId> =
            content.mentions().iter().map(|mention| UserId(mention.user_id)).collect();
        mentions.sort_unstable();
        mentions.dedup();
        message.body = MessageBody {
            edits,
            edited_at: head.edited_at.as_deref().and_then(timestamp).filter(|_| edits > 0),
            reactions: reactions(head.reactions.unwrap_or_default()),
            ..MessageBody::new(sealed, mentions)
        };
        let reply = head.reply_to.or(content.reply());
        message.reply_to = reply.filter(|reply| (1..seq).contains(reply)).map(Seq);
        let once = row.view_once == Some(true) || head.view_once == Some(true);
        message.view_once = once.then(|| row.view_once_ttl.or(head.view_once_ttl).filter(|ttl| *ttl > 0));
        kept(message)
    }

    pub(super) async fn sights_page(
        &mut self,
        part: Part,
        after: Option<String>,
        limit: usize,
    ) -> StoreResult<DumpPage> {
        let start = after.unwrap_or_else(|| format!("{0} {0} 0", Uuid::nil()));
        let mut places = start.split(' ');
        let mut next = || places.next().unwrap_or_default();
        let (conv, user, seq) = (next(), next(), next());
        let text = match part {
            Part::Hidden => HIDDEN,
            Part::Due => DUE,
            _ => PARTLY,
        };
        let rows = self.rows::<Sight>(text, &[conv, user, seq, &limit.to_string()]).await?;
        let (count, last) =
            (rows.len(), rows.last().map(|row| format!("{} {} {}", row.conv, row.user_id, row.seq)));
        let brought = rows.into_iter().filter(|row| self.places.contains_key(&row.conv));
        let items = brought.map(|row| {
            let (conv, user, seq) = (ConvId(row.conv), UserId(row.user_id), Seq(row.seq));
            match part {
                Part::Hidden => Item::Hidden(conv, user, seq, Own(1)),
                Part::Due => {
                    let at = row.at.unwrap_or_default();
                    Item::Due(DueItem { at, conv, what: DueWhat::Read(user, seq, seq) })
                }
                _ => Item::Partly(conv, seq),
            }
        });
        Ok(paged(items.collect(), count, limit, last))
    }
}

fn reactions(found: std::collections::BTreeMap<String, Vec<Uuid>>) -> Vec<(String, Vec<UserId>)> {
    let some = found.into_iter().filter(|(emoji, users)| !emoji.is_empty() && !users.is_empty());
    some.map(|(emoji, users)| (emoji, users.into_iter().map(UserId).collect())).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect()
}
