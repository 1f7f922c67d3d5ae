//! Bugs on purpose: what the simulation and its oracles must find.
//!
//! A test of tests plants one of them, on its own thread, and sees the suites fail. Nothing else does: the feature
//! `seeded-bugs` alone changes nothing, and without it there are not even the places.

use std::cell::Cell;

macro_rules! bugs {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A bug that can be planted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum SeededBug { $($(#[$doc])* $name,)* }

        impl SeededBug {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];
        }
    };
}

bugs! {
    /// A commit that failed is acknowledged.
    FalseAck,
    /// Members are told of a message before it is committed.
    TellBeforeCommit,
    /// What a failed commit may have done is not looked for.
    DoubtsForgotten,
    /// An answer does not take the place of its change among the frames.
    AnswerOutOfPlace,
    /// A connection with much to read loses frames.
    FramesDropped,
    /// What waits for a slow reader has no bound.
    UnboundedOutbox,
    /// A connection that says nothing any more stays.
    NoDeadline,
    /// A request is answered twice.
    AnsweredTwice,
    /// The number of a message that was taken back is given to the next.
    SeqReused,
    /// Only the newest message is known by its name.
    NamesForgotten,
    /// Former members hear what goes on.
    RemovedStillHear,
    /// A block does not stop messages.
    BlockIgnored,
    /// Messages can be edited for ever.
    WindowIgnored,
    /// Messages can be edited by others.
    EditedByAnybody,
    /// What was taken back stays.
    UnsentStays,
    /// Whoever was away does not hear of edits.
    RevisionsMissed,
    /// Hiding a message has no number.
    HidingUncounted,
    /// A page that holds fewer messages than asked for is the last.
    ShortPageEnds,
    /// Pages are read from a copy that lags behind.
    StalePages,
    /// The connections of a session that was ended go on.
    LogoutIgnored,
    /// A change that was decided before somebody was removed is committed after it.
    EpochIgnored,
    /// Times of messages are those of the wall clock.
    ClockGoesBack,
    /// A message that is sent again has another name.
    RetryRenamed,
    /// A ciphertext is not bound to its conversation.
    SealedWithoutConversation,
    /// Tokens are good for a minute longer.
    TokenLeeway,
}

thread_local! {
    static PLANTED: Cell<Option<SeededBug>> = const { Cell::new(None) };
}

/// Plants a bug for everything that runs on this thread from now on, in place of the one before.
pub fn plant(bug: Option<SeededBug>) {
    PLANTED.set(bug);
}

/// Returns whether this bug is planted on this thread.
pub fn is_planted(bug: SeededBug) -> bool {
    PLANTED.get() == Some(bug)
}
