//! `group` `ban`, `unban`, `mute`, `unmute`: keep order in a group.

use super::group::amend_members;
use crate::engine::committer::Decision;
use crate::engine::dispatch::Ctx;
use crate::engine::fanout::Publish;
use crate::error::Result;
use crate::policy::{self, Access, Message, Standing};
use crate::proto::{ConvId, GroupParams, Json, MutedContent, Reply, Role, UserId};
use crate::seam::{Amend, LogEvent, Op};
use crate::time::Timestamp;

impl Ctx {
    pub(in crate::engine) async fn ban(self, conv: ConvId, user: UserId) -> Result<Reply> {
        let decide = move |access: &Access<'_>, _: Option<&Message>| {
            policy::may_ban(access, user)?;
            let members = vec![(user, Role::Member, Standing::Banned)];
            Ok(amend_members(members, None, LogEvent::Banned(user), None))
        };
        let params = GroupParams { user: Some(user), ..GroupParams::new(conv) };
        self.amend(params, Box::new(decide)).await
    }

    /// The user is no member afterwards, but can be one again.
    pub(in crate::engine) async fn unban(self, conv: ConvId, user: UserId) -> Result<Reply> {
        let decide = move |access: &Access<'_>, _: Option<&Message>| {
            policy::may_unban(access, user)?;
            let members = vec![(user, Role::Member, Standing::Kicked)];
            Ok(amend_members(members, None, LogEvent::Unbanned(user), None))
        };
        let params = GroupParams { user: Some(user), ..GroupParams::new(conv) };
        self.amend(params, Box::new(decide)).await
    }

    pub(in crate::engine) async fn mute(
        self,
        conv: ConvId,
        user: UserId,
        until: Option<Timestamp>,
    ) -> Result<Reply> {
        let decide = move |access: &Access<'_>, _: Option<&Message>| {
            if !policy::may_mute(access, user, until)? {
                return Ok(Decision::Nothing);
            }
            let event = until.map_or(LogEvent::Unmuted(user), |until| LogEvent::Muted(user, until));
            let amend = Amend { muted: vec![(user, until)], ..Amend::new(event.clone()) };
            let content = Some(Json::from_value(&MutedContent { until }));
            Ok(Decision::Commit(Op::Amend(amend), Publish::Notice { event, content }))
        };
        let params = GroupParams { user: Some(user), until, ..GroupParams::new(conv) };
        self.amend(params, Box::new(decide)).await
    }
}
