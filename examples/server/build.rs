//! Compiles the web chat in, where `cargo xtask web` has built it.

use std::{
    env,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    let target = here.join("..").join("..").join("target");
    let bundle = target.join("web");
    // A folder that is not there would count as changed with every build; an empty one is watched. Outside of the
    // workspace there is no target folder, and nothing to watch.
    if target.is_dir() && !bundle.exists() {
        fs::create_dir(&bundle)?;
    }
    if bundle.is_dir() {
        println!("cargo::rerun-if-changed={}", bundle.display());
    }
    let mut files = Vec::new();
    if bundle.join("index.html").is_file() {
        collect(&bundle.canonicalize()?, "", &mut files)?;
    }
    files.sort();
    let mut code = String::from("const FILES: &[File] = &[\n");
    for (name, path) in files {
        let etag = format!("\"{:016x}\"", fingerprint(&fs::read(&path)?));
        let path = path.to_string_lossy();
        let line =
            writeln!(code, "File {{ name: {name:?}, etag: {etag:?}, bytes: include_bytes!({path:?}) }},");
        line.map_err(io::Error::other)?;
    }
    code.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    fs::write(out.join("web_files.rs"), code)
}

fn collect(folder: &Path, prefix: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            collect(&entry.path(), &format!("{name}/"), files)?;
        } else {
            files.push((name, entry.path()));
        }
    }
    Ok(())
}

/// Computes FNV-1a, which tells versions of a file apart.
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
