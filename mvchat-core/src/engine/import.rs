//! Accounts that the host makes: for people whom it registers itself, or whom it brings along from elsewhere.

use super::chat::Chat;
use crate::error::{Error, ErrorKind, Result, invalid};
use crate::proto::{Json, Password, UserId, check_password, check_user_name};
use crate::seam::UserRow;
use crate::seam::audit::AuditKind;

/// An account that the host makes: see [`Chat::make_user`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MakeUser {
    /// Its id; a fresh one if absent.
    pub id: Option<UserId>,
    /// The user name.
    pub name: String,
    /// What opens it.
    pub opening: Opening,
    /// What others see.
    pub public: Option<Json>,
    /// The e-mail address.
    pub email: Option<String>,
    /// Whether the password has to be changed before anything else.
    pub must_change_password: bool,
}

/// What opens an account.
#[derive(Clone)]
#[non_exhaustive]
pub enum Opening {
    /// This password.
    Password(Password),
    /// The password of which this is the hash: a PHC string of Argon2id, the three-part form of mvChat2
    /// (`$argon2id$<salt>$<hash>`), or bcrypt. It is hashed anew when its owner logs in for the first time.
    Hash(String),
}

impl std::fmt::Debug for Opening {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Opening(..)")
    }
}

impl MakeUser {
    /// Begins with what is needed.
    pub fn new(name: impl Into<String>, opening: Opening) -> Self {
        let name = name.into();
        Self { id: None, name, opening, public: None, email: None, must_change_password: false }
    }
}

impl Chat {
    /// Makes an account that a name and a password open, as a sign-up does; returns its id.
    ///
    /// # Errors
    /// `Invalid` for a name or password that a sign-up would refuse too, and for a hash that can't be read or would
    /// cost too much to check; `Exists` if the name, the address or the id is taken; `Busy`, `Unavailable`.
    pub async fn make_user(&self, make: MakeUser) -> Result<UserId> {
        let inner = &self.0;
        let name = check_user_name(make.name, &inner.limits)?;
        let secret = match make.opening {
            Opening::Password(password) => {
                let password = check_password(password.0, &inner.limits, "password too short")?;
                inner.passwords.hash(password.0).await?
            }
            Opening::Hash(hash) => {
                let checked = inner.passwords.check_stored(&hash);
                checked.map_err(|_| invalid("unreadable password hash"))?;
                hash
            }
        };
        let id = make.id.unwrap_or_else(|| UserId(inner.env.uuid()));
        if inner.store.users(&[id]).await?.into_iter().flatten().next().is_some() {
            return Err(Error::new(ErrorKind::Exists, "user already exists"));
        }
        let profile = UserRow {
            public: make.public.filter(|public| !public.is_null()),
            must_change_password: make.must_change_password,
            ..UserRow::new(id, inner.env.now())
        };
        inner.make_account(profile, (name, secret), make.email.as_deref(), None, None).await?;
        self.note(AuditKind::UserCreated, id, "made by the operator");
        Ok(id)
    }
}
