//! Everything in the store, as items for another one.

use crate::SledStore;
use crate::chat::{members, position, tail};
use crate::error::internal;
use crate::expiry::Place;
use crate::keys::{
    CID, CONTACT, CONV, CONV_OF, CREDENTIAL, DUE, FILE, FOUND, HIDDEN, INVITE, Key, KeyRange, LINK, LOG,
    MEMBER, MESSAGE, MINE, PACE, PARTLY, PRIVATE, SESSION, USER, last_id, last_number,
};
use crate::log::Entries;
use crate::read::Rows;
use crate::rows::{ConvRow, Due, Listed, Mine, Stored};
use async_trait::async_trait;
use mvchat_core::proto::{ConvId, Own, Position, Seq, UserId};
use mvchat_core::seam::{
    DueItem, DueWhat, Dump, DumpPage, Item, KeptConversation, KeptMember, KeptMessage, Part, Sent,
    StoreResult,
};
use sled::IVec;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// A reading of everything. It is one state because nobody else has the store.
pub(crate) struct SledDump {
    store: SledStore,
    position: Position,
    known: Arc<Known>,
}

/// What no single row says.
#[derive(Default)]
struct Known {
    /// Who made which group by which cid.
    made: BTreeMap<ConvId, (UserId, String)>,
    /// The conversations whose contents are about to be erased.
    ended: BTreeSet<ConvId>,
}

impl SledDump {
    pub(crate) async fn begin(store: &SledStore) -> StoreResult<Self> {
        let (position, known) = store.read(|rows| Ok((position(rows)?, Known::read(rows)?))).await?;
        Ok(Self { store: store.clone(), position, known: Arc::new(known) })
    }
}

#[async_trait]
impl Dump for SledDump {
    fn position(&self) -> Position {
        self.position
    }

    async fn count(&mut self, part: Part) -> StoreResult<u64> {
        let known = Arc::clone(&self.known);
        let count = move |rows: &crate::snapshot::Snapshot| {
            let mut count = 0;
            for item in rows.up(range(part)?) {
                let (key, stored) = item?;
                count += match part {
                    Part::Log => rows.decoded::<Entries>(&key, &stored)?.0.len() as u64,
                    _ => u64::from(!known.leaves_out(part, &key, &stored)?),
                };
            }
            Ok(count)
        };
        self.store.read(count).await
    }

    async fn page(&mut self, part: Part, after: Option<String>, limit: usize) -> StoreResult<DumpPage> {
        let known = Arc::clone(&self.known);
        self.store.read(move |rows| page(rows, &known, part, after.as_deref(), limit.max(1))).await
    }
}

impl Known {
    fn read(rows: &impl Rows) -> StoreResult<Self> {
        let mut known = Self::default();
        let groups = Key::of(FOUND).text("group");
        let prefix = groups.as_slice().len();
        for item in rows.up(groups.all()) {
            let (key, stored) = item?;
            let rest = key.get(prefix..).unwrap_or_default();
            let (owner, cid) =
                rest.split_at_checked(16).ok_or_else(|| internal("a key that is too short"))?;
            let (length, cid) = cid.split_first().ok_or_else(|| internal("a key that is too short"))?;
            if usize::from(*length) != cid.len() {
                return Err(internal("the cid of a group is too long to be copied"));
            }
            let cid = String::from_utf8(cid.to_vec()).map_err(|_| internal("a cid that is no text"))?;
            known.made.insert(rows.decoded(&key, &stored)?, (UserId(last_id(owner)), cid));
        }
        for item in rows.up(Key::of(DUE).all()) {
            let (key, stored) = item?;
            if matches!(rows.decoded(&key, &stored)?, Due::Erase) {
                known.ended.insert(Place::read(&key).conv);
            }
        }
        Ok(known)
    }

    /// Returns whether a row is of what is about to be erased.
    fn leaves_out(&self, part: Part, key: &[u8], stored: &[u8]) -> StoreResult<bool> {
        Ok(match part {
            Part::Messages | Part::Hidden | Part::Partly => self.ended.contains(&conv_of(key)?),
            Part::Due => {
                self.ended.contains(&Place::read(key).conv)
                    || matches!(crate::codec::decode(stored)?, Due::Erase)
            }
            _ => false,
        })
    }
}

/// Returns the rows of a part.
fn range(part: Part) -> StoreResult<KeyRange> {
    let kind = match part {
        Part::Users => USER,
        Part::Credentials => CREDENTIAL,
        Part::Sessions => SESSION,
        Part::Contacts => CONTACT,
        Part::Invites => INVITE,
        Part::Files => FILE,
        Part::Conversations => CONV,
        Part::Links => LINK,
        Part::Log => LOG,
        Part::Messages => MESSAGE,
        Part::Hidden => HIDDEN,
        Part::Due => DUE,
        Part::Partly => PARTLY,
        _ => return Err(internal("a part that this store does not know")),
    };
    Ok(Key::of(kind).all())
}

