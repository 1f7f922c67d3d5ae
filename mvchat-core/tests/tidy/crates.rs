//! Every crate's manifest.

use crate::source::{Finding, Source};

/// Finds crates that would compile unsafe code.
pub(crate) fn forbids_unsafe(file: &Source) -> Vec<Finding> {
    let inherits = value(&file.text, "lints", "workspace") == Some("true");
    let table = if is_root(file) { "workspace.lints.rust" } else { "lints.rust" };
    let own = value(&file.text, table, "unsafe_code") == Some("\"forbid\"");
    if is_manifest(file) && !inherits && !own {
        return vec![file.finding(1, "neither `[lints] workspace = true` nor `unsafe_code = \"forbid\"`")];
    }
    Vec::new()
}

/// Finds crates that do not say what they are.
pub(crate) fn metadata(file: &Source) -> Vec<Finding> {
    if !is_manifest(file) {
        return Vec::new();
    }
    let table = if is_root(file) { "workspace.package" } else { "package" };
    let wanted: &[&str] =
        if is_root(file) { &["license", "repository"] } else { &["license", "description", "repository"] };
    wanted
        .iter()
        .filter(|key| {
            let inherited = value(&file.text, table, &format!("{key}.workspace")) == Some("true");
            let given = value(&file.text, table, key).is_some_and(|value| value.len() > 2);
            !inherited && !given
        })
        .map(|key| file.finding(1, format!("no `{key}`")))
        .collect()
}

fn is_manifest(file: &Source) -> bool {
    file.path == "Cargo.toml" || file.path.ends_with("/Cargo.toml")
}

fn is_root(file: &Source) -> bool {
    file.path == "Cargo.toml"
}

/// Returns the value of a key in a table, as it is written.
fn value<'a>(manifest: &'a str, table: &str, key: &str) -> Option<&'a str> {
    let mut inside = false;
    for line in manifest.lines().map(str::trim) {
        if line.starts_with('[') {
            inside = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) == Some(table);
        } else if let (true, Some((name, value))) = (inside, line.split_once('='))
            && name.trim() == key
        {
            return Some(value.trim());
        }
    }
    None
}

#[test]
fn a_crate_that_allows_unsafe_code_is_found() {
    let manifest =
        |lints: &str| Source::new("mvchat-core/Cargo.toml", &format!("[package]\nname = \"a\"\n{lints}"));
    assert_eq!(forbids_unsafe(&manifest("")).len(), 1);
    assert_eq!(forbids_unsafe(&manifest("[lints.rust]\nunsafe_code = \"warn\"\n")).len(), 1);
    assert!(forbids_unsafe(&manifest("[lints]\nworkspace = true\n")).is_empty());
    assert!(forbids_unsafe(&manifest("[lints.rust]\nunsafe_code = \"forbid\"\n")).is_empty());
    let root = Source::new("Cargo.toml", "[workspace.lints.rust]\nmissing_docs = \"warn\"\n");
    assert_eq!(forbids_unsafe(&root).len(), 1);
}

#[test]
fn a_crate_without_a_licence_is_found() {
    let bad = "[package]\nname = \"a\"\ndescription = \"\"\nrepository.workspace = true\n[dependencies]\nlicense = \"1\"\n";
    assert_eq!(metadata(&Source::new("a/Cargo.toml", bad)).len(), 2);
    let good = "[package]\nlicense.workspace = true\ndescription = \"What it is\"\nrepository = \"https://example.org\"\n";
    assert!(metadata(&Source::new("a/Cargo.toml", good)).is_empty());
}
