//! Keeps the model complete: `rev` by `rev`, asking for what is missing.

use super::apply::{After, Apply, Change, OwnChange};
use super::event::{ClientError, ConvChange, Event};
use super::machine::Client;
use super::pending::Purpose;
use super::replies::params;
use super::state::{Conversation, sane};
use super::sync::{Stage, pause};
use crate::error::Answer;
use crate::proto::{
    ChangesParams, ConvId, ConvItem, ConversationParams, Ctrl, GetRequest, Int, MAX_COUNTER, MessagesParams,
    Own, OwnParams, Request, Rev, Scalar, Seq,
};

/// The most questions of the catch-up at once; the rest of what may be in flight is the app's.
const MAX_JOBS: usize = 4;
/// After so many answers that don't reach what the server itself has mentioned, its gap is accepted.
const MAX_STALLS: u32 = 3;
const PAGE: i64 = 50;
const CHANGES: i64 = 200;
const LIST: i64 = 100;

impl Client {
    /// A shared durable change, from a frame or from the answer to an own request.
    pub(super) fn live(&mut self, conv: ConvId, rev: Rev, change: Change, bytes: usize) {
        if rev.0 == 0 || rev.0 > MAX_COUNTER {
            return;
        }
        let applied = self.state.conversations.get(&conv).map(|known| known.view.rev);
        let calm = matches!(self.sync.stage, Stage::Live { .. }) && !self.sync.has(conv);
        match applied {
            Some(applied) if rev <= applied => return,
            Some(applied) if calm && rev == applied.next() => return self.apply(conv, rev, change),
            None if !self.has_room(conv) => return,
            _ => self.sync.keep(conv, rev, change, bytes, self.config.max_buffered),
        }
        if matches!(self.sync.stage, Stage::Live { .. }) {
            self.settle(conv);
        }
    }

    /// A private change of the user's. A gap is not kept: the changes and the view bring everything.
    pub(super) fn live_own(&mut self, conv: ConvId, own: Own, change: OwnChange) {
        if own.0 > MAX_COUNTER || (!self.state.conversations.contains_key(&conv) && !self.has_room(conv)) {
            return;
        }
        let calm = matches!(self.sync.stage, Stage::Live { .. }) && !self.sync.has(conv);
        if let Some(known) = self.state.conversations.get_mut(&conv) {
            if own <= known.view.own {
                // What is known already, but for marks, which own messages move, too, and which only grow.
                let OwnParams { read_seq, recv_seq, .. } = change.params;
                let ahead = read_seq > Some(known.view.read_seq) || recv_seq > Some(known.view.recv_seq);
                let params = OwnParams { read_seq, recv_seq, ..OwnParams::default() };
                return if ahead {
                    self.change_own(conv, OwnChange { params, hidden: Vec::new() })
                };
            }
            if calm && own == known.view.own.next() {
                known.view.own = own;
                known.view_own = known.view_own.max(own);
                return self.change_own(conv, change);
            }
        }
        let work = self.sync.entry(conv);
        work.seen_own = work.seen_own.max(own);
        if matches!(self.sync.stage, Stage::Live { .. }) {
            self.settle(conv);
        }
    }

    fn change_own(&mut self, conv: ConvId, change: OwnChange) {
        let Some(known) = self.state.conversations.get_mut(&conv) else { return };
        let mut events = Vec::new();
        let after = Apply { conv: known, me: self.state.me, events: &mut events }.own(change);
        self.tell(events);
        self.after(conv, after, None);
    }

    /// Whether one more unknown conversation may be asked about.
    fn has_room(&self, conv: ConvId) -> bool {
        self.sync.has(conv)
            || self.state.conversations.len() + self.sync.len() < self.config.max_conversations
    }

    fn apply(&mut self, conv: ConvId, rev: Rev, change: Change) {
        let Some(known) = self.state.conversations.get_mut(&conv) else { return };
        let before = known.view.rev;
        let mut events = Vec::new();
        let after = Apply { conv: known, me: self.state.me, events: &mut events }.change(rev, change);
        self.tell(events);
        self.after(conv, after, Some(before));
    }