fn page(
    rows: &impl Rows,
    known: &Known,
    part: Part,
    after: Option<&str>,
    limit: usize,
) -> StoreResult<DumpPage> {
    let mut range = range(part)?;
    if let Some(after) = after {
        range = range.after(&Key::exactly(&unhex(after)?));
    }
    let mut page = DumpPage::default();
    let mut walk = rows.up(range);
    while let Some((key, stored)) = walk.next().transpose()? {
        if page.items.len() >= limit {
            return Ok(page);
        }
        page.next = Some(hex(&key));
        if !known.leaves_out(part, &key, &stored)? {
            read(rows, known, part, &key, &stored, &mut page.items)?;
        }
    }
    page.next = None;
    Ok(page)
}

/// Reads one row.
fn read(
    rows: &impl Rows,
    known: &Known,
    part: Part,
    key: &[u8],
    stored: &IVec,
    items: &mut Vec<Item>,
) -> StoreResult<()> {
    items.push(match part {
        Part::Users => Item::User(rows.decoded(key, stored)?),
        Part::Credentials => Item::Credential(rows.decoded(key, stored)?),
        Part::Sessions => Item::Session(rows.decoded(key, stored)?),
        Part::Contacts => Item::Contact(UserId(id_at(key, 1)?), rows.decoded(key, stored)?),
        Part::Invites => Item::Invite(rows.decoded(key, stored)?),
        Part::Files => Item::File(rows.decoded(key, stored)?),
        Part::Conversations => {
            let conv = ConvId(last_id(key));
            Item::Conversation(conversation(rows, known, conv, rows.decoded(key, stored)?)?)
        }
        Part::Links => Item::Link(rows.decoded(key, stored)?),
        Part::Log => {
            let Entries(entries) = rows.decoded(key, stored)?;
            items.extend(entries.into_iter().map(Item::Log));
            return Ok(());
        }
        Part::Messages => Item::Message(message(rows, conv_of(key)?, rows.decoded(key, stored)?)?),
        Part::Hidden => {
            let own: Own = rows.decoded(key, stored)?;
            Item::Hidden(conv_of(key)?, UserId(id_at(key, 17)?), Seq(last_number(key)), own)
        }
        Part::Due => {
            let Place { at, conv, user, seq } = Place::read(key);
            let what = match rows.decoded(key, stored)? {
                Due::Read(to) => DueWhat::Read(user, seq, to),
                Due::Message => DueWhat::Message(seq),
                Due::Keep => DueWhat::Keep,
                Due::Look(after) => DueWhat::Look(after),
                Due::Erase => return Ok(()),
            };
            Item::Due(DueItem { at, conv, what })
        }
        Part::Partly => Item::Partly(conv_of(key)?, Seq(last_number(key))),
        _ => return Err(internal("a part that this store does not know")),
    });
    Ok(())
}

fn conversation(
    rows: &impl Rows,
    known: &Known,
    conv: ConvId,
    row: ConvRow,
) -> StoreResult<KeptConversation> {
    let tail = tail(rows, conv)?;
    let ended = known.ended.contains(&conv);
    let mut kept = Vec::new();
    for item in members(rows, Key::conv(MEMBER, conv).all()) {
        let (user, member) = item?;
        let one = |kind| Key::member(kind, conv, user);
        let mine: Mine = rows.row(&one(MINE))?.unwrap_or_default();
        let listed: Option<Listed> = rows.row(&Key::user(CONV_OF, user).id(conv.0))?;
        kept.push(KeptMember {
            user,
            member,
            own: mine.own,
            touched: mine.touched,
            read: mine.read,
            recv: mine.recv,
            clear: mine.clear,
            favorite: mine.favorite,
            muted: mine.muted,
            archived: mine.archived,
            private: if ended { None } else { rows.row(&one(PRIVATE))? },
            removed: listed.and_then(|listed| listed.removed),
            paced: rows.row(&one(PACE))?,
        });
    }
    Ok(KeptConversation {
        id: conv,
        kind: row.kind,
        epoch: row.epoch,
        owner: row.owner,
        created_at: row.created_at,
        settings: row.settings,
        settings_rev: row.settings_rev,
        made_by: known.made.get(&conv).cloned(),
        rev: tail.rev,
        touched: tail.touched,
        last_seq: tail.last_seq,
        last_at: tail.last_at,
        keep: tail.keep,
        swept: tail.swept,
        members: kept,
    })
}

fn message(rows: &impl Rows, conv: ConvId, stored: Stored) -> StoreResult<KeptMessage> {
    let Stored { message, cid_of } = stored;
    let sent = match (&message.cid, message.from.or(cid_of)) {
        (Some(cid), Some(sender)) => {
            let sent: Option<Sent> = rows.row(&Key::member(CID, conv, sender).text(cid))?;
            sent.map(|sent| (sender, sent.rev, sent.print))
        }
        _ => None,
    };
    Ok(KeptMessage { conv, message, sent })
}

/// Returns the conversation after the first byte of a key.
fn conv_of(key: &[u8]) -> StoreResult<ConvId> {
    id_at(key, 1).map(ConvId)
}

fn id_at(key: &[u8], from: usize) -> StoreResult<Uuid> {
    let id = key.get(from..from + 16).and_then(|id| id.try_into().ok());
    id.map(Uuid::from_bytes).ok_or_else(|| internal("a key that is too short"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> StoreResult<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect::<Option<_>>().ok_or_else(|| internal("a place that can't be read"))
}
