//! Joins our own ES modules into one script, for `require` and for script tags.
//!
//! It reads exactly the forms of `import` and `export` that our modules are written in, each at the beginning of a
//! line, and refuses what it does not know. It is no tool for other people's code.

use std::{collections::BTreeMap, fs, path::Path};

use crate::Result;

/// How the script gives its exports away.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `module.exports`, with `require` for what is not ours.
    CommonJs,
    /// A global variable with this name.
    Global(&'static str),
}

/// Joins the module `entry` and all that it imports, from `folder`.
pub(crate) fn bundle(folder: &Path, entry: &str, form: Form) -> Result<String> {
    let mut bundle = Bundle { folder, modules: BTreeMap::new(), code: String::new() };
    let exports = bundle.module(entry)?;
    let code = bundle.code;
    Ok(match form {
        Form::CommonJs => format!("\"use strict\";\n{code}module.exports = {exports};\n"),
        Form::Global(name) => {
            format!("(() => {{\n\"use strict\";\n{code}globalThis.{name} = {exports};\n}})();\n")
        }
    })
}

struct Bundle<'a> {
    folder: &'a Path,
    /// The variable that holds a module's exports; empty while the module is being read.
    modules: BTreeMap<String, String>,
    code: String,
}

impl Bundle<'_> {
    /// Appends a module after all that it imports, once. Returns the variable with its exports.
    fn module(&mut self, name: &str) -> Result<String> {
        match self.modules.get(name).map(String::as_str) {
            Some("") => return Err(format!("{name} imports itself in a circle")),
            Some(variable) => return Ok(variable.to_owned()),
            None => {}
        }
        let variable = format!("$m{}", self.modules.len() + 1);
        self.modules.insert(name.to_owned(), String::new());
        let path = self.folder.join(name);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let (mut body, mut exports) = (String::new(), Vec::new());
        for statement in statements(&text) {
            let read = self.statement(&statement, &mut exports);
            body.push_str(&read.map_err(|reason| format!("{name}: {reason}: {statement}"))?);
            body.push('\n');
        }
        let exports = exports.join(", ");
        self.code.push_str(&format!("const {variable} = (() => {{\n{body}return {{ {exports} }};\n}})();\n"));
        self.modules.insert(name.to_owned(), variable.clone());
        Ok(variable)
    }

    /// Rewrites one line, or one `import` or `export` over several.
    fn statement(&mut self, statement: &str, exports: &mut Vec<String>) -> Result<String> {
        if let Some(rest) = statement.strip_prefix("import ") {
            let (what, from) = from(rest).ok_or("an import of an unknown form")?;
            let source = self.source(from)?;
            return Ok(match what.strip_prefix("* as ") {
                Some(all) => format!("const {all} = {source};"),
                None if what.starts_with('{') => format!("const {} = {source};", what.replace(" as ", ": ")),
                None => return Err("an import of an unknown form".to_owned()),
            });
        }
        let Some(rest) = statement.strip_prefix("export ") else { return Ok(statement.to_owned()) };
        if let Some((what, from)) = from(rest) {
            let source = self.source(from)?;
            if what == "*" {
                exports.push(format!("...{source}"));
            } else {
                exports.extend(names(what).map(|(own, name)| format!("{name}: {source}.{own}")));
            }
            return Ok(String::new());
        }
        if rest.starts_with('{') {
            let list = rest.trim_end_matches(';');
            exports.extend(names(list).map(|(own, name)| format!("{name}: {own}")));
            return Ok(String::new());
        }
        let words = rest.strip_prefix("async ").unwrap_or(rest);
        let declared =
            ["function* ", "function ", "class ", "const "].iter().find_map(|word| words.strip_prefix(word));
        let declared = declared.ok_or("an export of an unknown form")?;
        let end =
            declared.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$').unwrap_or(declared.len());
        exports.push(declared[..end].to_owned());
        Ok(rest.to_owned())
    }

    fn source(&mut self, from: &str) -> Result<String> {
        match from.strip_prefix("./") {
            Some(own) => self.module(own),
            None => Ok(format!("require(\"{from}\")")),
        }
    }
}

/// Splits a module into lines without comments and indentation; imports and exports over several lines stay together.
fn statements(text: &str) -> Vec<String> {
    let mut statements: Vec<String> = Vec::new();
    let (mut open, mut comment) = (false, false);
    for line in text.lines() {
        let trimmed = line.trim();
        comment |= trimmed.starts_with("/*");
        if comment || trimmed.is_empty() || trimmed.starts_with("//") {
            comment &= !trimmed.ends_with("*/");
            continue;
        }
        match statements.last_mut().filter(|_| open) {
            Some(last) => {
                last.push(' ');
                last.push_str(trimmed);
            }
            None => statements.push(trimmed.to_owned()),
        }
        let begins = line.starts_with("import {") || line.starts_with("export {");
        open = (open || begins) && !trimmed.ends_with(';');
    }
    statements
}

/// Splits `… from "source";`.
fn from(rest: &str) -> Option<(&str, &str)> {
    let (what, source) = rest.trim_end_matches(';').rsplit_once(" from ")?;
    Some((what.trim(), source.strip_prefix('"')?.strip_suffix('"')?))
}

/// Reads `{ a, b as c }` as pairs of the own and the outer name.
fn names(list: &str) -> impl Iterator<Item = (&str, &str)> {
    let inner = list.trim().trim_start_matches('{').trim_end_matches('}');
    inner
        .split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(|name| name.split_once(" as ").unwrap_or((name, name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(files: &[(&str, &str)]) -> Result<String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        bundle(folder.path(), files[0].0, Form::CommonJs)
    }

    #[test]
    fn modules_come_after_what_they_import() {
        let joined = of(&[
            ("a.js", "/** Says. */\nimport {\n  b as c,\n} from \"./b.js\";\nexport const a = c;\n"),
            ("b.js", "export function b() {\n  return 1; // one\n}\n"),
        ]);
        let b = "const $m2 = (() => {\nfunction b() {\nreturn 1; // one\n}\nreturn { b };\n})();\n";
        let a = "const $m1 = (() => {\nconst { b: c, } = $m2;\nconst a = c;\nreturn { a };\n})();\n";
        assert_eq!(joined.unwrap(), format!("\"use strict\";\n{b}{a}module.exports = $m1;\n"));
    }

    #[test]
    fn what_is_not_known_is_refused() {
        assert!(of(&[("x.js", "export default 1;\n")]).is_err());
        assert!(of(&[("x.js", "import \"./y.js\";\n"), ("y.js", "")]).is_err());
        let circle =
            [("x.js", "import { y } from \"./y.js\";\n"), ("y.js", "import { x } from \"./x.js\";\n")];
        assert!(of(&circle).is_err());
    }
}
