//! The configuration file → settings, checked against the table of keys.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use super::{
    Environment, Origin, Problem, Warning,
    expand::expand,
    keys::{self, KEYS, Key},
    suggest, unbuilt,
    value::{Scalar, Source, Value},
    yaml::{self, Kind, Node},
};

/// A value for a key, and where it was written.
pub(crate) struct Setting {
    pub key: &'static Key,
    pub value: Value,
    pub origin: Origin,
}

/// What a file yields; faults don't stop the reading of the rest.
#[derive(Default)]
pub(crate) struct Contents {
    pub settings: Vec<Setting>,
    pub warnings: Vec<Warning>,
    pub problems: Vec<Problem>,
}

/// Reads the text of the file at `path`.
pub(crate) fn read(path: &Path, text: &str, environment: &Environment) -> Contents {
    let mut walk =
        Walk { path: Arc::from(path), environment, seen: BTreeMap::new(), contents: Contents::default() };
    match yaml::parse(text) {
        Ok(Some(root)) => walk.section("", root),
        Ok(None) => {}
        Err(error) => walk.problem(error.line, error.message),
    }
    walk.contents
}

struct Walk<'a> {
    path: Arc<Path>,
    environment: &'a Environment,
    /// The line of each key met so far. Aliases count as the key they stand for.
    seen: BTreeMap<String, usize>,
    contents: Contents,
}

impl Walk<'_> {
    fn section(&mut self, path: &str, node: Node) {
        match node.kind {
            Kind::Map(entries) => {
                for (key, value) in entries {
                    let path = if path.is_empty() { key.name } else { format!("{path}.{}", key.name) };
                    self.entry(path, key.line, value);
                }
            }
            // A section whose keys are all commented out.
            Kind::Scalar { text, quoted: false } if is_null(&text) => {}
            Kind::Scalar { .. } | Kind::List(_) if path.is_empty() => {
                self.problem(node.line, "expected keys such as `server:` at the top of the file");
            }
            Kind::Scalar { .. } | Kind::List(_) => {
                self.problem(node.line, format!("{path} is a section; its keys follow on indented lines"));
            }
        }
    }

    fn entry(&mut self, path: String, line: usize, node: Node) {
        let key = keys::find(&path);
        let reason = unbuilt::reason(&path);
        if key.is_none() && reason.is_none() {
            let inside = format!("{path}.");
            return match all_paths().any(|known| known.starts_with(&inside)) {
                true => self.section(&path, node),
                false => self.unknown(&path, line),
            };
        }
        let canonical = key.map_or(path.as_str(), |key| key.path).to_owned();
        if let Some(first) = self.seen.insert(canonical, line) {
            return self.problem(line, format!("{path} is given twice, first in line {first}"));
        }
        let Some(value) = self.value(&path, node) else { return };
        let origin = self.origin(line);
        if let Some(key) = key {
            self.contents.settings.push(Setting { key, value, origin });
        } else if let Some(reason) = reason {
            self.contents
                .warnings
                .push(Warning { origin, message: format!("{path} has no effect: {reason}") });
        }
    }

    /// Reads and expands a value; `None` after a fault, which has then been noted.
    fn value(&mut self, path: &str, node: Node) -> Option<Value> {
        let line = node.line;
        match node.kind {
            Kind::Scalar { text, quoted } => self.scalar(path, line, text, quoted).map(Value::Scalar),
            Kind::List(items) => {
                // Every item is looked at before the first fault counts.
                let items: Vec<Option<Scalar>> =
                    items.into_iter().map(|item| self.item(path, item)).collect();
                items.into_iter().collect::<Option<Vec<_>>>().map(Value::List)
            }
            Kind::Map(_) => {
                self.problem(line, format!("{path} takes a value and has no keys of its own"));
                None
            }
        }
    }

    fn item(&mut self, path: &str, node: Node) -> Option<Scalar> {
        let Kind::Scalar { text, quoted } = node.kind else {
            self.problem(node.line, format!("{path}: the items of this list are single values"));
            return None;
        };
        self.scalar(path, node.line, text, quoted)
    }

    fn scalar(&mut self, path: &str, line: usize, text: String, quoted: bool) -> Option<Scalar> {
        let scalar = match expand(&text, self.environment) {
            Ok(Some(text)) => Scalar { text, source: Source::Expanded },
            Ok(None) => Scalar { text, source: if quoted { Source::Quoted } else { Source::Plain } },
            Err(message) => {
                self.problem(line, format!("{path}: {message}"));
                return None;
            }
        };
        if scalar.is_null() {
            self.problem(line, format!("{path} has no value; give it one or remove the line"));
            return None;
        }
        Some(scalar)
    }

    fn unknown(&mut self, path: &str, line: usize) {
        let meant = match near(path) {
            Some(known) => format!("; did you mean `{known}`?"),
            None => String::new(),
        };
        self.problem(line, format!("unknown key `{}`{meant}", path.escape_debug()));
    }

    fn problem(&mut self, line: usize, message: impl Into<String>) {
        let origin = self.origin(line);
        self.contents.problems.push(Problem { origin, message: message.into() });
    }

    fn origin(&self, line: usize) -> Origin {
        Origin::File { path: Arc::clone(&self.path), line }
    }
}

/// Finds what was meant by an unknown key: a sibling or section of nearly the same name, or the same name elsewhere.
fn near(path: &str) -> Option<String> {
    let (section, name) = path.rsplit_once('.').unwrap_or(("", path));
    let inside = if section.is_empty() { String::new() } else { format!("{section}.") };
    let siblings = all_paths().filter_map(|known| known.strip_prefix(inside.as_str())?.split('.').next());
    if let Some(sibling) = suggest::nearest(name, siblings) {
        return Some(format!("{inside}{sibling}"));
    }
    // The right name in the wrong section.
    let last = |known: &'static str| known.rsplit('.').next().unwrap_or(known);
    let namesake = suggest::nearest(name, all_paths().map(last))?;
    all_paths().find(|known| last(known) == namesake).map(str::to_owned)
}

/// Every path that may stand in a file.
fn all_paths() -> impl Iterator<Item = &'static str> {
    KEYS.iter().flat_map(|key| [Some(key.path), key.alias]).flatten().chain(unbuilt::paths())
}

fn is_null(text: &str) -> bool {
    Scalar { text: text.to_owned(), source: Source::Plain }.is_null()
}
