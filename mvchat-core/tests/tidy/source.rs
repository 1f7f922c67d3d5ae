//! The files of the tree, and what rules find in them.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use crate::lexer;

/// Folders that hold nothing a human wrote.
const LEFT_OUT: [&str; 6] = [".git", "target", "node_modules", "mvchat-data", "chat-data", "book/book"];

/// One text file of the tree.
#[derive(Debug)]
pub(crate) struct Source {
    /// The path from the tree's root, with forward slashes.
    pub(crate) path: String,
    /// The file as it is.
    pub(crate) text: String,
    /// For Rust: the file without comments and texts. Otherwise empty.
    pub(crate) code: String,
    /// For Rust: `code` without what is compiled for tests only. Otherwise empty.
    pub(crate) product: String,
}

/// One place that breaks a rule.
#[derive(Debug)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.what)
    }
}

impl Source {
    /// Reads a text as the file at `path`.
    pub(crate) fn new(path: &str, text: &str) -> Source {
        let (code, product) = if path.ends_with(".rs") {
            let code = lexer::code(text);
            let tests = path.ends_with("/tests.rs") || path.contains("/tests/");
            let product = if tests { String::new() } else { lexer::without_tests(&code) };
            (code, product)
        } else {
            (String::new(), String::new())
        };
        Source { path: path.to_owned(), text: text.to_owned(), code, product }
    }

    /// Returns the module at the core's top level that the file belongs to.
    pub(crate) fn core_module(&self) -> Option<&str> {
        let path = self.path.strip_prefix("mvchat-core/src/")?;
        Some(path.split_once('/').map_or(path.strip_suffix(".rs").unwrap_or(path), |(module, _)| module))
    }

    /// Tells whether the file belongs to the source of a transport or a store.
    pub(crate) fn is_adapter(&self) -> bool {
        let name = self.path.split('/').next().unwrap_or_default();
        (name == "mvchat-ws" || name.starts_with("mvchat-transport-") || name.starts_with("mvchat-store-"))
            && self.path.contains("/src/")
    }

    /// Describes what is wrong at a line, counted from 1.
    pub(crate) fn finding(&self, line: usize, what: impl Into<String>) -> Finding {
        Finding { path: self.path.clone(), line, what: what.into() }
    }

    /// Finds the lines of `code` that hold one of the words.
    pub(crate) fn words(&self, code: &str, words: &[&str]) -> Vec<Finding> {
        let mut found = Vec::new();
        for (at, line) in code.lines().enumerate() {
            let hit = words.iter().filter(|word| has_word(line, word));
            found.extend(hit.map(|word| self.finding(at + 1, format!("`{word}`"))));
        }
        found
    }
}

/// Tells whether `word` occurs in `line` with no letter, digit or underscore continuing it on either side.
pub(crate) fn has_word(line: &str, word: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let joined_before = word.starts_with(part_of_word) && before.is_some_and(part_of_word);
        let joined_after = word.ends_with(part_of_word) && after.is_some_and(part_of_word);
        !joined_before && !joined_after
    })
}

/// Returns the line, counted from 1, of a byte position.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// Reads every file of the tree.
pub(crate) fn tree() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_path_buf).unwrap_or_default();
    let mut paths = Vec::new();
    walk(&root, &root, &mut paths);
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            // A file that is no text (a picture, a font) has no rule to keep, but links may lead to it.
            let text = fs::read_to_string(&path).unwrap_or_default();
            Source::new(&relative(&root, &path), &text)
        })
        .collect()
}

fn walk(root: &Path, folder: &Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = relative(root, &path);
        let left_out = LEFT_OUT.iter().any(|out| name == *out || name.ends_with(&format!("/{out}")));
        if left_out || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            walk(root, &path, paths);
        } else {
            paths.push(path);
        }
    }
}

fn relative(root: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap_or(path).components();
    parts.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect::<Vec<_>>().join("/")
}

#[test]
fn the_tree_holds_this_file_and_nothing_built() {
    let files = tree();
    assert!(files.iter().any(|file| file.path == "mvchat-core/tests/tidy/source.rs"));
    assert!(!files.iter().any(|file| file.path.starts_with("target/") || file.path.contains("/target/")));
}

#[test]
fn words_have_edges() {
    assert!(has_word("let x = tokio::spawn", "tokio"));
    assert!(!has_word("let tokio_like = 1", "tokio"));
    assert!(has_word("use rand::Rng", "rand::"));
    assert!(!has_word("use fastrand::Rng", "rand::"));
}

#[test]
fn a_module_is_its_file_or_its_folder() {
    assert_eq!(Source::new("mvchat-core/src/presence.rs", "").core_module(), Some("presence"));
    assert_eq!(Source::new("mvchat-core/src/proto/ids.rs", "").core_module(), Some("proto"));
    assert_eq!(Source::new("mvchat-store-sled/src/lib.rs", "").core_module(), None);
}
