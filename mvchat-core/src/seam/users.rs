//! Accounts.

use super::{SessionRow, StoreResult};
use crate::policy::Account;
pub use crate::policy::UserState;
use crate::proto::{Json, Privacy, PrivacyPatch, SessionId, UserId};
use crate::time::Timestamp;
use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Accounts and the credentials that open them.
///
/// # Contract
/// * The folded name of a credential is unique within its scheme, also under concurrent sign-ups (law
///   `a_folded_name_is_taken_once`).
/// * [`create_user`](UserStore::create_user) writes account, credential and session in one step (law
///   `sign_up_is_all_or_nothing`).
/// * [`set_secret`](UserStore::set_secret) compares and swaps, and ends the other sessions in the same step
///   (law `a_password_change_ends_the_other_sessions`).
/// * Two accounts never have the same address, also under concurrent changes (law `an_address_belongs_to_one_account`).
/// * [`update_user`](UserStore::update_user) is one step: all that the patch names, or nothing (law
///   `a_patch_is_all_or_nothing`).
/// * An account that is not [`UserState::Active`] has no session: the change of its state ends all of them in the same
///   step, and none is opened (laws `who_is_out_has_no_session`, `no_session_outruns_a_suspension`).
/// * What was deleted stays deleted; its credentials lose their secrets and keep their names (law
///   `a_deleted_account_stays_deleted`).
/// * Credentials that were forgotten leave nothing, and their names are free (law `a_forgotten_credential_is_gone`).
/// * `%` and `_` in a search are themselves (law `search_takes_text_literally`).
#[async_trait]
pub trait UserStore: fmt::Debug + Send + Sync + 'static {
    /// Makes an account. Errors: `AlreadyExists` if the credential's name, the address or the user's id is taken.
    async fn create_user(&self, new: NewUser) -> StoreResult<()>;

    /// Returns the accounts with these ids, in the same order, `None` for those that don't exist.
    async fn users(&self, ids: &[UserId]) -> StoreResult<Vec<Option<UserRow>>>;

    /// Returns the credential with this folded name.
    async fn credential(&self, scheme: &str, folded: &str) -> StoreResult<Option<Credential>>;

    /// Returns a user's credential of a scheme.
    async fn credential_of(&self, user: UserId, scheme: &str) -> StoreResult<Option<Credential>>;

    /// Changes what the patch names. Errors: `NotFound` if there is no such user, or no credential to rename;
    /// `AlreadyExists` if the name or the address is another user's; `Conflict` if a deleted account would get
    /// another state.
    async fn update_user(&self, user: UserId, patch: UserPatch) -> StoreResult<UserRow>;

    /// Replaces the secret of a credential if it is still `expect`. When `end_sessions` is set it also clears
    /// `must_change_password` and ends the user's sessions but `keep`; returns the ended ones. Errors:
    /// `NotFound`, `Conflict` if the secret is another.
    async fn set_secret(&self, change: SecretChange) -> StoreResult<Vec<SessionId>>;

    /// Removes a user's credentials of every scheme; returns how many there were.
    async fn forget_credentials(&self, user: UserId) -> StoreResult<u64>;

    /// Returns who has this address.
    async fn email_owner(&self, email: &EmailHash) -> StoreResult<Option<UserId>>;

    /// Finds accounts in state [`UserState::Active`] whose `public.fn` holds `text`, ignoring case (see
    /// [`fold`](super::fold)), without the users in `except`; ordered by the folded name (by code points),
    /// then id. An empty text is in every name; who has no name is not found.
    async fn search_users(&self, text: &str, except: &[UserId], limit: usize) -> StoreResult<Vec<UserRow>>;
}

/// A replacement of a credential's secret.
#[derive(Clone)]
pub struct SecretChange {
    /// Whose.
    pub user: UserId,
    /// Of which scheme.
    pub scheme: String,
    /// The secret as it was read.
    pub expect: String,
    /// The new one.
    pub secret: String,
    /// Whether the user's sessions end.
    pub end_sessions: bool,
    /// The one that does not end.
    pub keep: Option<SessionId>,
}

impl fmt::Debug for SecretChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretChange({})", self.user)
    }
}

