//! Short words for shared changes.

use crate::policy::{ConvSettings, Message, MessageBody, MessageState, Standing};
use crate::proto::{ConvId, MsgId, Role, Seq, UserId};
use crate::seam::{Amend, Append, Change, Committed, LogEvent, Op, Outcome, Revise};
use bytes::Bytes;

use super::bed::{Bed, done, print};

impl Bed {
    /// Makes a change on the epoch of now.
    pub(super) async fn change(&self, conv: ConvId, actor: UserId, op: Op) -> Change {
        let epoch = self.conv(conv).await.epoch;
        Change { conv, actor, epoch, warrant: None, at: self.now(), op }
    }

    /// Makes a new message without cid.
    pub(super) fn text(&self, from: UserId) -> Append {
        let id = MsgId(self.id());
        Append {
            id,
            from: Some(from),
            cid: None,
            content: Bytes::from(format!("content of {id}")),
            reply_to: None,
            view_once: None,
            expires_in: None,
            event: None,
            pace: None,
            mentions: Vec::new(),
        }
    }

    /// Makes a change that sends a message without cid.
    pub(super) async fn sending(&self, conv: ConvId, from: UserId) -> Change {
        self.change(conv, from, Op::Append(self.text(from))).await
    }

    /// Makes a change that sends a message with a cid.
    pub(super) async fn sending_as(&self, conv: ConvId, from: UserId, cid: &str, print: u8) -> Change {
        let append = Append { cid: Some((cid.to_owned(), self::print(print))), ..self.text(from) };
        self.change(conv, from, Op::Append(append)).await
    }

    pub(super) async fn commit(&self, change: Change) -> Outcome {
        let mut outcomes = self.store.commit(vec![change]).await.unwrap();
        assert_eq!(outcomes.len(), 1, "one change has one outcome");
        outcomes.remove(0)
    }

    /// Commits a change that must be carried out.
    pub(super) async fn done(&self, change: Change) -> Committed {
        done(self.commit(change).await)
    }

    pub(super) async fn send(&self, conv: ConvId, from: UserId) -> Message {
        self.done(self.sending(conv, from).await).await.message.expect("a send answers with its message")
    }

    /// Sends many messages in one batch.
    pub(super) async fn send_many(&self, conv: ConvId, from: UserId, count: usize) {
        let change = self.sending(conv, from).await;
        let batch =
            (0..count).map(|_| Change { op: Op::Append(self.text(from)), ..change.clone() }).collect();
        self.store.commit(batch).await.unwrap().into_iter().for_each(|outcome| drop(done(outcome)));
    }

    /// Makes a change of a message as its state is now.
    pub(super) async fn revising(&self, conv: ConvId, actor: UserId, seq: Seq, body: MessageBody) -> Change {
        let expect = self.store.message(actor, conv, seq).await.unwrap().expect("it can be seen").rev;
        let event = if body.state == MessageState::Live { LogEvent::Edited } else { LogEvent::Unsent };
        self.change(conv, actor, Op::Revise(Revise { seq, expect, body, event })).await
    }

    pub(super) async fn edit(&self, conv: ConvId, actor: UserId, seq: Seq, content: &str) -> Committed {
        let body = MessageBody::new(Bytes::from(content.to_owned()), Vec::new());
        self.done(self.revising(conv, actor, seq, body).await).await
    }

    pub(super) async fn unsend(&self, conv: ConvId, actor: UserId, seq: Seq) -> Committed {
        self.done(self.revising(conv, actor, seq, MessageBody::tombstone(MessageState::Unsent)).await).await
    }

    /// Makes a change of settings.
    pub(super) async fn setting_ttl(&self, conv: ConvId, actor: UserId, ttl: u32) -> Change {
        let settings = ConvSettings { ttl: Some(ttl), ..self.conv(conv).await.settings.clone() };
        let event = LogEvent::TtlSet(Some(ttl));
        let amend = Amend { settings: Some(settings), ..Amend::new(event) };
        self.change(conv, actor, Op::Amend(amend)).await
    }

    /// Sets a member's standing, as a plain member.
    pub(super) async fn stand(&self, conv: ConvId, user: UserId, standing: Standing) -> Committed {
        let event = match standing {
            Standing::Active => LogEvent::Joined(user),
            Standing::Left => LogEvent::Left(user),
            Standing::Kicked => LogEvent::Kicked(user),
            Standing::Banned => LogEvent::Banned(user),
        };
        let amend = Amend { members: vec![(user, Role::Member, standing)], ..Amend::new(event) };
        self.done(self.change(conv, user, Op::Amend(amend)).await).await
    }
}
