//! `read`, `recv`, `clear`: move one of the user's marks.

use crate::engine::dispatch::Ctx;
use crate::error::{ErrorKind, Result};
use crate::policy::Access;
use crate::proto::{ConvId, Info, Json, MarkKind, MessageParams, OwnParams, Reply, Seq, ServerMsg, What};
use crate::seam::Marks;
use crate::session::Ephemeral;

impl Ctx {
    pub(in crate::engine) async fn mark(self, kind: MarkKind, conv: ConvId, seq: Seq) -> Result<Reply> {
        let marks = match kind {
            MarkKind::Read => Marks { read: Some(seq), ..Marks::default() },
            MarkKind::Recv => Marks { recv: Some(seq), ..Marks::default() },
            MarkKind::Clear => Marks { clear: Some(seq), ..Marks::default() },
        };
        let marked = self.inner.store.mark(self.user, conv, marks).await?.ok_or(ErrorKind::NotMember)?;
        let effective = match kind {
            MarkKind::Read => marked.read,
            MarkKind::Recv => marked.recv,
            MarkKind::Clear => marked.clear,
        };
        let at = self.inner.env.now();
        if marked.moved {
            let mut own = Info::new(What::Own, Some(conv), Some(self.user), at);
            own.own = Some(marked.own);
            own.content = Some(Json::from_value(&OwnParams::mark(kind, effective)));
            let but = self.origin.as_ref().map(|origin| origin.conn.as_ref());
            self.inner.hub.tell(self.user, &ServerMsg::Info(own), but);
            self.announce_mark(kind, conv, effective).await?;
        }
        Ok(Reply::ok(MessageParams {
            own: marked.moved.then_some(marked.own),
            ts: Some(at),
            ..MessageParams::new(conv, effective)
        }))
    }

    async fn announce_mark(&self, kind: MarkKind, conv: ConvId, seq: Seq) -> Result<()> {
        let (what, key) = match kind {
            MarkKind::Read => (What::Read, Ephemeral::Read(conv, self.user)),
            MarkKind::Recv => (What::Recv, Ephemeral::Recv(conv, self.user)),
            MarkKind::Clear => return Ok(()),
        };
        let Some(known) = self.inner.conversation(conv).await? else { return Ok(()) };
        let now = self.inner.env.now();
        let access = Access::of(Some(&known), self.user, now, &self.inner.limits)?;
        if access.not_blocked().is_err()
            || known.active_members().count() > self.inner.limits.max_presence_members
        {
            return Ok(());
        }
        let mut info = Info::new(what, Some(conv), Some(self.user), now);
        info.seq = Some(seq);
        let frame = ServerMsg::Info(info).encode();
        let but = self.origin.as_ref().map(|origin| origin.conn.as_ref());
        for (user, _) in known.active_members() {
            self.inner.hub.push_ephemeral(user, key, &frame, but);
        }
        Ok(())
    }
}
