//! What the server measures: the catalogue, what is served, and the dashboard.

use std::{collections::BTreeMap, fs, path::PathBuf, sync::Arc};

use mvchat_core::{
    Chat,
    builtin::MemoryStore,
    engine::metrics::{Info, Kind},
};
use mvchat_server::metrics::{EdgeCounts, Source, catalogue};

fn known() -> BTreeMap<&'static str, Info> {
    catalogue().into_iter().map(|info| (info.name, info)).collect()
}

/// The name of the family that a name in an exposition or a query belongs to.
fn family(name: &str) -> &str {
    let known = known();
    ["_bucket", "_sum", "_count"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .filter(|short| known.get(short).is_some_and(|info| info.kind == Kind::Histogram))
        .unwrap_or(name)
}

#[test]
fn names_follow_the_conventions() {
    let catalogue = catalogue();
    assert_eq!(known().len(), catalogue.len(), "each name stands once");
    for info in catalogue {
        let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        assert!(plain(info.name) && info.labels.iter().all(|label| plain(label)), "{}", info.name);
        assert_eq!(info.name.ends_with("_total"), info.kind == Kind::Counter, "{}", info.name);
        assert!(info.help.ends_with('.') && info.help.len() > 10, "{}", info.name);
    }
}

#[tokio::test]
async fn what_is_served_is_the_catalogue() {
    let chat = Chat::builder(MemoryStore::default()).build().await.unwrap();
    let source = Source::new(chat, Arc::<EdgeCounts>::default());
    let read: Vec<_> = source.families().into_iter().map(|family| family.info).collect();
    assert_eq!(read, catalogue());
    let text = source.text().unwrap();
    let known = known();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().unwrap();
        assert!(known.contains_key(family(name)), "{line}");
    }
    assert!(
        text.contains("# TYPE mvchat_connections_opened counter\nmvchat_connections_opened_total 0\n"),
        "{text}"
    );
    assert!(text.contains("mvchat_commit_duration_seconds_bucket{le=\"+Inf\"} 0\n"), "{text}");
    assert!(text.contains("mvchat_commit_duration_seconds_bucket{le=\"0.0005\"} 0\n"), "{text}");
    assert!(
        text.contains(&format!("mvchat_build{{version=\"{}\"}} 1.0\n", env!("CARGO_PKG_VERSION"))),
        "{text}"
    );
    assert!(text.ends_with("# EOF\n"));
}

/// Every word of a text that looks like the name of a metric.
fn names(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    words.filter(|word| word.starts_with("mvchat_") || word.starts_with("process_")).collect()
}

#[test]
fn the_dashboard_asks_for_what_there_is() {
    let path: PathBuf =
        [env!("CARGO_MANIFEST_DIR"), "..", "..", "deploy", "grafana", "mvchat.json"].iter().collect();
    let dashboard: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let known = known();
    let mut asked = 0;
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(panel["title"].as_str().is_some_and(|title| !title.is_empty()));
        for target in panel["targets"].as_array().unwrap() {
            let query = target["expr"].as_str().unwrap();
            let names = names(query);
            assert!(!names.is_empty(), "{query}");
            for name in names {
                let info = known.get(family(name)).unwrap_or_else(|| panic!("there is no {name}: {query}"));
                assert_eq!(info.kind == Kind::Histogram, family(name) != name, "{query}");
                asked += 1;
            }
            // What a sum is made by must be labels of what is summed.
            for by in query.split(" by (").skip(1).filter_map(|rest| rest.split(')').next()) {
                let labels = names_of(query, &known);
                let given =
                    |label: &str| label == "le" || labels.iter().any(|info| info.labels.contains(&label));
                assert!(by.split(',').map(str::trim).all(given), "{query}");
            }
        }
    }
    assert!(asked > 30, "{asked}");
}

fn names_of(query: &str, known: &BTreeMap<&'static str, Info>) -> Vec<Info> {
    names(query).into_iter().filter_map(|name| known.get(family(name)).copied()).collect()
}
