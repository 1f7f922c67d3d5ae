//! Measurements.

use crate::{postgres::Postgres, run::Run};

/// Runs what is named.
///
/// # Errors
/// When there is no such measurement, or it fails.
pub(crate) fn bench(args: &[String]) -> Result<(), String> {
    match args {
        [name] if name == "store" => store(),
        _ => Err("there is one measurement: `cargo xtask bench store`".to_owned()),
    }
}

/// Measures durable sends through the engine on a PostgreSQL server of its own, beside raw SQL.
fn store() -> Result<(), String> {
    let server = Postgres::start_durable()?;
    let run = Run::cargo().words("run --release -p mvchat-store-postgres --example durable --");
    run.arg(server.url()).show()
}
