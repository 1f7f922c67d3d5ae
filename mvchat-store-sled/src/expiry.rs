//! What disappears by itself: an index of what is due, by time.

use crate::SledStore;
use crate::batch::Batch;
use crate::chat::{active, advance, message_key, tail};
use crate::codec::decode;
use crate::keys::{
    CHANGED, CID, CONV, DUE, HIDDEN, HIDDEN_AT, Key, MEMBER, MESSAGE, MINE, ONCE, PARTLY, PRIVATE, TAIL,
    last_number,
};
use crate::mentions;
use crate::read::Rows;
use crate::rows::{ConvRow, Due, Mine, Stored};
use async_trait::async_trait;
use mvchat_core::policy::{Message, MessageState, Standing, kept_until, once_for, read_until};
use mvchat_core::proto::{ConvId, Seq, UserId};
use mvchat_core::seam::{Expired, ExpiredFor, ExpiryStore, StoreResult};
use mvchat_core::time::Timestamp;
use uuid::Uuid;

/// Under which ids stands what concerns nobody in particular.
pub(crate) const ALL: UserId = UserId(Uuid::nil());
pub(crate) const SOME: UserId = UserId(Uuid::max());

#[async_trait]
impl ExpiryStore for SledStore {
    async fn expire(&self, now: Timestamp, limit: usize) -> StoreResult<Expired> {
        // Mostly nothing is due, and then nothing has to be written.
        let next = self.read(first).await?;
        match next {
            Some(next) if next <= now => self.write(move |batch| expire(batch, now, limit)).await,
            next => Ok(Expired { next, ..Expired::default() }),
        }
    }
}

fn first(rows: &impl Rows) -> StoreResult<Option<Timestamp>> {
    let first = rows.up(Key::of(DUE).all()).next().transpose()?;
    Ok(first.map(|(key, _)| Place::read(&key).at))
}

/// Where something that is due stands.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) at: Timestamp,
    pub(crate) conv: ConvId,
    pub(crate) user: UserId,
    pub(crate) seq: Seq,
}

impl Place {
    pub(crate) fn key(self) -> Key {
        // Times before 1970 are negative; with the sign turned they come first.
        let at = self.at.as_micros().cast_unsigned() ^ (1 << 63);
        Key::of(DUE).number(at).id(self.conv.0).id(self.user.0).number(self.seq.0)
    }

    pub(crate) fn read(key: &[u8]) -> Self {
        let id =
            |from: usize| key.get(from..from + 16).and_then(|id| id.try_into().ok()).map(Uuid::from_bytes);
        let at = key.get(..9).map_or(0, last_number) ^ (1 << 63);
        Self {
            at: Timestamp::from_micros(at.cast_signed()),
            conv: ConvId(id(9).unwrap_or_default()),
            user: UserId(id(25).unwrap_or_default()),
            seq: Seq(last_number(key)),
        }
    }
}

/// Starts the time of what a member has read; returns when the first of it is over.
pub(crate) fn start(
    batch: &mut Batch,
    conv: ConvId,
    user: UserId,
    read: (Seq, Seq),
    at: Timestamp,
) -> StoreResult<Option<Timestamp>> {
    let row = batch.row::<ConvRow>(&Key::conv(CONV, conv))?;
    let Some(row) = row.filter(|_| read.0 < read.1) else { return Ok(None) };
    let (ttl, mut from) = (row.settings.ttl, read.0.next());
    let mut runs = Vec::new();
    for item in batch.up(Key::conv(ONCE, conv).between(from.0, read.1.0.saturating_add(1))) {
        let (key, stored) = item?;
        let seq = Seq(last_number(&key));
        runs.push((from, Seq(seq.0 - 1), read_until(None, ttl, at)));
        runs.push((seq, seq, read_until(Some(decode(&stored)?), ttl, at)));
        from = seq.next();
    }
    runs.push((from, read.1, read_until(None, ttl, at)));
    let mut first = None;
    for (from, to, until) in runs {
        if let Some(until) = until.filter(|_| from <= to) {
            batch.put(&Place { at: until, conv, user, seq: from }.key(), &Due::Read(to))?;
            first = Some(first.map_or(until, |first: Timestamp| first.min(until)));
        }
    }
    Ok(first)
}

/// Notes when a new message will be over, and that it can be seen once.
pub(crate) fn note_end(
    batch: &mut Batch,
    row: &ConvRow,
    conv: ConvId,
    message: &Message,
    keep: &mut Option<Timestamp>,
) -> StoreResult<()> {
    if let Some(once) = message.view_once {
        batch.put(&Key::conv(ONCE, conv).number(message.seq.0), &Some(once_for(once)))?;
    }
    if let Some(at) = message.expires_at {
        batch.put(&Place { at, conv, user: ALL, seq: message.seq }.key(), &Due::Message)?;
    }
    if let Some(at) = kept_until(&row.settings, message.ts).filter(|_| keep.is_none()) {
        *keep = Some(at);
        batch.put(&Place { at, conv, user: ALL, seq: Seq(0) }.key(), &Due::Keep)?;
    }
    Ok(())
}

