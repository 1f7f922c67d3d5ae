//! Expiry in memory.

use super::chat::Chat;
use super::{MemoryStore, State};
use crate::policy::{MessageState, kept_until, read_until};
use crate::proto::{ConvId, Seq, UserId};
use crate::seam::{Expired, ExpiredFor, ExpiryStore, StoreResult};
use crate::time::Timestamp;
use async_trait::async_trait;
use uuid::Uuid;

/// Where something that is due stands: its time, then where, for whom, and which message. What concerns nobody in
/// particular stands under an id that no user has.
pub(super) type Place = (Timestamp, ConvId, UserId, Seq);

/// What is due.
#[derive(Clone, Copy)]
pub(super) enum Due {
    /// A reader's messages up to this one, from that of the place on.
    Read(Seq),
    /// The message of the place, for everybody.
    Message,
    /// What the conversation does not keep any longer.
    Keep,
    /// Those messages after this one that have expired for some: perhaps it is for everybody by now.
    Look(Seq),
}

pub(super) const ALL: UserId = UserId(Uuid::nil());
pub(super) const SOME: UserId = UserId(Uuid::max());

#[async_trait]
impl ExpiryStore for MemoryStore {
    async fn expire(&self, now: Timestamp, limit: usize) -> StoreResult<Expired> {
        Ok(self.state.lock().expire(now, limit))
    }
}

impl State {
    /// Starts the time of what a member has read; returns when the first of it is over.
    pub(super) fn start(
        &mut self,
        conv: ConvId,
        user: UserId,
        read: (Seq, Seq),
        at: Timestamp,
    ) -> Option<Timestamp> {
        let chat = self.chats.get(&conv)?;
        let (ttl, (before, to)) = (chat.conv.settings.ttl, read);
        if before >= to {
            return None;
        }
        let mut due = Vec::new();
        let mut run = |from: Seq, to: Seq, until: Option<Timestamp>| {
            due.extend(until.filter(|_| from <= to).map(|until| ((until, conv, user, from), Due::Read(to))));
        };
        let mut from = before.next();
        for (seq, message) in chat.messages.range(from..=to) {
            if message.view_once.is_some() {
                run(from, Seq(seq.0 - 1), read_until(None, ttl, at));
                run(*seq, *seq, read_until(message.view_once, ttl, at));
                from = seq.next();
            }
        }
        run(from, to, read_until(None, ttl, at));
        let first = due.iter().map(|((until, ..), _)| *until).min();
        self.due.extend(due);
        first
    }

    /// Notes when the newest message will be over for everybody.
    pub(super) fn note_end(&mut self, conv: ConvId) {
        let Some(chat) = self.chats.get_mut(&conv) else { return };
        let Some((seq, message)) = chat.messages.last_key_value() else { return };
        if let Some(until) = message.expires_at {
            self.due.insert((until, conv, ALL, *seq), Due::Message);
        }
        if let Some(until) = kept_until(&chat.conv.settings, message.ts).filter(|_| chat.keep.is_none()) {
            chat.keep = Some(until);
            self.due.insert((until, conv, ALL, Seq(0)), Due::Keep);
        }
    }

    /// Looks at once what the conversation does not keep any longer, because that is decided anew.
    pub(super) fn keep_anew(&mut self, conv: ConvId, at: Timestamp) {
        let Some(chat) = self.chats.get_mut(&conv) else { return };
        if let Some(until) = chat.keep.take() {
            self.due.remove(&(until, conv, ALL, Seq(0)));
        }
        if chat.conv.settings.retention.is_some() {
            chat.keep = Some(at);
            self.due.insert((at, conv, ALL, Seq(0)), Due::Keep);
        }
    }

    /// Looks again at what has expired for some, because somebody sees less or is gone.
    pub(super) fn look_again(&mut self, conv: ConvId) {
        if self.chats.get(&conv).is_some_and(|chat| !chat.partly.is_empty()) {
            self.due.insert((Timestamp::default(), conv, SOME, Seq(0)), Due::Look(Seq(0)));
        }
    }

    fn expire(&mut self, now: Timestamp, limit: usize) -> Expired {
        let mut out = Expired::default();
        let (mut room, mut from) = (limit, None);
        loop {
            let next = match from {
                None => self.due.first_key_value(),
                Some(place) => {
                    self.due.range((std::ops::Bound::Excluded(place), std::ops::Bound::Unbounded)).next()
                }
            };
            let Some((&place, &due)) = next else { break };
            if place.0 > now {
                out.next = Some(place.0);
                break;
            }
            if room == 0 {
                out.more = true;
                break;
            }
            from = Some(place);
            match due {
                Due::Read(to) => self.expire_read(place, to, &mut room, &mut out),
                Due::Message => self.expire_message(place, &mut room, &mut out),
                Due::Keep => self.expire_kept(place, now, &mut room, &mut out),
                Due::Look(after) => self.look(place, after, &mut room, &mut out),
            }
        }
        // What is spent stays due until it is a tombstone.
        out.more |= room == 0 || !out.spent.is_empty();
        out
    }

