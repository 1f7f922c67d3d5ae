//! The app's users, as the messenger shows them.

use crate::accounts::{Account, Accounts};
use async_trait::async_trait;
use mvchat_core::proto::UserId;
use mvchat_core::seam::{Directory, DirectoryError, Profile, fold};

/// Names from the app's table. One question stands for everybody on a page, so this is one query to a database.
#[derive(Clone, Debug)]
pub struct Names(pub Accounts);

#[async_trait]
impl Directory for Names {
    async fn profiles(&self, users: &[UserId]) -> Result<Vec<Option<Profile>>, DirectoryError> {
        let profile = |user: &UserId| {
            let account = self.0.all().iter().find(|account| account.user() == *user)?;
            Some(Profile::named(&account.name, Some(&format!("/avatars/{}", account.number))))
        };
        Ok(users.iter().map(profile).collect())
    }

    async fn search(
        &self,
        text: &str,
        except: &[UserId],
        limit: usize,
    ) -> Result<Option<Vec<UserId>>, DirectoryError> {
        let text = fold(text);
        let named =
            self.0.all().iter().filter(|account| fold(&account.name).contains(&text)).map(Account::user);
        Ok(Some(named.filter(|user| !except.contains(user)).take(limit).collect()))
    }
}
