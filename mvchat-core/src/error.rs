//! One error type: a kind for machines, a detail for clients, a source for logs.

use crate::proto::ErrorParams;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The result of everything fallible in this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for machines. Each kind has one numeric code and one slug; see [`ErrorKind::TABLE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The frame is not a request.
    Malformed,
    /// The request needs a logged-in connection.
    Unauthenticated,
    /// User name, password or token are not right.
    BadCredentials,
    /// The token was right once.
    TokenExpired,
    /// A field has a value that it can't have.
    Invalid,
    /// The message content is not valid Irido.
    InvalidContent,
    /// The user is no active member of the conversation, or there is no such conversation.
    NotMember,
    /// The user may not do that.
    Forbidden,
    /// One side of the direct conversation has blocked the other.
    Blocked,
    /// A moderator has muted the user in this conversation.
    Muted,
    /// The time in which this was possible is over.
    WindowExpired,
    /// The number of times that this was possible is used up.
    LimitReached,
    /// There is no such thing, or it is not visible to the user.
    NotFound,
    /// It is there already.
    Exists,
    /// The state does not allow it.
    Conflict,
    /// The idempotency key was used for another request.
    CidReused,
    /// It was there once.
    Gone,
    /// More bytes than allowed.
    TooLarge,
    /// Too many requests; retry later.
    RateLimited,
    /// The group has as many members as it can have.
    GroupFull,
    /// The server could not decide in time; retry.
    Busy,
    /// A part of the server is down; not known to have happened; retry.
    Unavailable,
    /// This server does not offer that.
    Unsupported,
    /// A defect of the server.
    Internal,
}

/// One row of [`ErrorKind::TABLE`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ErrorRow {
    /// The kind.
    pub kind: ErrorKind,
    /// The `ctrl.code` and HTTP status.
    pub code: u16,
    /// The stable `ctrl.err`.
    pub slug: &'static str,
    /// Whether the same request may succeed later, unchanged.
    pub retry: bool,
    /// The text when nothing more exact is known.
    pub text: &'static str,
}

const fn row(kind: ErrorKind, code: u16, slug: &'static str, retry: bool, text: &'static str) -> ErrorRow {
    ErrorRow { kind, code, slug, retry, text }
}

impl ErrorKind {
    /// Every kind with its code, slug and default text: the only place where numbers are given to errors.
    pub const TABLE: [ErrorRow; 24] = [
        row(ErrorKind::Malformed, 400, "malformed", false, "malformed message"),
        row(ErrorKind::Unauthenticated, 401, "unauthenticated", false, "authentication required"),
        row(ErrorKind::BadCredentials, 401, "bad_credentials", false, "invalid credentials"),
        row(ErrorKind::TokenExpired, 401, "token_expired", false, "token expired"),
        row(ErrorKind::Invalid, 400, "invalid", false, "invalid request"),
        row(ErrorKind::InvalidContent, 400, "invalid_content", false, "invalid content"),
        row(ErrorKind::NotMember, 403, "not_member", false, "not a member"),
        row(ErrorKind::Forbidden, 403, "forbidden", false, "forbidden"),
        row(ErrorKind::Blocked, 403, "blocked", false, "blocked"),
        row(ErrorKind::Muted, 403, "muted", false, "muted"),
        row(ErrorKind::WindowExpired, 403, "window_expired", false, "window expired"),
        row(ErrorKind::LimitReached, 403, "limit_reached", false, "limit reached"),
        row(ErrorKind::NotFound, 404, "not_found", false, "not found"),
        row(ErrorKind::Exists, 409, "exists", false, "already exists"),
        row(ErrorKind::Conflict, 409, "conflict", false, "conflict"),
        row(ErrorKind::CidReused, 409, "cid_reused", false, "cid reused"),
        row(ErrorKind::Gone, 410, "gone", false, "gone"),
        row(ErrorKind::TooLarge, 413, "too_large", false, "too large"),
        row(ErrorKind::RateLimited, 429, "rate_limited", true, "rate limited"),
        row(ErrorKind::GroupFull, 409, "group_full", false, "group full"),
        row(ErrorKind::Busy, 503, "busy", true, "busy"),
        row(ErrorKind::Unavailable, 503, "unavailable", true, "unavailable"),
        row(ErrorKind::Unsupported, 501, "unsupported", false, "not supported by this server"),
        row(ErrorKind::Internal, 500, "internal", false, "internal error"),
    ];

    /// Returns the kind's row of the table.
    pub fn row(self) -> &'static ErrorRow {
        let at = Self::TABLE.iter().position(|row| row.kind == self);
        &Self::TABLE[at.unwrap_or(Self::TABLE.len() - 1)]
    }
}

/// What a code means to whoever reads it: the table, seen from the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Answer {
    /// It was done.
    Ok,
    /// The request is wrong as it is.
    Bad,
    /// It needs a login.
    Unauthenticated,
    /// It is not allowed, or not visible.
    Denied,
    /// Something stands in its way.
    Conflict,
    /// Not now; the same request may succeed later.
    Later,
    /// The server has a defect; the same request may succeed later.
    Defect,
    /// The server does not offer it.
    Unsupported,
}

impl Answer {
    /// Reads a `ctrl.code`. Codes that the table does not have are read by their hundreds.
    pub fn of(code: u16) -> Self {
        match code {
            200..=299 => Self::Ok,
            401 => Self::Unauthenticated,
            403 | 404 => Self::Denied,
            409 => Self::Conflict,
            429 => Self::Later,
            500 => Self::Defect,
            501 => Self::Unsupported,
            502..=599 => Self::Later,
            _ => Self::Bad,
        }
    }
}

/// A failed request.
///
/// [`fmt::Display`] shows only what a client may see; [`std::error::Error::source`] is for logs.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    detail: Cow<'static, str>,
    params: Option<Box<ErrorParams>>,
    source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// Makes an error whose text is exact and safe to show to any client.
    pub fn new(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, detail: detail.into(), params: None, source: None }
    }

    /// Adds the cause, for logs only.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(Arc::from(source.into()));
        self
    }

    /// Adds machine-readable parameters for the client.
    #[must_use]
    pub fn with_params(mut self, params: ErrorParams) -> Self {
        self.params = Some(Box::new(params));
        self
    }

    /// Says when a retry makes sense.
    #[must_use]
    pub fn retry_after(self, after: Duration) -> Self {
        let millis = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
        self.with_params(ErrorParams { retry_after: Some(millis), ..ErrorParams::default() })
    }

    /// Returns the kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the text for clients.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Returns the parameters for clients.
    pub fn params(&self) -> Option<&ErrorParams> {
        self.params.as_deref()
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Self::new(kind, kind.row().text)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

/// Shorthand for a 400 with an exact text.
pub(crate) fn invalid(detail: &'static str) -> Error {
    Error::new(ErrorKind::Invalid, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_its_own_row_and_slug() {
        for (at, row) in ErrorKind::TABLE.iter().enumerate() {
            assert_eq!(row.kind.row().slug, row.slug);
            assert!(ErrorKind::TABLE[..at].iter().all(|other| other.slug != row.slug), "{}", row.slug);
        }
    }

    #[test]
    fn what_may_be_tried_again_is_read_so() {
        for row in ErrorKind::TABLE {
            let again = matches!(Answer::of(row.code), Answer::Later);
            assert_eq!(again, row.retry, "{}", row.slug);
        }
    }

    #[test]
    fn the_cause_is_never_shown() {
        let error = Error::from(ErrorKind::Internal).with_source("secret of the disk");
        assert_eq!(error.to_string(), "internal error");
    }
}
