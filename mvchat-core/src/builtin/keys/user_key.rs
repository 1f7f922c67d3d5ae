use std::fmt;
use std::sync::Arc;

use parking_lot::Mutex;
use uuid::Uuid;

use super::Context;
use super::aead::{Aead, NONCE, TAG, fresh_nonce};
use super::cache::Recent;
use crate::seam::keys::{KeyError, SecretKey};

/// A user's data key, ready to seal and open. Cheap to clone; wiped when the last clone is dropped.
///
/// # Format
/// `version 1 | algorithm 1 | generation (4, big endian) | nonce (12) | ciphertext | tag (16)`, AES-256-GCM under
/// HKDF-SHA256(user key, conversation). Authenticated besides: a domain string, the header up to and with the nonce,
/// and the [`Context`]. Nonces are random, so NIST's bound of 2³² messages holds per user *and conversation*.
#[derive(Clone)]
pub struct UserKey(Arc<Inner>);

struct Inner {
    user: Uuid,
    generation: u32,
    key: SecretKey,
    /// Ciphers of the conversations used last; `None` is the user's own fields. The lock covers a look-up only.
    ciphers: Mutex<Recent<Option<Uuid>, Arc<Aead>>>,
}

const VERSION: u8 = 1;
const AES_256_GCM: u8 = 1;
const PREFIX: usize = 6;
const HEADER: usize = PREFIX + NONCE;
const DOMAIN: &[u8] = b"mvchat sealed v1\0";
/// A cipher takes about 1 KiB; few people write in more conversations at a time.
const CIPHERS_PER_GENERATION: usize = 4;

impl UserKey {
    pub(super) fn new(user: Uuid, generation: u32, key: SecretKey) -> UserKey {
        let ciphers = Mutex::new(Recent::new(CIPHERS_PER_GENERATION));
        UserKey(Arc::new(Inner { user, generation, key, ciphers }))
    }

