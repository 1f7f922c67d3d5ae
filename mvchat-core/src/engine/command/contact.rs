//! `contact`, `get contacts` and `get online`: who knows whom.

use crate::builtin::keys::Context;
use crate::engine::dispatch::{Ctx, no_user};
use crate::engine::nodes::Hint;
use crate::error::Result;
use crate::policy;
use crate::proto::{ContactItem, ContactParams, ContactsParams, Json, OnlineParams, Reply, UserId};
use crate::seam::ContactSource;
use std::collections::{BTreeMap, BTreeSet};

impl Ctx {
    pub(in crate::engine) async fn add_contact(self, user: UserId) -> Result<Reply> {
        policy::may_add_contact(self.user, user)?;
        self.inner.move_in(user).await?;
        let people = self.inner.people(self.user, [user]).await?;
        if !people.shows(user) || !self.inner.may_meet(&people, user).await? {
            return Err(no_user());
        }
        let now = self.inner.env.now();
        let heard = self.inner.hear_of_each_other(self.user, user).await?;
        self.inner.store.add_contacts([self.user, user], ContactSource::Manual, now).await?;
        self.contacts_changed(user, heard).await;
        let public = self.inner.user_item(&people, user).public;
        Ok(Reply::ok(ContactParams { user, public: Some(public.unwrap_or_else(Json::null)), nickname: None }))
    }

    pub(in crate::engine) async fn remove_contact(self, user: UserId) -> Result<Reply> {
        let heard = self.inner.hear_of_each_other(self.user, user).await?;
        self.inner.store.remove_contacts([self.user, user]).await?;
        self.contacts_changed(user, heard).await;
        Ok(Reply::ok(ContactParams { user, public: None, nickname: None }))
    }

    /// Tells the two who hears of whom now.
    async fn contacts_changed(&self, other: UserId, heard: bool) {
        let user = self.user;
        self.inner.nodes.say(Hint::Contact { user, other, heard });
        if let Err(error) = self.inner.retell_contact(user, other, heard).await {
            tracing::debug!(%user, ?error, "what contacts see of each other could not be told");
        }
    }

    /// Who is no contact is answered like one who is: the answer tells nothing about users.
    pub(in crate::engine) async fn name_contact(
        self,
        user: UserId,
        nickname: Option<String>,
    ) -> Result<Reply> {
        let sealed = match &nickname {
            Some(nickname) => {
                let context = Context::Nickname { user: self.user.0, contact: user.0 };
                Some(self.inner.user_key(self.user).await?.seal(&context, nickname.as_bytes()).into())
            }
            None => None,
        };
        self.inner.store.name_contact(self.user, user, sealed).await?;
        Ok(Reply::ok(ContactParams { user, public: None, nickname: Some(nickname) }))
    }

    pub(in crate::engine) async fn get_contacts(self) -> Result<Reply> {
        let rows = self.inner.store.contacts(self.user).await?;
        let people = self.inner.people(self.user, rows.iter().map(|row| row.user)).await?;
        let mut nicknames = BTreeMap::new();
        for row in &rows {
            let Some(sealed) = &row.nickname else { continue };
            let context = Context::Nickname { user: self.user.0, contact: row.user.0 };
            let clear = self.inner.opened(self.user, &context, sealed, "nickname", |event| event).await?;
            let text = clear.and_then(|clear| String::from_utf8(clear).ok());
            nicknames.extend(text.map(|text| (row.user, text)));
        }
        let contacts = rows.into_iter().filter(|row| people.exists(row.user)).map(|row| {
            let item = self.inner.user_item(&people, row.user);
            ContactItem {
                user: row.user,
                source: row.source.as_str().to_owned(),
                created_at: row.created_at,
                nickname: nicknames.remove(&row.user),
                public: item.public,
                online: item.online,
                last_seen: item.last_seen,
                status: item.status,
            }
        });
        Ok(Reply::ok(ContactsParams { contacts: contacts.collect() }))
    }

    pub(in crate::engine) async fn get_online(self) -> Result<Reply> {
        let contacts = self.inner.store.contacts(self.user).await?;
        // No group has so few members, so these are the partners in direct conversations.
        let partners = self.inner.store.peers(self.user, 0).await?;
        let near: BTreeSet<_> = contacts.into_iter().map(|row| row.user).chain(partners).collect();
        let online: Vec<_> = near.into_iter().filter(|user| self.inner.is_online(*user)).collect();
        let people = self.inner.people(self.user, online.iter().copied()).await?;
        let users = online.into_iter().filter(|user| people.exists(*user) && people.sees_last_seen(*user));
        Ok(Reply::ok(OnlineParams { users: users.collect() }))
    }
}
