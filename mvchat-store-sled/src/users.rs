//! Accounts and the credentials that open them.

use crate::SledStore;
use crate::batch::Batch;
use crate::error::{already_exists, not_found};
use crate::keys::{CREDENTIAL, CREDENTIAL_OF, EMAIL, Key, NAME, USER, last_id};
use crate::read::Rows;
use crate::sessions::{end_sessions, put_session};
use async_trait::async_trait;
use mvchat_core::proto::{SessionId, UserId};
use mvchat_core::seam::{
    Credential, EmailHash, NewName, NewUser, SealedEmail, SecretChange, StoreError, StoreErrorKind,
    StoreResult, UserPatch, UserRow, UserState, UserStore, fold,
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
        self.write(move |batch| update_user(batch, user, patch)).await
    }

    async fn set_secret(&self, change: SecretChange) -> StoreResult<Vec<SessionId>> {
        self.write(move |batch| set_secret(batch, change)).await
    }

    async fn forget_credentials(&self, user: UserId) -> StoreResult<u64> {
        self.write(move |batch| forget_credentials(batch, user)).await
    }

    async fn email_owner(&self, email: &EmailHash) -> StoreResult<Option<UserId>> {
        let key = Key::of(EMAIL).hash(email);
        self.read(move |rows| rows.row(&key)).await
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
    own_address(batch, new.user.id, None, new.user.email.as_ref())?;
    if let Some(session) = &new.session {
        put_session(batch, session)?;
    }
    put_user(batch, &new.user)
}

/// A failed write leaves nothing behind, so what is checked late may be written early.
fn update_user(batch: &mut Batch, user: UserId, mut patch: UserPatch) -> StoreResult<UserRow> {
    let row: Option<UserRow> = batch.row(&Key::user(USER, user))?;
    let mut row = row.ok_or_else(|| not_found("no such user"))?;
    let state = patch.state.unwrap_or(row.state);
    if row.state == UserState::Deleted && state != UserState::Deleted {
        return Err(StoreError::new(StoreErrorKind::Conflict, "the user is deleted"));
    }
    if let Some(email) = &patch.email {
        own_address(batch, user, row.email.as_ref(), email.as_ref())?;
    }
    if let Some(name) = patch.name.take() {
        rename(batch, user, name)?;
    }
    if state != row.state && state != UserState::Active {
        end_sessions(batch, user, |_| true)?;
    }
    if state != row.state && state == UserState::Deleted {
        forget_secrets(batch, user)?;
    }
    row.apply(patch);
    put_user(batch, &row)?;
    Ok(row)
}

/// Moves a user from one address to another in the index of addresses.
fn own_address(
    batch: &mut Batch,
    user: UserId,
    before: Option<&SealedEmail>,
    after: Option<&SealedEmail>,
) -> StoreResult<()> {
    let key = |email: Option<&SealedEmail>| Some(Key::of(EMAIL).hash(email?.hash.as_ref()?));
    let (before, after) = (key(before), key(after));
    if before == after {
        return Ok(());
    }
    if let Some(before) = before {
        batch.remove(&before)?;
    }
    match after {
        Some(after) if batch.has(&after)? => Err(already_exists("the address is taken")),
        Some(after) => batch.put(&after, &user),
        None => Ok(()),
    }
}

fn rename(batch: &mut Batch, user: UserId, new: NewName) -> StoreResult<()> {
    let NewName { scheme, name, folded } = new;
    let known = credential_of(batch, user, &scheme)?.ok_or_else(|| not_found("no such credential"))?;
    let key = credential_key(&scheme, &folded);
    if known.folded != folded {
        if batch.has(&key)? {
            return Err(already_exists("the name is taken"));
        }
        batch.remove(&credential_key(&scheme, &known.folded))?;
        batch.put(&Key::user(CREDENTIAL_OF, user).text(&scheme), &folded)?;
    }
    batch.put(&key, &Credential { name, folded, ..known })
}

/// Returns the keys of a user's credentials, each with that of its entry in the index.
fn credentials_of(batch: &Batch, user: UserId) -> StoreResult<Vec<(Key, Key)>> {
    let index = Key::user(CREDENTIAL_OF, user);
    let mut keys = Vec::new();
    for item in batch.up(index.clone().all()) {
        let (key, stored) = item?;
        let folded: String = batch.decoded(&key, &stored)?;
        let credential = Key::of(CREDENTIAL).rest_of(&key, &index).text(&folded);
        keys.push((credential, Key::user(CREDENTIAL_OF, user).rest_of(&key, &index)));
    }
    Ok(keys)
}

fn forget_credentials(batch: &mut Batch, user: UserId) -> StoreResult<u64> {
    let keys = credentials_of(batch, user)?;
    for key in keys.iter().flat_map(|(credential, indexed)| [credential, indexed]) {
        batch.remove(key)?;
    }
    Ok(keys.len() as u64)
}

/// Takes the secrets of a user's credentials away; the names stay taken.
fn forget_secrets(batch: &mut Batch, user: UserId) -> StoreResult<()> {
    for (key, _) in credentials_of(batch, user)? {
        if let Some(mut credential) = batch.row::<Credential>(&key)? {
            credential.secret.clear();
            batch.put(&key, &credential)?;
        }
    }
    Ok(())
}

/// Writes an account and the name under which it is found.
pub(crate) fn put_user(batch: &mut Batch, row: &UserRow) -> StoreResult<()> {
    let name = row.display_name().filter(|_| row.state == UserState::Active);
    match name {
        Some(name) => batch.put(&Key::user(NAME, row.id), &fold(&name))?,
        None => batch.remove(&Key::user(NAME, row.id))?,
    }
    batch.put(&Key::user(USER, row.id), row)
}

pub(crate) fn credential_key(scheme: &str, folded: &str) -> Key {
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
