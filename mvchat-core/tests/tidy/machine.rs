//! Nothing in the tree depends on the machine it was written on.

use crate::source::{Finding, Source};

/// Folders that exist on somebody's machine. Their slashes are added when they are looked for, so that this file does
/// not break its own rule; the same goes for the hosts' dots.
const FOLDERS: [&str; 4] = ["work", "root", "home", "Users"];

/// Hosts that belong into the settings of whoever builds.
const HOSTS: [&[&str]; 6] = [
    &["index", "crates", "io"],
    &["static", "crates", "io"],
    &["registry", "npmjs", "org"],
    &["registry", "yarnpkg", "com"],
    &["files", "pythonhosted", "org"],
    &["deb", "debian", "org"],
];

/// Settings that replace a registry.
const SETTINGS: [&str; 3] = ["replace-with", "index-url", "registry="];

/// The one source of crates that a lock file may name.
const SOURCE: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Finds folders of one machine, registries' hosts, replaced registries and foreign sources.
pub(crate) fn rule(file: &Source) -> Vec<Finding> {
    let folders: Vec<String> = FOLDERS.iter().map(|name| format!("/{name}/")).collect();
    let hosts: Vec<String> = HOSTS.iter().map(|parts| parts.join(".")).collect();
    let settings =
        matches!(file.path.rsplit('/').next(), Some("config.toml" | ".npmrc" | "pip.conf" | ".yarnrc"));
    let lock = file.path.ends_with("Cargo.lock");
    let mut found = Vec::new();
    for (at, line) in file.text.lines().enumerate() {
        let mut add = |what: &str| found.push(file.finding(at + 1, format!("`{what}`")));
        folders.iter().filter(|folder| has_folder(line, folder)).for_each(|folder| add(folder));
        hosts.iter().filter(|host| line.contains(host.as_str())).for_each(|host| add(host));
        if settings {
            let plain: String = line.split_whitespace().collect();
            SETTINGS.iter().filter(|setting| plain.contains(**setting)).for_each(|setting| add(setting));
        }
        if let (true, Some(source)) = (lock, line.strip_prefix("source = "))
            && source.trim_matches('"') != SOURCE
        {
            add(source);
        }
    }
    found
}

/// Tells whether the folder stands at the beginning of a path, rather than inside a longer one or an address.
fn has_folder(line: &str, folder: &str) -> bool {
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '*' | '}' | '>' | '~');
    line.match_indices(folder).any(|(at, _)| !line[..at].chars().next_back().is_some_and(inside))
}

#[test]
fn folders_of_a_machine_are_found() {
    for name in FOLDERS {
        assert_eq!(rule(&Source::new("README.md", &format!("see /{name}/x"))).len(), 1);
        assert_eq!(rule(&Source::new("a.sh", &format!("PATH=\"/{name}/x\""))).len(), 1);
        assert!(
            rule(&Source::new("a.md", &format!("https://example.org/{name}/x and ../{name}/x"))).is_empty()
        );
    }
}

#[test]
fn registries_are_found() {
    let host = HOSTS[2].join(".");
    assert_eq!(
        rule(&Source::new("package-lock.json", &format!("\"resolved\": \"https://{host}/x\""))).len(),
        1
    );
    assert_eq!(rule(&Source::new(".cargo/config.toml", "replace-with = \"mirror\"")).len(), 1);
    assert_eq!(rule(&Source::new("Cargo.lock", "source = \"registry+https://example.org/index\"")).len(), 1);
    assert!(rule(&Source::new("Cargo.lock", &format!("source = \"{SOURCE}\""))).is_empty());
}
