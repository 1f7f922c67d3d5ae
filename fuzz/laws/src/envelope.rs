use mvchat_core::error::ErrorKind;
use mvchat_core::proto::{Command, Envelope, Limits};
use serde_json::value::RawValue;

/// A client's frame.
///
/// * What is refused is malformed or invalid, and has an id of 1 to 64 bytes or none.
/// * What is accepted is one JSON object, and what is written of it is read as the same.
/// * Checking its fields gives a command or one of the table's errors, never a defect, and the same for what was
///   written.
pub fn envelope(data: &[u8]) {
    let envelope = match Envelope::decode(data) {
        Ok(envelope) => envelope,
        Err(bad) => {
            assert!(matches!(bad.error.kind(), ErrorKind::Malformed | ErrorKind::Invalid), "{bad:?}");
            return check_id(bad.id.as_deref());
        }
    };
    check_id(envelope.id.as_deref());
    let text = std::str::from_utf8(data).expect("only UTF-8 is a frame");
    let whole: &RawValue = serde_json::from_str(text).expect("only JSON is a frame");
    assert!(whole.get().starts_with('{'));

    let written = envelope.encode();
    let again = Envelope::decode(written.as_bytes());
    let again = again.unwrap_or_else(|bad| panic!("{written}: {bad:?}"));
    assert_eq!(again, envelope, "{written}");
    assert_eq!(again.encode(), written);

    let limits = Limits::default();
    let public = envelope.request.is_public();
    match (Command::parse(envelope.request, &limits), Command::parse(again.request, &limits)) {
        (Ok(command), Ok(again)) => {
            assert_eq!(command, again);
            assert!(!(public && matches!(command, Command::Get(_) | Command::Send(_))));
        }
        (Err(error), Err(again)) => {
            assert_eq!((error.kind(), error.to_string()), (again.kind(), again.to_string()));
            let known = [ErrorKind::Invalid, ErrorKind::BadCredentials, ErrorKind::Unsupported];
            assert!(known.contains(&error.kind()), "{error:?}");
        }
        (one, other) => panic!("{one:?} and {other:?}"),
    }
}

fn check_id(id: Option<&str>) {
    assert!(id.is_none_or(|id| (1..=64).contains(&id.len())), "{id:?}");
}
