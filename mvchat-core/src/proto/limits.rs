//! Every number that bounds a client, in one table that the `hi` reply publishes.

use super::Rates;

crate::record! { default:
    /// Limits of one server. Times are in seconds unless the name says otherwise, sizes in bytes.
    ///
    /// # Defaults
    /// Those of the protocol; [`Limits::mvchat2`] has the original server's, [`Limits::mrezhen`] fewer messages.
    #[derive(Clone, Debug, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct Limits {
        /// The largest frame after inflation.
        pub max_message_size: usize,
        /// The longest text, in grapheme clusters.
        pub max_text: usize,
        /// The most media in a message.
        pub max_media: usize,
        /// The most mentions in a message.
        pub max_mentions: usize,
        /// How long a message can be edited.
        pub edit_window: u64,
        /// How often a message can be edited.
        pub max_edit_count: u32,
        /// How long a message can be taken back.
        pub unsend_window: u64,
        /// The most different reactions to a message.
        pub max_reactions: usize,
        /// The longest reaction.
        pub max_emoji: usize,
        /// The largest `public`.
        pub max_public: usize,
        /// The largest `private`.
        pub max_private: usize,
        /// The most members of a group.
        pub max_subscriber_count: usize,
        /// The most conversations of a user.
        pub max_conversations: usize,
        /// The most sessions of a user; the oldest is ended by one more.
        pub max_sessions: usize,
        /// The shortest user name, in characters.
        pub min_login_length: usize,
        /// The longest user name, in characters.
        pub max_login_length: usize,
        /// The shortest password, in characters.
        pub min_password_length: usize,
        /// The longest password, in bytes.
        pub max_password_length: usize,
        /// The longest `cid`.
        pub max_cid: usize,
        /// The most commands of a connection that run at once.
        pub max_in_flight: usize,
        /// Frames per second of a connection.
        pub rate_limit_messages: u32,
        /// Frames at once of a connection, when it was quiet before.
        pub rate_limit_burst: u32,
        /// Bytes per second of a connection; four times as many at once, when it was quiet before.
        pub rate_limit_bytes: u32,
        /// Frames at once of a connection that are no requests, and one more every ten seconds; above that it is closed. 0
        /// closes none.
        pub max_malformed: u32,
        /// Frames above these rates that are refused in a minute before the connection is closed. 0 closes none.
        pub max_refused: u32,
        /// The least time between two `typing` of a user in a conversation that are passed on, in milliseconds.
        pub typing_interval_ms: u64,
        /// Above this many members, presence and marks are not pushed.
        pub max_presence_members: usize,
        /// How long a token lives.
        pub token_lifetime: u64,
        /// How long a session lives at most, however often it is used.
        pub session_lifetime: u64,
        /// How long a connection may stay without logging in.
        pub login_deadline: u64,
        /// How often the server asks an idle connection for a sign of life.
        pub ping_interval: u64,
        /// After how long without any frame a connection is dead.
        pub idle_timeout: u64,
        /// How often something may be done.
        pub rates: Rates,
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_message_size: 64 * 1024,
            max_text: 5_000,
            max_media: 10,
            max_mentions: 50,
            edit_window: 15 * 60,
            max_edit_count: 10,
            unsend_window: 10 * 60,
            max_reactions: 20,
            max_emoji: 32,
            max_public: 8 * 1024,
            max_private: 16 * 1024,
            max_subscriber_count: 1_500,
            max_conversations: 10_000,
            max_sessions: 50,
            min_login_length: 4,
            max_login_length: 64,
            min_password_length: 8,
            max_password_length: 1_024,
            max_cid: 64,
            max_in_flight: 16,
            rate_limit_messages: 50,
            rate_limit_burst: 100,
            rate_limit_bytes: 256 * 1024,
            max_malformed: 5,
            max_refused: 1_000,
            typing_interval_ms: 2_000,
            max_presence_members: 100,
            token_lifetime: 14 * 24 * 60 * 60,
            session_lifetime: 90 * 24 * 60 * 60,
            login_deadline: 15,
            ping_interval: 54,
            idle_timeout: 60,
            rates: Rates::default(),
        }
    }
}

impl Limits {
    /// The figures of the original server (preset `mvchat2`): 30 frames per second, five minutes to take a
    /// message back, passwords of six characters.
    pub fn mvchat2() -> Self {
        Self {
            rate_limit_messages: 30,
            rate_limit_burst: 30,
            rate_limit_bytes: u32::MAX,
            max_malformed: 0,
            max_refused: 0,
            rates: Rates::none(),
            unsend_window: 5 * 60,
            min_password_length: 6,
            ..Self::default()
        }
    }

    /// The figures of the third of the original servers (preset `mrezhen`): besides the default ones, at most 30
    /// messages of a user in every minute.
    pub fn mrezhen() -> Self {
        Self { rates: Rates::mrezhen(), ..Self::default() }
    }

    /// Lets everything be done as often as anybody likes: for imports, measurements and tests.
    #[must_use]
    pub fn unthrottled(self) -> Self {
        Self {
            rate_limit_messages: 1_000_000,
            rate_limit_burst: 1_000_000,
            rate_limit_bytes: u32::MAX,
            max_malformed: 0,
            max_refused: 0,
            rates: Rates::none(),
            ..self
        }
    }
}
