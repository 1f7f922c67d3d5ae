//! The app's own table of users, by numbers, as it was before there was a messenger.

use mvchat_core::builtin::password::{PasswordError, Passwords, Verdict};
use mvchat_core::proto::UserId;
use std::sync::Arc;

/// One of the app's users.
#[derive(Clone, Debug)]
pub struct Account {
    /// The app's own id.
    pub number: u32,
    /// What the user logs in with.
    pub login: String,
    /// What others call the user.
    pub name: String,
    /// A hash of the password. An app has its own way to check one; this one borrows the messenger's.
    pub password: String,
}

impl Account {
    /// Returns who that is in the messenger.
    pub fn user(&self) -> UserId {
        UserId::external("account", self.number)
    }
}

/// All users. An app would ask its database.
#[derive(Clone, Debug)]
pub struct Accounts {
    table: Arc<[Account]>,
    passwords: Passwords,
}

impl Accounts {
    /// Makes the table.
    pub fn new(table: Vec<Account>, passwords: Passwords) -> Self {
        Self { table: table.into(), passwords }
    }

    /// Returns the users.
    pub fn all(&self) -> &[Account] {
        &self.table
    }

    /// Returns whom name and password open.
    ///
    /// # Errors
    /// If too many passwords are being checked.
    pub async fn check(&self, login: &str, password: String) -> Result<Option<&Account>, PasswordError> {
        let known = self.table.iter().find(|account| account.login == login);
        // Also for nobody, so that the time says nothing.
        let verdict = self.passwords.verify(password, known.map(|account| account.password.as_str())).await?;
        Ok(known.filter(|_| matches!(verdict, Verdict::Ok { .. })))
    }
}
