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
            let named = match self.inner.find_users(query, &except, most).await {
                Some(named) => named,
                None => {
                    let rows = self.inner.store.search_users(query, &except, most).await?;
                    rows.iter().map(|row| row.id).collect()
                }
            };
            let people = self.inner.people(self.user, named.iter().copied()).await?;
            let found = named.iter().filter(|user| people.shows(**user) && people.discovers(**user));
            users.extend(found.map(|user| self.inner.user_item(&people, *user)));
            except.extend(&named);
            if named.len() < most || users.len() == limit {
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
