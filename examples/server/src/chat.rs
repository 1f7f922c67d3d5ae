//! The chat behind the routes, as the configuration wants it.

use std::{io, path::PathBuf, time::Duration};

use mvchat_core::{
    Chat, ChatBuilder, Keys,
    builtin::{
        MemoryStore,
        audit::FileAudit,
        keys::{FileVault, MemoryVault, Ring},
    },
    proto::Limits,
    seam::keys::{KeyError, Vault},
};
use mvchat_store_sled::SledStore;

use crate::auth::{self, KeysFile};
use crate::config::{Config, KeySource, Preset, RING_VARIABLE, StoreKind};
use crate::{database, mail::SmtpMailer};

/// A chat that people log in to, and what is looked after beside it.
pub(crate) struct Serving {
    pub(crate) chat: Chat,
    pub(crate) mailer: Option<SmtpMailer>,
    pub(crate) keys_file: Option<KeysFile>,
}

/// Opens keys and store and starts the engine, for an administrator.
///
/// # Errors
/// With the folder that could not be used, or with everything that the engine finds wrong.
pub(crate) async fn open(config: &Config) -> io::Result<Chat> {
    tokens(config, builder(config).await?).limits(limits(config)).build().await.map_err(io::Error::other)
}

/// As [`open`], with everything that those who log in need.
///
/// # Errors
/// Also if what the configuration names for schemes or mail can't be used.
pub(crate) async fn serve(config: &Config) -> io::Result<Serving> {
    let mailer = SmtpMailer::of(&config.mail)?;
    let (mut builder, keys_file) = auth::schemes(&config.auth, builder(config).await?)?;
    if let Some(mailer) = &mailer {
        builder = builder.mailer(mailer.clone());
    }
    let builder = tokens(config, builder).limits(limits(config));
    let chat = builder.build().await.map_err(io::Error::other)?;
    Ok(Serving { chat, mailer, keys_file })
}

fn tokens(config: &Config, builder: ChatBuilder) -> ChatBuilder {
    match config.auth.access_lifetime {
        Duration::ZERO => builder,
        lifetime => builder.refresh_tokens(lifetime),
    }
}

async fn builder(config: &Config) -> io::Result<ChatBuilder> {
    let folder = &config.data_dir.0;
    let (builder, keys) = match config.store {
        // What forgets everything needs no keys that outlive it, and no log of what it did.
        StoreKind::Memory => return Ok(Chat::builder(MemoryStore::default())),
        StoreKind::Sled => {
            let keys = match config.keys.source {
                KeySource::File => {
                    Keys::load_or_create(keys_folder(config)).map_err(|e| no_keys(config, &e))?
                }
                KeySource::Environment => {
                    let vault = FileVault::open(vault_folder(config)).map_err(|e| no_keys(config, &e))?;
                    Keys::new(open_ring(config)?, vault)
                }
            };
            let store = SledStore::open(folder).map_err(|error| {
                io::Error::other(format!("cannot open the store in {}: {error}", folder.display()))
            })?;
            (Chat::builder(store), keys)
        }
        StoreKind::Postgres => {
            let (store, vault) = database::open(&config.database).await?;
            let keys = match config.keys.source {
                KeySource::File => Keys::load_or_create_beside(keys_folder(config), vault).await,
                KeySource::Environment => Ok(Keys::new(open_ring(config)?, vault)),
            };
            (Chat::builder(store), keys.map_err(|e| no_keys(config, &e))?)
        }
    };
    let builder = builder.keys(keys.clone());
    if !config.audit.enabled {
        return Ok(builder);
    }
    let folder = audit_folder(config);
    let audit = FileAudit::open(&folder, &keys).map_err(|error| {
        io::Error::other(format!("cannot open the audit log in {}: {error}", folder.display()))
    })?;
    Ok(builder.audit(audit))
}

/// Opens the ring as it is, without the users' keys under it: enough for signatures.
///
/// # Errors
/// If there is no ring, or it can't be used.
pub(crate) fn ring_alone(config: &Config) -> io::Result<Keys> {
    Ok(Keys::new(open_ring(config)?, MemoryVault::default()))
}

/// Opens the ring as it is.
///
/// # Errors
/// If there is no ring, or it can't be used.
pub(crate) fn open_ring(config: &Config) -> io::Result<Ring> {
    let ring = match config.keys.source {
        KeySource::File => Ring::load(keys_folder(config).join("ring.json")),
        KeySource::Environment => Ring::from_env(RING_VARIABLE),
    };
    ring.map_err(|error| no_keys(config, &error))
}

/// Opens the vault of the configured store.
///
/// # Errors
/// If the store keeps none, or it can't be opened.
pub(crate) async fn open_vault(config: &Config) -> io::Result<Box<dyn Vault>> {
    match config.store {
        StoreKind::Memory => Err(io::Error::other("the store `memory` keeps no keys")),
        StoreKind::Sled => {
            let vault = FileVault::open(vault_folder(config)).map_err(|e| no_keys(config, &e))?;
            Ok(Box::new(vault))
        }
        StoreKind::Postgres => {
            let vault = database::vault(&config.database).await?;
            Ok(Box::new(vault))
        }
    }
}

/// Where the ring is, unless the environment has it.
pub(crate) fn keys_folder(config: &Config) -> PathBuf {
    config.data_dir.0.join("keys")
}

/// Where the audit log is.
pub(crate) fn audit_folder(config: &Config) -> PathBuf {
    config.data_dir.0.join("audit")
}

fn vault_folder(config: &Config) -> PathBuf {
    keys_folder(config).join("vault")
}

fn no_keys(config: &Config, error: &KeyError) -> io::Error {
    io::Error::other(format!("cannot open the keys in {}: {error}", keys_folder(config).display()))
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
