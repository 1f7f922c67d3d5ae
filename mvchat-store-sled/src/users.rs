//! Accounts and the credentials that open them.

use crate::SledStore;
use crate::batch::Batch;
use crate::error::{already_exists, not_found};
use crate::keys::{CREDENTIAL, CREDENTIAL_OF, Key, NAME, USER, last_id};
use crate::read::Rows;
use crate::sessions::{end_sessions, put_session};
use async_trait::async_trait;
use mvchat_core::proto::{SessionId, UserId};
use mvchat_core::seam::{
    Credential, NewUser, SecretChange, StoreError, StoreErrorKind, StoreResult, UserPatch, UserRow,
    UserState, UserStore, fold,
};
use std::collections::{BTreeSet, HashSet};

#[async_trait]
impl UserStore for SledStore {
    async fn create_user(&self, new: NewUser) -> StoreResult<()> {
        self.write(move |batch| create_user(batch, &new)).await
    }

    async fn users(&self, ids: &[UserId]) -> StoreResult<Vec<Option<UserRow>>> {
        let ids = ids.to_vec();
        self.read(move |rows| ids.iter().map(|id| rows.row(&Key::user(USER, *id))).collect()).await
    }

    async fn credential(&self, scheme: &str, folded: &str) -> StoreResult<Option<Credential>> {
        let key = credential_key(scheme, folded);
        self.read(move |rows| rows.row(&key)).await
    }

    async fn credential_of(&self, user: UserId, scheme: &str) -> StoreResult<Option<Credential>> {
        let scheme = scheme.to_owned();
        self.read(move |rows| credential_of(rows, user, &scheme)).await
    }

    async fn update_user(&self, user: UserId, patch: UserPatch) -> StoreResult<UserRow> {
        self.write(move |batch| {
            let mut row: UserRow =
                batch.row(&Key::user(USER, user))?.ok_or_else(|| not_found("no such user"))?;
            apply(&mut row, patch);
            put_user(batch, &row)?;
            Ok(row)
        })
        .await
    }

    async fn set_secret(&self, change: SecretChange) -> StoreResult<Vec<SessionId>> {
        self.write(move |batch| set_secret(batch, change)).await
    }

    async fn search_users(&self, text: &str, except: &[UserId], limit: usize) -> StoreResult<Vec<UserRow>> {
        let text = fold(text);
        let except: HashSet<UserId> = except.iter().copied().collect();
        self.read(move |rows| search(rows, &text, &except, limit)).await
    }
}

fn create_user(batch: &mut Batch, new: &NewUser) -> StoreResult<()> {
    if batch.has(&Key::user(USER, new.user.id))? {
        return Err(already_exists("the user exists"));
    }
    if let Some(credential) = &new.credential {
        let key = credential_key(&credential.scheme, &credential.folded);
        if batch.has(&key)? {
            return Err(already_exists("the name is taken"));
        }
        batch.put(&key, credential)?;
        batch.put(&Key::user(CREDENTIAL_OF, credential.user).text(&credential.scheme), &credential.folded)?;
    }
    if let Some(session) = &new.session {
        put_session(batch, session)?;
    }
    put_user(batch, &new.user)
}

/// Writes an account and the name under which it is found.
fn put_user(batch: &mut Batch, row: &UserRow) -> StoreResult<()> {
    let name = row.display_name().filter(|_| row.state == UserState::Active);
    match name {
        Some(name) => batch.put(&Key::user(NAME, row.id), &fold(&name))?,
        None => batch.remove(&Key::user(NAME, row.id))?,
    }
    batch.put(&Key::user(USER, row.id), row)
}

fn apply(row: &mut UserRow, patch: UserPatch) {
    if let Some(public) = patch.public {
        row.public = Some(public).filter(|public| !public.is_null());
    }
    if let Some(private) = patch.private {
        row.private = private;
    }
    if let Some(email) = patch.email {
        row.email = email;
    }
    if patch.lang.is_some() {
        row.lang = patch.lang;
    }
    // `None` comes before every time.
    row.last_seen = row.last_seen.max(patch.last_seen);
    row.state = patch.state.unwrap_or(row.state);
    row.privacy = row.privacy.patched(patch.privacy);
}

fn credential_key(scheme: &str, folded: &str) -> Key {
    Key::of(CREDENTIAL).text(scheme).text(folded)
}

fn credential_of(rows: &impl Rows, user: UserId, scheme: &str) -> StoreResult<Option<Credential>> {
    let folded: Option<String> = rows.row(&Key::user(CREDENTIAL_OF, user).text(scheme))?;
    folded.map_or(Ok(None), |folded| rows.row(&credential_key(scheme, &folded)))
}

fn set_secret(batch: &mut Batch, change: SecretChange) -> StoreResult<Vec<SessionId>> {
    let SecretChange { user, scheme, expect, secret, end_sessions: ends, keep } = change;
    let credential = credential_of(batch, user, &scheme)?;
    let mut credential = credential.ok_or_else(|| not_found("no such credential"))?;
    if credential.secret != expect {
        return Err(StoreError::new(StoreErrorKind::Conflict, "the secret is another"));
    }
    credential.secret = secret;
    batch.put(&credential_key(&scheme, &credential.folded), &credential)?;
    if !ends {
        return Ok(Vec::new());
    }
    if let Some(mut row) = batch.row::<UserRow>(&Key::user(USER, user))? {
        row.must_change_password = false;
        put_user(batch, &row)?;
    }
    end_sessions(batch, user, |id| Some(id) != keep)
}

/// Walks the names only, keeps the first `limit` of those that match, and then reads those accounts.
fn search(rows: &impl Rows, text: &str, except: &HashSet<UserId>, limit: usize) -> StoreResult<Vec<UserRow>> {
    let mut found = BTreeSet::new();
    for item in rows.up(Key::of(NAME).all()) {
        let (key, stored) = item?;
        let user = UserId(last_id(&key));
        let name: String = rows.decoded(&key, &stored)?;
        if name.contains(text) && !except.contains(&user) {
            found.insert((name, user));
            if found.len() > limit {
                found.pop_last();
            }
        }
    }
    let rows = found.into_iter().map(|(_, user)| rows.row(&Key::user(USER, user)));
    rows.filter_map(Result::transpose).collect()
}
