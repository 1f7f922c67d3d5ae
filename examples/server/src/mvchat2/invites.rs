//! Invites, whose codes mvChat2 keeps as they are.

use std::time::Duration;

use mvchat_core::{
    builtin::keys::Context,
    engine::{InviteDetails, email_hash, invite_code_hash, is_invite_code},
    proto::{InviteId, UserId},
    seam::{DumpPage, InviteRow, Item, StoreResult},
};
use uuid::Uuid;

use super::{
    Mvchat2,
    dump::{broken, paged},
    rows::Invite,
};

const INVITES: &str =
    "select to_jsonb(t)::text from invite_codes t where t.id > $1::uuid order by t.id limit $2::bigint";
/// For how long mvChat2 lets invites be used.
const LIFETIME: Duration = Duration::from_secs(7 * 86_400);

impl Mvchat2 {
    pub(super) async fn invites_page(
        &mut self,
        after: Option<String>,
        limit: usize,
    ) -> StoreResult<DumpPage> {
        let start = after.unwrap_or_else(|| Uuid::nil().to_string());
        let rows = self.rows::<Invite>(INVITES, &[&start, &limit.to_string()]).await?;
        let (count, last) = (rows.len(), rows.last().map(|row| row.id.to_string()));
        let mut items = Vec::new();
        for row in rows {
            items.extend(self.invite(row).await?.map(Item::Invite));
        }
        Ok(paged(items, count, limit, last))
    }

    async fn invite(&mut self, row: Invite) -> StoreResult<Option<InviteRow>> {
        if row.status.as_deref() == Some("revoked") {
            self.remark("invites that were taken back");
            return Ok(None);
        }
        let Some(inviter) = row.inviter_id.filter(|inviter| self.users.contains(inviter)) else {
            self.remark("invites of nobody");
            return Ok(None);
        };
        let code = row.code.filter(|code| is_invite_code(code));
        let email = row.email.map(|email| email.trim().to_lowercase()).filter(|email| !email.is_empty());
        let (Some(code), Some(email)) = (code, email) else {
            self.remark("invites without a code or an address that can be used: make them anew");
            return Ok(None);
        };
        let created_at = row.created_at.unwrap_or_default();
        let by = row.used_by.filter(|by| self.users.contains(by));
        let was_used = row.status.as_deref() == Some("used") || row.used_at.is_some();
        if was_used && by.is_none() {
            self.remark("invites that somebody used who is not known");
            return Ok(None);
        }
        // Without keys it is only looked at.
        let hashes = self.keys.as_ref().map(|keys| (invite_code_hash(keys, &code), email_hash(keys, &email)));
        let (hash, email_hash) = hashes.unwrap_or_default();
        let details = InviteDetails { code, email, name: row.invitee_name.filter(|name| !name.is_empty()) };
        let clear = serde_json::to_vec(&details).map_err(|error| broken(&error))?;
        let context = Context::Invite { user: inviter, invite: row.id };
        Ok(Some(InviteRow {
            id: InviteId(row.id),
            inviter: UserId(inviter),
            code: hash,
            email: email_hash,
            sealed: self.seal(&context, inviter, &clear).await?,
            created_at,
            expires_at: row.expires_at.unwrap_or(created_at + LIFETIME),
            used: by.filter(|_| was_used).map(|by| (UserId(by), row.used_at.unwrap_or(created_at))),
        }))
    }
}