    /// Encrypts `plain`, bound to `context`. Adds [`UserKey::OVERHEAD`] bytes; never blocks.
    ///
    /// # Panics
    /// When `context` belongs to another user (what it sealed could never be opened again), or when the operating
    /// system's entropy source fails (nothing can be sealed safely any more).
    pub fn seal(&self, context: &Context, plain: &[u8]) -> Vec<u8> {
        assert_eq!(context.owner(), self.0.user, "content must be sealed with the key of its owner");
        // Opening the ring drew from the same source, and the kernel's generator does not fail once it is seeded.
        #[expect(clippy::expect_used, reason = "without entropy no nonce is safe")]
        let nonce = fresh_nonce().expect("the system's entropy source works once it is seeded");
        let mut sealed = Vec::with_capacity(plain.len() + Self::OVERHEAD);
        sealed.extend_from_slice(&[VERSION, AES_256_GCM]);
        sealed.extend_from_slice(&self.0.generation.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        let aad = aad(&sealed, context);
        self.cipher(context).seal(&nonce, &aad, plain, &mut sealed);
        sealed
    }

    /// Decrypts what [`seal`](Self::seal) made for the same context. Never blocks.
    ///
    /// # Errors
    /// `Corrupt` when it was cut, changed, moved from another row, sealed under another key, or is of an unknown
    /// version.
    pub fn open(&self, context: &Context, sealed: &[u8]) -> Result<Vec<u8>, KeyError> {
        let Some((header, text)) = sealed.split_first_chunk::<HEADER>() else {
            return Err(KeyError::corrupt("sealed content is too short"));
        };
        if header[..2] != [VERSION, AES_256_GCM] {
            return Err(KeyError::corrupt("sealed content is of an unknown version"));
        }
        if header[2..PREFIX] != self.0.generation.to_be_bytes() {
            return Err(KeyError::corrupt("sealed content names another generation of its owner's key"));
        }
        if context.owner() != self.0.user {
            return Err(KeyError::corrupt("sealed content belongs to another user"));
        }
        let mut nonce = [0; NONCE];
        nonce.copy_from_slice(&header[PREFIX..]);
        self.cipher(context).open(&nonce, &aad(header, context), text).ok_or_else(|| {
            KeyError::corrupt("sealed content was changed, moved, or sealed under another key")
        })
    }

    /// How many bytes sealing adds.
    pub const OVERHEAD: usize = HEADER + TAG;

    /// Returns whose key it is.
    pub fn user(&self) -> Uuid {
        self.0.user
    }

    fn cipher(&self, context: &Context) -> Arc<Aead> {
        let conversation = context.conversation();
        if let Some(cipher) = self.0.ciphers.lock().get(&conversation) {
            return cipher;
        }
        let key = match &conversation {
            Some(conversation) => self.0.key.derive("mvchat conversation v1", conversation.as_bytes()),
            None => self.0.key.derive("mvchat user v1", &[]),
        };
        let cipher = Arc::new(Aead::new(&key));
        self.0.ciphers.lock().insert(conversation, Arc::clone(&cipher));
        cipher
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserKey")
            .field("user", &self.0.user)
            .field("generation", &self.0.generation)
            .finish_non_exhaustive()
    }
}

fn aad(header: &[u8], context: &Context) -> Vec<u8> {
    let mut aad = Vec::with_capacity(DOMAIN.len() + HEADER + 64);
    aad.extend_from_slice(DOMAIN);
    aad.extend_from_slice(header);
    context.encode(&mut aad);
    aad
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::seam::keys::KeyErrorKind;

    fn key_of(user: Uuid) -> UserKey {
        UserKey::new(user, 7, SecretKey::generate().unwrap())
    }

    fn uuids() -> impl Strategy<Value = Uuid> {
        any::<u128>().prop_map(Uuid::from_u128)
    }

    fn contexts(user: Uuid) -> impl Strategy<Value = Context> {
        prop_oneof![
            (uuids(), uuids(), any::<u32>()).prop_map(move |(conv, id, revision)| Context::Message {
                conv,
                id,
                sender: user,
                revision
            }),
            Just(Context::UserPrivate { user }),
            uuids().prop_map(move |conv| Context::MemberPrivate { user, conv }),
            Just(Context::Email { user }),
            uuids().prop_map(move |contact| Context::Nickname { user, contact }),
            uuids().prop_map(move |invite| Context::Invite { user, invite }),
            uuids().prop_map(move |file| Context::File { user, file }),
        ]
    }

    fn assert_corrupt(key: &UserKey, context: &Context, sealed: &[u8]) {
        assert_eq!(key.open(context, sealed).unwrap_err().kind(), KeyErrorKind::Corrupt);
    }

    proptest! {
        #[test]
        fn what_was_sealed_opens(
            plain in prop::collection::vec(any::<u8>(), 0..2000),
            (user, context) in uuids().prop_flat_map(|user| (Just(user), contexts(user))),
        ) {
            let key = key_of(user);
            let sealed = key.seal(&context, &plain);
            prop_assert_eq!(sealed.len(), plain.len() + UserKey::OVERHEAD);
            prop_assert_eq!(key.open(&context, &sealed).unwrap(), plain);
        }

        #[test]
        fn different_contexts_never_open_each_other(
            a in contexts(Uuid::from_u128(1)),
            b in contexts(Uuid::from_u128(1)),
        ) {
            prop_assume!(a != b);
            let key = key_of(Uuid::from_u128(1));
            assert_corrupt(&key, &b, &key.seal(&a, b"text"));
            let encoded = |context: &Context| {
                let mut out = Vec::new();
                context.encode(&mut out);
                out
            };
            prop_assert_ne!(encoded(&a), encoded(&b));
        }

        #[test]
        fn noise_never_opens_and_never_panics(noise in prop::collection::vec(any::<u8>(), 0..100), start in 0_usize..=6) {
            let user = Uuid::from_u128(1);
            let mut noise = noise;
            let prefix = [VERSION, AES_256_GCM, 0, 0, 0, 7];
            noise.splice(..start.min(noise.len()), prefix[..start].iter().copied());
            assert_corrupt(&key_of(user), &Context::Email { user }, &noise);
        }
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_noticed() {
        let user = Uuid::from_u128(1);
        let context =
            Context::Message { conv: Uuid::from_u128(2), id: Uuid::from_u128(3), sender: user, revision: 4 };
        let key = key_of(user);
        let sealed = key.seal(&context, b"meet me at noon");
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_corrupt(&key, &context, &changed);
        }
        for length in 0..sealed.len() {
            assert_corrupt(&key, &context, &sealed[..length]);
        }
        assert_corrupt(&key, &context, &[&sealed[..], &[0]].concat());
    }

    #[test]
    fn every_part_of_the_context_counts() {
        let [user, a, b] = [1, 2, 3].map(Uuid::from_u128);
        let key = key_of(user);
        let message = |conv, id, sender, revision| Context::Message { conv, id, sender, revision };
        let sealed = key.seal(&message(a, b, user, 5), b"text");
        for moved in [
            message(b, b, user, 5),
            message(a, a, user, 5),
            message(a, b, a, 5),
            message(a, b, user, 6),
            Context::MemberPrivate { user, conv: a },
            Context::UserPrivate { user },
            Context::Email { user },
            Context::Nickname { user, contact: b },
            Context::Invite { user, invite: b },
            Context::File { user, file: b },
        ] {
            assert_corrupt(&key, &moved, &sealed);
        }
        assert_corrupt(&key, &Context::Email { user }, &key.seal(&Context::UserPrivate { user }, b"text"));
        assert_corrupt(&key_of(user), &message(a, b, user, 5), &sealed);
        // The same secret under another generation does not open it either.
        let next = UserKey::new(user, 8, key.0.key.clone());
        assert_corrupt(&next, &message(a, b, user, 5), &sealed);
    }

    #[test]
    fn sealing_twice_differs_and_shows_nothing() {
        let user = Uuid::from_u128(1);
        let (key, context) = (key_of(user), Context::UserPrivate { user });
        let canary = b"canary-canary-canary";
        let (one, two) = (key.seal(&context, canary), key.seal(&context, canary));
        assert_ne!(one, two);
        assert!(!one.windows(canary.len()).any(|part| part == canary));
    }

    #[test]
    fn more_conversations_than_ciphers_still_open() {
        let user = Uuid::from_u128(1);
        let key = key_of(user);
        let contexts: Vec<_> =
            (0..40).map(|i| Context::MemberPrivate { user, conv: Uuid::from_u128(i) }).collect();
        let sealed: Vec<_> = contexts.iter().map(|context| key.seal(context, b"x")).collect();
        for (context, sealed) in contexts.iter().zip(&sealed) {
            assert_eq!(key.open(context, sealed).unwrap(), b"x");
        }
    }

    #[test]
    #[should_panic(expected = "key of its owner")]
    fn sealing_for_another_user_is_a_bug() {
        key_of(Uuid::from_u128(1)).seal(&Context::Email { user: Uuid::from_u128(2) }, b"x");
    }

    #[test]
    fn debug_shows_no_key() {
        let key = key_of(Uuid::nil());
        assert_eq!(
            format!("{key:?}"),
            "UserKey { user: 00000000-0000-0000-0000-000000000000, generation: 7, .. }"
        );
    }
}
