//! `group`: make groups and manage who is in them.

use super::settings::{amend_retention, amend_settings};
use crate::engine::committer::{Decide, Decision, Settled};
use crate::engine::dispatch::{Ctx, no_user};
use crate::engine::fanout::Publish;
use crate::error::{ErrorKind, Result};
use crate::policy::{self, Access, ConvKind, ConvSettings, Message, Standing};
use crate::proto::{
    ConvCreated, ConvId, GroupParams, GroupUpdate, JoinableContent, Json, Reply, Rev, Role, RoleContent,
    SlowModeContent, SystemMessagesContent, UserId,
};
use crate::seam::{Amend, LogEvent, NewConversation, Op};
use std::collections::BTreeMap;

impl Ctx {
    pub(in crate::engine) async fn create_group(
        self,
        public: Option<Json>,
        cid: Option<String>,
    ) -> Result<Reply> {
        let public = public.filter(|public| !public.is_null());
        let new = NewConversation {
            id: ConvId(self.inner.env.uuid()),
            kind: ConvKind::Group,
            members: BTreeMap::from([(self.user, Role::Owner)]),
            owner: Some(self.user),
            cid,
            settings: ConvSettings { public: public.clone(), ..ConvSettings::default() },
            max_per_user: Some(self.inner.limits.max_conversations),
            at: self.inner.env.now(),
        };
        let (conv, created) = self.inner.create(new, self.user, self.origin.clone()).await?;
        let replay = (!created).then_some(true);
        // Who has left since sees what the request said, not what became of it.
        let shown = conv.active(self.user).map_or(public, |_| conv.settings.public.clone());
        Ok(Reply::created(ConvCreated { conv: conv.id, public: shown, rev: Rev(0), replay }))
    }

