//! The matrix of who may learn what: every row of it.

use crate::matrix;
use crate::sockets::Sockets;

#[tokio::test]
async fn nobody_learns_what_is_not_theirs() {
    matrix::nobody_learns_what_is_not_theirs::<Sockets>().await;
}

#[tokio::test]
async fn whoever_is_blocked_reaches_nobody() {
    matrix::whoever_is_blocked_reaches_nobody::<Sockets>().await;
}

#[tokio::test]
async fn a_session_that_is_over_opens_nothing() {
    matrix::a_session_that_is_over_opens_nothing::<Sockets>().await;
}
