//! The chat behind the routes, as the configuration wants it.

use std::{io, time::Duration};

use mvchat_core::{Chat, ChatBuilder, Keys, builtin::MemoryStore, proto::Limits};
use mvchat_store_postgres::{PgStore, PgVault};
use mvchat_store_sled::SledStore;

use crate::config::{Config, Preset, StoreKind};

/// Opens keys and store and starts the engine.
///
/// # Errors
/// With the folder that could not be used, or with everything that the engine finds wrong.
pub(crate) async fn open(config: &Config) -> io::Result<Chat> {
    builder(config).await?.limits(limits(config)).build().await.map_err(io::Error::other)
}

async fn builder(config: &Config) -> io::Result<ChatBuilder> {
    let folder = &config.data_dir.0;
    match config.store {
        // What forgets everything needs no keys that outlive it.
        StoreKind::Memory => Ok(Chat::builder(MemoryStore::default())),
        StoreKind::Sled => {
            let keys_folder = folder.join("keys");
            let keys = Keys::load_or_create(&keys_folder).map_err(|error| {
                io::Error::other(format!("cannot open the keys in {}: {error}", keys_folder.display()))
            })?;
            let store = SledStore::open(folder).map_err(|error| {
                io::Error::other(format!("cannot open the store in {}: {error}", folder.display()))
            })?;
            Ok(Chat::builder(store).keys(keys))
        }
        StoreKind::Postgres => {
            let url = &config.database.0;
            if url.is_empty() {
                return Err(io::Error::other(
                    "the store postgres needs a database: give --database-url or MVCHAT_DATABASE_URL",
                ));
            }
            // The address holds a password; the errors do not.
            let failed = |error| io::Error::other(format!("cannot open the database: {error}"));
            let store = PgStore::connect(url).await.map_err(failed)?;
            let vault = PgVault::connect(url).await.map_err(failed)?;
            let keys_folder = folder.join("keys");
            let keys = Keys::load_or_create_beside(&keys_folder, vault).await.map_err(|error| {
                io::Error::other(format!("cannot open the keys in {}: {error}", keys_folder.display()))
            })?;
            Ok(Chat::builder(store).keys(keys))
        }
    }
}

/// Takes the engine's share of the configuration.
fn limits(config: &Config) -> Limits {
    let seconds = |duration: Duration| duration.as_secs();
    let rate = config.limits.rate_limit_messages;
    let (mut limits, burst) = match config.preset {
        Preset::Standard => (Limits::default(), rate.saturating_mul(2)),
        Preset::MvChat2 => (Limits::mvchat2(), rate),
        Preset::Mrezhen => (Limits::mrezhen(), rate.saturating_mul(2)),
    };
    limits.edit_window = seconds(config.limits.edit_window);
    limits.unsend_window = seconds(config.limits.unsend_window);
    limits.max_edit_count = config.limits.max_edit_count;
    limits.max_message_size = config.limits.max_message_size;
    limits.max_subscriber_count = config.limits.max_subscriber_count;
    limits.rate_limit_messages = rate;
    limits.rate_limit_burst = burst;
    limits.rate_limit_bytes = config.limits.rate_limit_bytes;
    limits.max_malformed = config.limits.max_malformed;
    limits.max_refused = config.limits.max_refused;
    limits.rates.clone_from(&config.limits.rates);
    limits.min_login_length = config.auth.min_login_length;
    limits.min_password_length = config.auth.min_password_length;
    limits.token_lifetime = seconds(config.auth.token_lifetime);
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_those_of_the_core() {
        assert_eq!(limits(&Config::of_preset(Preset::Standard)), Limits::default());
        assert_eq!(limits(&Config::of_preset(Preset::MvChat2)), Limits::mvchat2());
        assert_eq!(limits(&Config::of_preset(Preset::Mrezhen)), Limits::mrezhen());
    }

    #[test]
    fn settings_reach_the_engine() {
        let mut config = Config::default();
        config.limits.unsend_window = Duration::from_secs(61);
        config.limits.max_message_size = 2_048;
        config.auth.min_login_length = 3;
        let limits = limits(&config);
        assert_eq!((limits.unsend_window, limits.max_message_size, limits.min_login_length), (61, 2_048, 3));
    }
}