/// An account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UserRow {
    /// Its id.
    pub id: UserId,
    /// Whether it can be used.
    pub state: UserState,
    /// When it was made.
    pub created_at: Timestamp,
    /// What others see, any JSON; by convention with the display name in `fn`.
    pub public: Option<Json>,
    /// What only the user sees, sealed.
    pub private: Option<Bytes>,
    /// The e-mail address.
    pub email: Option<SealedEmail>,
    /// The language.
    pub lang: Option<String>,
    /// When the user was last here.
    pub last_seen: Option<Timestamp>,
    /// The password has to be changed.
    pub must_change_password: bool,
    /// What others see of the user.
    #[serde(default)]
    pub privacy: Privacy,
    /// What the user says about the present moment.
    #[serde(default)]
    pub status: Option<String>,
    /// Until when the account is there at all, if it is a guest's: from then on it counts as deleted.
    #[serde(default)]
    pub guest_until: Option<Timestamp>,
}

/// A keyed hash of an address.
pub type EmailHash = [u8; 32];

/// An e-mail address that only the engine reads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedEmail {
    /// The address, sealed.
    pub sealed: Bytes,
    /// By which it is known to be taken; absent in rows from before addresses were unique.
    pub hash: Option<EmailHash>,
}

impl UserRow {
    /// Makes an active account that says nothing yet.
    pub fn new(id: UserId, created_at: Timestamp) -> Self {
        Self {
            id,
            state: UserState::Active,
            created_at,
            public: None,
            private: None,
            email: None,
            lang: None,
            last_seen: None,
            must_change_password: false,
            privacy: Privacy::default(),
            status: None,
            guest_until: None,
        }
    }

    /// Changes what a patch names; credentials are not part of the row.
    pub fn apply(&mut self, patch: UserPatch) {
        let UserPatch {
            public,
            private,
            email,
            lang,
            last_seen,
            state,
            privacy,
            must_change_password,
            status,
            name: _,
        } = patch;
        if let Some(public) = public {
            self.public = Some(public).filter(|public| !public.is_null());
        }
        self.private = private.unwrap_or(self.private.take());
        self.email = email.unwrap_or(self.email.take());
        self.lang = lang.or(self.lang.take());
        // `None` is before every time, so this also sets the first one.
        self.last_seen = self.last_seen.max(last_seen);
        self.state = state.unwrap_or(self.state);
        self.privacy = self.privacy.patched(privacy);
        self.must_change_password = must_change_password.unwrap_or(self.must_change_password);
        self.status = status.unwrap_or(self.status.take());
    }

    /// Returns what of it decides about its use.
    pub fn account(&self) -> Account {
        Account {
            state: self.state,
            guest: self.guest_until.is_some(),
            must_change_password: self.must_change_password,
        }
    }

    /// Returns the display name: `public.fn`, if that is a string.
    pub fn display_name(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Public {
            #[serde(rename = "fn")]
            name: String,
        }
        serde_json::from_str::<Public>(self.public.as_ref()?.as_str()).ok().map(|public| public.name)
    }
}

/// A new account with what opens it.
#[derive(Clone, Debug)]
pub struct NewUser {
    /// The account.
    pub user: UserRow,
    /// What opens it; a user that the host knows by other means has none.
    pub credential: Option<Credential>,
    /// The first session.
    pub session: Option<SessionRow>,
}

/// What opens an account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credential {
    /// Whose account.
    pub user: UserId,
    /// By which scheme, for example `basic`.
    pub scheme: String,
    /// The name as it was written.
    pub name: String,
    /// The name in the form in which it is unique.
    pub folded: String,
    /// The password's hash; empty if no password opens the account any more.
    pub secret: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({}, {})", self.scheme, self.user)
    }
}

/// Changes of an account; what is absent stays.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UserPatch {
    /// The profile; JSON `null` clears it.
    pub public: Option<Json>,
    /// The private data, sealed.
    pub private: Option<Option<Bytes>>,
    /// The e-mail address.
    pub email: Option<Option<SealedEmail>>,
    /// The language.
    pub lang: Option<String>,
    /// When the user was last here; never goes back.
    pub last_seen: Option<Timestamp>,
    /// The state.
    pub state: Option<UserState>,
    /// The privacy settings.
    pub privacy: PrivacyPatch,
    /// Whether the password has to be changed.
    pub must_change_password: Option<bool>,
    /// What the user says about the present moment; `Some(None)` clears it.
    pub status: Option<Option<String>>,
    /// Another name of a credential.
    pub name: Option<NewName>,
}

/// Another name of a user's credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewName {
    /// Of which scheme.
    pub scheme: String,
    /// The name as it was written.
    pub name: String,
    /// The name in the form in which it is unique.
    pub folded: String,
}
