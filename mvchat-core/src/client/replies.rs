//! Reads what the server sends.

use super::apply::{Change, OwnChange};
use super::event::{ClientError, Event, MemberChange};
use super::machine::Client;
use super::mine::Mine;
use super::pending::{Late, Purpose};
use super::state::Conversation;
use super::sync::Stage;
use crate::error::Answer;
use crate::proto::{
    AccountUpdated, ConvId, ConversationParams, Ctrl, GetRequest, HiParams, Info, Json, MarkKind,
    MessagesParams, Pres, Request, Scalar, ServerMsg, What,
};
use crate::time::Timestamp;
use crate::wire::{self, Read};
use std::time::Duration;

/// Reads the parameters of an answer; `None` if they are not what they should be.
pub(super) fn params<T: Read>(ctrl: &Ctrl) -> Option<T> {
    ctrl.params.as_ref()?.read()
}

impl Client {
    pub(super) fn text(&mut self, text: &[u8]) {
        if !self.link.is_open() {
            return;
        }
        (self.link.heard, self.link.dead_at) = (self.now, None);
        if text.len() > self.config.max_frame {
            return self.reconnect(None, self.config.backoff_cap);
        }
        // What can't be read is ignored: a newer server may say more. If it was durable, its `rev` is missed
        // and the gap is filled.
        let message = std::str::from_utf8(text).ok().and_then(|text| wire::read(text).ok());
        let Some(message) = message else { return };
        match message {
            ServerMsg::Ctrl(ctrl) => self.ctrl(&ctrl, text.len()),
            ServerMsg::Data(data) => self.live(data.conv, data.rev, Change::Data(Box::new(data)), text.len()),
            ServerMsg::Info(info) => self.info(info, text.len()),
            ServerMsg::Pres(Pres { user, what, last_seen, .. }) => {
                self.event(Event::Presence { user, online: what == "on", last_seen });
            }
        }
    }

    fn info(&mut self, info: Info, bytes: usize) {
        let others = info.from.filter(|from| Some(*from) != self.state.me);
        match (info.what, info.conv) {
            (What::Login, _) => {
                if self.link.is_ready() {
                    self.log_in();
                }
            }
            (_, None) => {}
            (What::Typing, Some(conv)) => self.out_event(others.map(|user| Event::Typing { conv, user })),
            (What::Read | What::Recv, Some(conv)) if info.rev.is_none() => {
                let kind = if info.what == What::Read { MarkKind::Read } else { MarkKind::Recv };
                let mark = others.zip(info.seq).map(|(user, seq)| Event::Mark { conv, user, kind, seq });
                self.out_event(mark);
            }
            (What::ConvAdded, Some(conv)) => {
                let view = info.content.and_then(|json| json.read());
                self.added(view, conv);
            }
            (What::MemberKicked | What::MemberBanned | What::MemberLeft, Some(conv)) if self.is_me(&info) => {
                self.removed(conv, &info)
            }
            (What::ConvDeleted, Some(conv)) => self.removed(conv, &info),
            (_, Some(conv)) => {
                if let Some(own) = info.own {
                    let params = info.content.as_ref().and_then(Json::read).unwrap_or_default();
                    let hidden = info.hidden.clone().unwrap_or_default();
                    self.live_own(conv, own, OwnChange { params, hidden });
                }
                if let Some(rev) = info.rev {
                    self.live(conv, rev, Change::Info(Box::new(info)), bytes);
                }
            }
        }
    }

    fn is_me(&self, info: &Info) -> bool {
        let whom = if info.what == What::MemberLeft { info.user.or(info.from) } else { info.user };
        whom.is_some() && whom == self.state.me
    }

    /// The user was removed; nothing more is said about the conversation, so this waits for nothing.
    fn removed(&mut self, conv: ConvId, info: &Info) {
        let applied = self.state.conversations.get(&conv).map(|known| known.view.rev);
        if applied.zip(info.rev).is_some_and(|(applied, rev)| rev <= applied) {
            return;
        }
        let left = info.what != What::MemberKicked && info.what != What::MemberBanned;
        let change = if left { MemberChange::Left } else { MemberChange::Kicked };
        if let (Some(user), true) = (self.state.me, applied.is_some()) {
            self.event(Event::Member { conv, user, change });
        }
        self.gone(conv);
        if matches!(self.sync.stage, Stage::List(_)) {
            // The list that is on its way may be from before, and show it again.
            self.sync.entry(conv).view = true;
        }
    }

