//! `read`, `recv`, `clear`: move one of the user's marks.

use crate::engine::dispatch::Ctx;
use crate::error::{ErrorKind, Result};
use crate::proto::{ConvId, Info, Json, MarkKind, MessageParams, OwnParams, Reply, Seq, What};
use crate::seam::Marks;

impl Ctx {
    pub(in crate::engine) async fn mark(self, kind: MarkKind, conv: ConvId, seq: Seq) -> Result<Reply> {
        let at = self.inner.env.now();
        let marks = match kind {
            MarkKind::Read => Marks { read: Some(seq), at, ..Marks::default() },
            MarkKind::Recv => Marks { recv: Some(seq), ..Marks::default() },
            MarkKind::Clear => Marks { clear: Some(seq), ..Marks::default() },
        };
        let change = self.inner.store.mark(self.user, conv, marks);
        let marked = self.inner.privately(self.user, change).await?.ok_or(ErrorKind::NotMember)?;
        let effective = match kind {
            MarkKind::Read => marked.read,
            MarkKind::Recv => marked.recv,
            MarkKind::Clear => marked.clear,
        };
        self.inner.expiry.note(marked.due);
        if marked.moved {
            let mut own = Info::new(What::Own, Some(conv), Some(self.user), at);
            own.own = Some(marked.own);
            own.content = Some(Json::from_value(&OwnParams::mark(kind, effective)));
            let but = self.origin.as_ref().map(|origin| origin.conn.as_ref());
            self.inner.tell_own(self.user, own, but);
            let but = self.origin.map(|origin| origin.conn);
            // A hint to others: that it can't be given does not undo the mark.
            if let Err(error) = self.inner.announce_mark(self.user, conv, kind, effective, but).await {
                tracing::debug!(%conv, ?error, "a mark could not be announced");
            }
        }
        Ok(Reply::ok(MessageParams {
            own: marked.moved.then_some(marked.own),
            ts: Some(at),
            ..MessageParams::new(conv, effective)
        }))
    }
}
