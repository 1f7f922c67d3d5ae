//! The recordings of the protocol and the matrix of who may learn what, over real WebSockets on axum.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

#[path = "../../../mvchat-core/tests/door/mod.rs"]
mod door;
#[path = "../../../mvchat-core/tests/engine/matrix/mod.rs"]
mod matrix;
#[path = "../../../mvchat-core/tests/golden/player/mod.rs"]
mod player;
mod recordings;
mod serve;
mod socket;
mod sockets;
mod stopped;
mod strangers;
#[path = "../../../mvchat-core/tests/engine/support.rs"]
#[expect(dead_code, reason = "the engine's own tests need more of it")]
mod support;
