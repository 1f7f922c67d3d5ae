//! The web chat in Chromium, against the server that `up` builds.

use std::time::Duration;

use crate::{node, outcome::Outcome, run::Run, stages::suites::of_node, tree, web};

const TESTS: &str = "examples/web/tests";
/// Far more than the tests take, far less than for ever.
const LIMIT: Duration = Duration::from_secs(20 * 60);

/// Builds bundle and server, gets the browser and the libraries where they are missing, and runs the tests.
pub(super) fn browser() -> Outcome {
    if let Err(reason) = prepare() {
        let (note, output) = reason.split_once('\n').unwrap_or((&reason, ""));
        return Outcome::failed(note, output);
    }
    let server = Run::cargo().words("build --quiet -p mvchat-server --bin mvchat").capture();
    let server = Outcome::of_check(server, "install Rust with rustup");
    if server.failed > 0 {
        return server;
    }
    of_node(Run::new("npm").words("test --silent --prefix").arg(TESTS).limit(LIMIT).capture())
}

fn prepare() -> Result<(), String> {
    node::require_node()?;
    node::require_chromium()?;
    node::require_libraries(&tree::root().join(TESTS))?;
    web::web().map(drop)
}