    fn after(&mut self, conv: ConvId, after: After, since: Option<Rev>) {
        if after.gone {
            return self.gone(conv);
        }
        if after == After::default() {
            return;
        }
        let work = self.sync.entry(conv);
        if after.unclear {
            work.changes = true;
            work.from = work.from.or(since);
        }
        work.view |= after.recount;
        self.sync.queue(conv, None);
    }

    /// The user is no member any more. What was asked before may be answered from before.
    pub(super) fn gone(&mut self, conv: ConvId) {
        self.sync.remove(conv);
        self.pending.forget(conv);
        if self.state.conversations.remove(&conv).is_some() {
            self.event(Event::Conversation { conv, change: ConvChange::Gone });
        }
    }

    /// Asks about a conversation that the client doesn't know.
    pub(super) fn touch(&mut self, conv: ConvId) {
        if self.has_room(conv) {
            self.sync.entry(conv).view = true;
            self.sync.queue(conv, None);
        }
    }

    /// Applies the frames that waited, as far as they follow each other, and finds out what is still missing.
    pub(super) fn settle(&mut self, conv: ConvId) {
        loop {
            let applied = self.state.conversations.get(&conv).map(|known| (known.view.rev, known.view.own));
            let Some(work) = self.sync.get(conv).filter(|work| !work.busy && !work.asks()) else { break };
            let Some((rev, own)) = applied else {
                work.view = true;
                break;
            };
            match work.buffer.first_key_value().map(|(rev, _)| *rev) {
                Some(first) if first > rev.next() => work.changes = true,
                Some(_) => {
                    if let Some((first, change)) = self.sync.pop(conv).filter(|(first, _)| *first > rev) {
                        self.apply(conv, first, change);
                    }
                }
                None => {
                    work.changes = work.seen > rev || work.seen_own > own;
                    work.view = work.seen_own > own;
                    break;
                }
            }
        }
        self.sync.queue(conv, None);
    }

    /// Asks the next questions of the catch-up.
    pub(super) fn start_jobs(&mut self) {
        if let Stage::List(listing) = &self.sync.stage {
            let due = listing.not_before.is_none_or(|at| at <= self.now);
            if due && !self.pending.any(|purpose| matches!(purpose, Purpose::List)) {
                let before = listing.before.clone().map(Scalar::Text);
                let since = self.sync.cursor.clone().map(Scalar::Text);
                self.ask(get("conversations", GetRequest { before, since, ..limit(LIST) }), Purpose::List);
            }
            return;
        }
        while self.pending.jobs() < MAX_JOBS {
            let Some(conv) = self.sync.next(self.now) else { break };
            self.start_job(conv);
        }
        if matches!(self.sync.stage, Stage::Live { announced: false }) && self.sync.is_idle() {
            self.sync.stage = Stage::Live { announced: true };
            self.event(Event::Synced);
        }
    }

    fn start_job(&mut self, conv: ConvId) {
        let applied = self.state.conversations.get(&conv).map(|known| (known.view.rev, known.view.own));
        let Some(work) = self.sync.get(conv) else { return };
        work.busy = true;
        let named = |fields| GetRequest { conv: Some(conv.to_string()), ..fields };
        let (request, purpose) = match applied {
            Some(_) if work.page => (get("messages", named(limit(PAGE))), Purpose::Page(conv)),
            Some((rev, own)) if work.changes => {
                let since = Some(Scalar::Int(Int::from_counter(work.from.unwrap_or(rev).min(rev).0)));
                let own = Some(Int::from_counter(own.0));
                (get("changes", GetRequest { since, own, ..named(limit(CHANGES)) }), Purpose::Changes(conv))
            }
            _ => (get("conversation", named(GetRequest::default())), Purpose::View(conv)),
        };
        self.ask(request, purpose);
    }

