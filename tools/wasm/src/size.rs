//! What a visitor downloads.

use std::{fs, path::Path};

use crate::Result;

/// The most that the client with its inlined core may weigh, compressed with brotli.
const MOST: usize = 95 * 1024;

/// Prints the sizes of what is downloaded, and fails when the client has become too heavy.
pub(crate) fn report(folder: &Path) -> Result<()> {
    println!("{:<24} {:>9} {:>9}", "file", "raw", "brotli");
    let mut client = 0;
    for name in ["mvchat.wasm", "core.js", "global.js"] {
        let path = folder.join("dist").join(name);
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        client = brotli(&bytes)?;
        println!("{name:<24} {:>9} {client:>9}", bytes.len());
    }
    println!("the client with its inlined core: {client} bytes of at most {MOST}");
    if client > MOST {
        return Err(format!("the client with its inlined core weighs {client} bytes, more than {MOST}"));
    }
    Ok(())
}

fn brotli(bytes: &[u8]) -> Result<usize> {
    let params = brotli::enc::BrotliEncoderParams { quality: 11, lgwin: 22, ..Default::default() };
    let mut out = Vec::new();
    brotli::BrotliCompress(&mut &*bytes, &mut out, &params).map_err(|error| format!("brotli: {error}"))?;
    Ok(out.len())
}
