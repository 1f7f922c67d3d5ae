use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce, Tag};

use crate::seam::keys::{KeyError, SecretKey, fill_random};

pub(super) const NONCE: usize = 12;
pub(super) const TAG: usize = 16;

/// AES-256-GCM (NIST SP 800-38D) with 96-bit random nonces and 128-bit tags.
pub(super) struct Aead(Aes256Gcm);

impl Aead {
    pub(super) fn new(key: &SecretKey) -> Aead {
        Aead(Aes256Gcm::new(key.as_bytes().into()))
    }

    /// Appends ciphertext ‖ tag to `out`.
    pub(super) fn seal(&self, nonce: &[u8; NONCE], aad: &[u8], plain: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(plain);
        // The cipher refuses only more than 64 GiB of text; every caller's input is bounded far below.
        #[expect(clippy::expect_used, reason = "texts are bounded far below the cipher's 64 GiB")]
        let tag = self
            .0
            .encrypt_inout_detached(&Nonce::from(*nonce), aad, (&mut out[start..]).into())
            .expect("texts are bounded far below the cipher's 64 GiB");
        out.extend_from_slice(&tag);
    }

    /// Opens ciphertext ‖ tag. Decrypts nothing unless the tag fits.
    pub(super) fn open(&self, nonce: &[u8; NONCE], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (text, tag) = sealed.split_last_chunk::<TAG>()?;
        let mut plain = text.to_vec();
        self.0
            .decrypt_inout_detached(&Nonce::from(*nonce), aad, plain.as_mut_slice().into(), &Tag::from(*tag))
            .ok()?;
        Some(plain)
    }
}

pub(super) fn fresh_nonce() -> Result<[u8; NONCE], KeyError> {
    let mut nonce = [0; NONCE];
    fill_random(&mut nonce)?;
    Ok(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_trip_and_refusals() {
        let key = SecretKey::generate().unwrap();
        let (aead, nonce) = (Aead::new(&key), fresh_nonce().unwrap());
        let mut sealed = vec![9];
        aead.seal(&nonce, b"aad", b"text", &mut sealed);
        assert_eq!(sealed.len(), 1 + 4 + TAG);
        assert_eq!(aead.open(&nonce, b"aad", &sealed[1..]).unwrap(), b"text");
        assert!(aead.open(&nonce, b"aae", &sealed[1..]).is_none());
        assert!(aead.open(&[0; NONCE], b"aad", &sealed[1..]).is_none());
        assert!(aead.open(&nonce, b"aad", &sealed[2..]).is_none());
        assert!(aead.open(&nonce, b"aad", &sealed[1..TAG]).is_none());
    }

    /// Test case 14 of the GCM specification (McGrew and Viega): zero key, zero nonce, one zero block.
    #[test]
    fn is_the_specified_cipher() {
        let aead = Aead(Aes256Gcm::new(&[0; 32].into()));
        let mut sealed = Vec::new();
        aead.seal(&[0; NONCE], b"", &[0; 16], &mut sealed);
        let hex: String = sealed.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919");
    }

    /// Project Wycheproof's vectors for AES-256-GCM with nonces and tags of our sizes: edge cases of counter and tag,
    /// and forgeries that implementations have taken.
    #[test]
    fn stands_up_to_wycheproof() {
        let set = wycheproof::aead::TestSet::load(wycheproof::aead::TestName::AesGcm).unwrap();
        let (mut opened, mut refused) = (0, 0);
        for group in set.test_groups {
            if (group.key_size, group.nonce_size, group.tag_size) != (256, 8 * NONCE, 8 * TAG) {
                continue;
            }
            for test in group.tests {
                let key: [u8; 32] = test.key.as_slice().try_into().unwrap();
                let nonce: [u8; NONCE] = test.nonce.as_slice().try_into().unwrap();
                let (aead, sealed) =
                    (Aead(Aes256Gcm::new(&key.into())), [&test.ct[..], &test.tag[..]].concat());
                let found = aead.open(&nonce, &test.aad, &sealed);
                if test.result.must_fail() {
                    assert_eq!(found, None, "{}: {}", test.tc_id, test.comment);
                    refused += 1;
                    continue;
                }
                assert_eq!(found.as_deref(), Some(&test.pt[..]), "{}: {}", test.tc_id, test.comment);
                let mut again = Vec::new();
                aead.seal(&nonce, &test.aad, &test.pt, &mut again);
                assert_eq!(again, sealed, "{}: {}", test.tc_id, test.comment);
                opened += 1;
            }
        }
        assert!(opened >= 30 && refused >= 20, "{opened} opened, {refused} refused");
    }
}
