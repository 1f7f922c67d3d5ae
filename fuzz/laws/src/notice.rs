use mvchat_core::proto::{
    ChangesParams, ConversationsParams, Json, MessagesParams, ServerMsg, SessionsParams,
};
use mvchat_core::wire::{self, Read, Write};
use std::fmt::Debug;

/// A server's frame, and the parameters of the larger answers, as a client reads them.
///
/// What is accepted is written as something that is read as the same, and is written the same again.
pub fn notice(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    same::<ServerMsg>(text);
    same::<MessagesParams>(text);
    same::<ConversationsParams>(text);
    same::<ChangesParams>(text);
    same::<SessionsParams>(text);
    if let Ok(json) = wire::read::<Json>(text) {
        assert_eq!(json.as_str(), text.trim_matches([' ', '\t', '\n', '\r']));
    }
}

fn same<T: Read + Write + Debug>(text: &str) {
    let Ok(value) = wire::read::<T>(text) else { return };
    let written = wire::write(&value);
    let again = wire::read::<T>(&written).unwrap_or_else(|bad| panic!("{written}: {bad}"));
    assert_eq!(format!("{again:?}"), format!("{value:?}"), "{written}");
    assert_eq!(wire::write(&again), written);
}
