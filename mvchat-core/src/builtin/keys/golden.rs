//! What is written to disks must stay readable: examples of every format, computed by another implementation of AES-GCM,
//! HKDF and HMAC from the formats' descriptions. They never change; a new version of a format adds new ones.

use std::fs;

use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Context, Keys, MemoryVault, Ring, UserKey};
use crate::seam::keys::{KeyProvider, SecretKey, WrappedKey};

const ANN: Uuid = Uuid::from_u128(0xa11);
const CONV: Uuid = Uuid::from_u128(0xc0);

/// Holds SHA-256 of "golden", "kek" and "sig".
const RING: &str = r#"{
  "version": 1,
  "root": "3VbeQTeVHZySaBsDQW7BX4hrRIKifjpRfTLwhSRMvl0=",
  "current": "kek-1",
  "kek": [{
    "id": "kek-1",
    "key": "t5Q4Xy0e96tNknPRkGOBtE8vbyWIo++5akkYgzGYR1M=",
    "created": "2026-01-02T03:04:05Z",
    "state": "active"
  }],
  "signing": [{
    "kid": "sig-1",
    "key": "pUOZfYTxJ5g1DAm97yzbFxv0HtPkpfgIry/rDFYmMAk=",
    "created": "2026-01-02T03:04:05Z",
    "state": "active"
  }]
}"#;
const WRAPPED: &str = "0101000102030405060708090a0befef6580855da31799ff5e1295f8f3bd0f7846e5f20268cc413228ec849eb4f64d7ebe80ebc5ef2a0a411174ab726661";
const MAC: &str = "37e4efa815c4154eddbc79dcb7f2aa5b0504b4d940dc58769e7f92f81e744f30";

#[test]
fn sealed_content_stays_readable() {
    let key = UserKey::new(ANN, 7, SecretKey::from_slice(&Sha256::digest("golden")).unwrap());
    let id = Uuid::from_u128(0x1d);
    for (context, sealed) in [
        (
            Context::Message { conv: CONV, id, sender: ANN, revision: 3 },
            "010100000007000102030405060708090a0bb28dea7228947f13937143d2c6c0d8f22cead4ac9925fd4336f0fc",
        ),
        (
            Context::UserPrivate { user: ANN },
            "010100000007000102030405060708090a0b81e8cf8ec77ed3e56e283630b7743f5ef1bcde885a4a3b37f5f422",
        ),
        (
            Context::MemberPrivate { user: ANN, conv: CONV },
            "010100000007000102030405060708090a0bb28dea7228947f13937143089a4babf5f15f833ed1bebb564b0be9",
        ),
        (
            Context::Email { user: ANN },
            "010100000007000102030405060708090a0b81e8cf8ec77ed3e56e28364963f29aaa621aa95d4b932b95a1c373",
        ),
        (
            Context::Nickname { user: ANN, contact: Uuid::from_u128(0xb0b) },
            "010100000007000102030405060708090a0b81e8cf8ec77ed3e56e283656dba0fd612dc05d3574862b6e249360",
        ),
        (
            Context::Invite { user: ANN, invite: id },
            "010100000007000102030405060708090a0b81e8cf8ec77ed3e56e2836b5de91b280cc4400388be5edeefae389",
        ),
        (
            Context::File { user: ANN, file: Uuid::from_u128(0xf11e) },
            "010100000007000102030405060708090a0b81e8cf8ec77ed3e56e28368104f44691dad15b960ecd356fd7125a",
        ),
    ] {
        assert_eq!(key.open(&context, &bytes(sealed)).unwrap(), b"golden text", "{context:?}");
    }
}

#[tokio::test]
async fn rings_stay_readable() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ring.json");
    fs::write(&path, RING).unwrap();
    #[cfg(unix)]
    fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let ring = Ring::load(&path).unwrap();

    let unwrapped = ring.unwrap(ANN, &WrappedKey::new("kek-1", 1, bytes(WRAPPED))).await.unwrap();
    assert_eq!(unwrapped.as_bytes()[..], Sha256::digest("data key")[..]);
    assert_eq!(ring.token_keys().active().secret.as_bytes()[..], Sha256::digest("sig")[..]);
    let keys = Keys::new(ring, MemoryVault::default());
    assert_eq!(keys.mac("print", &[b"ab", b"c"])[..], bytes(MAC));
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len()).step_by(2).map(|i| u8::from_str_radix(&hex[i..i + 2], 16).unwrap()).collect()
}
