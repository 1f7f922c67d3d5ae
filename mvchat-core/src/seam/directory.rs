//! The host's own table of users.

use crate::proto::{Json, UserId};
use async_trait::async_trait;
use std::fmt;

/// What goes wrong with a directory; it goes to logs.
pub type DirectoryError = Box<dyn std::error::Error + Send + Sync>;

/// Names, avatars and search from the host's own table of users, instead of what users say of themselves here.
///
/// Whom the directory knows exists for the chat, too: an account is made when somebody writes to them, adds them as a
/// contact or invites them to a group. If it fails, or takes longer than two seconds, profiles are shown as they are
/// kept here, and a search is answered from here.
///
/// # Contract
/// * Profiles come in the order of the ids, one for each (law `profiles_come_in_the_order_of_the_ids`).
/// * It is asked once for all who are on a page, never for each (the engine's promise; asking for nobody answers
///   nothing: law `nobody_has_no_profile`).
/// * A search never names whom it was told to leave out, nor more than it was asked for, nor anybody twice, and whom it
///   names has a profile (law `a_search_keeps_to_what_it_was_told`).
#[async_trait]
pub trait Directory: fmt::Debug + Send + Sync + 'static {
    /// Returns the profiles of users; `None` for whom the host does not know.
    async fn profiles(&self, users: &[UserId]) -> Result<Vec<Option<Profile>>, DirectoryError>;

    /// Finds users by a part of their name; `None` if the chat shall search for itself.
    async fn search(
        &self,
        text: &str,
        except: &[UserId],
        limit: usize,
    ) -> Result<Option<Vec<UserId>>, DirectoryError>;
}

/// What others see of a user.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Profile {
    /// Any JSON; by convention the display name in `fn` and the address of a picture in `photo`.
    pub public: Json,
}

impl Profile {
    /// Takes any JSON for a profile.
    pub fn new(public: Json) -> Self {
        Self { public }
    }

    /// Makes a profile of a name and, perhaps, the address of a picture.
    pub fn named(name: &str, photo: Option<&str>) -> Self {
        let public = match photo {
            Some(photo) => serde_json::json!({ "fn": name, "photo": photo }),
            None => serde_json::json!({ "fn": name }),
        };
        Self { public: Json::from_value(&public) }
    }
}
