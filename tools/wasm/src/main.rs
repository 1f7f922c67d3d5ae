//! Builds the npm package of the mvchat client, with nothing but Rust.
//!
//! `mvchat-npm <root> [<folder>]` compiles `mvchat-client-wasm` of the workspace at `<root>`, makes the glue, and puts
//! the package together in `<folder>`, by default `<root>/target/npm/mvchat-client`.

mod bundle;
mod compile;
mod manifest;
mod package;
mod size;
mod text;

use std::{env, path::PathBuf, process::ExitCode};

/// What goes wrong is told to whoever runs the tool, as text.
type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut args = env::args_os().skip(1).map(PathBuf::from);
    let root = args.next().ok_or("usage: mvchat-npm <root> [<folder>]")?;
    let root = root.canonicalize().map_err(|error| format!("{}: {error}", root.display()))?;
    let folder = args.next().unwrap_or_else(|| root.join("target").join("npm").join("mvchat-client"));
    let core = compile::core(&root)?;
    package::write(&root, &folder, &core)?;
    println!("{}", folder.display());
    size::report(&folder)
}
