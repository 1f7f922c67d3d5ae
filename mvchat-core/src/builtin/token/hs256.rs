use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::Algorithm;
use jsonwebtoken::crypto::{JwtSigner, JwtVerifier};
use jsonwebtoken::signature::{Error, Signer, Verifier};
use sha2::Sha256;

use crate::seam::keys::SecretKey;

/// HMAC-SHA256 as the `jsonwebtoken` crate wants its algorithms, so that the two can be tested against each other.
///
/// The algorithm belongs to the key, never to what a header claims; and a [`SecretKey`] always has its 32 bytes, which
/// RFC 7518 §3.2 demands and the crate does not check.
pub(super) struct Hs256(Hmac<Sha256>);

impl Hs256 {
    pub(super) fn new(key: &SecretKey) -> Hs256 {
        // HMAC takes keys of any length.
        #[expect(clippy::expect_used, reason = "HMAC takes keys of any length")]
        let hmac = Hmac::new_from_slice(key.as_bytes()).expect("HMAC takes keys of any length");
        Hs256(hmac)
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        Ok(self.0.clone().chain_update(message).finalize().into_bytes().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    /// Compares in constant time; a signature of another length is refused, the empty one too.
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        self.0.clone().chain_update(message).verify_slice(signature).map_err(|_| Error::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Project Wycheproof's vectors for HMAC-SHA256, through what signs and verifies tokens: every tag that was changed
    /// is refused, and so is every truncated one, which HMAC itself would allow and RFC 7518 does not.
    #[test]
    fn stands_up_to_wycheproof() {
        let set = wycheproof::mac::TestSet::load(wycheproof::mac::TestName::HmacSha256).unwrap();
        let (mut taken, mut refused) = (0, 0);
        for group in set.test_groups {
            for test in group.tests {
                let hs256 = Hs256(Hmac::new_from_slice(&test.key).unwrap());
                let good = !test.result.must_fail() && group.tag_size == 256;
                let verified = hs256.verify(&test.msg, &test.tag.to_vec());
                assert_eq!(verified.is_ok(), good, "{}: {}", test.tc_id, test.comment);
                if good {
                    assert_eq!(hs256.sign(&test.msg), test.tag.to_vec(), "{}: {}", test.tc_id, test.comment);
                    taken += 1;
                } else {
                    refused += 1;
                }
            }
        }
        assert!(taken >= 30 && refused >= 60, "{taken} taken, {refused} refused");
    }
}
