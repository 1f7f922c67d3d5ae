//! Accounts and what opens them.

use crate::PgStore;
use crate::codes::Code;
use crate::error::{already_exists, internal, not_found};
use crate::rows::{bytes, get, limit, of_json, text, to_json};
use async_trait::async_trait;
use mvchat_core::proto::{SessionId, UserId};
use mvchat_core::seam::{
    Credential, EmailHash, NewUser, SealedEmail, SecretChange, SessionRow, StoreError, StoreErrorKind,
    StoreResult, UserPatch, UserRow, UserState, UserStore, fold,
};
use sqlx::postgres::PgRow;
use uuid::Uuid;

const CREATE: &str = "with made as (insert into @.users (id, state, name, must_change_password, private, email, email_hash, \
     row) values ($1, $2, $3, $4, $5, $6, $7, $8)), opened as (insert into @.credentials (scheme, folded, user_id, \
     name, secret) select $9, $10, $11, $12, $13 where $9::text is not null) \
     insert into @.sessions (id, user_id, used_at, expires_at, row) \
     select $14, $15, $16, $17, $18 where $14::uuid is not null";
const USERS: &str = "select u.id, u.state, u.must_change_password, u.private, u.email, u.row, u.version, u.email_hash \
     from @.users u where u.id = any($1)";
const CREDENTIAL: &str = "select c.user_id, c.scheme, c.name, c.folded, c.secret from @.credentials c \
     where c.scheme = $1 and c.folded = $2";
const CREDENTIAL_OF: &str = "select c.user_id, c.scheme, c.name, c.folded, c.secret from @.credentials c \
     where c.user_id = $1 and c.scheme = $2";
const UPDATE: &str = "select status from @.update_user($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";
const FORGET: &str = "delete from @.credentials c where c.user_id = $1 returning c.scheme";
const EMAIL_OWNER: &str = "select u.id from @.users u where u.email_hash = $1";
const SET_SECRET: &str = "with swapped as (update @.credentials c set secret = $4 \
     where c.user_id = $1 and c.scheme = $2 and c.secret = $3 returning c.user_id), \
     freed as (update @.users u set must_change_password = false, version = u.version + 1 \
     where u.id = $1 and $5 and exists (select from swapped)), \
     ended as (delete from @.sessions s where s.user_id = $1 and $5 and s.id is distinct from $6 \
     and exists (select from swapped) returning s.id) \
     select exists (select from swapped), \
     exists (select from @.credentials c where c.user_id = $1 and c.scheme = $2), \
     array(select e.id from ended e order by e.id)";
const SEARCH: &str = "select u.id, u.state, u.must_change_password, u.private, u.email, u.row, u.version, u.email_hash \
     from @.users u where u.state = 1 and u.name is not null and position($1 in u.name) > 0 and u.id <> all($2) \
     order by substring(u.name from 1 for 256), u.name, u.id limit $3";
pub(crate) const STATEMENTS: &[&str] =
    &[CREATE, USERS, CREDENTIAL, CREDENTIAL_OF, UPDATE, FORGET, EMAIL_OWNER, SET_SECRET, SEARCH];

#[async_trait]
impl UserStore for PgStore {
    async fn create_user(&self, new: NewUser) -> StoreResult<()> {
        let NewUser { user, credential, session } = new;
        let user = Written::of(user)?;
        let session = session.map(|row| to_json(&row).map(|text| (row, text))).transpose()?;
        let made = self.write(|| {
            let query = sqlx::query(self.sql(CREATE));
            let query = query.bind(user.id).bind(user.state).bind(&user.name).bind(user.must_change_password);
            let query = query.bind(&user.private).bind(&user.email).bind(&user.email_hash).bind(&user.row);
            let opens = credential.as_ref();
            let query = query
                .bind(opens.map(|opens| opens.scheme.clone()))
                .bind(opens.map(|opens| opens.folded.as_bytes().to_vec()))
                .bind(opens.map(|opens| opens.user.0))
                .bind(opens.map(|opens| opens.name.as_bytes().to_vec()))
                .bind(opens.map(|opens| opens.secret.as_bytes().to_vec()));
            let first = session.as_ref().map(|(row, _)| row);
            query
                .bind(first.map(|row: &SessionRow| row.id.0))
                .bind(first.map(|row| row.user.0))
                .bind(first.map(|row| row.used_at.as_micros()))
                .bind(first.map(|row| row.expires_at.as_micros()))
                .bind(session.as_ref().map(|(_, text)| text))
        });
        match made.await {
            Err(error) if error.kind() == StoreErrorKind::AlreadyExists => {
                Err(already_exists("the user, the name or the session exists"))
            }
            result => result.map(drop),
        }
    }

    async fn users(&self, ids: &[UserId]) -> StoreResult<Vec<Option<UserRow>>> {
        let wanted: Vec<Uuid> = ids.iter().map(|id| id.0).collect();
        let rows = self.read(|| sqlx::query(self.sql(USERS)).bind(&wanted[..])).await?;
        let known = rows.iter().map(|row| user(row).map(|(user, _)| (user.id, user)));
        let known = known.collect::<StoreResult<std::collections::BTreeMap<_, _>>>()?;
        Ok(ids.iter().map(|id| known.get(id).cloned()).collect())
    }

    async fn credential(&self, scheme: &str, folded: &str) -> StoreResult<Option<Credential>> {
        let folded = folded.as_bytes().to_vec();
        let rows = self.read(|| sqlx::query(self.sql(CREDENTIAL)).bind(scheme).bind(&folded)).await?;
        rows.first().map(credential).transpose()
    }

    async fn credential_of(&self, user: UserId, scheme: &str) -> StoreResult<Option<Credential>> {
        let rows = self.read(|| sqlx::query(self.sql(CREDENTIAL_OF)).bind(user.0).bind(scheme)).await?;
        rows.first().map(credential).transpose()
    }

