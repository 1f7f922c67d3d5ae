//! The core: Rust to WebAssembly, and the glue that JavaScript calls it through.

use std::{env, path::Path, process::Command};

use wasm_bindgen_cli_support::Bindgen;

use crate::Result;

const TARGET: &str = "wasm32-unknown-unknown";
const PROFILE: &str = "wasm";

/// The compiled core.
pub(crate) struct Core {
    /// The module.
    pub(crate) wasm: Vec<u8>,
    /// The glue, an ES module without any address in it.
    pub(crate) glue: String,
}

/// Compiles the client's crate for browsers and makes its glue.
pub(crate) fn core(root: &Path) -> Result<Core> {
    let status = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args(["build", "--quiet", "--package", "mvchat-client-wasm", "--lib"])
        .args(["--target", TARGET, "--profile", PROFILE])
        .status()
        .map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !status.success() {
        return Err(format!("the core does not compile; is the target there? rustup target add {TARGET}"));
    }
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |target| root.join(target));
    let module = target.join(TARGET).join(PROFILE).join("mvchat_client_wasm.wasm");
    bind(&module).map_err(|error| format!("{}: {error:#}", module.display()))
}

fn bind(module: &Path) -> std::result::Result<Core, Box<dyn std::error::Error>> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(module)
        .web(true)?
        .typescript(false)
        // Where the module lies is the facade's business; an address in the glue would make bundlers look for it.
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true);
    let mut output = bindgen.generate_output()?;
    let glue = output.js().to_owned();
    Ok(Core { wasm: output.wasm_mut().emit_wasm(), glue })
}
