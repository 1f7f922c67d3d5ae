//! What an account can be used for.

use super::guest_may;
use crate::error::{Error, ErrorKind, Result};
use crate::proto::Command;
use serde::{Deserialize, Serialize};

/// Whether an account can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum UserState {
    /// It can.
    Active,
    /// Not now.
    Suspended,
    /// Never again.
    Deleted,
}

impl UserState {
    /// Returns whether the account can be used now.
    pub fn is_active(self) -> bool {
        self == Self::Active
    }

    /// Returns whether there is an account at all, for others and for its owner.
    pub fn exists(self) -> bool {
        self != Self::Deleted
    }
}

/// What of an account decides about its use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whether it can be used.
    pub state: UserState,
    /// It is a guest's.
    pub guest: bool,
    /// Its password has to be changed.
    pub must_change_password: bool,
}

/// What a logged-in user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rights {
    /// Everything.
    Full,
    /// Nothing before the password is another.
    MustChangePassword,
    /// What guests may.
    Guest,
}

/// Decides whether the owner of an account, who has proved that, may log in.
///
/// # Errors
/// `Forbidden` while it is suspended; `BadCredentials` if it is deleted, as if it had never been.
pub fn may_log_in(state: UserState) -> Result<()> {
    match state {
        UserState::Active => Ok(()),
        UserState::Suspended => Err(suspended()),
        UserState::Deleted => Err(ErrorKind::BadCredentials.into()),
    }
}

/// Decides what a session of an account is good for; `None` for an account that is not there.
///
/// # Errors
/// `Unauthenticated` unless the account can be used: then its sessions are over.
pub fn may_go_on(account: Option<Account>) -> Result<Rights> {
    match account {
        Some(Account { state: UserState::Active, guest: true, .. }) => Ok(Rights::Guest),
        Some(Account { state: UserState::Active, must_change_password: true, .. }) => {
            Ok(Rights::MustChangePassword)
        }
        Some(Account { state: UserState::Active, .. }) => Ok(Rights::Full),
        _ => Err(ErrorKind::Unauthenticated.into()),
    }
}

/// Decides whether the host may speak for a user; `None` for one who is not there.
///
/// # Errors
/// `Forbidden` while the account is suspended; `NotFound` if there is none, or none any more.
pub fn may_be_spoken_for(state: Option<UserState>) -> Result<()> {
    match state {
        Some(UserState::Active) => Ok(()),
        Some(UserState::Suspended) => Err(suspended()),
        Some(UserState::Deleted) | None => Err(Error::new(ErrorKind::NotFound, "user not found")),
    }
}

impl Rights {
    /// Passes a command that a user with these rights may make; everybody may log out.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn allow(self, command: &Command) -> Result<()> {
        match (self, command) {
            (Self::Full, _) | (_, Command::Logout { .. }) => Ok(()),
            (Self::Guest, command) => guest_may(command),
            (Self::MustChangePassword, Command::UpdateMe(update)) if update.password.is_some() => Ok(()),
            (Self::MustChangePassword, _) => Err(must_change()),
        }
    }

    /// Passes what was allowed a moment ago, when the account's rights were perhaps others: guests stay guests until they
    /// may more, and only a password that has to be changed takes rights away.
    ///
    /// # Errors
    /// `Forbidden`.
    pub fn still_allow(self) -> Result<()> {
        match self {
            Self::Full | Self::Guest => Ok(()),
            Self::MustChangePassword => Err(must_change()),
        }
    }
}

fn must_change() -> Error {
    Error::new(ErrorKind::Forbidden, "password change required")
}

fn suspended() -> Error {
    Error::new(ErrorKind::Forbidden, "account suspended")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{Password, UpdateMe};
    use ErrorKind::{BadCredentials, Forbidden, NotFound, Unauthenticated};
    use UserState::{Active, Deleted, Suspended};

    fn told<T: Copy>(result: &Result<T>) -> Result<T, (ErrorKind, &str)> {
        result.as_ref().copied().map_err(|error| (error.kind(), error.detail()))
    }

    #[test]
    fn each_state_opens_what_its_row_says() {
        let suspended = Err((Forbidden, "account suspended"));
        let rows = [
            (Some(Active), Ok(()), Ok(()), Ok(Rights::Full)),
            (Some(Suspended), suspended, suspended, Err((Unauthenticated, "authentication required"))),
            (
                Some(Deleted),
                Err((BadCredentials, "invalid credentials")),
                Err((NotFound, "user not found")),
                Err((Unauthenticated, "authentication required")),
            ),
            (
                None,
                Err((BadCredentials, "invalid credentials")),
                Err((NotFound, "user not found")),
                Err((Unauthenticated, "authentication required")),
            ),
        ];
        for (state, login, spoken_for, session) in rows {
            // Who has no account has nothing to prove: it is the caller who answers as for a deleted one.
            if let Some(state) = state {
                assert_eq!(told(&may_log_in(state)), login, "{state:?}");
                assert_eq!((state.is_active(), state.exists()), (state == Active, state != Deleted));
            }
            assert_eq!(told(&may_be_spoken_for(state)), spoken_for, "{state:?}");
            let account = state.map(|state| Account { state, guest: false, must_change_password: false });
            assert_eq!(told(&may_go_on(account)), session, "{state:?}");
        }
    }

    #[test]
    fn a_guest_is_a_guest_first_and_nobody_goes_on_in_an_account_that_is_shut() {
        for state in [Active, Suspended, Deleted] {
            for (guest, must_change_password, rights) in [
                (false, false, Rights::Full),
                (false, true, Rights::MustChangePassword),
                (true, false, Rights::Guest),
                (true, true, Rights::Guest),
            ] {
                let account = Account { state, guest, must_change_password };
                let went = may_go_on(Some(account));
                assert_eq!(went.ok(), Some(rights).filter(|_| state == Active), "{account:?}");
            }
        }
    }

    #[test]
    fn what_was_allowed_stays_so_until_the_password_has_to_be_changed() {
        let logout = Command::Logout { all: false };
        for (rights, may) in
            [(Rights::Full, true), (Rights::Guest, true), (Rights::MustChangePassword, false)]
        {
            assert_eq!(rights.still_allow().is_ok(), may, "{rights:?}");
            // Whoever is turned away is turned away as before.
            let before = rights.allow(&Command::ListSessions);
            assert!(may || told(&rights.still_allow()) == told(&before));
            assert_eq!(told(&rights.allow(&logout)), Ok(()));
        }
    }

    #[test]
    fn who_must_change_the_password_may_do_that_and_log_out() {
        let password = (Password("old".to_owned()), Password("new".to_owned()));
        let change = Command::UpdateMe(UpdateMe { password: Some(password), ..UpdateMe::default() });
        let other = Command::UpdateMe(UpdateMe { lang: Some("de".to_owned()), ..UpdateMe::default() });
        let logout = Command::Logout { all: true };
        let rows = [
            (Rights::Full, [true, true, true, true]),
            (Rights::MustChangePassword, [true, false, true, false]),
            // Guests have no password; what else they may is told where guests are decided about.
            (Rights::Guest, [false, true, true, true]),
        ];
        for (rights, may) in rows {
            for (command, may) in [&change, &other, &logout, &Command::ListSessions].into_iter().zip(may) {
                let allowed = rights.allow(command);
                assert_eq!(allowed.is_ok(), may, "{rights:?} {command:?}");
                assert!(allowed.is_ok() || allowed.is_err_and(|error| error.kind() == Forbidden));
            }
        }
    }
}
