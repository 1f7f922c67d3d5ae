//! `web`: the web chat as a folder of files that the reference server compiles in.
//!
//! ```text
//! target/web/index.html               never cached, names the files below
//! target/web/sw.js                    the same; keeps all of it for pages without a network
//! target/web/assets/<hash>/…          cached for ever: whatever changes, changes the folder's name
//! ```

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{modules::modules, npm, tree, wasm_target};

/// The page's files besides its modules.
const EXTRAS: [&str; 3] = ["style.css", "icon.svg", "manifest.webmanifest"];
/// What keeps the page on the device; its address says how far it reaches, so it stands beside the page.
const WORKER: &str = "sw.js";
/// Where the page finds the client.
const CLIENT: &str = "mvchat-client";

/// Builds the client's package and the bundle. Returns the bundle's folder.
///
/// # Errors
/// When the client does not build or a file cannot be read or written.
pub(crate) fn web() -> Result<PathBuf, String> {
    wasm_target::add()?;
    let built = npm::tool().capture().map_err(|error| format!("cargo cannot be started: {error}"))?;
    if !built.success {
        return Err(format!("the client's package cannot be built\n{}", built.output.trim_end()));
    }
    let client = tree::root().join("target").join("npm").join("mvchat-client").join("dist");
    let source = tree::root().join("examples").join("web");
    let files = collect(&source, &client)?;
    let page = read(&source.join("index.html"))?;
    let page = String::from_utf8(page).map_err(|error| format!("index.html: {error}"))?;
    let hash = fingerprint(&files);
    let folder = tree::root().join("target").join("web");
    let mut bundle: BTreeMap<String, Vec<u8>> =
        files.into_iter().map(|(name, bytes)| (format!("assets/{hash}/{name}"), bytes)).collect();
    let worker = [with_build(&hash, &bundle).into_bytes(), read(&source.join(WORKER))?].concat();
    bundle.insert("index.html".to_owned(), with_preloads(&page, &hash, &bundle).into_bytes());
    bundle.insert(WORKER.to_owned(), worker);
    write(&folder, &bundle)?;
    Ok(folder)
}

/// Reads what the page consists of: its modules and the client's, as far as the page reaches them.
fn collect(source: &Path, client: &Path) -> Result<BTreeMap<String, Vec<u8>>, String> {
    let mut files = BTreeMap::new();
    for name in modules(source, "app/main.js", &|name| !name.starts_with(CLIENT))? {
        files.insert(name.clone(), read(&source.join(&name))?);
    }
    for name in EXTRAS {
        files.insert(name.to_owned(), read(&source.join(name))?);
    }
    let mut own = modules(client, "url.js", &|_| true)?;
    own.insert("mvchat.wasm".to_owned());
    for name in own {
        files.insert(format!("{CLIENT}/{name}"), read(&client.join(&name))?);
    }
    Ok(files)
}

/// Points the page at the folder with the hash, and has all modules fetched at once instead of one after the other.
fn with_preloads(page: &str, hash: &str, bundle: &BTreeMap<String, Vec<u8>>) -> String {
    let mut preloads = String::new();
    for name in bundle.keys() {
        match name.rsplit('.').next() {
            Some("js") => preloads.push_str(&format!("    <link rel=\"modulepreload\" href=\"/{name}\">\n")),
            Some("wasm") => preloads.push_str(&format!(
                "    <link rel=\"preload\" href=\"/{name}\" as=\"fetch\" type=\"application/wasm\" crossorigin>\n"
            )),
            _ => {}
        }
    }
    page.replace("=\"./", &format!("=\"/assets/{hash}/"))
        .replace("  </head>", &format!("{preloads}  </head>"))
}

/// Tells the worker which build it belongs to and what to keep.
fn with_build(hash: &str, bundle: &BTreeMap<String, Vec<u8>>) -> String {
    let files: Vec<String> = bundle.keys().map(|name| format!("\"/{name}\"")).collect();
    format!("const BUILD = {{ hash: \"{hash}\", files: [{}] }};\n", files.join(", "))
}

/// Writes the bundle, and nothing at all if it is there already: the server is compiled again when a file is newer.
fn write(folder: &Path, bundle: &BTreeMap<String, Vec<u8>>) -> Result<(), String> {
    let same = bundle.iter().all(|(name, bytes)| fs::read(folder.join(name)).is_ok_and(|old| old == *bytes));
    if same {
        return Ok(());
    }
    let problem = |path: &Path, error| format!("{}: {error}", path.display());
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| problem(folder, error))?;
    }
    for (name, bytes) in bundle {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(folder);
        fs::create_dir_all(parent).map_err(|error| problem(parent, error))?;
        fs::write(&path, bytes).map_err(|error| problem(&path, error))?;
    }
    Ok(())
}

/// Computes FNV-1a of all names and contents: enough to tell one build from another.
fn fingerprint(files: &BTreeMap<String, Vec<u8>>) -> String {
    let bytes = files.iter().flat_map(|(name, bytes)| name.bytes().chain([0]).chain(bytes.iter().copied()));
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("{hash:016x}")
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_names_the_folder_with_the_hash() {
        let files = ["assets/f/app/main.js", "assets/f/c/mvchat.wasm", "assets/f/style.css"];
        let bundle = files.into_iter().map(|name| (name.to_owned(), Vec::new())).collect();
        let page = with_preloads("<link href=\"./style.css\">\n  </head>", "f", &bundle);
        assert!(page.starts_with("<link href=\"/assets/f/style.css\">\n"), "{page}");
        assert!(page.contains("<link rel=\"modulepreload\" href=\"/assets/f/app/main.js\">"), "{page}");
        assert!(page.contains("href=\"/assets/f/c/mvchat.wasm\" as=\"fetch\""), "{page}");
        assert_eq!(page.matches("<link").count(), 3, "{page}");
    }

    #[test]
    fn the_worker_knows_its_build() {
        let files = ["assets/f/app/main.js", "assets/f/style.css"];
        let bundle = files.into_iter().map(|name| (name.to_owned(), Vec::new())).collect();
        let expected =
            "const BUILD = { hash: \"f\", files: [\"/assets/f/app/main.js\", \"/assets/f/style.css\"] };\n";
        assert_eq!(with_build("f", &bundle), expected);
    }

    #[test]
    fn every_change_changes_the_fingerprint() {
        let of = |name: &str, text: &str| {
            fingerprint(&BTreeMap::from([(name.to_owned(), text.as_bytes().to_vec())]))
        };
        assert_eq!(of("a", "b"), of("a", "b"));
        assert_ne!(of("a", "b"), of("a", "c"));
        assert_ne!(of("a", "b"), of("ab", ""));
    }
}
