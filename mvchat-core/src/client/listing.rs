//! Finds out which conversations have changed: the first step of the catch-up.

use super::event::{ClientError, Event};
use super::machine::Client;
use super::replies::params;
use super::state::sane;
use super::sync::{Stage, pause};
use crate::error::Answer;
use crate::proto::{ConvEntry, ConvItem, ConversationsParams, Ctrl};

impl Client {
    /// A page of conversations came, or took too long.
    pub(super) fn list_answered(&mut self, result: Result<&Ctrl, ClientError>) {
        let Stage::List(listing) = &mut self.sync.stage else { return };
        let reply = match result.map(params::<ConversationsParams>) {
            Ok(Some(reply)) => reply,
            Ok(None) => return self.reconnect(None, pause(5)),
            Err(error) if error.is_transient() => {
                listing.failures = listing.failures.saturating_add(1);
                listing.not_before = Some(self.now + error.floor().max(pause(listing.failures - 1)));
                return;
            }
            // The cursor is not understood: begin with everything.
            Err(error) if error.answer() == Answer::Bad && self.sync.cursor.take().is_some() => return,
            Err(error) => return self.reconnect(None, error.floor().max(pause(5))),
        };
        (listing.not_before, listing.failures) = (None, 0);
        let full = self.sync.cursor.is_none();
        let some = !reply.conversations.is_empty();
        if full {
            listing.since = listing.since.take().or(reply.since.clone());
            let room = listing.listed.len() < self.config.max_conversations;
            let more = reply.next.filter(|next| some && room && listing.before.as_ref() != Some(next));
            listing.before = more;
            for entry in &reply.conversations {
                listing.listed.add(match entry {
                    ConvEntry::Here(view) => view.id,
                    ConvEntry::Gone(conv) => *conv,
                });
            }
        }
        let last = match (&self.sync.cursor, reply.since) {
            (None, _) => listing.before.is_none(),
            (Some(cursor), Some(since)) => {
                let moved = *cursor != since;
                self.sync.cursor = Some(since);
                reply.more != Some(true) || !moved
            }
            (Some(_), None) => true,
        };
        for entry in reply.conversations {
            match entry {
                ConvEntry::Here(view) => self.listed(*view),
                ConvEntry::Gone(conv) => self.gone(conv),
            }
        }
        if last {
            self.all_listed(full);
        }
    }

    /// One conversation of the list: what changed in it is asked for.
    fn listed(&mut self, view: ConvItem) {
        if !sane(&view) {
            return;
        }
        let conv = view.id;
        let Some(known) = self.state.conversations.get(&conv) else { return self.new_conversation(view) };
        let (rev, own) = (known.view.rev, known.view.own);
        if view.rev < rev || view.own < own {
            // The server has lost changes that it had announced, for example after a restored backup.
            self.sync.entry(conv).page = true;
            self.event(Event::Reset(conv));
        } else {
            if view.rev > rev || view.own > own {
                self.sync.entry(conv).changes = true;
            }
            self.newer_view(view);
        }
    }

    fn all_listed(&mut self, full: bool) {
        let stage = std::mem::replace(&mut self.sync.stage, Stage::Live { announced: false });
        if let (true, Stage::List(listing)) = (full, stage) {
            self.sync.cursor = listing.since;
            // What the list does not show may be gone, or have moved to the front between two pages.
            for conv in self.state.conversations.keys().filter(|conv| !listing.listed.contains_key(*conv)) {
                self.sync.entry(*conv).view = true;
            }
        }
        for conv in self.sync.convs() {
            self.settle(conv);
        }
    }
}
