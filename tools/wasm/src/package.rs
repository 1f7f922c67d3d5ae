//! The package's folder.

use std::{fs, path::Path};

use crate::{
    Result,
    bundle::{Form, bundle},
    compile::Core,
    manifest::manifest,
    text::{Text, text},
};

/// Writes the whole package into `folder`, which is emptied first.
pub(crate) fn write(root: &Path, folder: &Path, core: &Core) -> Result<()> {
    let facade = root.join("mvchat-client-wasm").join("js");
    let dist = folder.join("dist");
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::create_dir_all(&dist).map_err(|error| format!("{}: {error}", dist.display()))?;
    for name in sources(&facade)? {
        copy(&facade.join(&name), &dist.join(&name))?;
    }
    put(&dist.join("mvchat.wasm"), &core.wasm)?;
    put(&dist.join("core.js"), core.glue.as_bytes())?;
    let Text { common, text } = text(&core.wasm);
    let inlined = format!("export const core = {{ common: {common:?}, text: \"{text}\" }};\n");
    put(&dist.join("inlined.js"), inlined.as_bytes())?;
    for name in ["index", "react", "testing"] {
        let script = bundle(&dist, &format!("{name}.js"), Form::CommonJs)?;
        put(&dist.join(format!("{name}.cjs")), script.as_bytes())?;
        common_js_types(&dist, name)?;
    }
    put(&dist.join("global.js"), bundle(&dist, "index.js", Form::Global("mvchat"))?.as_bytes())?;
    for name in ["LICENSE-MIT", "LICENSE-APACHE"] {
        copy(&root.join(name), &folder.join(name))?;
    }
    copy(&root.join("mvchat-client-wasm").join("README.md"), &folder.join("README.md"))?;
    put(&folder.join("package.json"), manifest(&version(root)?).as_bytes())
}

/// `require` needs types of its own, which say that they are of a CommonJS module.
fn common_js_types(dist: &Path, name: &str) -> Result<()> {
    let path = dist.join(format!("{name}.d.ts"));
    let types = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    put(&dist.join(format!("{name}.d.cts")), types.replace("./index.js", "./index.cjs").as_bytes())
}

/// Returns the names of the facade's modules and their types.
fn sources(facade: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(facade).map_err(|error| format!("{}: {error}", facade.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".js") || name.ends_with(".d.ts"))
        .collect();
    names.sort();
    Ok(names)
}

/// Returns the version of the workspace.
fn version(root: &Path) -> Result<String> {
    let manifest =
        fs::read_to_string(root.join("Cargo.toml")).map_err(|error| format!("Cargo.toml: {error}"))?;
    let line = manifest.lines().find_map(|line| line.strip_prefix("version = \""));
    let version = line.and_then(|line| line.strip_suffix('"')).ok_or("Cargo.toml says no version")?;
    Ok(version.to_owned())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to).map(drop).map_err(|error| format!("{}: {error}", from.display()))
}

fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}
