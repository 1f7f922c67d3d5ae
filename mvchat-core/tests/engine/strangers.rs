//! The matrix of who may learn what, within the process.

use crate::door::Inside;
use crate::matrix::{self, Target, row};
use mvchat_core::proto::{Command, Envelope, Limits};
use mvchat_core::testkit::{KINDS, kind};

#[test]
fn every_kind_of_command_has_a_row_that_asks_for_it() {
    let target = Target::unknown(1);
    for name in KINDS {
        for request in row(name, &target).1 {
            let envelope = Envelope::decode(request.to_string().as_bytes()).unwrap();
            let command = Command::parse(envelope.request, &Limits::default());
            let command = command.unwrap_or_else(|error| panic!("{request}: {error}"));
            assert_eq!(kind(&command), *name, "{request}");
        }
    }
}

#[tokio::test]
async fn nobody_learns_what_is_not_theirs() {
    matrix::nobody_learns_what_is_not_theirs::<Inside>().await;
}

#[tokio::test]
async fn whoever_is_blocked_reaches_nobody() {
    matrix::whoever_is_blocked_reaches_nobody::<Inside>().await;
}

#[tokio::test]
async fn a_session_that_is_over_opens_nothing() {
    matrix::a_session_that_is_over_opens_nothing::<Inside>().await;
}
