//! Links between pages.

use std::path::{Component, Path, PathBuf};

use mdbook_driver::book::Chapter;

use crate::{Check, name};

/// Checks that every relative link of a page leads to a page of the book.
pub(crate) fn links(chapter: &Chapter, all: &[&Chapter]) -> Vec<Check> {
    let Some(here) = &chapter.source_path else { return Vec::new() };
    targets(&chapter.content)
        .map(|target| {
            let path = resolve(here, target);
            if all.iter().any(|other| other.source_path.as_deref() == Some(&path)) {
                Ok(())
            } else {
                Err(format!("{}: no page `{}` to link to", name(chapter), path.display()))
            }
        })
        .collect()
}

/// Returns the targets of inline links that name a page, without their fragments.
fn targets(content: &str) -> impl Iterator<Item = &str> {
    content
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split('#').next().unwrap_or_default())
        .filter(|target| target.ends_with(".md") && !target.contains("://"))
}

fn resolve(page: &Path, target: &str) -> PathBuf {
    let mut path = page.parent().map(Path::to_path_buf).unwrap_or_default();
    for part in Path::new(target).components() {
        match part {
            Component::ParentDir => {
                path.pop();
            }
            Component::Normal(part) => path.push(part),
            _ => {}
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_pages_only() {
        let content = "[a](x.md) [b](../y.md#part) [c](https://example.org/z.md) [d](#here) `v[0](1)`";
        assert_eq!(targets(content).collect::<Vec<_>>(), ["x.md", "../y.md"]);
        assert_eq!(resolve(Path::new("reference/a.md"), "../y.md"), Path::new("y.md"));
    }
}
