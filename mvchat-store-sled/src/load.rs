//! Everything of another store, written as the rows that would have come of it here.

use crate::SledStore;
use crate::batch::Batch;
use crate::chat::{message_key, position, position_key};
use crate::contacts::contact_key;
use crate::dump::SledDump;
use crate::error::{already_exists, internal};
use crate::expiry::{ALL, Place, SOME};
use crate::files::put_file;
use crate::invites::{invite_key, unused_key};
use crate::keys::{
    BLOCK, CHANGED, CID, CONV, CONV_OF, CREDENTIAL_OF, EMAIL, FOUND, HIDDEN, HIDDEN_AT, INVITE_CODE,
    INVITE_OF, Key, KeyRange, LINK_OF, LOG, MEMBER, MINE, ONCE, PACE, PARTLY, PRIVATE, SESSION_OF, TAIL,
};
use crate::links::link_key;
use crate::log::Entries;
use crate::mentions;
use crate::open::loading;
use crate::read::Rows;
use crate::rows::{ConvRow, Due, Listed, Mine, Stored, Tail, Thing};
use crate::sessions::session_key;
use crate::users::{credential_key, put_user};
use async_trait::async_trait;
use mvchat_core::policy::{ConvKind, Standing, once_for};
use mvchat_core::proto::{Rev, Seq, UserId};
use mvchat_core::seam::{
    DueItem, DueWhat, Dump, InviteRow, Item, KeptConversation, KeptMember, KeptMessage, LoadNote, Loading,
    LogEntry, Part, Portable, Sent, StoreResult,
};
use std::collections::BTreeMap;

/// No further item joins a write of so many bytes: see the writer's bound.
const MOST_BYTES: usize = 192 * 1024;
/// About what an item takes without its content.
const ITEM_BYTES: usize = 400;
/// So many entries of the log share a row.
const ENTRIES: usize = 32;

#[async_trait]
impl Portable for SledStore {
    async fn identity(&self) -> StoreResult<String> {
        let path = self.path().canonicalize().unwrap_or_else(|_| self.path().to_owned());
        Ok(format!("sled:{}", path.display()))
    }

    async fn dump(&self) -> StoreResult<Box<dyn Dump>> {
        Ok(Box::new(SledDump::begin(self).await?))
    }

    async fn loading(&self) -> StoreResult<Loading> {
        self.read(|rows| {
            Ok(match note(rows)? {
                Some(note) => Loading::Begun(note),
                None if is_empty(rows)? => Loading::Empty,
                None => Loading::Taken,
            })
        })
        .await
    }

    async fn load(&self, items: Vec<Item>, note: &LoadNote) -> StoreResult<()> {
        let mut pieces = pieces(items);
        let last = pieces.pop().unwrap_or_default();
        // What is written before the last piece is written again by whoever goes on.
        let anew = LoadNote { part: Some(Part::Users), after: None, ..note.clone() };
        for piece in pieces {
            let anew = anew.clone();
            self.write_bytes(MOST_BYTES, move |batch| load(batch, piece, anew, false)).await?;
        }
        let note = note.clone();
        self.write_bytes(MOST_BYTES, move |batch| load(batch, last, note, true)).await
    }

    async fn settle(&self, note: &LoadNote) -> StoreResult<()> {
        self.load(Vec::new(), note).await
    }

    async fn release(&self) -> StoreResult<()> {
        self.write(|batch| batch.remove(&loading())).await
    }
}

fn note(rows: &impl Rows) -> StoreResult<Option<LoadNote>> {
    let text: Option<String> = rows.row(&loading())?;
    text.map(|text| serde_json::from_str(&text).map_err(|_| internal("a note that can't be read")))
        .transpose()
}

fn is_empty(rows: &impl Rows) -> StoreResult<bool> {
    // Everything but the schema's version.
    Ok(rows.up(KeyRange::all_but_meta()).next().transpose()?.is_none())
}

/// Cuts items into writes, equals of the log in one.
fn pieces(items: Vec<Item>) -> Vec<Vec<Item>> {
    let (mut pieces, mut piece, mut bytes) = (Vec::new(), Vec::new(), 0);
    for item in items {
        bytes += ITEM_BYTES
            + match &item {
                Item::Message(kept) => kept.message.body.content.as_ref().map_or(0, |content| content.len()),
                Item::Conversation(kept) => {
                    kept.members.len() * ITEM_BYTES
                        + kept
                            .members
                            .iter()
                            .filter_map(|kept| kept.private.as_ref())
                            .map(|it| it.len())
                            .sum::<usize>()
                }
                Item::File(row) => row.sealed.len(),
                _ => 0,
            };
        let tied = |last: &Item| matches!((last, &item), (Item::Log(last), Item::Log(next)) if last.position == next.position);
        if bytes > MOST_BYTES && !piece.is_empty() && !piece.last().is_some_and(tied) {
            pieces.push(std::mem::take(&mut piece));
            bytes = ITEM_BYTES;
        }
        piece.push(item);
    }
    pieces.push(piece);
    pieces
}

