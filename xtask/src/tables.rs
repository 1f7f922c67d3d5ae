//! The parts of the book that are made from the code.
//!
//! A page keeps such a part between two lines, `<!-- generated: NAME -->` and `<!-- end of generated -->`. Examples
//! of the core and of the reference server print all parts, each after a line `<!-- generated: NAME -->`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::{run::Run, tree};

/// The examples that print parts, and their packages.
const EXAMPLES: [(&str, &str); 2] = [("mvchat-core", "tables"), ("mvchat-server", "metrics_table")];
const START: &str = "<!-- generated: ";
const END: &str = "<!-- end of generated -->";

/// Writes the generated parts into their pages and returns the pages that changed, relative to the workspace.
///
/// # Errors
/// When the example fails, or when a part has no place or a place no part.
pub(crate) fn write() -> Result<Vec<String>, String> {
    let changed = changes()?;
    for (page, text) in &changed {
        fs::write(page, text).map_err(|error| format!("{}: {error}", page.display()))?;
    }
    let root = tree::root();
    Ok(changed.keys().map(|page| page.strip_prefix(&root).unwrap_or(page).display().to_string()).collect())
}

/// Checks that the pages already hold what would be written.
///
/// # Errors
/// As [`write()`], and when a page differs.
pub(crate) fn check() -> Result<(), String> {
    let changed = changes()?;
    if changed.is_empty() {
        return Ok(());
    }
    Err(changed.keys().map(|page| page.display().to_string()).collect::<Vec<_>>().join("\n"))
}

/// Returns the pages whose text differs, with the text they should have.
fn changes() -> Result<BTreeMap<PathBuf, String>, String> {
    let root = tree::root();
    if !root.join("mvchat-core/examples/tables.rs").is_file() {
        return Ok(BTreeMap::new());
    }
    let mut parts = BTreeMap::new();
    for (package, example) in EXAMPLES {
        let made = Run::cargo().words("run -q -p").arg(package).arg("--example").arg(example).capture();
        let made = made.map_err(|error| error.to_string())?;
        if !made.success {
            return Err(made.output);
        }
        parts.extend(self::parts(&made.stdout));
    }
    let mut changed = BTreeMap::new();
    for page in pages(&root.join("book/src"))? {
        let old = fs::read_to_string(&page).map_err(|error| format!("{}: {error}", page.display()))?;
        let new = fill(&old, &mut parts).map_err(|reason| format!("{}: {reason}", page.display()))?;
        if new != old {
            changed.insert(page, new);
        }
    }
    match parts.keys().next() {
        Some(name) => Err(format!("no page of the book has a place for the generated part `{name}`")),
        None => Ok(changed),
    }
}

/// Splits the example's output into its named parts.
fn parts(output: &str) -> BTreeMap<String, String> {
    let mut parts: BTreeMap<String, String> = BTreeMap::new();
    let mut current: Option<String> = None;
    for line in output.lines() {
        if let Some(name) = name_of(line) {
            parts.insert(name.clone(), String::new());
            current = Some(name);
        } else if let Some(text) = current.as_ref().and_then(|name| parts.get_mut(name)) {
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
    parts
}

/// Returns a page with its places filled, taking the parts it used out of `parts`.
fn fill(page: &str, parts: &mut BTreeMap<String, String>) -> Result<String, String> {
    let mut text = String::with_capacity(page.len());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        text.push_str(line);
        text.push('\n');
        let Some(name) = name_of(line) else { continue };
        let part = parts.remove(&name).ok_or_else(|| format!("nothing generates the part `{name}`"))?;
        if !lines.by_ref().any(|line| line.trim() == END) {
            return Err(format!("the part `{name}` has no line {END}"));
        }
        text.push_str(&format!("\n{}\n\n{END}\n", part.trim()));
    }
    Ok(text)
}

fn name_of(line: &str) -> Option<String> {
    line.trim().strip_prefix(START)?.strip_suffix(" -->").map(str::to_owned)
}

fn pages(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() {
            found.extend(pages(&path)?);
        } else if path.extension().is_some_and(|ext| ext == "md") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_lands_between_its_markers() {
        let mut made = parts("<!-- generated: a -->\n| x |\n<!-- generated: b -->\n| y |\n");
        let page = "# A\n<!-- generated: a -->\nold\n<!-- end of generated -->\nafter\n";
        let filled = fill(page, &mut made).expect("the page has a place for the part");
        assert_eq!(filled, "# A\n<!-- generated: a -->\n\n| x |\n\n<!-- end of generated -->\nafter\n");
        assert_eq!(made.keys().collect::<Vec<_>>(), ["b"]);
        let mut again = parts("<!-- generated: a -->\n| x |\n");
        assert_eq!(fill(&filled, &mut again).as_deref(), Ok(filled.as_str()));
    }

    #[test]
    fn a_place_without_a_part_or_an_end_is_an_error() {
        assert!(fill("<!-- generated: a -->\n<!-- end of generated -->\n", &mut BTreeMap::new()).is_err());
        assert!(fill("<!-- generated: a -->\nno end\n", &mut parts("<!-- generated: a -->\nx\n")).is_err());
    }
}
