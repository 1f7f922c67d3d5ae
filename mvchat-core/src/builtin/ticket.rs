//! Tickets: what a client that can't set headers opens one WebSocket with, soon and from the same web page.
//!
//! ```text
//! mvt_ base64url( user (16) ‖ session (16) ‖ token's end in s (8) ‖ ticket's end in µs (8) ‖ random (16) ‖ tag (16) )
//! ```
//! The tag is the beginning of an HMAC of what stands before it and of the page's origin, so every node with the same
//! ring knows a ticket that another one made. That it is used once is for its user to see to: see `spend` of the engine.

use crate::builtin::keys::Keys;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

/// What a ticket begins with.
const PREFIX: &str = "mvt_";
const BODY: usize = 64;
const TAG: usize = 16;

/// What a ticket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    pub(crate) user: Uuid,
    pub(crate) session: Uuid,
    /// When the token that it was got with ends, in seconds.
    pub(crate) expires: i64,
    /// Until when it can be used, in microseconds.
    pub(crate) until: i64,
    /// Tells it from every other one.
    pub(crate) nonce: [u8; 16],
}

impl Ticket {
    /// Writes it for pages of an origin; `None` is a client that is no page.
    pub(crate) fn write(&self, keys: &Keys, origin: Option<&str>) -> String {
        let mut body = Vec::with_capacity(BODY + TAG);
        body.extend_from_slice(self.user.as_bytes());
        body.extend_from_slice(self.session.as_bytes());
        body.extend_from_slice(&self.expires.to_be_bytes());
        body.extend_from_slice(&self.until.to_be_bytes());
        body.extend_from_slice(&self.nonce);
        let tag = tag(keys, &body, origin);
        body.extend_from_slice(&tag);
        PREFIX.to_owned() + &URL_SAFE_NO_PAD.encode(&body)
    }

    /// Reads a ticket; `None` if this ring has never made it for this origin.
    pub(crate) fn read(keys: &Keys, text: &str, origin: Option<&str>) -> Option<Self> {
        let bytes: [u8; BODY + TAG] =
            URL_SAFE_NO_PAD.decode(text.strip_prefix(PREFIX)?).ok()?.try_into().ok()?;
        let (body, told) = bytes.split_first_chunk::<BODY>()?;
        if !bool::from(tag(keys, body, origin).as_slice().ct_eq(told)) {
            return None;
        }
        let (user, rest) = body.split_first_chunk()?;
        let (session, rest) = rest.split_first_chunk()?;
        let (expires, rest) = rest.split_first_chunk()?;
        let (until, nonce) = rest.split_first_chunk()?;
        Some(Self {
            user: Uuid::from_bytes(*user),
            session: Uuid::from_bytes(*session),
            expires: i64::from_be_bytes(*expires),
            until: i64::from_be_bytes(*until),
            nonce: nonce.try_into().ok()?,
        })
    }
}

fn tag(keys: &Keys, body: &[u8], origin: Option<&str>) -> [u8; TAG] {
    // No origin is not the same as an empty one.
    let page = [u8::from(origin.is_some())];
    let mac = keys.mac("websocket ticket", &[body, &page, origin.unwrap_or_default().as_bytes()]);
    let mut tag = [0; TAG];
    tag.copy_from_slice(&mac[..TAG]);
    tag
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICKET: Ticket = Ticket {
        user: Uuid::from_u128(1),
        session: Uuid::from_u128(2),
        expires: 1_767_830_400,
        until: 1_767_830_400_000_000,
        nonce: [7; 16],
    };

    #[test]
    fn a_ticket_is_read_as_it_was_made_and_no_other_is() {
        let keys = Keys::ephemeral();
        for origin in [None, Some(""), Some("https://a.example")] {
            let text = TICKET.write(&keys, origin);
            assert!(text.starts_with("mvt_") && text.len() == 111);
            for other in [None, Some(""), Some("https://a.example"), Some("https://a.example.evil")] {
                let read = Ticket::read(&keys, &text, other);
                assert_eq!(read, (other == origin).then_some(TICKET), "{origin:?} {other:?}");
            }
            assert_eq!(Ticket::read(&Keys::ephemeral(), &text, origin), None, "of another ring");
        }
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let keys = Keys::ephemeral();
        let text = TICKET.write(&keys, None);
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            assert_eq!(Ticket::read(&keys, &forged, None), None, "byte {at} is another");
        }
        for wrong in ["", PREFIX, "a.b.c", &text[..text.len() - 1], &format!("{text}A"), &text[4..]] {
            assert_eq!(Ticket::read(&keys, wrong, None), None, "{wrong}");
        }
    }
}
