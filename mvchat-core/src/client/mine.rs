//! What the client's own requests changed, as their answers say it.

use super::apply::OwnChange;
use crate::proto::{ConvId, Ctrl, Json, Own, OwnParams, Request, Rev, Role, Seq, UserId};
use crate::time::Timestamp;

crate::record! {
    /// The parameters of a success that the model cares about, of all kinds of requests at once.
    #[derive(Clone, Debug, Default)]
    pub(super) struct Mine {
        pub(super) conv: Option<ConvId>,
        pub(super) seq: Option<Seq>,
        pub(super) rev: Option<Rev>,
        pub(super) own: Option<Own>,
        pub(super) ts: Option<Timestamp>,
        pub(super) edited_at: Option<Timestamp>,
        pub(super) pinned_at: Option<Timestamp>,
        pub(super) emoji: Option<String>,
        pub(super) op: Option<String>,
        pub(super) role: Option<Role>,
        pub(super) no_screenshots: Option<bool>,
        #[serde(deserialize_with = "present")]
        pub(super) public: Option<Json>,
        #[serde(rename = "disappearingTTL", deserialize_with = "present")]
        pub(super) ttl: Option<Json>,
        #[serde(deserialize_with = "present")]
        pub(super) private: Option<Json>,
        favorite: Option<bool>,
        muted: Option<bool>,
        archived: Option<bool>,
        blocked: Option<bool>,
        user: Option<Json>,
    }
}

impl Mine {
    pub(super) fn read(ctrl: &Ctrl) -> Self {
        super::replies::params(ctrl).unwrap_or_default()
    }

    /// Whom the request was about, where the answer names just the id.
    pub(super) fn user(&self) -> Option<UserId> {
        self.user.as_ref().and_then(Json::read)
    }

    /// The new time to live, if the answer names one.
    pub(super) fn ttl(&self) -> Option<Option<u32>> {
        self.ttl.as_ref().and_then(Json::read)
    }

    /// What of the user's private state the request changed.
    pub(super) fn own_change(&self, request: &Request) -> OwnChange {
        let seq = self.seq;
        let mut params = OwnParams::default();
        let mut hidden = Vec::new();
        match request {
            Request::Read(_) => params.read_seq = seq,
            Request::Recv(_) => params.recv_seq = seq,
            Request::Clear(_) => params.clear_seq = seq,
            Request::Delete(_) => hidden.extend(seq),
            Request::Dm(_) | Request::Group(_) => {
                (params.favorite, params.muted) = (self.favorite, self.muted);
                (params.archived, params.blocked) = (self.archived, self.blocked);
                params.private = self.private.clone();
            }
            _ => {}
        }
        OwnChange { params, hidden }
    }
}