/// Looks at once what the conversation does not keep any longer, because that is decided anew.
pub(crate) fn keep_anew(
    batch: &mut Batch,
    row: &ConvRow,
    conv: ConvId,
    at: Timestamp,
    keep: &mut Option<Timestamp>,
) -> StoreResult<()> {
    if let Some(at) = keep.take() {
        batch.remove(&Place { at, conv, user: ALL, seq: Seq(0) }.key())?;
    }
    if row.settings.retention.is_some() {
        *keep = Some(at);
        batch.put(&Place { at, conv, user: ALL, seq: Seq(0) }.key(), &Due::Keep)?;
    }
    Ok(())
}

/// Looks again at what has expired for some, because somebody sees less or is gone.
pub(crate) fn look_again(batch: &mut Batch, conv: ConvId) -> StoreResult<()> {
    if batch.up(Key::conv(PARTLY, conv).all()).next().transpose()?.is_some() {
        let place = Place { at: Timestamp::default(), conv, user: SOME, seq: Seq(0) };
        batch.put(&place.key(), &Due::Look(Seq(0)))?;
    }
    Ok(())
}

/// Lets everything that a conversation holds be erased.
pub(crate) fn erase_later(batch: &mut Batch, conv: ConvId) -> StoreResult<()> {
    batch.put(&Place { at: Timestamp::default(), conv, user: SOME, seq: Seq(1) }.key(), &Due::Erase)
}

/// Forgets that a message has expired for some.
pub(crate) fn forget(batch: &mut Batch, conv: ConvId, seq: Seq) -> StoreResult<()> {
    batch.remove(&Key::conv(PARTLY, conv).number(seq.0))
}

fn expire(batch: &mut Batch, now: Timestamp, limit: usize) -> StoreResult<Expired> {
    let mut run = Run { now, room: limit, out: Expired::default() };
    let mut rest = Key::of(DUE).all();
    // One after the other, because each changes the index.
    while let Some((key, stored)) = batch.up(rest.clone()).next().transpose()? {
        let place = Place::read(&key);
        if place.at > now {
            run.out.next = Some(place.at);
            break;
        }
        if run.room == 0 {
            break;
        }
        rest = rest.after(&place.key());
        match decode(&stored)? {
            Due::Read(to) => run.read(batch, place, to)?,
            Due::Message => run.message(batch, place)?,
            Due::Keep => run.keep(batch, place)?,
            Due::Look(after) => run.look(batch, place, after)?,
            Due::Erase => run.erase(batch, place)?,
        }
    }
    // What is spent stays due until it is a tombstone.
    run.out.more |= run.room == 0 || !run.out.spent.is_empty();
    Ok(run.out)
}

struct Run {
    now: Timestamp,
    /// How many messages may still be looked at.
    room: usize,
    out: Expired,
}

impl Run {
    /// Takes the next rows of a range, as many as there is room for, and says whether there are more.
    fn take(&mut self, batch: &Batch, range: crate::keys::KeyRange) -> StoreResult<(Vec<sled::IVec>, bool)> {
        let mut walk = batch.up(range);
        let mut keys = Vec::new();
        for item in walk.by_ref() {
            let (key, _) = item?;
            if self.room == 0 {
                return Ok((keys, true));
            }
            self.room -= 1;
            keys.push(key);
        }
        Ok((keys, false))
    }

    fn read(&mut self, batch: &mut Batch, place: Place, to: Seq) -> StoreResult<()> {
        let Place { at, conv, user, seq: from } = place;
        batch.remove(&place.key())?;
        let range = |from: Seq| Key::conv(MESSAGE, conv).between(from.0, to.0.saturating_add(1));
        let (keys, more) = self.take(batch, range(from))?;
        if more {
            let seq = keys.last().map_or(from, |last| Seq(last_number(last) + 1));
            let seq = batch.up(range(seq)).next().transpose()?.map_or(seq, |(key, _)| Seq(last_number(&key)));
            batch.put(&Place { at, conv, user, seq }.key(), &Due::Read(to))?;
        }
        let Some(mut mine) = batch.row::<Mine>(&Key::member(MINE, conv, user))? else { return Ok(()) };
        let mut seqs = Vec::new();
        for key in keys {
            let seq = Seq(last_number(&key));
            let Some(stored) = batch.row::<Stored>(&message_key(conv, seq))? else { continue };
            let live = stored.message.body.state == MessageState::Live;
            if live && stored.message.from != Some(user) && sees(batch, conv, user, &mine, seq)? {
                seqs.push(seq);
            }
        }
        if seqs.is_empty() {
            return Ok(());
        }
        mine.own = mine.own.next();
        mine.touched = advance(batch)?;
        batch.put(&Key::member(MINE, conv, user), &mine)?;
        for seq in &seqs {
            batch.put(&Key::member(HIDDEN, conv, user).number(seq.0), &mine.own)?;
            batch.put(&Key::member(HIDDEN_AT, conv, user).number(mine.own.0).number(seq.0), seq)?;
        }
        for seq in &seqs {
            if is_spent(batch, conv, *seq)? {
                self.out.more = true;
                batch.put(&Place { at, conv, user: ALL, seq: *seq }.key(), &Due::Message)?;
            } else {
                batch.put(&Key::conv(PARTLY, conv).number(seq.0), &())?;
            }
        }
        if active(batch, conv, user)?.is_some() {
            self.out.hidden.push(ExpiredFor { user, conv, own: mine.own, seqs });
        }
        Ok(())
    }