    fn ctrl(&mut self, ctrl: &Ctrl, bytes: usize) {
        let failed = Answer::of(ctrl.code) != Answer::Ok;
        let Some(id) = &ctrl.id else {
            if Answer::of(ctrl.code) == Answer::Later {
                // The server is going away and says when to come back.
                self.link.retry_after = ClientError::of(ctrl).retry_after;
            }
            return;
        };
        let Some(entry) = self.pending.take(id) else { return };
        let result = if failed { Err(ClientError::of(ctrl)) } else { Ok(ctrl) };
        match entry.purpose {
            Purpose::Hi => self.greeted(result.ok()),
            Purpose::Ping => {}
            Purpose::Login(scheme) => self.login_answered(scheme, result),
            Purpose::List => self.list_answered(result),
            Purpose::Send { cid } => self.send_answered(&cid, result, bytes),
            Purpose::Ask { request, answered } => self.asked(id, *request, answered, result, bytes),
            job => self.job_answered(&job, result),
        }
    }

    fn greeted(&mut self, ctrl: Option<&Ctrl>) {
        if let Some(hi) = ctrl.and_then(params::<HiParams>) {
            self.limits = hi.limits;
        }
    }

    fn asked(
        &mut self,
        id: &str,
        request: Request,
        answered: bool,
        result: Result<&Ctrl, ClientError>,
        bytes: usize,
    ) {
        if let (false, Ok(id)) = (answered, id.parse()) {
            self.answer(id, result.clone().cloned());
        }
        match result {
            Ok(ctrl) => self.effect(request, ctrl, bytes),
            Err(error) if error.err == "unauthenticated" && self.link.is_ready() => self.log_in(),
            Err(_) => {}
        }
    }

    /// Brings what the app's own request did into the model.
    pub(super) fn effect(&mut self, request: Request, ctrl: &Ctrl, bytes: usize) {
        if let Request::Get(get) = &request {
            return self.read(get, ctrl);
        }
        if matches!(request, Request::Acc(_)) {
            let changed =
                params::<AccountUpdated>(ctrl).is_some_and(|account| account.password_changed == Some(true));
            self.link.must_change_password &= !changed;
            return;
        }
        let mut mine = Mine::read(ctrl);
        mine.ts = mine.ts.or(Some(ctrl.ts).filter(|at| *at != Timestamp::default()));
        let Some(conv) = mine.conv else { return };
        let action = match &request {
            Request::Group(group) => group.action.as_deref(),
            _ => None,
        };
        if action == Some("leave") {
            return self.gone(conv);
        }
        let known = self.state.conversations.contains_key(&conv);
        if !known && matches!(request, Request::Dm(_) | Request::Group(_) | Request::Invite(_)) {
            return self.touch(conv);
        }
        if let Some(own) = mine.own {
            self.live_own(conv, own, mine.own_change(&request));
        }
        if let Some(rev) = mine.rev {
            self.live(conv, rev, Change::Mine(Box::new(request), Box::new(mine)), bytes);
        }
    }

    /// Keeps what the app has read, as far as the model has a place for it.
    fn read(&mut self, get: &GetRequest, ctrl: &Ctrl) {
        match get.what.as_deref() {
            Some("conversation") => {
                let reply = params::<ConversationParams>(ctrl);
                let known =
                    reply.filter(|reply| self.state.conversations.contains_key(&reply.conversation.id));
                if let Some(ConversationParams { conversation }) = known {
                    self.newer_view(conversation);
                }
            }
            Some("messages") => {
                let conv: Option<ConvId> = get.conv.as_ref().and_then(|conv| conv.parse().ok());
                let (Some(conv), Some(page)) = (conv, params::<MessagesParams>(ctrl)) else { return };
                let Some(known) = self.state.conversations.get_mut(&conv) else { return };
                known.merge(&page, continues(known, get));
                if page.rev < known.view.rev {
                    // The page was read before changes that were applied already: look at those again.
                    self.changes_from(conv, page.rev);
                }
            }
            _ => {}
        }
    }

    /// Requests that took too long.
    pub(super) fn tick_requests(&mut self) {
        let late = ClientError::local("timeout", "no answer in time");
        for (id, purpose) in self.pending.expired(self.now) {
            let late: Result<&Ctrl, ClientError> = Err(late.clone());
            match purpose {
                Late::Ask => self.answer(id, late.cloned()),
                Late::Own(Purpose::Hi | Purpose::Ping) => {}
                Late::Own(Purpose::Login(scheme)) => self.login_answered(scheme, late),
                Late::Own(Purpose::List) => self.list_answered(late),
                Late::Own(Purpose::Send { cid }) => self.send_answered(&cid, late, 0),
                Late::Own(job) => self.job_answered(&job, late),
            }
        }
        if self.pending.sent.len() > self.config.max_requests.saturating_mul(2) {
            self.reconnect(None, Duration::ZERO);
        }
    }
}

/// Whether a page of history continues what is in the model, so that there is nothing between.
fn continues(known: &Conversation, get: &GetRequest) -> bool {
    let before = match &get.before {
        Some(Scalar::Int(before)) => before.positive(),
        Some(Scalar::Text(_)) => return false,
        None => None,
    };
    get.after.is_none() && get.around.is_none() && before.is_none_or(|before| known.continues(before))
}
