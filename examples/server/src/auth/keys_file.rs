//! The keys of somebody who issues tokens, in a file that they may change.

use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use mvchat_core::builtin::auth::{ForeignJwt, ForeignKeys};
use sha2::{Digest, Sha256};

/// How often it is looked whether the file has changed.
const EVERY: Duration = Duration::from_mins(1);
/// A set of keys is a page or two.
const LARGEST: u64 = 1 << 20;

/// What was read last, as a digest.
type Known = [u8; 32];

/// A file with keys, and whom to tell when it changes.
pub(crate) struct KeysFile {
    path: PathBuf,
    known: Known,
    tokens: ForeignJwt,
}

impl KeysFile {
    pub(super) fn new(path: PathBuf, known: Known, tokens: ForeignJwt) -> Self {
        Self { path, known, tokens }
    }

    /// Looks after the file every minute, until dropped.
    pub(crate) async fn keep(mut self) {
        let mut minutes = tokio::time::interval(EVERY);
        loop {
            minutes.tick().await;
            match self.look() {
                Ok(false) => {}
                Ok(true) => tracing::info!("the keys of the tokens' issuer were read again"),
                Err(error) => tracing::warn!(%error, "the keys of the tokens' issuer stay as they were"),
            }
        }
    }

    /// Takes over what has changed, and tells whether something has.
    fn look(&mut self) -> io::Result<bool> {
        let (known, keys) = read(&self.path)?;
        let changed = known != self.known;
        if changed {
            self.tokens.replace_keys(keys);
            self.known = known;
        }
        Ok(changed)
    }
}

impl fmt::Debug for KeysFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeysFile").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Reads a JWK set, or a secret on a line of its own.
pub(super) fn read(path: &Path) -> io::Result<(Known, ForeignKeys)> {
    let failed = |why: &dyn fmt::Display| {
        io::Error::other(format!("cannot use the keys in {}: {why}", path.display()))
    };
    let large = fs::metadata(path).map_err(|error| failed(&error))?.len() > LARGEST;
    if large {
        return Err(failed(&"larger than 1 MiB"));
    }
    let bytes = fs::read(path).map_err(|error| failed(&error))?;
    let keys = match std::str::from_utf8(&bytes).map(str::trim) {
        Ok(text) if text.starts_with('{') => ForeignKeys::from_jwks(text),
        _ => ForeignKeys::shared(bytes.trim_ascii_end()),
    };
    Ok((Sha256::digest(&bytes).into(), keys.map_err(|error| failed(&error))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_file_is_taken_over_and_a_broken_one_is_not() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let write = |text: &str| fs::write(file.path(), text).unwrap();
        write("a secret of thirty-two bytes or more\n");
        let (known, keys) = read(file.path()).unwrap();
        let tokens = ForeignJwt::new("issuer", "chat", keys);
        let mut keys = KeysFile::new(file.path().to_owned(), known, tokens);
        assert!(!keys.look().unwrap());
        write("another secret of thirty-two bytes or more\n");
        assert!(keys.look().unwrap());
        assert!(!keys.look().unwrap());
        for broken in ["short", "{}", "{\"keys\":[]}", "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AAAA\"}]}"] {
            write(broken);
            let error = keys.look().unwrap_err().to_string();
            assert!(error.contains("cannot use the keys"), "{error}");
        }
    }
}