    fn message(&mut self, batch: &mut Batch, place: Place) -> StoreResult<()> {
        self.room -= 1;
        match batch.row::<Stored>(&message_key(place.conv, place.seq))? {
            Some(stored) if stored.message.body.state == MessageState::Live => {
                self.out.spent.push((place.conv, stored.message));
                Ok(())
            }
            _ => batch.remove(&place.key()),
        }
    }

    fn keep(&mut self, batch: &mut Batch, place: Place) -> StoreResult<()> {
        let Place { at, conv, .. } = place;
        let Some(row) = batch.row::<ConvRow>(&Key::conv(CONV, conv))? else {
            return batch.remove(&place.key());
        };
        let mut tail = tail(batch, conv)?;
        let (mut keep, mut all_gone) = (None, true);
        for item in batch.up(Key::conv(MESSAGE, conv).starting(tail.swept.0.saturating_add(1))) {
            let (key, stored) = item?;
            let Stored { message, .. } = batch.decoded(&key, &stored)?;
            let live = message.body.state == MessageState::Live;
            let until = kept_until(&row.settings, message.ts).filter(|_| live);
            if let Some(until) = until.filter(|until| *until > self.now) {
                keep = keep.or(Some(until));
                break;
            }
            if self.room == 0 {
                keep = Some(at);
                break;
            }
            self.room -= 1;
            if live {
                // It is walked over again when it is a tombstone.
                keep = Some(at);
                all_gone = false;
                self.out.spent.push((conv, message));
            } else if all_gone {
                tail.swept = message.seq;
            }
        }
        batch.remove(&place.key())?;
        if let Some(at) = keep {
            batch.put(&Place { at, ..place }.key(), &Due::Keep)?;
        }
        tail.keep = keep;
        batch.put(&Key::conv(TAIL, conv), &tail)
    }

    fn look(&mut self, batch: &mut Batch, place: Place, after: Seq) -> StoreResult<()> {
        let Place { at, conv, .. } = place;
        batch.remove(&place.key())?;
        let (keys, more) = self.take(batch, Key::conv(PARTLY, conv).starting(after.0.saturating_add(1)))?;
        let last = keys.last().map_or(after, |last| Seq(last_number(last)));
        if more {
            batch.put(&place.key(), &Due::Look(last))?;
        }
        for key in keys {
            let seq = Seq(last_number(&key));
            if is_spent(batch, conv, seq)? {
                self.out.more = true;
                forget(batch, conv, seq)?;
                batch.put(&Place { at, conv, user: ALL, seq }.key(), &Due::Message)?;
            }
        }
        Ok(())
    }

    /// Erases what an ended conversation held, the messages first.
    fn erase(&mut self, batch: &mut Batch, place: Place) -> StoreResult<()> {
        let conv = place.conv;
        for kind in [MESSAGE, CHANGED, CID, HIDDEN, HIDDEN_AT, PRIVATE, ONCE, PARTLY] {
            let (keys, more) = self.take(batch, Key::conv(kind, conv).all())?;
            for key in keys {
                if kind == MESSAGE
                    && let Some(Stored { message, .. }) =
                        batch.row(&message_key(conv, Seq(last_number(&key))))?
                {
                    mentions::forget(batch, conv, &message)?;
                }
                batch.remove(&Key::exactly(&key))?;
            }
            if more {
                return Ok(());
            }
        }
        batch.remove(&place.key())
    }
}

fn sees(rows: &impl Rows, conv: ConvId, user: UserId, mine: &Mine, seq: Seq) -> StoreResult<bool> {
    Ok(seq > mine.clear && !rows.has(&Key::member(HIDDEN, conv, user).number(seq.0))?)
}

/// Returns whether no active member but the sender can see a message.
fn is_spent(rows: &impl Rows, conv: ConvId, seq: Seq) -> StoreResult<bool> {
    let Some(Stored { message, .. }) = rows.row(&message_key(conv, seq))? else { return Ok(true) };
    for item in crate::chat::members(rows, Key::conv(MEMBER, conv).all()) {
        let (user, member) = item?;
        if member.standing != Standing::Active || Some(user) == message.from {
            continue;
        }
        let mine: Mine = rows.row(&Key::member(MINE, conv, user))?.unwrap_or_default();
        if sees(rows, conv, user, &mine, seq)? {
            return Ok(false);
        }
    }
    Ok(true)
}
