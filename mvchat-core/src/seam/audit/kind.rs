use serde::{Deserialize, Serialize};

/// What happened, in the names of OWASP's logging vocabulary where it has one.
///
/// The text form, as written by serde, is the name in snake case: `authn_login_success`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditKind {
    /// Somebody logged in.
    AuthnLoginSuccess,
    /// Somebody could not log in; the actor is only there if the account exists.
    AuthnLoginFail,
    /// A password was changed.
    AuthnPasswordChange,
    /// The operator made a token for somebody.
    AuthnTokenCreated,
    /// Sessions were ended: by their user, by another of the user's devices or by the operator.
    AuthnTokenRevoked,
    /// A token was used that had been replaced or revoked.
    AuthnTokenReuse,
    /// Somebody asked for what is not allowed to them.
    AuthzFail,
    /// Somebody became or ceased to be a member, or a group changed hands.
    AuthzChange,
    /// A role changed.
    PrivilegePermissionsChanged,
    /// An account was made.
    UserCreated,
    /// An account was changed by the operator: suspended, restored.
    UserUpdated,
    /// An account was deleted.
    UserDeleted,
    /// Somebody did something more often than allowed.
    ExcessRateLimitExceeded,
    /// Sealed data could not be opened.
    CryptDecryptFail,
    /// An upload was refused.
    UploadValidation,
    /// Something that others can see was taken away: a message, a group.
    SensitiveDelete,
    /// A page of a foreign origin wanted to connect.
    WsOriginDenied,
    /// A key was made, rotated, retired or destroyed.
    KeyRotated,
    /// A user's data was exported.
    ExportMade,
    /// Somebody reported a message or a conversation to the operator.
    Report,
    /// Events had no room; [`count`](super::AuditEvent::count) says how many.
    AuditDropped,
}

/// How what happened came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum AuditResult {
    /// It was done.
    Success,
    /// It was refused, or failed.
    Failure,
}

impl AuditKind {
    /// Whether somebody without any right can cause such events at will.
    pub fn is_noisy(self) -> bool {
        self.noise().is_some()
    }

    /// Numbers the noisy kinds.
    pub(crate) fn noise(self) -> Option<usize> {
        NOISY.iter().position(|kind| *kind == self)
    }

    /// Returns how such events come out, unless they say otherwise.
    pub fn result(self) -> AuditResult {
        match self {
            Self::AuthnLoginFail
            | Self::AuthnTokenReuse
            | Self::AuthzFail
            | Self::ExcessRateLimitExceeded
            | Self::CryptDecryptFail
            | Self::UploadValidation
            | Self::WsOriginDenied
            | Self::AuditDropped => AuditResult::Failure,
            _ => AuditResult::Success,
        }
    }
}

/// The kinds that a stranger can cause at will.
pub(crate) const NOISY: [AuditKind; 8] = [
    AuditKind::AuthnLoginFail,
    AuditKind::AuthnTokenReuse,
    AuditKind::AuthzFail,
    AuditKind::ExcessRateLimitExceeded,
    AuditKind::CryptDecryptFail,
    AuditKind::UploadValidation,
    AuditKind::WsOriginDenied,
    AuditKind::Report,
];
