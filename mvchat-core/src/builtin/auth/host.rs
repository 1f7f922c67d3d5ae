use crate::seam::{Attempt, AuthError, Authenticator, Principal};
use async_trait::async_trait;

/// Lets in whom the host's own code found behind the request: the scheme `host`, without a secret.
///
/// The host's middleware puts a [`Principal`] into the request's extensions, for example from its session cookie, and
/// the transport hands it on. A page of a foreign origin must not come through with that cookie: the transport refuses
/// origins that were not allowed, and a cookie is best `SameSite` besides.
#[derive(Clone, Copy, Debug, Default)]
pub struct HostPrincipal;

#[async_trait]
impl Authenticator for HostPrincipal {
    fn scheme(&self) -> &str {
        "host"
    }

    async fn authenticate(&self, attempt: &Attempt<'_>) -> Result<Principal, AuthError> {
        match &attempt.peer.principal {
            Some(principal) if attempt.secret.is_empty() => Ok(principal.clone()),
            _ => Err(AuthError::Refused),
        }
    }
}
