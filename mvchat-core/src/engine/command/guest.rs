//! `login` by the scheme `anonymous`: an account for a while, for somebody without a name.

use crate::engine::chat::Inner;
use crate::engine::dispatch::Caller;
use crate::error::{Result, invalid};
use crate::proto::{Json, UserId};
use crate::seam::{NewUser, UserRow};
use crate::session::Finished;
use std::sync::Arc;
use std::time::Duration;

/// The scheme of guests.
pub(in crate::engine) const ANONYMOUS: &str = "anonymous";
/// The longest display name of a guest, in characters.
const MAX_NAME: usize = 64;

impl Inner {
    /// Makes a guest, who is called `name` if that is not empty, and logs the connection in.
    pub(super) async fn login_guest(
        self: &Arc<Self>,
        caller: Caller,
        name: &str,
        lifetime: Duration,
    ) -> Result<Finished> {
        if name.chars().count() > MAX_NAME || name.contains(char::is_control) {
            return Err(invalid("invalid guest name"));
        }
        let generation = self.sessions.generation();
        let now = self.env.now();
        let (id, until) = (UserId(self.env.uuid()), now + lifetime);
        self.keys.create_user(id.0).await?;
        let public = (!name.is_empty()).then(|| Json::from_value(&serde_json::json!({ "fn": name })));
        let user = UserRow { public, guest_until: Some(until), ..UserRow::new(id, now) };
        let session = self.new_session(id, &caller, Some(until));
        let new = NewUser { user: user.clone(), credential: None, session: Some(session.row.clone()) };
        self.store.create_user(new).await?;
        self.admit(caller, user, session, generation).await
    }
}
