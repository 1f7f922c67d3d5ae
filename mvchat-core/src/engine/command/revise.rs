//! `edit`, `unsend`, `delete`: a message becomes another, or disappears for one member.

use crate::engine::committer::{Decision, Settled};
use crate::engine::dispatch::{Ctx, no_message};
use crate::engine::fanout::Publish;
use crate::engine::view::message_context;
use crate::error::{ErrorKind, Result};
use crate::irido::Irido;
use crate::policy::{self, Access, EditVerdict, Message, MessageBody};
use crate::proto::{ConvId, EditMessage, Info, Json, MessageParams, Reply, Seq, What};
use crate::seam::{LogEvent, Op, Revise};
use bytes::Bytes;

impl Ctx {
    pub(in crate::engine) async fn edit(self, cmd: EditMessage) -> Result<Reply> {
        let content = Irido::parse(cmd.content.as_str(), &self.inner.rules)?;
        let message = self.message(cmd.conv, cmd.seq).await?;
        let key = self.inner.user_key(self.user).await?;
        let print = self.inner.keys.mac("edit", &[cmd.content.as_str().as_bytes()]);
        let cid = cmd.cid.map(|cid| (cid, print));
        let shown = Json::parse(content.raw()).map_err(|_| ErrorKind::Internal)?;
        let conv = cmd.conv;
        let decide = move |access: &Access<'_>, message: Option<&Message>| {
            let message = message.ok_or_else(no_message)?;
            if policy::may_edit(access, message, &content, cid.as_ref())? == EditVerdict::Replay {
                return Ok(Decision::Nothing);
            }
            let context = message_context(conv, message, message.body.edits + 1);
            let sealed = Bytes::from(key.seal(&context, content.raw().as_bytes()));
            let body =
                policy::edited(message, sealed, super::send::mentioned(&content), cid.clone(), access.now);
            Ok(revise(message, body, LogEvent::Edited, Some(shown.clone())))
        };
        let settled = self.commit(conv, Some((cmd.seq, message)), None, Box::new(decide)).await?;
        let mut params = MessageParams::new(conv, cmd.seq);
        match settled {
            Settled::Committed(committed, _) => {
                params.rev = Some(committed.rev);
                params.edited_at = committed.message.and_then(|message| message.body.edited_at);
            }
            Settled::Unchanged(message) => {
                params.replay = Some(true);
                params.edited_at = message.and_then(|message| message.body.edited_at);
            }
            Settled::Replay(_) => return Err(ErrorKind::Internal.into()),
        }
        Ok(Reply::ok(params))
    }

    pub(in crate::engine) async fn unsend(self, conv: ConvId, seq: Seq) -> Result<Reply> {
        let message = self.message(conv, seq).await?;
        self.erase(conv, seq, message, LogEvent::Unsent, policy::may_unsend).await
    }

    pub(in crate::engine) async fn delete_for_everyone(self, conv: ConvId, seq: Seq) -> Result<Reply> {
        let message = self.message(conv, seq).await?;
        self.erase(conv, seq, message, LogEvent::Deleted, policy::may_delete_for_everyone).await
    }

    /// Deletes one of the user's own messages for everyone, also one that the user has hidden or cleared.
    pub(in crate::engine) async fn delete_own(self, conv: ConvId, message: Message) -> Result<Reply> {
        let seq = message.seq;
        self.erase(conv, seq, Some(message), LogEvent::Deleted, policy::may_delete_for_everyone).await
    }

    async fn erase(
        self,
        conv: ConvId,
        seq: Seq,
        message: Option<Message>,
        event: LogEvent,
        may: fn(&Access<'_>, &Message) -> Result<Option<MessageBody>>,
    ) -> Result<Reply> {
        let inner = self.inner.clone();
        let decide = move |access: &Access<'_>, message: Option<&Message>| {
            let message = message.ok_or_else(no_message)?;
            Ok(match may(access, message)? {
                Some(body) => revise(message, body, event.clone(), None),
                None => Decision::Nothing,
            })
        };
        let settled = self.commit(conv, Some((seq, message)), None, Box::new(decide)).await?;
        let committed = settled.committed();
        Ok(Reply::ok(MessageParams {
            rev: committed.map(|committed| committed.rev),
            ts: Some(committed.map_or_else(|| inner.env.now(), |committed| committed.at)),
            ..MessageParams::new(conv, seq)
        }))
    }

    /// Hides a message from this user alone.
    pub(in crate::engine) async fn hide(self, conv: ConvId, seq: Seq) -> Result<Reply> {
        let change = self.inner.store.hide(self.user, conv, seq);
        let Some(counted) = self.inner.privately(self.user, change).await? else {
            // An outsider learns nothing about the conversation; a member that there is no such message.
            let known = self.inner.conversation(conv).await?;
            let now = self.inner.env.now();
            Access::of(known.as_deref(), self.user, now, &self.inner.limits)?;
            return Err(no_message());
        };
        let at = self.inner.env.now();
        // What was hidden before has no number of its own and is not announced again.
        let own = counted.moved.then_some(counted.own);
        if own.is_some() {
            let mut info = Info::new(What::Own, Some(conv), Some(self.user), at);
            info.own = own;
            info.hidden = Some(vec![seq]);
            let but = self.origin.as_ref().map(|origin| origin.conn.as_ref());
            self.inner.tell_own(self.user, info, but);
        }
        Ok(Reply::ok(MessageParams { own, ts: Some(at), ..MessageParams::new(conv, seq) }))
    }
}

/// The decision that a message becomes another.
pub(super) fn revise(
    message: &Message,
    body: MessageBody,
    event: LogEvent,
    content: Option<Json>,
) -> Decision {
    let op = Op::Revise(Revise { seq: message.seq, expect: message.rev, body, event: event.clone() });
    Decision::Commit(op, Publish::Notice { event, content })
}
