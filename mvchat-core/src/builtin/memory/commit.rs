//! Shared changes in memory.

use super::chat::{Chat, Mine, Thing};
use super::{State, full, not_found};
use crate::policy::{ConvSettings, Conversation, Member, Message, MessageBody, MessageState, Standing};
use crate::proto::{Epoch, Position, Rev, Role, Seq, UserId};
use crate::seam::{Amend, Append, Change, Committed, LogEntry, LogEvent, Op, Outcome, Revise, Sent, UserRow};
use crate::time::Timestamp;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

impl State {
    /// Carries out one change.
    pub(super) fn change(&mut self, change: Change) -> Outcome {
        let Change { conv, actor, epoch, warrant, at, op } = change;
        let Some(chat) = self.chats.get_mut(&conv) else {
            return Outcome::Stale { conv: None, message: None };
        };
        if let Some(warrant) = warrant {
            let account = self.users.get(&actor).map(UserRow::account);
            let session = warrant.session.and_then(|session| self.sessions.get(session));
            if !warrant.holds(actor, account, session.map(|session| session.user)) {
                return Outcome::Unwarranted;
            }
        }
        if let Op::Append(append) = &op
            && let Some(outcome) = chat.retried(actor, append)
        {
            return outcome;
        }
        if let Some(message) = chat.stale(epoch, &op) {
            return Outcome::Stale { conv: Some(chat.conv.clone()), message };
        }
        if let Op::Append(Append { pace: Some(pace), from: Some(from), .. }) = &op
            && let Some(until) = chat.paced(*from, *pace, at)
        {
            return Outcome::TooSoon(until);
        }
        if let Op::Amend(Amend { members, max_conversations: Some(most), .. }) = &op {
            let joins = |(user, _, to): &&(UserId, Role, Standing)| {
                *to == Standing::Active && chat.conv.active(*user).is_none()
            };
            let joining: Vec<_> = members.iter().filter(joins).map(|(user, ..)| *user).collect();
            if joining.iter().any(|user| self.count_of(*user) >= *most) {
                return Outcome::Rejected(full());
            }
        }
        if let Op::Amend(Amend { link: Some(code), .. }) = &op
            && !self.use_link(conv, code, at)
        {
            return Outcome::Rejected(not_found("the link opens nothing"));
        }
        // Looked up again, because the link is kept beside the conversations.
        let Some(chat) = self.chats.get_mut(&conv) else {
            return Outcome::Stale { conv: None, message: None };
        };
        self.position = self.position.next();
        let step = Step { position: self.position, rev: chat.rev.next(), at };
        chat.rev = step.rev;
        chat.touched = step.position;
        let before = chat.conv.clone();
        let appends = matches!(op, Op::Append(_));
        let (committed, seq, event) = match op {
            Op::Append(append) => chat.append(step, actor, append),
            Op::Revise(revise) => chat.revise(step, revise),
            Op::Amend(amend) => chat.amend(step, amend),
            Op::Close(event) => {
                self.links.retain(|_, link| link.conv != conv);
                chat.close(step, event)
            }
        };
        if appends {
            self.note_end(conv);
        } else if let Some(after) = &committed.conv {
            if before.settings.retention != after.settings.retention {
                self.keep_anew(conv, at);
            }
            if before.active_members().any(|(user, _)| after.active(user).is_none()) {
                self.look_again(conv);
            }
        }
        let (position, rev, at) = (step.position, step.rev, committed.at);
        self.log.push(LogEntry { position, conv, rev, actor, at, seq, event });
        Outcome::Done(committed)
    }
}

/// Where and when a change happens.
#[derive(Clone, Copy)]
struct Step {
    position: Position,
    rev: Rev,
    at: Timestamp,
}

/// What was committed, the message it was about, and how the log names it.
type Written = (Committed, Option<Seq>, LogEvent);

impl Chat {
    /// Answers a request whose cid is known.
    fn retried(&self, actor: UserId, append: &Append) -> Option<Outcome> {
        let (cid, print) = append.cid.as_ref()?;
        let sent = self.cids.get(&(append.from.unwrap_or(actor), cid.clone()))?;
        if bug!(NamesForgotten) && sent.seq != self.last_seq {
            return None;
        }
        let other = sent.print.is_some_and(|first| first != *print);
        Some(if other { Outcome::CidReused } else { Outcome::Replay(*sent) })
    }

    /// Returns until when a sender has to wait; otherwise notes the time.
    fn paced(&mut self, from: UserId, pace: u32, at: Timestamp) -> Option<Timestamp> {
        let mine = self.mine_mut(from)?;
        let until = mine.paced.map(|last| last + Duration::from_secs(pace.into()));
        let wait = until.filter(|until| at < *until);
        if wait.is_none() {
            mine.paced = Some(at);
        }
        wait
    }

    /// Returns whether the state moved on since the decision, with the fresh message that it was about.
    #[expect(clippy::option_option, reason = "stale or not, then with or without a message")]
    fn stale(&self, epoch: Epoch, op: &Op) -> Option<Option<Message>> {
        let moved = epoch != self.conv.epoch && !bug!(EpochIgnored);
        let (seq, expect) = match op {
            Op::Revise(revise) => (revise.seq, revise.expect),
            Op::Amend(Amend { expect: Some(expect), .. }) => *expect,
            _ => return moved.then_some(None),
        };
        let message = self.messages.get(&seq);
        let moved = moved || message.is_none_or(|message| message.rev != expect);
        moved.then(|| message.cloned())
    }

