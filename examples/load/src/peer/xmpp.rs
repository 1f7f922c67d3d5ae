//! XMPP's frames on a WebSocket (RFC 7395), as few as can be: nobody has contacts, and nothing is negotiated that is left
//! to the client.

use super::dialect::{Dialect, Read, holds, wrong};
use super::ejabberd::{HOST, PASSWORD};
use crate::marker::Marker;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// What opens the text of a message.
const BODY: &[u8] = b"<body>@@";
const PRESENCE: &str = r#"<presence xmlns="jabber:client"/>"#;

/// Somebody with an account, and the one they talk to.
pub(crate) struct Xmpp {
    name: String,
    other: String,
    step: Step,
}

/// How far somebody has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The stream is opened.
    Opening,
    /// The password is checked.
    Authenticating,
    /// The stream is opened again, by somebody known.
    Reopening,
    /// The connection gets its address.
    Binding,
    /// Everybody is told of it, also whoever tells.
    Appearing,
    Inside,
}

impl Xmpp {
    pub(crate) fn new(name: String, other: String) -> Self {
        Self { name, other, step: Step::Opening }
    }

    fn authentication(&self) -> String {
        let plain = STANDARD.encode(format!("\0{}\0{PASSWORD}", self.name));
        format!(r#"<auth xmlns="urn:ietf:params:xml:ns:xmpp-sasl" mechanism="PLAIN">{plain}</auth>"#)
    }

    fn enter(&mut self, frame: &[u8]) -> Read {
        let head = Head::of(frame);
        let (next, read) = match (self.step, head.name) {
            (Step::Opening, "features") => (Step::Authenticating, Read::Say(self.authentication())),
            (Step::Authenticating, "success") => (Step::Reopening, Read::Say(open())),
            (Step::Reopening, "features") => (Step::Binding, Read::Say(bind())),
            (Step::Binding, "iq") if head.has("type", "result") => {
                (Step::Appearing, Read::Say(PRESENCE.to_owned()))
            }
            (Step::Appearing, "presence") if !head.has("type", "error") => (Step::Inside, Read::Ready),
            (step, "open") => (step, Read::Nothing),
            (step, _) => (step, wrong(frame)),
        };
        self.step = next;
        read
    }
}

impl Dialect for Xmpp {
    const ANSWERS: bool = false;

    fn greeting(&mut self) -> Vec<String> {
        vec![open()]
    }

    fn read(&mut self, frame: &[u8]) -> Read {
        if frame.starts_with(b"<message") {
            // An error returns the whole message, so it is no text that tells it.
            let end = frame.iter().position(|byte| *byte == b'>').unwrap_or(frame.len());
            if holds(&frame[..end], b"type='error'") {
                return wrong(frame);
            }
            return Marker::find_after(BODY, frame).map_or(Read::Nothing, Read::Heard);
        }
        match self.step {
            Step::Inside => match Head::of(frame).name {
                "close" | "error" => wrong(frame),
                _ => Read::Nothing,
            },
            _ => self.enter(frame),
        }
    }

    fn message(&self, number: u64, text: &str) -> String {
        // There is nothing in the text that XML would have to escape.
        format!(
            r#"<message xmlns="jabber:client" to="{}@{HOST}" type="chat" id="{number}"><body>{text}</body></message>"#,
            self.other
        )
    }
}

fn open() -> String {
    format!(r#"<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="{HOST}" version="1.0"/>"#)
}

fn bind() -> String {
    r#"<iq xmlns="jabber:client" type="set" id="bind"><bind xmlns="urn:ietf:params:xml:ns:xmpp-bind"/></iq>"#
        .to_owned()
}

/// The first tag of a frame; empty if there is none.
struct Head<'a> {
    /// Its name, without a prefix.
    name: &'a str,
    attributes: &'a str,
}

impl<'a> Head<'a> {
    fn of(frame: &'a [u8]) -> Self {
        let text = std::str::from_utf8(frame).unwrap_or_default();
        let tag = text.strip_prefix('<').and_then(|rest| Some(rest.split_once('>')?.0)).unwrap_or_default();
        let tag = tag.trim_end_matches('/');
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        Self { name: name.rsplit(':').next().unwrap_or_default(), attributes }
    }

    fn has(&self, name: &str, value: &str) -> bool {
        ['\'', '"'].iter().any(|quote| {
            let wanted = format!("{name}={quote}{value}{quote}");
            self.attributes.split(' ').any(|attribute| attribute == wanted)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> Xmpp {
        Xmpp::new("u0".to_owned(), "u1".to_owned())
    }

    #[test]
    fn somebody_gets_in_step_by_step() {
        let mut one = somebody();
        assert_eq!(one.greeting(), [open()]);
        assert_eq!(one.read(b"<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' id='1'/>"), Read::Nothing);
        let auth = one.authentication();
        assert!(auth.contains(&STANDARD.encode(format!("\0u0\0{PASSWORD}"))), "{auth}");
        assert_eq!(one.read(b"<stream:features><mechanisms/></stream:features>"), Read::Say(auth));
        assert_eq!(one.read(b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"), Read::Say(open()));
        assert_eq!(one.read(b"<open id='2'/>"), Read::Nothing);
        assert_eq!(one.read(b"<stream:features><bind/></stream:features>"), Read::Say(bind()));
        let bound = b"<iq xmlns='jabber:client' id='bind' type='result'><bind/></iq>";
        assert_eq!(one.read(bound), Read::Say(PRESENCE.to_owned()));
        assert_eq!(one.read(b"<presence from='u0@localhost/1' to='u0@localhost/1'/>"), Read::Ready);
        assert_eq!(one.read(b"<presence from='u1@localhost/1'/>"), Read::Nothing);
    }

    #[test]
    fn a_refusal_is_told_wherever_it_comes() {
        for refusal in ["<failure xmlns='x'><not-authorized/></failure>", "<stream:error/>", "<close/>", "?"]
        {
            let mut one = somebody();
            one.step = Step::Authenticating;
            assert!(matches!(one.read(refusal.as_bytes()), Read::Wrong(_)), "{refusal}");
        }
        let mut one = somebody();
        one.step = Step::Inside;
        assert!(matches!(one.read(b"<stream:error><conflict/></stream:error>"), Read::Wrong(_)));
        assert_eq!(one.read(b"<iq type='get'/>"), Read::Nothing);
    }

    #[test]
    fn what_is_said_can_be_heard_and_not_what_comes_back() {
        let mut one = somebody();
        one.step = Step::Inside;
        let marker = Marker { due: 1, sender: 2, number: 3 };
        let said = one.message(3, &marker.text(250));
        assert!(said.contains(r#" to="u1@localhost" "#), "{said}");
        assert_eq!(one.read(said.as_bytes()), Read::Heard(marker));
        let back = said.replace(r#"type="chat""#, "type='error'");
        assert!(matches!(one.read(back.as_bytes()), Read::Wrong(_)));
    }
}
