//! Shared changes.

use crate::batch::Batch;
use crate::chat::{active, advance, members, message_key, mine, tail, whole};
use crate::codec::decode;
use crate::conversations::{join, part};
use crate::error::internal;
use crate::expiry;
use crate::keys::{CHANGED, CID, CONV, CONV_OF, Key, MEMBER, MINE, PACE, TAIL, USER, last_number};
use crate::links::{self, use_link};
use crate::mentions;
use crate::read::Rows;
use crate::rows::{ConvRow, Listed, Mine, Stored, Tail, Thing};
use crate::sessions::session_key;
use mvchat_core::policy::{ConvSettings, Member, Message, MessageBody, MessageState, Standing};
use mvchat_core::proto::{ConvId, Position, Rev, Role, Seq, UserId};
use mvchat_core::seam::{
    Amend, Append, Change, Committed, LogEntry, LogEvent, Op, Outcome, Revise, Sent, SessionRow, StoreResult,
    UserRow, Warrant,
};
use mvchat_core::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// Carries out one change.
pub(crate) fn change(batch: &mut Batch, change: Change) -> StoreResult<Outcome> {
    let Change { conv, actor, epoch, warrant, at, op } = change;
    let Some(row) = batch.row::<ConvRow>(&Key::conv(CONV, conv))? else {
        return Ok(Outcome::Stale { conv: None, message: None });
    };
    if let Some(warrant) = warrant
        && !holds(batch, actor, warrant)?
    {
        return Ok(Outcome::Unwarranted);
    }
    if let Op::Append(append) = &op
        && let Some(outcome) = retried(batch, conv, actor, append)?
    {
        return Ok(outcome);
    }
    let mut known = None;
    let mut moved = epoch != row.epoch;
    let expected = match &op {
        Op::Revise(revise) => Some((revise.seq, revise.expect)),
        Op::Amend(amend) => amend.expect,
        _ => None,
    };
    if let Some((seq, rev)) = expected {
        known = batch.row::<Stored>(&message_key(conv, seq))?;
        moved |= known.as_ref().is_none_or(|known| known.message.rev != rev);
    }
    if moved {
        let fresh = whole(batch, conv, row)?;
        let message = known.map(|known| known.message);
        return Ok(Outcome::Stale { conv: Some(Arc::new(fresh)), message });
    }
    if let Op::Append(Append { pace: Some(pace), from: Some(from), .. }) = &op
        && let Some(until) = paced(batch, conv, *from, *pace, at)?
    {
        return Ok(Outcome::TooSoon(until));
    }
    if let Op::Amend(Amend { link: Some(code), .. }) = &op {
        // The change is undone as a whole when this fails.
        use_link(batch, conv, code, at)?;
    }
    let mut tail = tail(batch, conv)?;
    tail.rev = tail.rev.next();
    tail.touched = advance(batch)?;
    let mut step = Step { conv, actor, position: tail.touched, rev: tail.rev, at };
    let (committed, seq, event) = match op {
        Op::Append(append) => step.append(batch, &row, &mut tail, append)?,
        Op::Revise(revise) => {
            let known = known.ok_or_else(|| internal("a message without its row"))?;
            step.revise(batch, known, revise)?
        }
        Op::Amend(amend) => step.amend(batch, row, &mut tail, amend)?,
        Op::Close(event) => step.close(batch, row, event)?,
        _ => return Err(internal("a change of a kind that this store does not know")),
    };
    batch.put(&Key::conv(TAIL, conv), &tail)?;
    let Step { position, rev, at, .. } = step;
    batch.log(&LogEntry { position, conv, rev, actor, at, seq, event })?;
    Ok(Outcome::Done(committed))
}

/// Returns whether what an actor's right to ask was decided on is so still.
fn holds(batch: &Batch, actor: UserId, warrant: Warrant) -> StoreResult<bool> {
    let account = batch.row::<UserRow>(&Key::user(USER, actor))?.as_ref().map(UserRow::account);
    let session =
        warrant.session.map(|session| batch.row::<SessionRow>(&session_key(session))).transpose()?;
    Ok(warrant.holds(actor, account, session.flatten().map(|session| session.user)))
}

/// Answers a request whose cid is known.
fn retried(batch: &Batch, conv: ConvId, actor: UserId, append: &Append) -> StoreResult<Option<Outcome>> {
    let Some((cid, print)) = &append.cid else { return Ok(None) };
    let sender = append.from.unwrap_or(actor);
    let sent: Option<Sent> = batch.row(&Key::member(CID, conv, sender).text(cid))?;
    Ok(sent.map(|sent| match sent.print {
        Some(first) if first != *print => Outcome::CidReused,
        _ => Outcome::Replay(sent),
    }))
}