/// Writes items of one part, and the note, in any case if there is none.
fn load(batch: &mut Batch, items: Vec<Item>, done: LoadNote, last: bool) -> StoreResult<()> {
    let begun = note(batch)?.is_some();
    if !begun && !is_empty(batch)? {
        return Err(already_exists("the store holds something"));
    }
    let mut entries = Vec::new();
    for item in items {
        match item {
            Item::Log(entry) => entries.push(entry),
            item => put(batch, item)?,
        }
    }
    put_log(batch, entries)?;
    if begun && !last {
        return Ok(());
    }
    let reached = position(batch)?.max(done.position);
    batch.put(&position_key(), &reached)?;
    let text = serde_json::to_string(&done).map_err(|_| internal("a note that can't be written"))?;
    batch.put(&loading(), &text)
}

fn put(batch: &mut Batch, item: Item) -> StoreResult<()> {
    match item {
        Item::User(row) => {
            if let Some(hash) = row.email.as_ref().and_then(|email| email.hash.as_ref()) {
                batch.put(&Key::of(EMAIL).hash(hash), &row.id)?;
            }
            put_user(batch, &row)
        }
        Item::Credential(row) => {
            batch.put(&Key::user(CREDENTIAL_OF, row.user).text(&row.scheme), &row.folded)?;
            batch.put(&credential_key(&row.scheme, &row.folded), &row)
        }
        Item::Session(row) => {
            batch.put(&Key::user(SESSION_OF, row.user).id(row.id.0), &())?;
            batch.put(&session_key(row.id), &row)
        }
        Item::Contact(owner, row) => batch.put(&contact_key(owner, row.user), &row),
        Item::Invite(row) => put_invite(batch, &row),
        Item::File(row) => put_file(batch, &row),
        Item::Conversation(kept) => put_conversation(batch, kept),
        Item::Link(row) => {
            batch.put(&Key::conv(LINK_OF, row.conv).text(&row.code), &row.code)?;
            batch.put(&link_key(&row.code), &row)
        }
        Item::Message(kept) => put_message(batch, kept),
        Item::Hidden(conv, user, seq, own) => {
            batch.put(&Key::member(HIDDEN, conv, user).number(seq.0), &own)?;
            batch.put(&Key::member(HIDDEN_AT, conv, user).number(own.0).number(seq.0), &seq)
        }
        Item::Due(due) => put_due(batch, due),
        Item::Partly(conv, seq) => batch.put(&Key::conv(PARTLY, conv).number(seq.0), &()),
        other => Err(internal(format!("{:?} is a part that this store does not know", other.part()))),
    }
}

fn put_invite(batch: &mut Batch, row: &InviteRow) -> StoreResult<()> {
    batch.put(&Key::of(INVITE_CODE).hash(&row.code), &row.id)?;
    batch.put(&Key::user(INVITE_OF, row.inviter).id(row.id.0), &())?;
    if row.used.is_none() {
        batch.put(&unused_key(row), &())?;
    }
    batch.put(&invite_key(row.id), row)
}

