//! The rendered pages must work without a network.

use std::{fs, io, path::Path};

use crate::Check;

/// Checks that no rendered page loads a script, a style or a font from elsewhere.
pub(crate) fn assets(folder: &Path) -> io::Result<Vec<Check>> {
    let mut checks = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            checks.extend(assets(&path)?);
        } else if path.extension().is_some_and(|ext| ext == "html") {
            checks.push(match foreign(&fs::read_to_string(&path)?) {
                Some(tag) => Err(format!("{}: loads from the network: {tag}", path.display())),
                None => Ok(()),
            });
        }
    }
    Ok(checks)
}

fn foreign(html: &str) -> Option<&str> {
    let tags = html.split('<').filter_map(|rest| rest.split_once('>')).map(|(tag, _)| tag);
    tags.filter(|tag| tag.starts_with("script") || tag.starts_with("link") || tag.starts_with("img"))
        .find(|tag| tag.contains("=\"http") || tag.contains("=\"//"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_from_elsewhere_is_found() {
        assert_eq!(foreign("<p><a href=\"https://example.org\">x</a><script src=\"a.js\"></script>"), None);
        assert!(foreign("<script async src=\"https://example.org/a.js\">").is_some());
    }
}