    fn append(&mut self, step: Step, actor: UserId, append: Append) -> Written {
        let unsent = |message: &Message| message.body.state == MessageState::Unsent;
        let reuses = bug!(SeqReused) && self.messages.get(&self.last_seq).is_some_and(unsent);
        let seq = if reuses { self.last_seq } else { self.last_seq.next() };
        // The clock of a caller may be behind the one that sent the message before.
        let at = self.last_at.filter(|_| !bug!(ClockGoesBack)).map_or(step.at, |last| last.max(step.at));
        let sender = append.from.unwrap_or(actor);
        let cid = append.cid.map(|(cid, print)| {
            let sent = Sent { seq, rev: step.rev, at, print: Some(print) };
            self.cids.insert((sender, cid.clone()), sent);
            cid
        });
        let message = Message {
            seq,
            rev: step.rev,
            id: append.id,
            from: append.from,
            ts: at,
            body: MessageBody::new(append.content, append.mentions),
            reply_to: append.reply_to,
            view_once: append.view_once,
            expires_at: append.expires_in.map(|seconds| at + Duration::from_secs(seconds.into())),
            event: append.event,
            cid,
        };
        if let Some(mine) = append.from.and_then(|from| self.mine_mut(from))
            && mine.read.next() == seq
        {
            mine.read = seq;
            mine.recv = seq;
        }
        self.last_seq = seq;
        self.last_at = Some(at);
        self.messages.insert(seq, message.clone());
        self.note(step.rev, &[Thing::Message(seq)]);
        let committed =
            Committed { rev: step.rev, position: step.position, at, message: Some(message), conv: None };
        (committed, Some(seq), LogEvent::Sent)
    }

    fn revise(&mut self, step: Step, revise: Revise) -> Written {
        let seq = revise.seq;
        let message = self.messages.get_mut(&seq).map(|message| {
            message.rev = step.rev;
            if !(bug!(UnsentStays) && revise.body.state == MessageState::Unsent) {
                message.body = revise.body;
            }
            message.clone()
        });
        if message.as_ref().is_some_and(|message| message.body.state != MessageState::Live) {
            self.cids.values_mut().filter(|sent| sent.seq == seq).for_each(|sent| sent.print = None);
            self.partly.remove(&seq);
        }
        if !bug!(RevisionsMissed) {
            self.note(step.rev, &[Thing::Message(seq)]);
        }
        let committed =
            Committed { rev: step.rev, position: step.position, at: step.at, message, conv: None };
        (committed, Some(seq), revise.event)
    }

    fn amend(&mut self, step: Step, amend: Amend) -> Written {
        let members = amend.members.iter().map(|(user, ..)| *user);
        let muted = amend.muted.iter().map(|(user, _)| *user);
        let mut things: Vec<_> = members.chain(muted).map(Thing::Member).collect();
        if amend.settings.is_some() || amend.owner.is_some() {
            things.push(Thing::Conversation);
        }
        things.sort_unstable();
        things.dedup();
        let conv = Arc::make_mut(&mut self.conv);
        conv.epoch = conv.epoch.next();
        conv.owner = amend.owner.or(conv.owner);
        if let Some(settings) = amend.settings {
            conv.settings = settings;
        }
        for (user, role, standing) in amend.members {
            let mine = self.mine.entry(user).or_default();
            set_member(conv, mine, step, user, role, standing);
        }
        for (user, until) in amend.muted {
            if let Some(member) = conv.members.get_mut(&user) {
                member.muted_until = until;
                member.rev = step.rev;
            }
        }
        self.note(step.rev, &things);
        let committed = Committed {
            rev: step.rev,
            position: step.position,
            at: step.at,
            message: None,
            conv: Some(self.conv.clone()),
        };
        (committed, None, amend.event)
    }
}

impl Chat {
    /// Ends the conversation: everybody is out, and what it held is gone.
    fn close(&mut self, step: Step, event: LogEvent) -> Written {
        let conv = Arc::make_mut(&mut self.conv);
        conv.epoch = conv.epoch.next();
        conv.owner = None;
        conv.settings = ConvSettings::ended();
        for (user, member) in &mut conv.members {
            if member.standing == Standing::Active {
                let mine = self.mine.entry(*user).or_default();
                set_member_out(member, mine, step);
            }
        }
        self.erase();
        let (rev, position, at) = (step.rev, step.position, step.at);
        let committed = Committed { rev, position, at, message: None, conv: Some(self.conv.clone()) };
        (committed, None, event)
    }
}

fn set_member_out(member: &mut Member, mine: &mut Mine, step: Step) {
    (member.standing, member.rev) = (Standing::Left, step.rev);
    mine.removed = Some(step.position);
}

fn set_member(
    conv: &mut Conversation,
    mine: &mut Mine,
    step: Step,
    user: UserId,
    role: Role,
    standing: Standing,
) {
    let fresh =
        Member { role, standing, blocks: false, muted_until: None, joined_at: step.at, rev: step.rev };
    let before = match conv.members.entry(user) {
        Entry::Vacant(entry) => {
            entry.insert(fresh);
            None
        }
        Entry::Occupied(mut entry) => {
            let before = entry.get().standing;
            let member = entry.get_mut();
            let joined_at = if before == Standing::Active { member.joined_at } else { step.at };
            *member = Member { blocks: member.blocks, muted_until: member.muted_until, joined_at, ..fresh };
            Some(before)
        }
    };
    if before == Some(Standing::Active) && standing != Standing::Active {
        mine.removed = Some(step.position);
    }
}
