//! The words of mails.

use lettre::{
    Address, Message,
    message::{
        Mailbox,
        header::{ContentType, HeaderName, HeaderValue},
    },
};
use mvchat_core::seam::{InviteMail, Mail, MailError};
use uuid::Uuid;

/// The longest name that is shown, in characters.
const MAX_NAME: usize = 64;

/// Writes the letter of a mail.
///
/// # Errors
/// If the address is none, or the mail is of a kind that this server does not know; the error does not name it.
pub(super) fn letter(from: &Mailbox, mail: &Mail) -> Result<Message, MailError> {
    match mail {
        Mail::Invite(invite) => invitation(from, invite),
        _ => Err("no words for this kind of mail".into()),
    }
}

fn invitation(from: &Mailbox, invite: &InviteMail) -> Result<Message, MailError> {
    let address: Address = invite.to.parse().map_err(|_| "the invited person's address is none")?;
    let name = invite.name.as_deref().and_then(shown);
    let inviter = invite.inviter.as_deref().and_then(shown);
    let subject = match &inviter {
        Some(inviter) => format!("{inviter} invites you to chat"),
        None => "You are invited to chat".to_owned(),
    };
    let greeting = match &name {
        Some(name) => format!("Hello {name},"),
        None => "Hello,".to_owned(),
    };
    let who = inviter.as_deref().unwrap_or("Somebody");
    // The code stands alone on its line, so that no mail program breaks it or takes a full stop for a part of it.
    let text = format!(
        "{greeting}\r\n\r\n\
         {who} invites you to chat. When you sign up, give this code:\r\n\r\n\
         {}\r\n\r\n\
         It is good until {} (UTC). If you do not know who sent this, ignore it: nothing happens.\r\n",
        invite.code,
        until(&invite.expires_at.to_string()),
    );
    let id = format!("<{}@{}>", Uuid::new_v4(), from.email.domain());
    let message = Message::builder()
        .from(from.clone())
        .to(Mailbox::new(name, address))
        .subject(subject)
        .message_id(Some(id))
        .raw_header(automatic())
        .header(ContentType::TEXT_PLAIN)
        .body(text)?;
    Ok(message)
}

/// Says that no person wrote this, so that no answering machine answers (RFC 3834).
fn automatic() -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned())
}

/// Cuts an instant of the form `2026-01-31T12:00:00.000000Z` down to the minute.
fn until(at: &str) -> String {
    at.get(..16).unwrap_or(at).replace('T', " ")
}

/// Returns a name as it may be shown; `None` if nothing is left of it, or if it might be taken for a link or an
/// address: a stranger chose it, and the mail comes from us.
fn shown(name: &str) -> Option<String> {
    let plain = |c: char| if c.is_control() || c.is_whitespace() { ' ' } else { c };
    let name: String = name.chars().filter(|c| !is_invisible(*c)).map(plain).collect();
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    let letters: Vec<char> = name.chars().collect();
    let host = letters.windows(3).any(|part| {
        part[0].is_alphanumeric() && matches!(part[1], '.' | '。' | '．') && part[2].is_alphanumeric()
    });
    if name.is_empty() || host || name.contains(['/', '@', '\\']) {
        return None;
    }
    Some(letters.into_iter().take(MAX_NAME).collect())
}

/// Whether a character changes how others are shown without being seen itself.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use mvchat_core::time::Timestamp;

    fn written(to: &str, name: Option<&str>, inviter: Option<&str>) -> Option<String> {
        let at = Timestamp::parse("2026-01-31T12:34:56Z").unwrap();
        let mut mail = InviteMail::new(to.to_owned(), "aB3-_xYz9Q".to_owned(), at);
        mail.name = name.map(str::to_owned);
        mail.inviter = inviter.map(str::to_owned);
        let from = "Example Chat <chat@example.org>".parse().unwrap();
        let letter = letter(&from, &Mail::Invite(mail)).ok()?;
        Some(String::from_utf8(letter.formatted()).unwrap())
    }

    /// The headers, and the lines of the text.
    fn parts(letter: &str) -> (Vec<&str>, Vec<&str>) {
        let (head, text) = letter.split_once("\r\n\r\n").unwrap();
        (head.split("\r\n").collect(), text.split("\r\n").collect())
    }

    #[test]
    fn the_code_stands_alone_and_everything_is_said() {
        let letter = written("bob@example.net", Some("Bob"), Some("Ana")).unwrap();
        let (head, text) = parts(&letter);
        assert!(text.contains(&"aB3-_xYz9Q"), "{letter}");
        for header in [
            "From: \"Example Chat\" <chat@example.org>",
            "To: Bob <bob@example.net>",
            "Subject: Ana invites you to chat",
            "Auto-Submitted: auto-generated",
        ] {
            assert!(head.contains(&header), "{header}: {letter}");
        }
        assert!(letter.contains("2026-01-31 12:34 (UTC)"), "{letter}");
        assert!(head.iter().any(|line| line.starts_with("Message-ID: <") && line.ends_with("@example.org>")));
    }

    #[test]
    fn names_of_all_scripts_arrive_as_ascii() {
        let letter = written("bob@example.net", Some("Боб"), Some("Žofie 🐤")).unwrap();
        let (head, text) = parts(&letter);
        assert!(head.iter().all(|line| line.is_ascii()), "{letter}");
        // What RFC 2047 makes of it, in Base64.
        assert!(letter.contains("Subject: =?utf-8?b?"), "{letter}");
        assert!(text.contains(&"aB3-_xYz9Q"), "the text may be encoded, but not the code: {letter}");
    }

    #[test]
    fn a_name_adds_no_header_and_no_line() {
        for evil in
            ["Eve\r\nBcc: all@example.net", "Eve\nSubject: won", "Eve\r\n\r\nnew text", "E\u{0}v\u{7}e"]
        {
            let letter = written("bob@example.net", Some(evil), Some(evil));
            let Some(letter) = letter else { continue };
            let (head, text) = parts(&letter);
            assert_eq!(head.iter().filter(|line| line.starts_with("Subject: ")).count(), 1, "{letter}");
            assert!(!head.iter().any(|line| line.starts_with("Bcc")), "{letter}");
            assert!(text.contains(&"aB3-_xYz9Q") && !text.contains(&"new text"), "{letter}");
        }
    }

    #[test]
    fn what_is_no_address_is_none() {
        for to in [
            "",
            "bob",
            "bob@",
            "@example.net",
            "a@b@c",
            "bob@example.net\r\nBcc: x@y.z",
            "bob@example.net>",
            "b b@c.d",
        ] {
            assert_eq!(written(to, None, None), None, "{to}");
        }
    }

    #[test]
    fn a_name_is_no_link() {
        for link in ["evil.example", "see http://evil", "@admin", "bank。com", ""] {
            assert_eq!(shown(link), None, "{link}");
        }
        assert_eq!(shown("  Dr. Ana \u{202e} Lee\t").as_deref(), Some("Dr. Ana Lee"));
        assert_eq!(shown(&"x".repeat(200)).unwrap().len(), MAX_NAME);
    }
}
