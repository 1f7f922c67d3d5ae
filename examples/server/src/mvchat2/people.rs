//! Users, how they log in, and whom they know.

use mvchat_core::{
    builtin::keys::Context,
    engine::email_hash,
    proto::{Json, UserId},
    seam::{
        ContactRow, ContactSource, Credential, DumpPage, Item, SealedEmail, StoreResult, UserRow, UserState,
        fold,
    },
};
use uuid::Uuid;

use super::{
    Mvchat2,
    dump::{broken, paged},
    rows::{Auth, Contact, User},
};

const USERS: &str =
    "select to_jsonb(t)::text from users t where t.id > $1::uuid order by t.id limit $2::bigint";
const AUTH: &str =
    "select to_jsonb(t)::text from auth t where t.id > $1::uuid order by t.id limit $2::bigint";
/// Each pair in both directions, whichever rows there are.
const CONTACTS: &str = "select jsonb_build_object('owner', p.o, 'other', p.c, 'source', coalesce(a.source, b.source), \
     'nickname', a.nickname, 'created_at', least(a.created_at, b.created_at), 'there', a.user_id is not null, \
     'back', b.user_id is not null)::text from (select user_id as o, contact_id as c from contacts \
     union select contact_id, user_id from contacts) p left join contacts a on a.user_id = p.o and a.contact_id = p.c \
     left join contacts b on b.user_id = p.c and b.contact_id = p.o \
     where (p.o, p.c) > ($1::uuid, $2::uuid) order by p.o, p.c limit $3::bigint";

impl Mvchat2 {
    pub(super) async fn users_page(&mut self, after: Option<String>, limit: usize) -> StoreResult<DumpPage> {
        let start = after.unwrap_or_else(|| Uuid::nil().to_string());
        let rows = self.rows::<User>(USERS, &[&start, &limit.to_string()]).await?;
        let (count, last) = (rows.len(), rows.last().map(|row| row.id.to_string()));
        let mut items = Vec::new();
        for row in rows {
            items.push(Item::User(self.user(row).await?));
        }
        Ok(paged(items, count, limit, last))
    }

    async fn user(&mut self, row: User) -> StoreResult<UserRow> {
        let id = UserId(row.id);
        let mut user = UserRow::new(id, row.created_at.unwrap_or_default());
        user.state = match row.state.as_deref() {
            Some("suspended") => UserState::Suspended,
            Some("deleted") => UserState::Deleted,
            _ => UserState::Active,
        };
        if let Some(keys) = &self.keys {
            keys.create_user(row.id).await.map_err(|error| broken(&error))?;
        }
        if user.state == UserState::Deleted {
            self.remark("deleted users, without what they said of themselves");
            return Ok(user);
        }
        user.public =
            row.public.and_then(|public| Json::parse(public.get()).ok()).filter(|public| !public.is_null());
        user.lang = row.lang.filter(|lang| !lang.is_empty());
        user.last_seen = row.last_seen;
        user.must_change_password = row.must_change_password.unwrap_or(false);
        let Some(email) = row.email.map(|email| email.trim().to_owned()).filter(|email| !email.is_empty())
        else {
            return Ok(user);
        };
        if self.emails.get(&email.to_lowercase()) != Some(&row.id) {
            self.remark("e-mail addresses that another user has, in other capitals");
            return Ok(user);
        }
        if let Some(keys) = &self.keys {
            let sealed = self.seal(&Context::Email { user: row.id }, row.id, email.as_bytes()).await?;
            user.email = Some(SealedEmail { sealed, hash: Some(email_hash(keys, &email)) });
        }
        Ok(user)
    }

    pub(super) async fn names_page(&mut self, after: Option<String>, limit: usize) -> StoreResult<DumpPage> {
        let start = after.unwrap_or_else(|| Uuid::nil().to_string());
        let rows = self.rows::<Auth>(AUTH, &[&start, &limit.to_string()]).await?;
        let (count, last) = (rows.len(), rows.last().map(|row| row.id.to_string()));
        let mut items = Vec::new();
        for Auth { id, user_id, scheme, secret, uname, expires_at } in rows {
            let (Some(name), Some("basic")) = (uname, scheme.as_deref()) else {
                self.remark("ways to log in besides names and passwords");
                continue;
            };
            if !self.users.contains(&user_id) {
                self.remark("names of nobody");
                continue;
            }
            let folded = fold(&name);
            if self.names.get(&folded) != Some(&id) {
                self.remark("user names that another user has, in other capitals: give them new ones");
                continue;
            }
            if expires_at.is_some() {
                self.remark("passwords with a time at which they run out, which they do not here");
            }
            let secret = secret.unwrap_or_default();
            if !(secret.starts_with("$argon2") || secret.starts_with("$2")) {
                self.remark("passwords whose hashes can't be read: they have to be set anew");
            }
            let credential =
                Credential { user: UserId(user_id), scheme: "basic".to_owned(), name, folded, secret };
            items.push(Item::Credential(credential));
        }
        Ok(paged(items, count, limit, last))
    }

    pub(super) async fn contacts_page(
        &mut self,
        after: Option<String>,
        limit: usize,
    ) -> StoreResult<DumpPage> {
        let start = after.unwrap_or_else(|| format!("{0} {0}", Uuid::nil()));
        let (owner, other) = start.split_once(' ').unwrap_or_default();
        let rows = self.rows::<Contact>(CONTACTS, &[owner, other, &limit.to_string()]).await?;
        let (count, last) = (rows.len(), rows.last().map(|row| format!("{} {}", row.owner, row.other)));
        let mut items = Vec::new();
        for row in rows {
            if row.owner == row.other || !self.users.contains(&row.owner) || !self.users.contains(&row.other)
            {
                self.remark("contacts of nobody, or of oneself");
                continue;
            }
            let invited = row.source.as_deref() == Some("invite");
            let nickname = match row.nickname.filter(|name| !name.is_empty()) {
                Some(name) if self.keys.is_some() => {
                    let context = Context::Nickname { user: row.owner, contact: row.other };
                    Some(self.seal(&context, row.owner, name.as_bytes()).await?)
                }
                _ => None,
            };
            let contact = ContactRow {
                user: UserId(row.other),
                source: if invited { ContactSource::Invite } else { ContactSource::Manual },
                created_at: row.created_at.unwrap_or_default(),
                nickname,
                trusts: row.there || invited,
                trusted: row.back || invited,
            };
            items.push(Item::Contact(UserId(row.owner), contact));
        }
        Ok(paged(items, count, limit, last))
    }

    /// Seals with a user's key.
    ///
    /// # Errors
    /// If the key can't be had.
    pub(super) async fn seal(
        &self,
        context: &Context,
        user: Uuid,
        clear: &[u8],
    ) -> StoreResult<bytes::Bytes> {
        let Some(keys) = &self.keys else { return Ok(bytes::Bytes::new()) };
        let key = keys.user(user).await.map_err(|error| broken(&error))?;
        Ok(key.seal(context, clear).into())
    }
}
