//! `book`: generated pages, then the rendered site.

use crate::{run::Run, tables};

/// Writes the generated pages and renders the book.
///
/// # Errors
/// When the tables cannot be made, or when the book does not render or a block or link in it is wrong.
pub(crate) fn render_command() -> Result<(), String> {
    for page in tables::write()? {
        println!("wrote {page}");
    }
    tool().show()?;
    println!("book/book/index.html");
    Ok(())
}

/// Returns the call of the renderer, a workspace of its own so that its dependencies stay out of the product's.
pub(crate) fn tool() -> Run {
    Run::cargo().words("run --quiet --locked --manifest-path tools/book/Cargo.toml -- book")
}

/// Returns the call of the renderer's own tests.
pub(crate) fn tool_tests() -> Run {
    Run::cargo().words("test --quiet --locked --manifest-path tools/book/Cargo.toml")
}