    fn expire_read(&mut self, place: Place, to: Seq, room: &mut usize, out: &mut Expired) {
        let (_, conv, user, from) = place;
        self.due.remove(&place);
        let position = self.position.next();
        let Some(chat) = self.chats.get_mut(&conv) else { return };
        let (mut seqs, mut rest) = (Vec::new(), None);
        for (seq, message) in chat.messages.range(from..=to) {
            if *room == 0 {
                rest = Some(*seq);
                break;
            }
            *room -= 1;
            let sees = chat.mine.get(&user).is_some_and(|mine| mine.sees(*seq));
            if sees && message.body.state == MessageState::Live && message.from != Some(user) {
                seqs.push(*seq);
            }
        }
        if let Some(rest) = rest {
            self.due.insert((place.0, conv, user, rest), Due::Read(to));
        }
        let Some(mine) = chat.mine.get_mut(&user).filter(|_| !seqs.is_empty()) else { return };
        mine.touch(position);
        let own = mine.own;
        mine.hidden.extend(seqs.iter().map(|seq| (*seq, own)));
        for seq in &seqs {
            if chat.is_spent(*seq) {
                out.more = true;
                self.due.insert((place.0, conv, ALL, *seq), Due::Message);
            } else {
                chat.partly.insert(*seq);
            }
        }
        if chat.conv.active(user).is_some() {
            out.hidden.push(ExpiredFor { user, conv, own, seqs });
        }
        self.advance();
    }

    fn expire_message(&mut self, place: Place, room: &mut usize, out: &mut Expired) {
        *room -= 1;
        let message = self.chats.get(&place.1).and_then(|chat| chat.messages.get(&place.3));
        match message.filter(|message| message.body.state == MessageState::Live) {
            Some(message) => out.spent.push((place.1, message.clone())),
            None => drop(self.due.remove(&place)),
        }
    }

    fn expire_kept(&mut self, place: Place, now: Timestamp, room: &mut usize, out: &mut Expired) {
        let (_, conv, ..) = place;
        let Some(chat) = self.chats.get_mut(&conv) else { return };
        let (mut keep, mut all_gone) = (None, true);
        for (seq, message) in chat.messages.range(chat.swept.next()..) {
            let live = message.body.state == MessageState::Live;
            let until = kept_until(&chat.conv.settings, message.ts).filter(|_| live);
            if let Some(until) = until.filter(|until| *until > now) {
                keep = keep.or(Some(until));
                break;
            }
            if *room == 0 {
                keep = Some(place.0);
                break;
            }
            *room -= 1;
            if live {
                // It is walked over again when it is a tombstone.
                keep = Some(place.0);
                all_gone = false;
                out.spent.push((conv, message.clone()));
            } else if all_gone {
                chat.swept = *seq;
            }
        }
        chat.keep = keep;
        self.due.remove(&place);
        self.due.extend(keep.map(|until| ((until, conv, ALL, Seq(0)), Due::Keep)));
    }

    fn look(&mut self, place: Place, after: Seq, room: &mut usize, out: &mut Expired) {
        let (_, conv, ..) = place;
        self.due.remove(&place);
        let Some(chat) = self.chats.get_mut(&conv) else { return };
        let some: Vec<Seq> = chat.partly.range(after.next()..).copied().collect();
        for seq in some {
            if *room == 0 {
                self.due.insert(place, Due::Look(Seq(seq.0 - 1)));
                break;
            }
            *room -= 1;
            if chat.is_spent(seq) {
                chat.partly.remove(&seq);
                out.more = true;
                self.due.insert((place.0, conv, ALL, seq), Due::Message);
            }
        }
    }
}

impl Chat {
    /// Returns whether no active member but the sender can see a message.
    fn is_spent(&self, seq: Seq) -> bool {
        let from = self.messages.get(&seq).and_then(|message| message.from);
        let mut others = self.conv.active_members().filter(|(user, _)| Some(*user) != from);
        others.all(|(user, _)| self.mine.get(&user).is_none_or(|mine| !mine.sees(seq)))
    }
}
