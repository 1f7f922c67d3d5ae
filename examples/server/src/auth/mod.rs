//! The schemes by which people log in, as the configuration wants them.

mod keys_file;

use std::io;

use mvchat_core::{
    ChatBuilder,
    builtin::auth::{ForeignJwt, TrustedHeader},
    seam::Naming,
};

use crate::config::{AuthConfig, NamingKind};
pub(crate) use keys_file::KeysFile;

/// Adds the schemes; returns the file with foreign keys, if there is one, to be looked after.
///
/// # Errors
/// If that file can't be read, or has no usable key.
pub(crate) fn schemes(
    config: &AuthConfig,
    builder: ChatBuilder,
) -> io::Result<(ChatBuilder, Option<KeysFile>)> {
    let mut builder = builder;
    let naming = |kind: &str| match config.naming {
        NamingKind::Uuid => Naming::Uuid,
        NamingKind::Text => Naming::External(kind.to_owned()),
    };
    if !config.passwords {
        builder = builder.without_passwords();
    }
    if !config.guests.is_zero() {
        builder = builder.guests(config.guests);
    }
    if !config.header.name.is_empty() {
        // Whose header it is was judged by the address of the connection, which a proxy's own headers don't change:
        // see `crate::proxy`.
        let header = TrustedHeader::new(&config.header.name, naming("header")).from_peers(|_| true);
        builder = builder.authenticator(header);
    }
    let jwt = &config.jwt;
    if jwt.issuer.is_empty() {
        return Ok((builder, None));
    }
    let (text, keys) = keys_file::read(&jwt.keys_file)?;
    let tokens = ForeignJwt::new(&jwt.issuer, &jwt.audience, keys).naming(naming(&jwt.issuer));
    let file = KeysFile::new(jwt.keys_file.clone(), text, tokens.clone());
    Ok((builder.authenticator(tokens), Some(file)))
}
