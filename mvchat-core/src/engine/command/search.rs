//! `search` and `get user`: find users.

use crate::engine::dispatch::{Ctx, no_user};
use crate::error::Result;
use crate::proto::{Reply, UserId, UserParams, UsersParams};

impl Ctx {
    pub(in crate::engine) async fn search(self, query: &str, limit: usize) -> Result<Reply> {
        let mut except = self.inner.store.blocked_with(self.user).await?;
        except.push(self.user);
        let rows = self.inner.store.search_users(query, &except, limit).await?;
        let people = self.inner.people(self.user, rows.iter().map(|row| row.id)).await?;
        let users = rows.iter().map(|row| self.inner.user_item(&people, row.id)).collect();
        Ok(Reply::ok(UsersParams { users }))
    }

    pub(in crate::engine) async fn get_user(self, user: UserId) -> Result<Reply> {
        let people = self.inner.people(self.user, [user]).await?;
        if !people.shows(user) {
            return Err(no_user());
        }
        Ok(Reply::ok(UserParams { user: self.inner.user_item(&people, user) }))
    }
}
