//! `send`: append a message and deliver it.

use crate::builtin::keys::Context;
use crate::engine::committer::{AsMember, Decide, Decision, Settled};
use crate::engine::dispatch::Ctx;
use crate::engine::fanout::Publish;
use crate::engine::view::mentions;
use crate::error::{ErrorKind, Result};
use crate::irido::Irido;
use crate::policy::{self, Print};
use crate::proto::{ConvId, Json, MessageParams, MsgId, Reply, SendMessage, Seq, UserId};
use crate::seam::{Append, Committed, Op, Sent};
use bytes::Bytes;

/// A message that was checked and sealed, to be decided on and written.
pub(in crate::engine) struct Sending {
    pub(in crate::engine) conv: ConvId,
    pub(in crate::engine) cid: Option<(String, Print)>,
    pub(in crate::engine) decide: AsMember,
    view_once: bool,
}

impl Ctx {
    pub(in crate::engine) async fn send(self, cmd: SendMessage) -> Result<Reply> {
        let Sending { conv, cid, decide, view_once } = self.prepare(cmd).await?;
        let settled = self.commit(conv, None, cid, Decide::Member(decide)).await?;
        let params = match settled {
            Settled::Committed(committed, reached) => MessageParams {
                delivered: (reached > 0).then_some(reached),
                queued: (reached == 0).then_some(true),
                ..sent(conv, &committed, view_once)
            },
            Settled::Replay(sent) => replayed(conv, sent, view_once),
            Settled::Unchanged(_) => return Err(ErrorKind::Internal.into()),
        };
        Ok(Reply::accepted(params))
    }

    /// Loads what the decision needs, and seals.
    pub(in crate::engine) async fn prepare(&self, cmd: SendMessage) -> Result<Sending> {
        let content = Irido::parse(cmd.content.as_str(), &self.inner.rules)?;
        let reply_to = cmd.reply_to.or(content.reply().map(Seq));
        let target = match reply_to {
            Some(seq) => self.message(cmd.conv, seq).await?,
            None => None,
        };
        let key = self.inner.user_key(self.user).await?;
        let id = MsgId(self.inner.env.uuid());
        let context = Context::Message { conv: cmd.conv.0, id: id.0, sender: self.user.0, revision: 0 };
        let options = match cmd.expires_in {
            None => format!("{reply_to:?} {:?}", cmd.view_once),
            Some(seconds) => format!("{reply_to:?} {:?} {seconds}", cmd.view_once),
        };
        let print = self.inner.keys.mac("send", &[cmd.content.as_str().as_bytes(), options.as_bytes()]);
        let append = Append {
            id,
            from: Some(self.user),
            cid: cmd.cid.map(|cid| (cid, print)),
            content: Bytes::from(key.seal(&context, content.raw().as_bytes())),
            reply_to,
            view_once: cmd.view_once,
            expires_in: cmd.expires_in,
            event: None,
            pace: None,
            mentions: mentioned(&content),
        };
        let (cid, view_once) = (append.cid.clone(), cmd.view_once.is_some());
        let shown = Json::parse(content.raw()).map_err(|_| ErrorKind::Internal)?;
        let decide = move |access: &policy::Access<'_>, _: Option<&policy::Message>| {
            policy::may_send(access, &content)?;
            if reply_to.is_some() {
                policy::may_answer(target.as_ref())?;
            }
            let publish = Publish::Message { content: shown.clone(), mentions: mentions(&content) };
            let pace = policy::slow_mode(access);
            Ok(Decision::Commit(Op::Append(Append { pace, ..append.clone() }), publish))
        };
        Ok(Sending { conv: cmd.conv, cid, decide: Box::new(decide), view_once })
    }
}

impl Sending {
    /// Returns what the sender learns of a message that was written.
    pub(in crate::engine) fn sent(&self, committed: &Committed) -> MessageParams {
        sent(self.conv, committed, self.view_once)
    }

    /// Returns what the sender learns of a message that had been written before.
    pub(in crate::engine) fn replayed(&self, sent: Sent) -> MessageParams {
        replayed(self.conv, sent, self.view_once)
    }
}

fn sent(conv: ConvId, committed: &Committed, view_once: bool) -> MessageParams {
    let seq = committed.message.as_ref().map_or(Seq(0), |message| message.seq);
    MessageParams {
        rev: Some(committed.rev),
        ts: Some(committed.at),
        view_once: view_once.then_some(true),
        ..MessageParams::new(conv, seq)
    }
}

fn replayed(conv: ConvId, sent: Sent, view_once: bool) -> MessageParams {
    MessageParams {
        rev: Some(sent.rev),
        ts: Some(sent.at),
        view_once: view_once.then_some(true),
        replay: Some(true),
        ..MessageParams::new(conv, sent.seq)
    }
}

/// Returns who is mentioned, each once.
pub(super) fn mentioned(content: &Irido) -> Vec<UserId> {
    let mut users: Vec<_> = content.mentions().iter().map(|mention| UserId(mention.user_id)).collect();
    users.sort_unstable();
    users.dedup();
    users
}
