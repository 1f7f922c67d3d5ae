//! `group` `link` and `join`: let in whoever has a link.

use crate::engine::committer::{AsAnyone, Decide, Decision};
use crate::engine::dispatch::Ctx;
use crate::engine::fanout::Publish;
use crate::error::{Error, ErrorKind, Result};
use crate::policy::{self, Access, Conversation, Standing};
use crate::proto::{ConvId, GroupParams, Json, LinkParams, LinksParams, Password, Reply, Role};
use crate::seam::{Amend, LinkRow, LogEvent, Op};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::time::Duration;

/// The entropy of a code, in bytes: enough that nobody guesses one.
const CODE: usize = 16;

fn invalid_link() -> Error {
    Error::new(ErrorKind::NotFound, "invalid link")
}

impl Ctx {
    pub(in crate::engine) async fn create_link(
        self,
        conv: ConvId,
        expires_in: Option<u32>,
        max_uses: Option<u32>,
    ) -> Result<Reply> {
        self.may_link(conv).await?;
        policy::may_add_link(self.inner.store.links_of(conv).await?.len())?;
        let mut code = [0; CODE];
        self.inner.env.fill(&mut code);
        let created_at = self.inner.env.now();
        let row = LinkRow {
            code: URL_SAFE_NO_PAD.encode(code),
            conv,
            by: self.user,
            created_at,
            expires_at: expires_in.map(|seconds| created_at + Duration::from_secs(seconds.into())),
            max_uses,
            uses: 0,
        };
        self.inner.store.create_link(row.clone()).await?;
        Ok(Reply::ok(link_params(row)))
    }

    pub(in crate::engine) async fn revoke_link(self, conv: ConvId, code: &Password) -> Result<Reply> {
        self.may_link(conv).await?;
        if !self.inner.store.revoke_link(conv, &code.0).await? {
            return Err(invalid_link());
        }
        Ok(Reply::ok(GroupParams::new(conv)))
    }

    /// Shows the links that still open the group.
    pub(in crate::engine) async fn list_links(self, conv: ConvId) -> Result<Reply> {
        self.may_link(conv).await?;
        let now = self.inner.env.now();
        let links = self.inner.store.links_of(conv).await?.into_iter().filter(|link| link.opens(now));
        Ok(Reply::ok(LinksParams { conv, links: links.map(link_params).collect() }))
    }

    /// Whoever has no right to know of the group learns nothing but that the link is not valid.
    pub(in crate::engine) async fn join(self, code: Password) -> Result<Reply> {
        let now = self.inner.env.now();
        let link = self.inner.store.link(&code.0).await?.ok_or_else(invalid_link)?;
        let conv = link.conv;
        let known = self.inner.conversation(conv).await?.ok_or_else(invalid_link)?;
        if !link.opens(now) && known.active(self.user).is_none() {
            return Err(invalid_link());
        }
        let (user, limits) = (self.user, self.inner.limits.clone());
        let public = Some(known.settings.public.clone().unwrap_or_else(Json::null));
        let decide: AsAnyone = Box::new(move |conv: &Conversation| {
            if !policy::may_join(conv, user, &limits)? {
                return Ok(Decision::Nothing);
            }
            let event = LogEvent::Joined(user);
            let members = vec![(user, Role::Member, Standing::Active)];
            let (link, max_conversations) = (Some(code.0.clone()), Some(limits.max_conversations));
            let amend = Amend { members, link, max_conversations, ..Amend::new(event.clone()) };
            Ok(Decision::Commit(Op::Amend(amend), Publish::Notice { event, content: None }))
        });
        let params = GroupParams { public, ..GroupParams::new(conv) };
        self.amend(params, Decide::Anyone(decide)).await.map_err(|error| match error.kind() {
            // The store found the link used up or revoked.
            ErrorKind::NotFound => invalid_link(),
            _ => error,
        })
    }

    async fn may_link(&self, conv: ConvId) -> Result<()> {
        let known = self.inner.store.conversation(conv).await?;
        let now = self.inner.env.now();
        policy::may_link(&Access::of(known.as_deref(), self.user, now, &self.inner.limits)?)
    }
}

fn link_params(row: LinkRow) -> LinkParams {
    let LinkRow { code, conv, by, created_at, expires_at, max_uses, uses } = row;
    LinkParams { conv, code, expires_at, max_uses, uses, by, created_at }
}