    /// One of the questions was answered, or took too long.
    pub(super) fn job_answered(&mut self, purpose: &Purpose, result: Result<&Ctrl, ClientError>) {
        let (Purpose::View(conv) | Purpose::Changes(conv) | Purpose::Page(conv)) = *purpose else { return };
        let Some(work) = self.sync.get(conv) else { return };
        work.busy = false;
        let error = match (result, purpose) {
            (Err(error), _) => error,
            (Ok(ctrl), Purpose::View(_)) => match params::<ConversationParams>(ctrl) {
                Some(reply) if sane(&reply.conversation) && reply.conversation.id == conv => {
                    return self.viewed(reply.conversation);
                }
                _ => unreadable(),
            },
            (Ok(ctrl), Purpose::Changes(_)) => match params::<ChangesParams>(ctrl) {
                Some(reply) if reply.rev.0 <= MAX_COUNTER && reply.own.0 <= MAX_COUNTER => {
                    return self.changed(conv, reply);
                }
                _ => unreadable(),
            },
            (Ok(ctrl), _) => match params::<MessagesParams>(ctrl) {
                Some(page) if page.rev.0 <= MAX_COUNTER && page.own.0 <= MAX_COUNTER => {
                    return self.paged(conv, &page);
                }
                _ => unreadable(),
            },
        };
        self.job_failed(conv, purpose, &error);
    }

    fn job_failed(&mut self, conv: ConvId, purpose: &Purpose, error: &ClientError) {
        let Some(work) = self.sync.get(conv) else { return };
        if error.is_transient() || error.answer() == Answer::Unauthenticated {
            work.failures = work.failures.saturating_add(1);
            let until = self.now + error.floor().max(pause(work.failures - 1));
            return self.sync.queue(conv, Some(until));
        }
        if error.answer() == Answer::Denied {
            return self.gone(conv);
        }
        // The server does not understand the question: try the simpler one, then take what there is.
        if matches!(purpose, Purpose::Changes(_)) {
            work.page = true;
            return self.sync.queue(conv, None);
        }
        self.accept(conv);
    }

    /// Gives up asking and goes on with what is there.
    fn accept(&mut self, conv: ConvId) {
        let Some(known) = self.state.conversations.get_mut(&conv) else { return self.sync.remove(conv) };
        let Some(work) = self.sync.get(conv) else { return };
        (work.view, work.changes, work.page, work.from, work.stalls) = (false, false, false, None, 0);
        known.view.own = known.view.own.max(work.seen_own);
        let first =
            work.buffer.first_key_value().map_or(work.seen, |(first, _)| Rev(first.0.saturating_sub(1)));
        known.view.rev = known.view.rev.max(first);
        self.settle(conv);
    }

    fn viewed(&mut self, view: ConvItem) {
        let conv = view.id;
        self.sync.entry(conv).view = false;
        self.newer_view(view);
        self.settle(conv);
    }

    /// Takes a view over unless the model is ahead of it.
    pub(super) fn newer_view(&mut self, view: ConvItem) {
        let conv = view.id;
        let Some(known) = self.state.conversations.get_mut(&conv) else { return self.new_conversation(view) };
        if sane(&view) && view.rev >= known.view.rev && view.own >= known.view.own {
            known.adopt(view);
            self.event(Event::Conversation { conv, change: ConvChange::Changed });
        }
    }

    pub(super) fn new_conversation(&mut self, mut view: ConvItem) {
        let conv = view.id;
        if !sane(&view) || self.state.conversations.len() >= self.config.max_conversations {
            return self.sync.remove(conv);
        }
        // Frames that came before the view are applied again on top of it: each says what holds after it, so
        // the last one agrees with the view, and the app hears of the messages.
        let mut held_to = view.last_seq;
        let mut hides = false;
        if let Some(work) = self.sync.get(conv) {
            if let Some((first, _)) = work.buffer.first_key_value() {
                // They need not reach as far as the view: an old request may have been answered once more.
                work.seen = work.seen.max(view.rev);
                view.rev = view.rev.min(Rev(first.0.saturating_sub(1)));
            }
            let messages = work.buffer.values().filter_map(|(change, _)| change.message());
            held_to = messages.map(|seq| Seq(seq.0.saturating_sub(1))).fold(held_to, Seq::min);
            // The user may have hidden some of them meanwhile, which only the changes say.
            hides = held_to < view.last_seq && view.own.0 > 0;
            work.changes |= hides;
        }
        let mut known = Conversation::new(view, held_to, self.config.max_messages);
        if hides {
            known.view.own = Own(0);
        }
        self.state.conversations.insert(conv, known);
        self.event(Event::Conversation { conv, change: ConvChange::Added });
    }

