//! The table of everything that the engine measures: names, labels and meanings stand here and nowhere else.

use super::Info;

/// Everything that [`Chat::metrics`](crate::Chat::metrics) reads out, in its order.
pub const CATALOGUE: &[Info] = &[
    CONNECTIONS,
    SESSIONS,
    USERS,
    OPENED,
    CLOSED,
    FRAMES_IN,
    BYTES_IN,
    FRAMES_OUT,
    BYTES_OUT,
    FRAMES_REFUSED,
    COMMANDS,
    COMMAND_TIME,
    LOGINS,
    CHANGES,
    BATCH_SIZE,
    COMMIT_TIME,
    DELIVERIES,
    OVERFLOWS,
    STORE_TIME,
    STORE_ERRORS,
    STORE_OK,
    LIMIT_HITS,
    LIMITER_FAILURES,
    EXPIRED,
    JOBS_WAITING,
    JOBS_RUNNING,
    JOBS_WAITED,
    JOBS_TOOK,
    JOBS_ENDED,
    JOBS_REFUSED,
    AUDIT_EVENTS,
    DECRYPT_FAILURES,
    NODES,
];

pub(super) const CONNECTIONS: Info =
    Info::gauge("mvchat_connections", &[], "Connections that are open, logged in or not.");
pub(super) const SESSIONS: Info = Info::gauge("mvchat_sessions", &[], "Connections that are logged in.");
pub(super) const USERS: Info =
    Info::gauge("mvchat_users_online", &[], "Users with at least one connection to this node.");
pub(super) const OPENED: Info =
    Info::counter("mvchat_connections_opened_total", &[], "Connections that were opened.");
pub(super) const CLOSED: Info = Info::counter(
    "mvchat_connections_closed_total",
    &["reason"],
    "Connections that ended, by the meaning of the close code; `lost` without one.",
);
pub(super) const FRAMES_IN: Info =
    Info::counter("mvchat_frames_received_total", &[], "Frames of clients, pings and pongs among them.");
pub(super) const BYTES_IN: Info =
    Info::counter("mvchat_bytes_received_total", &[], "Bytes of the text in frames of clients.");
pub(super) const FRAMES_OUT: Info =
    Info::counter("mvchat_frames_sent_total", &[], "Frames handed to the network.");
pub(super) const BYTES_OUT: Info =
    Info::counter("mvchat_bytes_sent_total", &[], "Bytes of the text in frames handed to the network.");
pub(super) const FRAMES_REFUSED: Info = Info::counter(
    "mvchat_frames_refused_total",
    &["reason"],
    "Frames that became no command: `rate_limited` above a connection's own rate, or `malformed`.",
);
pub(super) const COMMANDS: Info = Info::counter(
    "mvchat_commands_total",
    &["command", "outcome"],
    "Commands that were answered, by kind and by `ok` or the slug of the error.",
);
pub(super) const COMMAND_TIME: Info = Info::histogram(
    "mvchat_command_duration_seconds",
    &["command"],
    "How long commands took from when they were begun, by kind.",
);
pub(super) const LOGINS: Info = Info::counter(
    "mvchat_logins_total",
    &["scheme", "outcome"],
    "Logins, by scheme (`other` for one that the server does not know) and by `ok` or the slug of the error.",
);
pub(super) const CHANGES: Info = Info::counter(
    "mvchat_changes_total",
    &["outcome"],
    "What became of changes of conversations in commits: `done`, `replay` of one that was done before, `stale` \
     (decided again), `locked` by somebody else (tried again), or `refused`.",
);
pub(super) const BATCH_SIZE: Info =
    Info::histogram("mvchat_commit_changes", &[], "Changes that shared a commit.");
pub(super) const COMMIT_TIME: Info =
    Info::histogram("mvchat_commit_duration_seconds", &[], "How long the store took for a commit.");
pub(super) const DELIVERIES: Info = Info::counter(
    "mvchat_deliveries_total",
    &[],
    "Connections that were handed a message or a notice of a change, its author's own among them.",
);
pub(super) const OVERFLOWS: Info = Info::counter(
    "mvchat_outbox_overflows_total",
    &[],
    "Connections that were closed to catch up because they did not take what they were sent.",
);
pub(super) const STORE_TIME: Info = Info::histogram(
    "mvchat_store_call_duration_seconds",
    &["method"],
    "How long calls of the store took, by method.",
);
pub(super) const STORE_ERRORS: Info = Info::counter(
    "mvchat_store_errors_total",
    &["method", "kind"],
    "Calls of the store that failed, by method and kind of failure. Only `unavailable` and `internal` are faults.",
);
pub(super) const STORE_OK: Info = Info::gauge(
    "mvchat_store_ok",
    &[],
    "1 while the store serves, 0 while the health check says that it does not.",
);
pub(super) const LIMIT_HITS: Info = Info::counter(
    "mvchat_limit_hits_total",
    &["act", "key"],
    "Acts that were refused because of a row of the table of limits, by what the row counts.",
);
pub(super) const LIMITER_FAILURES: Info =
    Info::counter("mvchat_limiter_failures_total", &[], "Acts about which the limiter could not be asked.");
pub(super) const EXPIRED: Info = Info::counter(
    "mvchat_expired_total",
    &["what"],
    "Messages that expired: `hidden` for one user each, or `erased` for everybody.",
);
pub(super) const AUDIT_EVENTS: Info = Info::counter(
    "mvchat_audit_events_total",
    &["result"],
    "Events of the audit log: `written`, or `dropped` for want of room.",
);
pub(super) const DECRYPT_FAILURES: Info =
    Info::counter("mvchat_decrypt_failures_total", &[], "Sealed data that could not be opened.");
pub(super) const NODES: Info =
    Info::gauge("mvchat_other_nodes", &[], "Other nodes on the same store that are known to be alive.");
pub(in crate::engine) const JOBS_WAITING: Info =
    Info::gauge("mvchat_jobs_waiting", &["priority"], "Background jobs that wait for a worker.");
pub(in crate::engine) const JOBS_RUNNING: Info =
    Info::gauge("mvchat_jobs_running", &[], "Background jobs that have a worker.");
pub(in crate::engine) const JOBS_WAITED: Info = Info::histogram(
    "mvchat_job_wait_seconds",
    &["priority"],
    "How long background jobs waited for a worker.",
);
pub(in crate::engine) const JOBS_TOOK: Info = Info::histogram(
    "mvchat_job_duration_seconds",
    &["job"],
    "How long attempts of background jobs took, by kind of job.",
);
pub(in crate::engine) const JOBS_ENDED: Info = Info::counter(
    "mvchat_jobs_total",
    &["job", "outcome"],
    "Attempts of background jobs: `done`, `failed`, `panicked` or `cancelled`, by kind of job.",
);
pub(in crate::engine) const JOBS_REFUSED: Info =
    Info::counter("mvchat_jobs_refused_total", &["job"], "Background jobs for which there was no room.");