fn put_conversation(batch: &mut Batch, kept: KeptConversation) -> StoreResult<()> {
    let conv = kept.id;
    let members = || kept.members.iter().map(|kept| kept.user.to_string()).collect::<String>();
    let found = Key::of(FOUND);
    let found = match (kept.kind, &kept.made_by) {
        (ConvKind::Dm, _) => Some(found.text("dm").text(&members())),
        (ConvKind::Me, _) => Some(found.text("self").text(&members())),
        (_, Some((owner, cid))) => Some(found.text("group").id(owner.0).text(cid)),
        _ => None,
    };
    if let Some(found) = found {
        batch.put(&found, &conv)?;
    }
    if !kept.has_ended() {
        note_changes(batch, &kept)?;
    }
    let stands = kept.kind == ConvKind::Dm && kept.members.iter().any(|kept| kept.member.blocks);
    let row = ConvRow {
        kind: kept.kind,
        epoch: kept.epoch,
        owner: kept.owner,
        created_at: kept.created_at,
        active: kept.active() as u64,
        settings: kept.settings,
        settings_rev: kept.settings_rev,
    };
    batch.put(&Key::conv(CONV, conv), &row)?;
    let tail = Tail {
        rev: kept.rev,
        touched: kept.touched,
        last_seq: kept.last_seq,
        last_at: kept.last_at,
        keep: kept.keep,
        swept: kept.swept,
    };
    batch.put(&Key::conv(TAIL, conv), &tail)?;
    let everybody: Vec<UserId> = kept.members.iter().map(|kept| kept.user).collect();
    for KeptMember { user, member, private, removed, paced, .. } in &kept.members {
        let one = |kind| Key::member(kind, conv, *user);
        batch.put(&one(MEMBER), member)?;
        if let Some(private) = private {
            batch.put(&one(PRIVATE), private)?;
        }
        if let Some(paced) = paced {
            batch.put(&one(PACE), paced)?;
        }
        let active = member.standing == Standing::Active;
        let listed = Listed { active, created_at: kept.created_at, removed: *removed };
        batch.put(&Key::user(CONV_OF, *user).id(conv.0), &listed)?;
        for other in everybody.iter().filter(|other| stands && *other != user) {
            batch.put(&Key::user(BLOCK, *user).id(other.0), &())?;
        }
    }
    for kept in kept.members {
        let mine = Mine {
            own: kept.own,
            touched: kept.touched,
            read: kept.read,
            recv: kept.recv,
            clear: kept.clear,
            favorite: kept.favorite,
            muted: kept.muted,
            archived: kept.archived,
        };
        batch.put(&Key::member(MINE, conv, kept.user), &mine)?;
    }
    Ok(())
}

/// Notes where members and settings changed last.
fn note_changes(batch: &mut Batch, kept: &KeptConversation) -> StoreResult<()> {
    let mut changed: BTreeMap<Rev, Vec<Thing>> = BTreeMap::new();
    for member in &kept.members {
        changed.entry(member.member.rev).or_default().push(Thing::Member(member.user));
    }
    changed.entry(kept.settings_rev).or_default().push(Thing::Conversation);
    // Rev 0 is the creation, which is no change.
    changed.remove(&Rev(0));
    for (rev, things) in changed {
        for (index, thing) in things.iter().enumerate() {
            let key = Key::conv(CHANGED, kept.id).number(rev.0).number(index as u64);
            batch.put(&key, thing)?;
        }
    }
    Ok(())
}

fn put_message(batch: &mut Batch, kept: KeptMessage) -> StoreResult<()> {
    let KeptMessage { conv, message, sent } = kept;
    let (seq, at) = (message.seq, message.ts);
    if let (Some((user, rev, print)), Some(cid)) = (sent, &message.cid) {
        batch.put(&Key::member(CID, conv, user).text(cid), &Sent { seq, rev, at, print })?;
    }
    if let Some(once) = message.view_once {
        batch.put(&Key::conv(ONCE, conv).number(seq.0), &Some(once_for(once)))?;
    }
    batch.put(&Key::conv(CHANGED, conv).number(message.rev.0).number(0), &Thing::Message(seq))?;
    mentions::index(batch, conv, &message, None)?;
    let cid_of = sent.map(|(user, ..)| user).filter(|_| message.from.is_none());
    batch.put(&message_key(conv, seq), &Stored { message, cid_of })
}

fn put_due(batch: &mut Batch, due: DueItem) -> StoreResult<()> {
    let DueItem { at, conv, what } = due;
    let (user, seq, due) = match what {
        DueWhat::Read(user, from, to) => (user, from, Due::Read(to)),
        DueWhat::Message(seq) => (ALL, seq, Due::Message),
        DueWhat::Keep => (ALL, Seq(0), Due::Keep),
        DueWhat::Look(after) => (SOME, Seq(0), Due::Look(after)),
        _ => return Err(internal("something expires that this store does not know")),
    };
    batch.put(&Place { at, conv, user, seq }.key(), &due)
}

/// Writes entries of the log, equals in one row.
fn put_log(batch: &mut Batch, entries: Vec<LogEntry>) -> StoreResult<()> {
    let mut row: Vec<LogEntry> = Vec::new();
    for entry in entries {
        if row.len() >= ENTRIES && row.last().is_some_and(|last| last.position != entry.position) {
            put_entries(batch, std::mem::take(&mut row))?;
        }
        row.push(entry);
    }
    put_entries(batch, row)
}

fn put_entries(batch: &mut Batch, row: Vec<LogEntry>) -> StoreResult<()> {
    let Some(first) = row.first() else { return Ok(()) };
    batch.put(&Key::of(LOG).number(first.position.0), &Entries(row))
}
