//! Contents as mvChat2 keeps them: a nonce of 12 bytes, ciphertext, a tag of 16 bytes; AES-GCM without associated data.

use aes_gcm::{
    Aes128Gcm, Aes256Gcm, AesGcm, KeyInit, Nonce,
    aead::{Aead, consts::U12},
    aes::Aes192,
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use mvchat_core::irido::{Irido, Rules};
use serde_json::{Value, json};

/// The one key of a server, of 16, 24 or 32 bytes.
pub(crate) enum ContentKey {
    Short(Box<Aes128Gcm>),
    Middle(Box<AesGcm<Aes192, U12>>),
    Long(Box<Aes256Gcm>),
}

impl ContentKey {
    /// Reads a key in base64, as the server's configuration has it.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let key = STANDARD.decode(text).or_else(|_| STANDARD_NO_PAD.decode(text));
        let key = key.map_err(|_| "the key is no base64".to_owned())?;
        let wrong = |_| "the key has another length than 16, 24 or 32 bytes".to_owned();
        match key.len() {
            16 => Aes128Gcm::new_from_slice(&key).map(Box::new).map(Self::Short).map_err(wrong),
            24 => AesGcm::new_from_slice(&key).map(Box::new).map(Self::Middle).map_err(wrong),
            _ => Aes256Gcm::new_from_slice(&key).map(Box::new).map(Self::Long).map_err(wrong),
        }
    }

    /// Opens a content; none if it was sealed with another key.
    pub(super) fn open(&self, stored: &[u8]) -> Option<String> {
        let (nonce, text) = stored.split_first_chunk::<12>()?;
        let nonce = Nonce::<U12>::from(*nonce);
        let clear = match self {
            Self::Short(key) => key.decrypt(&nonce, text),
            Self::Middle(key) => key.decrypt(&nonce, text),
            Self::Long(key) => key.decrypt(&nonce, text),
        };
        String::from_utf8(clear.ok()?).ok()
    }

    /// Seals a content as the server does; for tests.
    #[cfg(test)]
    pub(crate) fn seal(&self, nonce: [u8; 12], clear: &[u8]) -> Vec<u8> {
        let at = Nonce::<U12>::from(nonce);
        let sealed = match self {
            Self::Short(key) => key.encrypt(&at, clear),
            Self::Middle(key) => key.encrypt(&at, clear),
            Self::Long(key) => key.encrypt(&at, clear),
        };
        [&nonce[..], &sealed.unwrap_or_default()].concat()
    }
}

/// Makes valid content of what a sender wrote, which nobody has checked; returns it with whether it had to be changed.
pub(super) fn valid(raw: &str) -> Option<(Irido, bool)> {
    let rules = Rules::default();
    if let Ok(content) = Irido::parse(raw, &rules) {
        return Some((content, false));
    }
    let value: Value = serde_json::from_str(raw).ok()?;
    let mut tries = Vec::new();
    if let Value::Object(mut fields) = value.clone() {
        fields.insert("v".to_owned(), json!(1));
        tries.push(Value::Object(fields.clone()));
        // What was wrong is most often where a mention stands.
        fields.remove("mentions");
        tries.push(Value::Object(fields.clone()));
        fields.remove("reply");
        tries.push(Value::Object(fields.clone()));
        if let Some(text) = fields.get("text").filter(|text| text.is_string()) {
            tries.push(json!({"v": 1, "text": text}));
        }
    }
    tries.push(json!({"v": 1, "text": value.as_str().map_or_else(|| raw.to_owned(), str::to_owned)}));
    tries
        .into_iter()
        .find_map(|value| Irido::parse(&value.to_string(), &rules).ok())
        .map(|content| (content, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_all_lengths_open_what_they_sealed() {
        for length in [16, 24, 32] {
            let key = ContentKey::read(&STANDARD.encode(vec![7; length])).unwrap();
            let sealed = key.seal([3; 12], b"{\"v\":1}");
            assert_eq!(key.open(&sealed).as_deref(), Some("{\"v\":1}"));
            assert_eq!(key.open(&sealed[..20]), None);
            assert_eq!(key.open(b"short"), None);
        }
        assert!(ContentKey::read(&STANDARD.encode([7; 20])).is_err());
        assert!(ContentKey::read("?").is_err());
    }

    #[test]
    fn what_nobody_checked_becomes_valid() {
        let text = |raw| valid(raw).map(|(content, changed)| (content.text().to_owned(), changed));
        assert_eq!(text(r#"{"v":1,"text":"fine"}"#), Some(("fine".to_owned(), false)));
        assert_eq!(text(r#"{"text":"no version"}"#), Some(("no version".to_owned(), true)));
        assert_eq!(text(r#"{"v":1,"text":"hi","mentions":[{"offset":-1}]}"#), Some(("hi".to_owned(), true)));
        assert_eq!(text("[1,2]"), Some(("[1,2]".to_owned(), true)));
        assert_eq!(text("not json"), None);
    }
}
