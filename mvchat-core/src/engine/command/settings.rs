//! `dm` and `group` settings: what one member keeps, and how long messages live.

use crate::builtin::keys::Context;
use crate::engine::committer::Decision;
use crate::engine::dispatch::Ctx;
use crate::engine::fanout::Publish;
use crate::engine::nodes::Hint;
use crate::error::{ErrorKind, Result};
use crate::policy::{self, Access, ConvSettings, Message};
use crate::proto::{
    ConvId, GroupParams, Info, Json, MemberSettings, OwnParams, Reply, RetentionContent, SettingsParams,
    TtlParams, What,
};
use crate::seam::{Amend, LogEvent, MemberPatch, Op};
use bytes::Bytes;

impl Ctx {
    pub(in crate::engine) async fn settings(self, conv: ConvId, settings: MemberSettings) -> Result<Reply> {
        let known = self.inner.conversation(conv).await?;
        let now = self.inner.env.now();
        let access = Access::of(known.as_deref(), self.user, now, &self.inner.limits)?;
        if settings.blocked.is_some() {
            policy::may_block(&access)?;
        }
        let private = match &settings.private {
            None => None,
            Some(private) if private.is_null() => Some(None),
            Some(private) => {
                let key = self.inner.user_key(self.user).await?;
                let context = Context::MemberPrivate { user: self.user.0, conv: conv.0 };
                Some(Some(Bytes::from(key.seal(&context, private.as_str().as_bytes()))))
            }
        };
        let patch = MemberPatch {
            favorite: settings.favorite,
            muted: settings.muted,
            archived: settings.archived,
            blocked: settings.blocked,
            private,
        };
        let mut params = SettingsParams {
            conv,
            favorite: settings.favorite,
            muted: settings.muted,
            archived: settings.archived,
            blocked: settings.blocked,
            private: settings.private.clone(),
            own: None,
        };
        if !settings.is_empty() {
            let change = self.inner.store.configure(self.user, conv, patch);
            let (counted, changed) =
                self.inner.privately(self.user, change).await?.ok_or(ErrorKind::NotMember)?;
            // A block that an earlier attempt wrote without saying so changes nothing now, but is not known here.
            let changed = match changed {
                None if settings.blocked.is_some() => {
                    self.inner.privately(self.user, self.inner.store.conversation(conv)).await?
                }
                changed => changed,
            };
            if let Some(changed) = changed {
                self.inner.convs.put(changed);
                self.inner.nodes.say(Hint::Conv(conv));
                self.inner.hub.sight_changed();
            }
            if !counted.moved {
                // The number is another change's: whoever took this for that one would miss it.
                return Ok(Reply::ok(params));
            }
            params.own = Some(counted.own);
            let mut info = Info::new(What::Own, Some(conv), Some(self.user), now);
            info.own = Some(counted.own);
            info.content = Some(Json::from_value(&OwnParams {
                favorite: settings.favorite,
                muted: settings.muted,
                archived: settings.archived,
                blocked: settings.blocked,
                private: settings.private,
                ..OwnParams::default()
            }));
            let but = self.origin.as_ref().map(|origin| origin.conn.as_ref());
            self.inner.tell_own(self.user, info, but);
        }
        Ok(Reply::ok(params))
    }

    pub(in crate::engine) async fn set_ttl(self, conv: ConvId, ttl: Option<u32>) -> Result<Reply> {
        let decide = move |access: &Access<'_>, _: Option<&Message>| {
            policy::may_set_ttl(access)?;
            Ok(amend_settings(access, LogEvent::TtlSet(ttl), None, |settings| settings.ttl = ttl))
        };
        let settled = self.commit(conv, None, None, Box::new(decide)).await?;
        let rev = settled.committed().map(|committed| committed.rev);
        Ok(Reply::ok(TtlParams { conv, disappearing_ttl: ttl, rev }))
    }
}

impl Ctx {
    pub(in crate::engine) async fn set_retention(
        self,
        conv: ConvId,
        retention: Option<u32>,
    ) -> Result<Reply> {
        let decide = move |access: &Access<'_>, _: Option<&Message>| {
            policy::may_set_ttl(access)?;
            Ok(amend_retention(access, retention))
        };
        let params = GroupParams { retention: Some(retention), ..GroupParams::new(conv) };
        self.amend(params, Box::new(decide)).await
    }
}

/// The decision how long messages are kept.
pub(super) fn amend_retention(access: &Access<'_>, retention: Option<u32>) -> Decision {
    let content = Some(Json::from_value(&RetentionContent { retention }));
    amend_settings(access, LogEvent::RetentionSet(retention), content, |it| it.retention = retention)
}

/// The decision to change shared settings; nothing if they are so already.
pub(super) fn amend_settings(
    access: &Access<'_>,
    event: LogEvent,
    content: Option<Json>,
    change: impl FnOnce(&mut ConvSettings),
) -> Decision {
    let mut settings = access.conv.settings.clone();
    change(&mut settings);
    if settings == access.conv.settings {
        return Decision::Nothing;
    }
    let amend = Amend { settings: Some(settings), ..Amend::new(event.clone()) };
    Decision::Commit(Op::Amend(amend), Publish::Notice { event, content })
}
