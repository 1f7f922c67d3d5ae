//! mvchat's frames.

use super::dialect::{Dialect, Read, holds, wrong};
use crate::marker::Marker;
use crate::people::Account;
use mvchat_core::proto::ConvId;

/// Somebody with a token, in the conversation with one other.
pub(crate) struct Mvchat {
    token: String,
    conv: ConvId,
    inside: bool,
}

impl Mvchat {
    pub(crate) fn new(account: &Account, conv: ConvId) -> Self {
        Self { token: account.token.clone(), conv, inside: false }
    }
}

impl Dialect for Mvchat {
    const ANSWERS: bool = true;

    fn greeting(&mut self) -> Vec<String> {
        let login = format!(r#"{{"id":"login","login":{{"scheme":"token","secret":"{}"}}}}"#, self.token);
        vec![r#"{"hi":{"ver":"0"}}"#.to_owned(), login]
    }

    fn read(&mut self, frame: &[u8]) -> Read {
        if frame.starts_with(br#"{"data""#) {
            return Marker::find(frame).map_or(Read::Nothing, Read::Heard);
        }
        if !frame.starts_with(br#"{"ctrl""#) {
            return Read::Nothing;
        }
        if !holds(frame, br#""code":2"#) {
            return wrong(frame);
        }
        match self.inside {
            true => Read::Taken,
            false if holds(frame, br#""id":"login""#) => {
                self.inside = true;
                Read::Ready
            }
            false => Read::Nothing,
        }
    }

    fn message(&self, number: u64, text: &str) -> String {
        format!(
            r#"{{"id":"{number}","send":{{"conv":"{}","cid":"{number}","content":{{"v":1,"text":"{text}"}}}}}}"#,
            self.conv
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> Mvchat {
        Mvchat { token: "t".to_owned(), conv: ConvId(uuid::Uuid::nil()), inside: false }
    }

    #[test]
    fn only_answers_after_the_login_are_of_messages() {
        let mut one = somebody();
        assert_eq!(one.greeting().len(), 2);
        assert_eq!(one.read(br#"{"ctrl":{"code":201}}"#), Read::Nothing);
        assert_eq!(one.read(br#"{"ctrl":{"id":"login","code":200}}"#), Read::Ready);
        assert_eq!(one.read(br#"{"info":{"what":"online"}}"#), Read::Nothing);
        assert_eq!(one.read(br#"{"ctrl":{"id":"0","code":202}}"#), Read::Taken);
        assert!(matches!(one.read(br#"{"ctrl":{"id":"1","code":429}}"#), Read::Wrong(_)));
    }

    #[test]
    fn what_is_said_can_be_heard() {
        let mut one = somebody();
        let marker = Marker { due: 1, sender: 2, number: 3 };
        let said = one.message(3, &marker.text(250));
        assert!(said.contains(r#""cid":"3""#), "{said}");
        assert_eq!(one.read(said.replacen(r#"{"id""#, r#"{"data""#, 1).as_bytes()), Read::Heard(marker));
    }
}
