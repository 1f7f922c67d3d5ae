use mvchat_core::policy::{Place, read_since};
use mvchat_core::proto::{Command, ConvPage, Envelope, Get, Limits, MAX_COUNTER, MessagePage, Own, Rev, Seq};
use serde_json::{Value, json};

/// Where pages begin. The input is tried as a cursor itself, and as the members of a `get`.
///
/// * A cursor that is accepted is written exactly as it was read.
/// * What a `get` asks for stays within the limits, whatever its cursors and its `limit` say.
pub fn cursor(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(place) = Place::read(text) {
        assert_eq!(place.write(), text);
    }
    if let Some(position) = read_since(text) {
        assert!(position.0 <= MAX_COUNTER);
        assert_eq!(position.to_string(), text);
    }
    let parts: Vec<&str> = text.split('\n').collect();
    for what in ["conversations", "messages", "receipts", "changes", "mentions", "members"] {
        let mut get = json!({"what": what, "conv": "5f281d6b-e26b-4e58-82c1-621cacf21f04"});
        for (name, part) in ["limit", "before", "after", "around", "since", "own"].iter().zip(&parts) {
            if !part.is_empty() {
                get[*name] = serde_json::from_str(part).unwrap_or_else(|_| Value::from(*part));
            }
        }
        let text = json!({"get": get}).to_string();
        let Ok(envelope) = Envelope::decode(text.as_bytes()) else { continue };
        match Command::parse(envelope.request, &Limits::default()) {
            Ok(Command::Get(get)) => bounded(&get),
            Ok(other) => panic!("{text} is {other:?}"),
            Err(_) => {}
        }
    }
}

fn bounded(get: &Get) {
    let within = |limit: usize, most: usize| assert!((1..=most).contains(&limit), "{get:?}");
    match get {
        Get::Conversations(ConvPage::Page { limit, .. } | ConvPage::Since { limit, .. }) => {
            within(*limit, 100)
        }
        Get::Messages { page, limit, .. } => {
            within(*limit, 100);
            if let MessagePage::Before(Seq(seq)) | MessagePage::Around(Seq(seq)) = page {
                assert!((1..=MAX_COUNTER).contains(seq));
            }
            if let MessagePage::After(Seq(seq)) = page {
                assert!(*seq <= MAX_COUNTER);
            }
        }
        Get::Receipts { limit: Some(limit), .. } => within(*limit, 200),
        Get::Changes { since: Rev(since), own, limit, .. } => {
            within(*limit, 200);
            assert!(*since <= MAX_COUNTER && own.is_none_or(|Own(own)| own <= MAX_COUNTER));
        }
        Get::Mentions { limit } => within(*limit, 50),
        _ => {}
    }
}
