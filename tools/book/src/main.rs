//! Renders the book and checks what a renderer does not: that its frames parse, that its code is code which the
//! workspace compiles, that its links lead somewhere, and that its pages load nothing from the network.
//!
//! Called with the book's folder. The last line has the form of a test harness, so that one reader understands both.

use std::{env, path::PathBuf, process::ExitCode};

use mdbook_driver::{
    MDBook,
    book::{BookItem, Chapter},
    builtin_renderers::MarkdownRenderer,
    errors::Result,
};

mod assets;
mod blocks;
mod links;

fn main() -> ExitCode {
    let folder = env::args_os().nth(1).map_or_else(|| PathBuf::from("book"), PathBuf::from);
    let checks = match checks(folder) {
        Ok(checks) => checks,
        Err(error) => {
            eprintln!("the book does not render: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    let problems: Vec<&str> =
        checks.iter().filter_map(|check| check.as_ref().err()).map(String::as_str).collect();
    for problem in &problems {
        eprintln!("{problem}");
    }
    let word = if problems.is_empty() { "ok" } else { "FAILED" };
    println!("test result: {word}. {} passed; {} failed", checks.len() - problems.len(), problems.len());
    if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// One thing that was looked at; the error names the page and what is wrong there.
type Check = std::result::Result<(), String>;

fn checks(folder: PathBuf) -> Result<Vec<Check>> {
    let book = MDBook::load(folder)?;
    book.build()?;
    let written: Vec<&Chapter> = chapters(book.iter());
    let (expanded, _) = book.preprocess_book(&MarkdownRenderer::new())?;
    let expanded: Vec<&Chapter> = chapters(expanded.iter());

    let mut checks = Vec::new();
    for chapter in &written {
        checks.extend(blocks::sources(&name(chapter), &chapter.content));
    }
    for chapter in &expanded {
        checks.extend(blocks::contents(&name(chapter), &chapter.content));
        checks.extend(links::links(chapter, &expanded));
    }
    checks.extend(assets::assets(&book.build_dir_for("html"))?);
    Ok(checks)
}

fn chapters<'a>(items: impl Iterator<Item = &'a BookItem>) -> Vec<&'a Chapter> {
    items
        .filter_map(|item| if let BookItem::Chapter(chapter) = item { Some(chapter) } else { None })
        .collect()
}

fn name(chapter: &Chapter) -> String {
    chapter.source_path.as_ref().map_or_else(|| chapter.name.clone(), |path| path.display().to_string())
}
