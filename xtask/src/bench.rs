//! Measurements.

use crate::{postgres::Postgres, run::Run, tree};

/// Runs what is named.
///
/// # Errors
/// When there is no such measurement, or it fails.
pub(crate) fn bench(args: &[String]) -> Result<(), String> {
    match args {
        [name] if name == "store" => store(),
        [name, rest @ ..] if name == "edge" => edge(rest),
        _ => {
            Err("there are two measurements: `cargo xtask bench store` and `cargo xtask bench edge`"
                .to_owned())
        }
    }
}

/// Measures the reference server's memory, and what half-open connections and slow readers do to others.
fn edge(args: &[String]) -> Result<(), String> {
    Run::cargo().words("build --release -p mvchat-server --bin mvchat --example edge").show()?;
    let program = tree::root().join("target").join("release").join("examples").join("edge");
    args.iter().fold(Run::new(program), |run, arg| run.arg(arg)).show()
}

/// Measures durable sends through the engine on a PostgreSQL server of its own, beside raw SQL.
fn store() -> Result<(), String> {
    let server = Postgres::start_durable()?;
    let run = Run::cargo().words("run --release -p mvchat-store-postgres --example beside_sql --");
    run.arg(server.url()).show()
}
