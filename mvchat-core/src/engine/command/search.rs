//! `search` and `get user`: find users.

use crate::engine::dispatch::{Ctx, no_user};
use crate::error::Result;
use crate::proto::{Reply, UserId, UserParams, UsersParams};

/// How often a search goes on because of users who don't want to be found.
const MAX_ROUNDS: usize = 8;

impl Ctx {
    pub(in crate::engine) async fn search(self, query: &str, limit: usize) -> Result<Reply> {
        let mut except = self.inner.store.blocked_with(self.user).await?;
        except.push(self.user);
        let mut users = Vec::new();
        for _ in 0..MAX_ROUNDS {
            let most = limit - users.len();
            let rows = self.inner.store.search_users(query, &except, most).await?;
            let people = self.inner.people(self.user, rows.iter().map(|row| row.id)).await?;
            let found = rows.iter().filter(|row| people.discovers(row.id));
            users.extend(found.map(|row| self.inner.user_item(&people, row.id)));
            except.extend(rows.iter().map(|row| row.id));
            if rows.len() < most || users.len() == limit {
                break;
            }
        }
        Ok(Reply::ok(UsersParams { users }))
    }

    pub(in crate::engine) async fn get_user(self, user: UserId) -> Result<Reply> {
        let people = self.inner.people(self.user, [user]).await?;
        if !people.shows(user) || !self.inner.may_meet(&people, user).await? {
            return Err(no_user());
        }
        Ok(Reply::ok(UserParams { user: self.inner.user_item(&people, user) }))
    }
}