    pub(in crate::engine) async fn invite(self, conv: ConvId, user: UserId) -> Result<Reply> {
        let known = self.inner.conversation(conv).await?;
        let now = self.inner.env.now();
        let access = Access::of(known.as_deref(), self.user, now, &self.inner.limits)?;
        match policy::may_invite(&access, user) {
            // That the group is full comes after what is said of the user, below.
            Err(error) if error.kind() != ErrorKind::GroupFull => return Err(error),
            _ => {}
        }
        self.inner.move_in(user).await?;
        let row = self.inner.shown_users(&[user]).await?.into_iter().flatten().next();
        let row = row.filter(|row| row.state.is_active()).ok_or_else(no_user)?;
        if self.inner.store.blocked_with(self.user).await?.contains(&user) {
            return Err(no_user());
        }
        let decide = move |access: &Access<'_>, _: Option<&Message>| {
            if !policy::may_invite(access, user)? {
                return Ok(Decision::Nothing);
            }
            let event = LogEvent::Joined(user);
            let members = vec![(user, Role::Member, Standing::Active)];
            let max_conversations = Some(access.limits.max_conversations);
            let amend = Amend { members, max_conversations, ..Amend::new(event.clone()) };
            Ok(Decision::Commit(Op::Amend(amend), Publish::Notice { event, content: None }))
        };
        let public = Some(row.public.unwrap_or_else(Json::null));
        let params = GroupParams { user: Some(user), public, ..GroupParams::new(conv) };
        self.amend(params, Box::new(decide)).await
    }

    pub(in crate::engine) async fn leave(self, conv: ConvId) -> Result<Reply> {
        let user = self.user;
        let decide = move |access: &Access<'_>, _: Option<&Message>| {
            policy::may_leave(access)?;
            let members = vec![(user, access.me.role, Standing::Left)];
            Ok(amend_members(members, None, LogEvent::Left(user), None))
        };
        self.amend(GroupParams::new(conv), Box::new(decide)).await
    }

    /// Ends a group: everybody is out, and what it held is erased.
    pub(in crate::engine) async fn delete_group(self, conv: ConvId) -> Result<Reply> {
        let decide = move |access: &Access<'_>, _: Option<&Message>| {
            policy::may_end(access)?;
            let event = LogEvent::Ended;
            Ok(Decision::Commit(Op::Close(event.clone()), Publish::Notice { event, content: None }))
        };
        let inner = self.inner.clone();
        let reply = self.amend(GroupParams::new(conv), Box::new(decide)).await;
        // What it held is erased from now on, not only at the next round.
        inner.expiry.note(Some(inner.env.now()));
        reply
    }

    pub(in crate::engine) async fn kick(self, conv: ConvId, user: UserId) -> Result<Reply> {
        let decide = move |access: &Access<'_>, _: Option<&Message>| {
            policy::may_kick(access, user)?;
            let members = vec![(user, Role::Member, Standing::Kicked)];
            Ok(amend_members(members, None, LogEvent::Kicked(user), None))
        };
        let params = GroupParams { user: Some(user), ..GroupParams::new(conv) };
        self.amend(params, Box::new(decide)).await
    }

    pub(in crate::engine) async fn set_role(self, conv: ConvId, user: UserId, role: Role) -> Result<Reply> {
        let decide = move |access: &Access<'_>, _: Option<&Message>| {
            if !policy::may_set_role(access, user, role)? {
                return Ok(Decision::Nothing);
            }
            let content = Some(Json::from_value(&RoleContent { role }));
            let members = vec![(user, role, Standing::Active)];
            Ok(amend_members(members, None, LogEvent::RoleSet(user, role), content))
        };
        let params = GroupParams { user: Some(user), role: Some(role), ..GroupParams::new(conv) };
        self.amend(params, Box::new(decide)).await
    }

    pub(in crate::engine) async fn transfer(self, conv: ConvId, user: UserId) -> Result<Reply> {
        let owner = self.user;
        let decide = move |access: &Access<'_>, _: Option<&Message>| {
            if !policy::may_transfer(access, user)? {
                return Ok(Decision::Nothing);
            }
            let members = vec![(owner, Role::Admin, Standing::Active), (user, Role::Owner, Standing::Active)];
            Ok(amend_members(members, Some(user), LogEvent::OwnerSet(user), None))
        };
        let params = GroupParams { user: Some(user), ..GroupParams::new(conv) };
        self.amend(params, Box::new(decide)).await
    }

    pub(in crate::engine) async fn update_group(self, conv: ConvId, update: GroupUpdate) -> Result<Reply> {
        let mut params = GroupParams::new(conv);
        match &update {
            GroupUpdate::Ttl(ttl) => params.disappearing_ttl = Some(*ttl),
            GroupUpdate::NoScreenshots(on) => params.no_screenshots = Some(*on),
            GroupUpdate::SlowMode(seconds) => params.slow_mode = Some(*seconds),
            GroupUpdate::Joinable(on) => params.joinable = Some(*on),
            GroupUpdate::Retention(retention) => params.retention = Some(*retention),
            GroupUpdate::SystemMessages(on) => params.system_messages = Some(*on),
            GroupUpdate::Public(public) => {
                params.public = Some(public.clone().unwrap_or_else(Json::null));
            }
        }
        let shown = params.public.clone();
        let decide = move |access: &Access<'_>, _: Option<&Message>| {
            policy::may_update(access)?;
            Ok(match update.clone() {
                GroupUpdate::Ttl(ttl) => {
                    amend_settings(access, LogEvent::TtlSet(ttl), None, |it| it.ttl = ttl)
                }
                GroupUpdate::NoScreenshots(on) => {
                    amend_settings(access, LogEvent::NoScreenshotsSet(on), None, |it| it.no_screenshots = on)
                }
                GroupUpdate::SlowMode(seconds) => {
                    let content = Some(Json::from_value(&SlowModeContent { slow_mode: seconds }));
                    let event = LogEvent::SlowModeSet(seconds);
                    amend_settings(access, event, content, |it| it.slow_mode = seconds)
                }
                GroupUpdate::Joinable(on) => {
                    let content = Some(Json::from_value(&JoinableContent { joinable: on }));
                    amend_settings(access, LogEvent::JoinableSet(on), content, |it| it.closed = !on)
                }
                GroupUpdate::Retention(retention) => amend_retention(access, retention),
                GroupUpdate::SystemMessages(on) => {
                    let content = Some(Json::from_value(&SystemMessagesContent { system_messages: on }));
                    let event = LogEvent::SystemMessagesSet(on);
                    amend_settings(access, event, content, |it| it.system_messages = on)
                }
                GroupUpdate::Public(public) => {
                    let public = public.filter(|public| !public.is_null());
                    amend_settings(access, LogEvent::ProfileSet, shown.clone(), |it| it.public = public)
                }
            })
        };
        self.amend(params, Box::new(decide)).await
    }

    pub(super) async fn amend(self, mut params: GroupParams, decide: impl Into<Decide>) -> Result<Reply> {
        let inner = self.inner.clone();
        match self.commit(params.conv, None, None, decide).await? {
            Settled::Committed(committed, _) => {
                params.rev = Some(committed.rev);
                params.ts = Some(committed.at);
            }
            Settled::Unchanged(_) => params.ts = Some(inner.env.now()),
            Settled::Replay(_) => return Err(ErrorKind::Internal.into()),
        }
        Ok(Reply::ok(params))
    }
}

pub(super) fn amend_members(
    members: Vec<(UserId, Role, Standing)>,
    owner: Option<UserId>,
    event: LogEvent,
    content: Option<Json>,
) -> Decision {
    let amend = Amend { owner, members, ..Amend::new(event.clone()) };
    Decision::Commit(Op::Amend(amend), Publish::Notice { event, content })
}
