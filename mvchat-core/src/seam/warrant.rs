//! On what the right to ask for a change rests.

use crate::policy::{Account, UserState};
use crate::proto::{SessionId, UserId};

/// What an actor's right to ask for a change was decided on, as an [`epoch`](super::Change::epoch) is what the right to
/// make it was decided on. A change with a warrant that does not hold any more is not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warrant {
    /// The session that asks: it has to be there still, and the actor's. Absent if the host speaks for the actor.
    pub session: Option<SessionId>,
    /// What the state of the actor's account was.
    pub state: UserState,
    /// Whether its password had to be changed.
    pub must_change_password: bool,
}

impl Warrant {
    /// Takes down what was found of an account, and which session asks.
    pub fn new(account: Account, session: Option<SessionId>) -> Self {
        let Account { state, must_change_password, .. } = account;
        Self { session, state, must_change_password }
    }

    /// Returns whether it holds. `account` is the actor's as it is now, and `owner` whose the session is, if it is there.
    pub fn holds(&self, actor: UserId, account: Option<Account>, owner: Option<UserId>) -> bool {
        account.is_some_and(|account| Self::new(account, self.session) == *self)
            && (self.session.is_none() || owner == Some(actor))
    }
}
