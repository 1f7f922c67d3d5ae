//! Load on a server, and what it can at best do: see [`mvchat_load`].

use mvchat_load::BenchArgs;

/// Measures, and prints what came of it.
///
/// # Errors
/// If the run could not be made, or if something went wrong in it.
pub fn run(args: BenchArgs) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| format!("this program can't be found: {error}"))?;
    mvchat_load::run(args, &program).map_err(|error| error.to_string())
}