/// Returns until when a sender has to wait; otherwise notes the time.
fn paced(
    batch: &mut Batch,
    conv: ConvId,
    from: UserId,
    pace: u32,
    at: Timestamp,
) -> StoreResult<Option<Timestamp>> {
    if active(batch, conv, from)?.is_none() {
        return Ok(None);
    }
    let key = Key::member(PACE, conv, from);
    let last: Option<Timestamp> = batch.row(&key)?;
    let until = last.map(|last| last + Duration::from_secs(pace.into()));
    let wait = until.filter(|until| at < *until);
    if wait.is_none() {
        batch.put(&key, &at)?;
    }
    Ok(wait)
}

/// Where and when a change happens.
struct Step {
    conv: ConvId,
    actor: UserId,
    position: Position,
    rev: Rev,
    at: Timestamp,
}

/// What was committed, the message it was about, and how the log names it.
type Written = (Committed, Option<Seq>, LogEvent);

impl Step {
    fn append(
        &mut self,
        batch: &mut Batch,
        row: &ConvRow,
        tail: &mut Tail,
        append: Append,
    ) -> StoreResult<Written> {
        let Step { conv, actor, rev, .. } = *self;
        let seq = tail.last_seq.next();
        // The clock of a caller may be behind the one that sent the message before.
        self.at = tail.last_at.map_or(self.at, |last| last.max(self.at));
        tail.last_seq = seq;
        tail.last_at = Some(self.at);
        let Append { id, from, cid, content, reply_to, view_once, expires_in, event, mentions, .. } = append;
        let expires_at = expires_in.map(|seconds| self.at + Duration::from_secs(seconds.into()));
        let cid_of = cid.as_ref().filter(|_| from.is_none()).map(|_| actor);
        let cid = match cid {
            Some((cid, print)) => {
                let sent = Sent { seq, rev, at: self.at, print: Some(print) };
                batch.put(&Key::member(CID, conv, from.unwrap_or(actor)).text(&cid), &sent)?;
                Some(cid)
            }
            None => None,
        };
        if let Some(from) = from
            && let Some(mine) = mine(batch, conv, from)?
            && mine.read.next() == seq
        {
            batch.put(&Key::member(MINE, conv, from), &Mine { read: seq, recv: seq, ..mine })?;
        }
        let body = MessageBody::new(content, mentions);
        let message =
            Message { seq, rev, id, from, ts: self.at, body, reply_to, view_once, expires_at, event, cid };
        let stored = Stored { message, cid_of };
        batch.put_new(&message_key(conv, seq), &stored)?;
        mentions::index(batch, conv, &stored.message, None)?;
        expiry::note_end(batch, row, conv, &stored.message, &mut tail.keep)?;
        self.note(batch, None, 0, Thing::Message(seq))?;
        Ok((self.committed(Some(stored.message)), Some(seq), LogEvent::Sent))
    }

    fn revise(&self, batch: &mut Batch, mut known: Stored, revise: Revise) -> StoreResult<Written> {
        let Revise { seq, body, event, .. } = revise;
        let message = &mut known.message;
        let before = std::mem::replace(&mut message.rev, self.rev);
        let earlier = std::mem::replace(&mut message.body, body);
        mentions::index(batch, self.conv, message, Some(&earlier))?;
        if let (Some(cid), Some(sender)) = (&message.cid, message.from.or(known.cid_of))
            && message.body.state != MessageState::Live
        {
            let key = Key::member(CID, self.conv, sender).text(cid);
            if let Some(sent) = batch.row::<Sent>(&key)? {
                batch.put(&key, &Sent { print: None, ..sent })?;
            }
        }
        if message.body.state != MessageState::Live {
            expiry::forget(batch, self.conv, seq)?;
        }
        batch.put(&message_key(self.conv, seq), &known)?;
        self.note(batch, Some(before), 0, Thing::Message(seq))?;
        Ok((self.committed(Some(known.message)), Some(seq), event))
    }

