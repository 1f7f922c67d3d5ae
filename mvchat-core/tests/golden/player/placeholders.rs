//! What requests of a recording may say in place of what differs from run to run.

use super::server::Server;
use super::tokens;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mvchat_core::seam::Env;
use serde_json::Value;
use std::collections::BTreeMap;

/// What the placeholders of a request stand for.
///
/// A text of a request that is a name of an answer (`<A>`, `<id-1>`, `<code-1>`) is what was there really. Besides:
///
/// * `<basic name:password>`: the Base64 of it;
/// * `<token A>`: the newest token of a client; `<token A, no exp>`: one made of it that the server never made;
/// * `<upper <A>>`: in upper case, `<plain <A>>`: without hyphens;
/// * `<fill 100>`: so many letters.
pub(crate) struct Known<'a> {
    /// By what is there really.
    pub(crate) names: &'a BTreeMap<String, String>,
    pub(crate) tokens: &'a BTreeMap<String, String>,
    pub(crate) server: &'a Server,
}

impl Known<'_> {
    /// Returns a request with everything in its place.
    pub(crate) fn real(&self, frame: &Value) -> Value {
        match frame {
            Value::Object(fields) => {
                fields.iter().map(|(key, value)| (key.clone(), self.real(value))).collect()
            }
            Value::Array(items) => items.iter().map(|item| self.real(item)).collect(),
            Value::String(text) => Value::from(self.text(text)),
            other => other.clone(),
        }
    }

    fn text(&self, text: &str) -> String {
        if let Some((real, _)) = self.names.iter().find(|(_, name)| *name == text) {
            return real.clone();
        }
        let Some((what, of)) =
            text.strip_prefix('<').and_then(|text| text.strip_suffix('>')?.split_once(' '))
        else {
            return text.to_owned();
        };
        match what {
            "basic" => STANDARD.encode(of),
            "upper" => self.text(of).to_uppercase(),
            "plain" => self.text(of).replace('-', ""),
            "token" => self.token(of),
            _ => filled(text),
        }
    }

    fn token(&self, of: &str) -> String {
        let (client, kind) = of.split_once(", ").map_or((of, None), |(client, kind)| (client, Some(kind)));
        let token = self.tokens.get(client).unwrap_or_else(|| panic!("{client} has no token"));
        let now = self.server.clock.now().as_micros() / 1_000_000;
        kind.map_or_else(|| token.clone(), |kind| tokens::variant(kind, token, &self.server.token_key, now))
    }
}

/// Puts letters where a text says how many.
pub(crate) fn filled(text: &str) -> String {
    let Some((before, rest)) = text.split_once("<fill ") else { return text.to_owned() };
    let (length, after) = rest.split_once('>').unwrap();
    format!("{before}{}{after}", "a".repeat(length.parse().unwrap()))
}
