use arbitrary::{Arbitrary, Unstructured};
use mvchat_core::builtin::keys::{Context, Keys, UserKey};
use mvchat_core::seam::keys::KeyErrorKind;
use std::sync::LazyLock;
use uuid::Uuid;

static KEY: LazyLock<UserKey> = LazyLock::new(|| {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let keys = Keys::ephemeral();
        keys.create_user(user()).await.unwrap();
        keys.user(user()).await.unwrap()
    })
});

fn user() -> Uuid {
    Uuid::from_u128(7)
}

/// What happens to sealed content between two readings.
#[derive(Arbitrary, Debug)]
enum Change {
    Flip { at: u16, mask: u8 },
    Cut { length: u16 },
    Append { byte: u8 },
    Insert { at: u16, byte: u8 },
    Remove { at: u16 },
    Swap { at: u16, with: u16 },
}

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    place: Place,
    /// Another place, where it must not open.
    other: Place,
    changes: Vec<Change>,
    noise: &'a [u8],
    plain: &'a [u8],
}

#[derive(Arbitrary, Debug, Clone, Copy, PartialEq)]
enum Place {
    Message { conv: u8, id: u8, revision: u32 },
    User,
    Member { conv: u8 },
    Email,
    Nickname { contact: u8 },
    Invite { invite: u8 },
    File { file: u8 },
}

impl Place {
    fn context(self) -> Context {
        let id = |number: u8| Uuid::from_u128(u128::from(number));
        match self {
            Self::Message { conv, id: message, revision } => {
                Context::Message { conv: id(conv), id: id(message), sender: user(), revision }
            }
            Self::User => Context::UserPrivate { user: user() },
            Self::Member { conv } => Context::MemberPrivate { user: user(), conv: id(conv) },
            Self::Email => Context::Email { user: user() },
            Self::Nickname { contact } => Context::Nickname { user: user(), contact: id(contact) },
            Self::Invite { invite } => Context::Invite { user: user(), invite: id(invite) },
            Self::File { file } => Context::File { user: user(), file: id(file) },
        }
    }
}

/// Content at rest, with its header.
///
/// * What was sealed opens in its place, and is as much longer as is documented.
/// * It opens in no other place.
/// * Whatever changes in it, be it one bit, it does not open.
/// * Noise does not open.
pub fn sealed(data: &[u8]) {
    let Ok(input) = Input::arbitrary_take_rest(Unstructured::new(data)) else { return };
    let refused = |context: &Context, sealed: &[u8]| {
        let error = KEY.open(context, sealed).expect_err("it opened");
        assert_eq!(error.kind(), KeyErrorKind::Corrupt);
    };
    let context = input.place.context();
    refused(&context, input.noise);
    let sealed = KEY.seal(&context, input.plain);
    assert_eq!(sealed.len(), input.plain.len() + UserKey::OVERHEAD);
    assert_eq!(KEY.open(&context, &sealed).unwrap(), input.plain);
    if input.other != input.place {
        refused(&input.other.context(), &sealed);
    }
    let mut changed = sealed.clone();
    input.changes.iter().for_each(|change| apply(change, &mut changed));
    if changed == sealed {
        assert_eq!(KEY.open(&context, &changed).unwrap(), input.plain);
    } else {
        refused(&context, &changed);
    }
}

fn apply(change: &Change, sealed: &mut Vec<u8>) {
    let length = sealed.len();
    let within = |at: u16| usize::from(at) % length.max(1);
    match *change {
        Change::Cut { length: most } => sealed.truncate(usize::from(most)),
        Change::Append { byte } => sealed.push(byte),
        Change::Insert { at, byte } => sealed.insert(within(at).min(length), byte),
        Change::Flip { at, mask } if length > 0 => sealed[within(at)] ^= mask,
        Change::Remove { at } if length > 0 => drop(sealed.remove(within(at))),
        Change::Swap { at, with } if length > 0 => sealed.swap(within(at), within(with)),
        Change::Flip { .. } | Change::Remove { .. } | Change::Swap { .. } => {}
    }
}