    fn amend(
        &self,
        batch: &mut Batch,
        mut row: ConvRow,
        tail: &mut Tail,
        amend: Amend,
    ) -> StoreResult<Written> {
        let Amend { settings, owner, members, muted, max_conversations, event, .. } = amend;
        let mut index = 0;
        for (user, role, standing) in members {
            let before = self.set_member(batch, &mut row, user, (role, standing), max_conversations)?;
            self.note(batch, before, index, Thing::Member(user))?;
            index += 1;
        }
        for (user, until) in muted {
            let key = Key::member(MEMBER, self.conv, user);
            let Some(member) = batch.row::<Member>(&key)? else { continue };
            batch.put(&key, &Member { muted_until: until, rev: self.rev, ..member })?;
            if member.rev != self.rev {
                self.note(batch, Some(member.rev), index, Thing::Member(user))?;
                index += 1;
            }
        }
        if settings.is_some() || owner.is_some() {
            let before = std::mem::replace(&mut row.settings_rev, self.rev);
            self.note(batch, Some(before), index, Thing::Conversation)?;
        }
        row.epoch = row.epoch.next();
        row.owner = owner.or(row.owner);
        let retention = row.settings.retention;
        row.settings = settings.unwrap_or(row.settings);
        if row.settings.retention != retention {
            expiry::keep_anew(batch, &row, self.conv, self.at, &mut tail.keep)?;
        }
        batch.put(&Key::conv(CONV, self.conv), &row)?;
        let conv = Arc::new(whole(batch, self.conv, row)?);
        Ok((Committed { conv: Some(conv), ..self.committed(None) }, None, event))
    }

    /// Ends the conversation: everybody is out, and what it held is erased later, step by step.
    fn close(&self, batch: &mut Batch, mut row: ConvRow, event: LogEvent) -> StoreResult<Written> {
        let members = members(batch, Key::conv(MEMBER, self.conv).all()).collect::<StoreResult<Vec<_>>>()?;
        for (user, member) in members {
            if member.standing == Standing::Active {
                self.set_member(batch, &mut row, user, (member.role, Standing::Left), None)?;
            }
        }
        links::remove_all(batch, self.conv)?;
        expiry::erase_later(batch, self.conv)?;
        row.epoch = row.epoch.next();
        (row.owner, row.settings) = (None, ConvSettings::ended());
        batch.put(&Key::conv(CONV, self.conv), &row)?;
        let conv = Arc::new(whole(batch, self.conv, row)?);
        Ok((Committed { conv: Some(conv), ..self.committed(None) }, None, event))
    }

    /// Gives a member another role or standing; returns the number of the member's last change.
    fn set_member(
        &self,
        batch: &mut Batch,
        row: &mut ConvRow,
        user: UserId,
        (role, standing): (Role, Standing),
        max_conversations: Option<usize>,
    ) -> StoreResult<Option<Rev>> {
        let key = Key::member(MEMBER, self.conv, user);
        let before: Option<Member> = batch.row(&key)?;
        let was_active = before.is_some_and(|before| before.standing == Standing::Active);
        let is_active = standing == Standing::Active;
        let member = Member {
            role,
            standing,
            blocks: before.is_some_and(|before| before.blocks),
            muted_until: before.and_then(|before| before.muted_until),
            joined_at: before.filter(|_| was_active).map_or(self.at, |before| before.joined_at),
            rev: self.rev,
        };
        batch.put(&key, &member)?;
        if before.is_none() {
            batch.put(&Key::member(MINE, self.conv, user), &Mine::default())?;
        }
        row.active = row.active + u64::from(is_active) - u64::from(was_active);
        if is_active && !was_active {
            join(batch, user, max_conversations)?;
        } else if was_active && !is_active {
            part(batch, user)?;
            expiry::look_again(batch, self.conv)?;
        }
        let key = Key::user(CONV_OF, user).id(self.conv.0);
        let mut listed = batch.row::<Listed>(&key)?.unwrap_or(Listed {
            active: is_active,
            created_at: row.created_at,
            removed: None,
        });
        listed.active = is_active;
        if was_active && !is_active {
            listed.removed = Some(self.position);
        }
        batch.put(&key, &listed)?;
        Ok(before.map(|before| before.rev))
    }

    /// Notes that a thing changed with this rev, and forgets where it changed before.
    fn note(&self, batch: &mut Batch, before: Option<Rev>, index: u64, thing: Thing) -> StoreResult<()> {
        // Rev 0 is the creation, which is no change.
        if let Some(before) = before.filter(|before| before.0 > 0) {
            let of_rev = Key::conv(CHANGED, self.conv).number(before.0);
            let mut earlier = None;
            for item in batch.up(of_rev.clone().all()) {
                let (key, stored) = item?;
                if decode::<Thing>(&stored)? == thing {
                    earlier = Some(last_number(&key));
                    break;
                }
            }
            if let Some(earlier) = earlier {
                batch.remove(&of_rev.number(earlier))?;
            }
        }
        batch.put_new(&Key::conv(CHANGED, self.conv).number(self.rev.0).number(index), &thing)
    }

    fn committed(&self, message: Option<Message>) -> Committed {
        Committed { rev: self.rev, position: self.position, at: self.at, message, conv: None }
    }
}
