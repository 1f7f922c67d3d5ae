//! Project Wycheproof's vectors for JSON Web Signatures, through what checks the tokens of foreign issuers.

use super::{ForeignJwt, ForeignKeys};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use std::collections::HashMap;
use wycheproof_ng_kdf_jose::json_web::{TestName, TestSet};

/// Vectors that count as good and are refused here all the same.
const STRICTER: [(usize, &str); 2] = [
    (372, "has a character in its header that Base64 does not have"),
    (373, "has a character in its payload that Base64 does not have"),
];
/// Vectors that count as bad, and are the same to the letter as a good one: their padding was lost on the way.
const MISTAKEN: [(usize, usize); 2] = [(367, 357), (370, 357)];
/// The algorithms that there are.
const KNOWN: [&str; 4] = ["HS256", "RS256", "ES256", "EdDSA"];

/// Whether a key would let a token pass, whatever it says.
fn passes(key: &Value, token: &str) -> bool {
    let Ok(keys) = ForeignKeys::from_jwks(&json!({ "keys": [key] }).to_string()) else { return false };
    let tokens = ForeignJwt::new("issuer", "audience", keys);
    tokens.signed(token).is_some_and(|claims| URL_SAFE_NO_PAD.decode(claims).is_ok())
}

#[test]
fn stands_up_to_wycheproof() {
    let set = TestSet::load(TestName::JsonWebSignature).unwrap();
    let (mut taken, mut refused) = (0, 0);
    let mut good_ones = HashMap::new();
    for group in set.test_groups {
        let key = group.public_key.or(group.private_key).unwrap();
        let known = KNOWN.contains(&key["alg"].as_str().unwrap_or_default());
        for test in group.tests {
            // Some are not in the compact form, which is the only one that is read.
            let token = test.jws.unwrap();
            let token = token.as_str().map_or_else(|| token.to_string(), str::to_owned);
            let stricter = STRICTER.iter().any(|(id, _)| *id == test.tc_id);
            let good = !test.result.must_fail() && known && !stricter;
            if let Some((_, twin)) = MISTAKEN.iter().find(|(id, _)| *id == test.tc_id) {
                assert_eq!(good_ones.get(&token), Some(twin), "{} is no mistake", test.tc_id);
                continue;
            }
            if good {
                good_ones.insert(token.clone(), test.tc_id);
            }
            let what = format!("{} {}: {token}", test.tc_id, test.comment);
            assert_eq!(passes(&key, &token), good, "{what}");
            *if good { &mut taken } else { &mut refused } += 1;
        }
    }
    assert_eq!((taken, refused), (18, 381));
}