    /// The server says that the user is in a conversation, with the view.
    pub(super) fn added(&mut self, view: Option<ConvItem>, conv: ConvId) {
        let Some(view) = view.filter(|view| sane(view) && view.id == conv) else { return self.touch(conv) };
        if let Some(known) = self.state.conversations.get(&conv) {
            let (rev, own) = (known.view.rev, known.view.own);
            if view.rev > rev || view.own > own {
                self.changes(conv);
            }
        } else if !self.has_room(conv) {
            return;
        } else if let Some(work) = self.sync.get(conv).filter(|work| !work.busy) {
            work.view = false;
        }
        self.newer_view(view);
        if matches!(self.sync.stage, Stage::Live { .. }) {
            self.settle(conv);
        }
    }

    /// Asks what changed in a conversation.
    fn changes(&mut self, conv: ConvId) {
        self.sync.entry(conv).changes = true;
        self.sync.queue(conv, None);
    }

    /// Asks again from an older `rev`, because older states than the applied ones came into the model.
    pub(super) fn changes_from(&mut self, conv: ConvId, from: Rev) {
        let work = self.sync.entry(conv);
        work.from = Some(work.from.unwrap_or(from).min(from));
        self.changes(conv);
    }

    fn changed(&mut self, conv: ConvId, reply: ChangesParams) {
        let Some(known) = self.state.conversations.get_mut(&conv) else { return self.sync.remove(conv) };
        let work = self.sync.entry(conv);
        work.failures = 0;
        if reply.reset == Some(true) {
            (work.page, work.changes, work.from) = (true, false, None);
            self.event(Event::Reset(conv));
            return self.sync.queue(conv, None);
        }
        let asked = work.from.take().unwrap_or(known.view.rev).min(known.view.rev);
        let (before, before_own) = (known.view.rev, known.view.own);
        let (mut events, mut gone, mut recount, mut told) = (Vec::new(), false, false, false);
        let mut apply = Apply { conv: known, me: self.state.me, events: &mut events };
        for item in reply.items {
            told |= item.conversation.is_some();
            let after = apply.caught_up(item);
            gone |= after.gone;
            recount |= after.recount;
        }
        recount |= apply.hidden(reply.hidden.unwrap_or_default());
        known.view.rev = known.view.rev.max(reply.rev);
        if !reply.more {
            work.view |= recount || (reply.own > known.view_own && !told);
            known.view.own = known.view.own.max(reply.own);
        } else if reply.rev < known.view.rev {
            work.from = Some(reply.rev);
        }
        let moved = known.view.rev > before || known.view.own > before_own || reply.rev > asked;
        work.changes = reply.more && moved;
        let (rev, own) = (known.view.rev, known.view.own);
        self.tell(events);
        if gone {
            return self.gone(conv);
        }
        self.check_progress(conv, rev, own, moved);
    }

    /// Goes on after changes; a server that mentions what it does not deliver is asked a few times only.
    fn check_progress(&mut self, conv: ConvId, rev: Rev, own: Own, moved: bool) {
        let Some(work) = self.sync.get(conv) else { return };
        let first = work.buffer.from(&rev.next()).next().map(|(first, _)| *first);
        let gap = first.map_or(work.seen > rev, |first| first > rev.next()) || work.seen_own > own;
        if moved || !gap {
            work.stalls = 0;
            return self.settle(conv);
        }
        work.stalls += 1;
        if work.stalls >= MAX_STALLS {
            return self.accept(conv);
        }
        work.changes = true;
        let until = self.now + pause(work.stalls - 1);
        self.sync.queue(conv, Some(until));
    }

    fn paged(&mut self, conv: ConvId, page: &MessagesParams) {
        let Some(known) = self.state.conversations.get_mut(&conv) else { return self.sync.remove(conv) };
        known.reload(page);
        let work = self.sync.entry(conv);
        (work.view, work.changes, work.page, work.from, work.failures) = (true, false, false, None, 0);
        self.sync.queue(conv, None);
    }
}

fn unreadable() -> ClientError {
    ClientError::local("malformed", "the answer can't be read")
}

fn get(what: &str, fields: GetRequest) -> Request {
    Request::Get(GetRequest { what: Some(what.to_owned()), ..fields })
}

fn limit(limit: i64) -> GetRequest {
    GetRequest { limit: Some(Int(limit)), ..GetRequest::default() }
}
