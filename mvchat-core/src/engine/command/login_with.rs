//! `login` by other schemes than passwords and tokens.

use super::guest::ANONYMOUS;
use crate::engine::chat::Inner;
use crate::engine::dispatch::Caller;
use crate::error::{Error, ErrorKind, Result, invalid};
use crate::policy;
use crate::proto::Password;
use crate::seam::{Attempt, AuthError, Peer, Principal};
use crate::session::Finished;
use std::sync::Arc;
use std::time::Duration;

/// When a client should try again after a proof could not be judged.
const RETRY: Duration = Duration::from_secs(2);

impl Inner {
    pub(in crate::engine) async fn login_with(
        self: &Arc<Self>,
        caller: Caller,
        scheme: &str,
        secret: &Password,
    ) -> Result<Finished> {
        if let Some(lifetime) = self.guests.filter(|_| scheme == ANONYMOUS) {
            return self.login_guest(caller, &secret.0, lifetime).await;
        }
        let generation = self.sessions.generation();
        let authenticator = self.authenticators.iter().find(|known| known.scheme() == scheme);
        let authenticator = authenticator.ok_or(invalid("unknown auth scheme"))?;
        let nobody = Peer::default();
        let peer = caller.peer().unwrap_or(&nobody);
        let attempt = Attempt::new(&secret.0, peer, self.env.now());
        let principal = authenticator.authenticate(&attempt).await.map_err(|error| match error {
            AuthError::Refused => Error::from(ErrorKind::BadCredentials),
            AuthError::Expired => ErrorKind::TokenExpired.into(),
            AuthError::Unavailable(source) => {
                Error::from(ErrorKind::Unavailable).retry_after(RETRY).with_source(source)
            }
        })?;
        self.let_in(caller, principal, generation).await
    }

    /// Opens a session for a user whom somebody vouches for. `generation` is from before the user was looked at.
    async fn let_in(
        self: &Arc<Self>,
        caller: Caller,
        principal: Principal,
        generation: u64,
    ) -> Result<Finished> {
        let Principal { user, admit, public, until, .. } = principal;
        if until.is_some_and(|until| until <= self.env.now()) {
            return Err(ErrorKind::TokenExpired.into());
        }
        let mut row = self.account(user).await?;
        if row.is_none() && admit {
            self.add_user(user, public).await?;
            row = self.account(user).await?;
        }
        // An account that was deleted is none, and none is made in its place.
        let row = row.ok_or(ErrorKind::BadCredentials)?;
        policy::may_log_in(row.state)?;
        let session = self.new_session(user, &caller, until);
        self.open_session(caller, row, session, generation).await
    }
}
