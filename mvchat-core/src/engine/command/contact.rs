//! `contact` and `get contacts`: who knows whom.

use crate::engine::dispatch::{Ctx, no_user};
use crate::error::{Result, invalid};
use crate::proto::{ContactItem, ContactParams, ContactsParams, Json, Reply, UserId};
use crate::seam::ContactSource;

impl Ctx {
    pub(in crate::engine) async fn add_contact(self, user: UserId) -> Result<Reply> {
        if user == self.user {
            return Err(invalid("cannot add yourself as contact"));
        }
        let people = self.inner.people(self.user, [user]).await?;
        if !people.shows(user) {
            return Err(no_user());
        }
        let now = self.inner.env.now();
        self.inner.store.add_contacts([self.user, user], ContactSource::Manual, now).await?;
        let public = self.inner.user_item(&people, user).public;
        Ok(Reply::ok(ContactParams { user, public: Some(public.unwrap_or_else(Json::null)), nickname: None }))
    }

    pub(in crate::engine) async fn remove_contact(self, user: UserId) -> Result<Reply> {
        self.inner.store.remove_contacts([self.user, user]).await?;
        Ok(Reply::ok(ContactParams { user, public: None, nickname: None }))
    }

    /// Who is no contact is answered like one who is: the answer tells nothing about users.
    pub(in crate::engine) async fn name_contact(
        self,
        user: UserId,
        nickname: Option<String>,
    ) -> Result<Reply> {
        self.inner.store.name_contact(self.user, user, nickname.clone()).await?;
        Ok(Reply::ok(ContactParams { user, public: None, nickname: Some(nickname) }))
    }

    pub(in crate::engine) async fn get_contacts(self) -> Result<Reply> {
        let rows = self.inner.store.contacts(self.user).await?;
        let people = self.inner.people(self.user, rows.iter().map(|row| row.user)).await?;
        let contacts = rows.into_iter().filter(|row| people.exists(row.user)).map(|row| {
            let item = self.inner.user_item(&people, row.user);
            ContactItem {
                user: row.user,
                source: row.source.as_str().to_owned(),
                created_at: row.created_at,
                nickname: row.nickname,
                public: item.public,
                online: item.online,
                last_seen: item.last_seen,
            }
        });
        Ok(Reply::ok(ContactsParams { contacts: contacts.collect() }))
    }
}
