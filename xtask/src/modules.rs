//! Which modules a page consists of.

use std::{collections::BTreeSet, fs, path::Path};

/// Follows the imports of a module; names are paths below `folder` with slashes. Modules that are not `inside` are left
/// to others.
///
/// # Errors
/// When a module cannot be read, with its name.
pub(crate) fn modules(
    folder: &Path,
    entry: &str,
    inside: &dyn Fn(&str) -> bool,
) -> Result<BTreeSet<String>, String> {
    let mut found = BTreeSet::new();
    let mut open = vec![entry.to_owned()];
    while let Some(name) = open.pop() {
        if !inside(&name) || !found.insert(name.clone()) {
            continue;
        }
        let path = folder.join(&name);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        open.extend(imports(&text).map(|import| resolve(&name, import)));
    }
    Ok(found)
}

/// Finds the relative imports and re-exports of a module.
fn imports(text: &str) -> impl Iterator<Item = &str> {
    let statements =
        text.lines().filter(|line| ["import", "export", "}"].iter().any(|begin| line.starts_with(begin)));
    statements.filter_map(|line| {
        let line = line.trim_end().trim_end_matches(';').strip_suffix('"')?;
        let (before, name) = line.rsplit_once('"')?;
        let imported = before.ends_with("from ") || before == "import ";
        (imported && name.starts_with('.')).then_some(name)
    })
}

/// Resolves a relative import of a module.
fn resolve(module: &str, import: &str) -> String {
    let mut parts: Vec<&str> = module.split('/').collect();
    parts.pop();
    for part in import.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn imports_are_found() {
        let text = "import { a } from \"./a.js\";\nimport {\n  b,\n} from \"../b.js\";\nexport * from \"./c.js\";\n\
                    import \"./d.js\";\nimport x from \"package\";\nconst y = \"from \\\"./no.js\";\n";
        assert_eq!(imports(text).collect::<Vec<_>>(), ["./a.js", "../b.js", "./c.js", "./d.js"]);
    }

    #[test]
    fn imports_are_resolved() {
        assert_eq!(resolve("app/room/a.js", "../lib/dom.js"), "app/lib/dom.js");
        assert_eq!(resolve("app/main.js", "../mvchat-client/url.js"), "mvchat-client/url.js");
        assert_eq!(resolve("url.js", "./error.js"), "error.js");
    }
}
