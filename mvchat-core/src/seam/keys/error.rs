use std::borrow::Cow;
use std::error::Error;

/// Why a key operation failed: a kind for machines, a text for the operator, a source for the log.
///
/// No text ever holds key material.
#[derive(Debug, thiserror::Error)]
#[error("{detail}")]
pub struct KeyError {
    kind: KeyErrorKind,
    detail: Cow<'static, str>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kinds of [`KeyError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyErrorKind {
    /// The key does not exist: never created, or erased.
    Missing,
    /// The key may not be read, or others may read it too.
    Denied,
    /// A key or a ciphertext was changed, moved, cut or is of an unknown version.
    Corrupt,
    /// The key could be guessed: too short, too regular, or typed by hand.
    WeakKey,
    /// The file system failed.
    Io,
    /// A service or the entropy source does not answer; trying again may help.
    Unavailable,
}

impl KeyError {
    /// Makes an error of a kind. `detail` must hold no key material.
    pub fn new(kind: KeyErrorKind, detail: impl Into<Cow<'static, str>>) -> KeyError {
        KeyError { kind, detail: detail.into(), source: None }
    }

    /// Adds the cause, for logs.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> KeyError {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind.
    pub fn kind(&self) -> KeyErrorKind {
        self.kind
    }

    pub(crate) fn corrupt(detail: impl Into<Cow<'static, str>>) -> KeyError {
        KeyError::new(KeyErrorKind::Corrupt, detail)
    }

    pub(crate) fn missing(detail: impl Into<Cow<'static, str>>) -> KeyError {
        KeyError::new(KeyErrorKind::Missing, detail)
    }

    pub(crate) fn unavailable(
        detail: &'static str,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> KeyError {
        KeyError::new(KeyErrorKind::Unavailable, detail).with_source(source)
    }
}
