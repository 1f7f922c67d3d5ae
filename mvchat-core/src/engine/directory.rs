//! Accounts as others see them, with what the host's own table says.

use super::chat::Inner;
use crate::error::Result;
use crate::proto::{Json, UserId};
use crate::seam::{DirectoryError, NewUser, Profile, StoreErrorKind, UserRow, UserState};
use std::time::Duration;

/// How long the host's table may take.
const PATIENCE: Duration = Duration::from_secs(2);

impl Inner {
    /// Loads accounts with the profiles that the host gives them, one question for all. Whom only the host knows looks
    /// like an account that has just been made; see [`move_in`](Inner::move_in).
    pub(super) async fn shown_users(&self, ids: &[UserId]) -> Result<Vec<Option<UserRow>>> {
        let (rows, profiles) = tokio::join!(self.store.users(ids), self.profiles(ids));
        let mut rows = rows?;
        let now = self.env.now();
        for row in rows.iter_mut().flatten() {
            if row.guest_until.is_some_and(|until| until <= now) {
                *row = UserRow { state: UserState::Deleted, ..UserRow::new(row.id, row.created_at) };
            }
        }
        for ((row, profile), id) in rows.iter_mut().zip(profiles).zip(ids) {
            let Some(Profile { public }) = profile else { continue };
            let public = Some(public).filter(|public| !public.is_null());
            match row {
                Some(row) if row.state == UserState::Deleted => {}
                Some(row) => row.public = public,
                None => *row = Some(UserRow { public, ..UserRow::new(*id, now) }),
            }
        }
        Ok(rows)
    }

    /// Makes an account for somebody whom only the host knows, before something happens with it.
    pub(super) async fn move_in(&self, user: UserId) -> Result<()> {
        if self.directory.is_none() || self.store.users(&[user]).await?.into_iter().flatten().next().is_some()
        {
            return Ok(());
        }
        if let Some(profile) = self.profiles(&[user]).await.into_iter().flatten().next() {
            self.add_user(user, Some(profile.public)).await?;
        }
        Ok(())
    }

    /// Makes an account that no password opens; returns whether it is new.
    pub(super) async fn add_user(&self, user: UserId, public: Option<Json>) -> Result<bool> {
        self.keys.create_user(user.0).await?;
        let public = public.filter(|public| !public.is_null());
        let row = UserRow { public, ..UserRow::new(user, self.env.now()) };
        match self.store.create_user(NewUser { user: row, credential: None, session: None }).await {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == StoreErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Asks the host for users of this name; `None` if it has nothing to say.
    pub(super) async fn find_users(
        &self,
        text: &str,
        except: &[UserId],
        limit: usize,
    ) -> Option<Vec<UserId>> {
        let directory = self.directory.as_ref()?;
        let mut found = in_time(directory.search(text, except, limit)).await??;
        found.retain(|user| !except.contains(user));
        found.truncate(limit);
        Some(found)
    }

    /// Returns a profile, or none, for each user.
    async fn profiles(&self, users: &[UserId]) -> Vec<Option<Profile>> {
        let asked = match &self.directory {
            Some(directory) if !users.is_empty() => in_time(directory.profiles(users)).await,
            _ => None,
        };
        let mut profiles = asked.unwrap_or_default();
        if !profiles.is_empty() && profiles.len() != users.len() {
            tracing::error!("the directory gave another number of profiles than it was asked for");
            profiles.clear();
        }
        profiles.resize(users.len(), None);
        profiles
    }
}

/// Waits for the host's table, but not for ever: a chat without fresh names is better than none.
async fn in_time<T>(work: impl Future<Output = Result<T, DirectoryError>>) -> Option<T> {
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(answer)) => Some(answer),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the directory failed");
            None
        }
        Err(_) => {
            tracing::warn!("the directory did not answer in time");
            None
        }
    }
}
