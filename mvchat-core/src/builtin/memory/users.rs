//! Accounts in memory.

use super::{MemoryStore, State, already_exists, not_found};
use crate::proto::{SessionId, UserId};
use crate::seam::{
    Credential, EmailHash, NewName, NewUser, SealedEmail, SecretChange, StoreError, StoreErrorKind,
    StoreResult, UserPatch, UserRow, UserState, UserStore, fold,
};
use async_trait::async_trait;

#[async_trait]
impl UserStore for MemoryStore {
    async fn create_user(&self, new: NewUser) -> StoreResult<()> {
        self.state.lock().create_user(new)
    }

    async fn users(&self, ids: &[UserId]) -> StoreResult<Vec<Option<UserRow>>> {
        let state = self.state.lock();
        Ok(ids.iter().map(|id| state.users.get(id).cloned()).collect())
    }

    async fn credential(&self, scheme: &str, folded: &str) -> StoreResult<Option<Credential>> {
        Ok(self.state.lock().credentials.get(&(scheme.to_owned(), folded.to_owned())).cloned())
    }

    async fn credential_of(&self, user: UserId, scheme: &str) -> StoreResult<Option<Credential>> {
        Ok(self.state.lock().credential_of(user, scheme).cloned())
    }

    async fn update_user(&self, user: UserId, patch: UserPatch) -> StoreResult<UserRow> {
        self.state.lock().update_user(user, patch)
    }

    async fn set_secret(&self, change: SecretChange) -> StoreResult<Vec<SessionId>> {
        self.state.lock().set_secret(change)
    }

    async fn forget_credentials(&self, user: UserId) -> StoreResult<u64> {
        let mut state = self.state.lock();
        let before = state.credentials.len();
        state.credentials.retain(|_, credential| credential.user != user);
        Ok((before - state.credentials.len()) as u64)
    }

    async fn email_owner(&self, email: &EmailHash) -> StoreResult<Option<UserId>> {
        Ok(self.state.lock().email_owner(email))
    }

    async fn search_users(&self, text: &str, except: &[UserId], limit: usize) -> StoreResult<Vec<UserRow>> {
        let text = fold(text);
        let state = self.state.lock();
        let mut found: Vec<(String, &UserRow)> = state
            .users
            .values()
            .filter(|row| row.state == UserState::Active && !except.contains(&row.id))
            .filter_map(|row| Some((fold(&row.display_name()?), row)))
            .filter(|(name, _)| name.contains(&text))
            .collect();
        found.sort_by(|(a, left), (b, right)| (a, left.id).cmp(&(b, right.id)));
        Ok(found.into_iter().take(limit).map(|(_, row)| row.clone()).collect())
    }
}

impl State {
    fn create_user(&mut self, new: NewUser) -> StoreResult<()> {
        if self.users.contains_key(&new.user.id) {
            return Err(already_exists("the user exists"));
        }
        let credential = new
            .credential
            .map(|credential| ((credential.scheme.clone(), credential.folded.clone()), credential));
        if credential.as_ref().is_some_and(|(key, _)| self.credentials.contains_key(key)) {
            return Err(already_exists("the name is taken"));
        }
        if self.has_other_owner(&new.user.email, new.user.id) {
            return Err(already_exists("the address is taken"));
        }
        if new.session.as_ref().is_some_and(|session| self.sessions.get(session.id).is_some()) {
            return Err(already_exists("the session exists"));
        }
        self.credentials.extend(credential);
        if let Some(session) = new.session {
            self.sessions.insert(session);
        }
        self.users.insert(new.user.id, new.user);
        Ok(())
    }

    fn credential_of(&self, user: UserId, scheme: &str) -> Option<&Credential> {
        self.credentials.values().find(|credential| credential.user == user && credential.scheme == scheme)
    }

    fn email_owner(&self, email: &EmailHash) -> Option<UserId> {
        let has = |row: &&UserRow| row.email.as_ref().and_then(|known| known.hash.as_ref()) == Some(email);
        self.users.values().find(has).map(|row| row.id)
    }

    fn has_other_owner(&self, email: &Option<SealedEmail>, user: UserId) -> bool {
        let hash = email.as_ref().and_then(|email| email.hash.as_ref());
        hash.and_then(|hash| self.email_owner(hash)).is_some_and(|owner| owner != user)
    }

    /// Checks everything before anything changes.
    fn update_user(&mut self, user: UserId, mut patch: UserPatch) -> StoreResult<UserRow> {
        let row = self.users.get(&user).ok_or_else(|| not_found("no such user"))?;
        let state = patch.state.unwrap_or(row.state);
        if row.state == UserState::Deleted && state != UserState::Deleted {
            return Err(StoreError::new(StoreErrorKind::Conflict, "the user is deleted"));
        }
        if patch.email.as_ref().is_some_and(|email| self.has_other_owner(email, user)) {
            return Err(already_exists("the address is taken"));
        }
        if let Some(name) = patch.name.take() {
            self.rename(user, name)?;
        }
        if state != UserState::Active {
            self.sessions.end(user, |_| true);
        }
        if state == UserState::Deleted {
            let own = self.credentials.values_mut().filter(|credential| credential.user == user);
            own.for_each(|credential| credential.secret.clear());
        }
        let row = self.users.get_mut(&user).ok_or_else(|| not_found("no such user"))?;
        row.apply(patch);
        Ok(row.clone())
    }

    fn rename(&mut self, user: UserId, new: NewName) -> StoreResult<()> {
        let known = self.credential_of(user, &new.scheme).cloned();
        let known = known.ok_or_else(|| not_found("no such credential"))?;
        let taken = self.credentials.get(&(new.scheme.clone(), new.folded.clone()));
        if taken.is_some_and(|taken| taken.user != user) {
            return Err(already_exists("the name is taken"));
        }
        self.credentials.remove(&(known.scheme.clone(), known.folded.clone()));
        let key = (new.scheme, new.folded.clone());
        self.credentials.insert(key, Credential { name: new.name, folded: new.folded, ..known });
        Ok(())
    }

    fn set_secret(&mut self, change: SecretChange) -> StoreResult<Vec<SessionId>> {
        let credential = self
            .credentials
            .values_mut()
            .find(|credential| credential.user == change.user && credential.scheme == change.scheme)
            .ok_or_else(|| not_found("no such credential"))?;
        if credential.secret != change.expect {
            return Err(StoreError::new(StoreErrorKind::Conflict, "the secret is another"));
        }
        credential.secret = change.secret;
        if !change.end_sessions {
            return Ok(Vec::new());
        }
        if let Some(row) = self.users.get_mut(&change.user) {
            row.must_change_password = false;
        }
        Ok(self.sessions.end(change.user, |id| Some(id) != change.keep))
    }
}