    async fn update_user(&self, id: UserId, patch: UserPatch) -> StoreResult<UserRow> {
        loop {
            let rows = self.read(|| sqlx::query(self.sql(USERS)).bind(vec![id.0])).await?;
            let (mut row, version) = user(rows.first().ok_or_else(|| not_found("no such user"))?)?;
            let state = patch.state.unwrap_or(row.state);
            if row.state == UserState::Deleted && state != UserState::Deleted {
                return Err(StoreError::new(StoreErrorKind::Conflict, "the user is deleted"));
            }
            row.apply(patch.clone());
            let (new, name) = (Written::of(row.clone())?, patch.name.as_ref());
            let written = self.write_one(|| {
                let query = sqlx::query(self.sql(UPDATE)).bind(new.id).bind(version).bind(new.state);
                let query = query.bind(&new.name).bind(&new.private).bind(&new.email).bind(&new.email_hash);
                let query = query.bind(new.must_change_password).bind(&new.row);
                query
                    .bind(name.map(|name| name.scheme.clone()))
                    .bind(name.map(|name| name.name.as_bytes().to_vec()))
                    .bind(name.map(|name| name.folded.as_bytes().to_vec()))
            });
            let written = match written.await {
                Err(error) if error.kind() == StoreErrorKind::AlreadyExists => {
                    return Err(already_exists("the name or the address is taken"));
                }
                result => result?,
            };
            match get::<i16>(&written, 0)? {
                // Somebody else was faster, and every round has one who gets through.
                0 => {}
                1 => return Ok(row),
                _ => return Err(not_found("no such credential")),
            }
        }
    }

    async fn forget_credentials(&self, user: UserId) -> StoreResult<u64> {
        let forgotten = self.write(|| sqlx::query(self.sql(FORGET)).bind(user.0)).await?;
        Ok(forgotten.len() as u64)
    }

    async fn email_owner(&self, email: &EmailHash) -> StoreResult<Option<UserId>> {
        let rows = self.read(|| sqlx::query(self.sql(EMAIL_OWNER)).bind(email.to_vec())).await?;
        rows.first().map(|row| get(row, 0).map(UserId)).transpose()
    }

    async fn set_secret(&self, change: SecretChange) -> StoreResult<Vec<SessionId>> {
        let SecretChange { user, scheme, expect, secret, end_sessions, keep } = &change;
        let row = self
            .write_one(|| {
                sqlx::query(self.sql(SET_SECRET))
                    .bind(user.0)
                    .bind(scheme)
                    .bind(expect.as_bytes().to_vec())
                    .bind(secret.as_bytes().to_vec())
                    .bind(end_sessions)
                    .bind(keep.map(|keep| keep.0))
            })
            .await?;
        match (get(&row, 0)?, get(&row, 1)?) {
            (true, _) => Ok(get::<Vec<Uuid>>(&row, 2)?.into_iter().map(SessionId).collect()),
            (false, true) => Err(StoreError::new(StoreErrorKind::Conflict, "the secret is another")),
            (false, false) => Err(not_found("no such credential")),
        }
    }

    async fn search_users(&self, text: &str, except: &[UserId], most: usize) -> StoreResult<Vec<UserRow>> {
        let text = fold(text).into_bytes();
        let except: Vec<Uuid> = except.iter().map(|id| id.0).collect();
        let rows = self
            .read(|| sqlx::query(self.sql(SEARCH)).bind(&text).bind(&except[..]).bind(limit(most)))
            .await?;
        rows.iter().map(|row| user(row).map(|(user, _)| user)).collect()
    }
}

/// An account as it is written: what queries ask for has columns of its own.
pub(crate) struct Written {
    pub(crate) id: Uuid,
    pub(crate) state: i16,
    pub(crate) name: Option<Vec<u8>>,
    pub(crate) must_change_password: bool,
    pub(crate) private: Option<Vec<u8>>,
    pub(crate) email: Option<Vec<u8>>,
    pub(crate) email_hash: Option<Vec<u8>>,
    pub(crate) row: String,
}

impl Written {
    pub(crate) fn of(mut user: UserRow) -> StoreResult<Self> {
        let private = user.private.take().map(|private| private.to_vec());
        let email = user.email.take();
        Ok(Self {
            id: user.id.0,
            state: user.state.to_number()?,
            name: user.display_name().map(|name| fold(&name).into_bytes()),
            must_change_password: user.must_change_password,
            private,
            email_hash: email.as_ref().and_then(|email| email.hash).map(|hash| hash.to_vec()),
            email: email.map(|email| email.sealed.to_vec()),
            row: to_json(&user)?,
        })
    }
}

/// Reads an account with its version.
pub(crate) fn user(row: &PgRow) -> StoreResult<(UserRow, i64)> {
    let mut user: UserRow = of_json(get(row, 5)?)?;
    user.state = Code::of(get(row, 1)?)?;
    user.must_change_password = get(row, 2)?;
    user.private = bytes(row, 3)?;
    let hash = get::<Option<Vec<u8>>>(row, 7)?.map(TryInto::try_into).transpose();
    let hash = hash.map_err(|_| internal("a hash of another length"))?;
    user.email = bytes(row, 4)?.map(|sealed| SealedEmail { sealed, hash });
    Ok((user, get(row, 6)?))
}

pub(crate) fn credential(row: &PgRow) -> StoreResult<Credential> {
    let column = |index| text(row, index)?.ok_or_else(|| internal("a credential without its columns"));
    Ok(Credential {
        user: UserId(get(row, 0)?),
        scheme: get(row, 1)?,
        name: column(2)?,
        folded: column(3)?,
        secret: column(4)?,
    })
}
