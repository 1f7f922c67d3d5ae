//! The files for operators name what there is: commands, flags, keys and variables.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use clap::CommandFactory;
use mvchat_server::{
    cli::Cli,
    config::{Config, Environment, example},
};

/// Variables that are no keys.
const OTHERS: [&str; 2] = ["MVCHAT_CONFIG", "MVCHAT_KEY_RING"];

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "deploy"].iter().collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(folder().join(name)).unwrap()
}

/// What is said to the machine, without what is said to people.
fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n")
}

fn variables() -> BTreeSet<String> {
    let example = example();
    let named = example.lines().filter_map(|line| line.trim().strip_prefix("# Variable: "));
    named.map(str::to_owned).chain(OTHERS.map(str::to_owned)).collect()
}

#[test]
fn every_variable_is_one_of_the_server() {
    let (known, mut seen) = (variables(), 0);
    for name in ["Containerfile", "compose.yml", "mvchat.service"] {
        let text = read(name);
        let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for word in words.filter(|word| word.starts_with("MVCHAT_")) {
            assert!(known.contains(word), "{name}: there is no {word}");
            seen += 1;
        }
    }
    assert!(seen > 8, "{seen}");
}

#[test]
fn the_containers_settings_are_good() {
    let text = without_comments(&read("Containerfile"));
    let (_, settings) = text.split_once("\nENV ").unwrap();
    let words = settings.split_whitespace().take_while(|word| *word != "EXPOSE").filter(|word| *word != "\\");
    let pairs: Vec<_> = words.map(|word| word.split_once('=').unwrap()).collect();
    let given: [(&str, &str); 5] = pairs.try_into().unwrap();
    let (config, warnings) =
        Config::load(&mvchat_server::config::Flags::default(), &Environment::from(given)).unwrap();
    assert_eq!(warnings, []);
    let admin = config.admin.listen.unwrap();
    for port in [config.server.listen.port(), admin.port()] {
        assert!(
            text.lines().any(|line| line.starts_with("EXPOSE ") && line.contains(&port.to_string())),
            "{port}"
        );
        let compose = read("compose.yml");
        assert!(compose.contains(&format!("\"127.0.0.1:{port}:{port}\"")), "{port}");
    }
    assert!(read("prometheus.yml").contains(&format!(":{}", admin.port())));
    let kept = config.data_dir.0;
    assert!(text.contains(&format!("VOLUME {}", kept.display())));
    assert!(read("compose.yml").contains(&format!("mvchat:{}", kept.display())));
}

#[test]
fn every_command_line_is_understood() {
    let service = without_comments(&read("mvchat.service"));
    let container = without_comments(&read("Containerfile"));
    let mut lines: Vec<Vec<String>> = Vec::new();
    for line in service
        .lines()
        .filter_map(|line| line.strip_prefix("ExecStart").and_then(|rest| rest.split_once('=')))
    {
        lines.push(line.1.split_whitespace().map(str::to_owned).collect());
    }
    let array =
        |line: &str| -> Vec<String> { serde_json::from_str(&line[line.find('[').unwrap()..]).unwrap() };
    for line in container.lines().filter(|line| line.starts_with("CMD ") || line.starts_with("HEALTHCHECK "))
    {
        let words = array(line);
        let entry = (words[0] != "mvchat").then(|| "mvchat".to_owned());
        lines.push(entry.into_iter().chain(words).collect());
    }
    assert_eq!(lines.len(), 4, "{lines:?}");
    for line in lines {
        assert_eq!(Path::new(&line[0]).file_name().unwrap(), "mvchat");
        Cli::command().try_get_matches_from(&line).unwrap_or_else(|error| panic!("{line:?}: {error}"));
    }
}

#[test]
fn the_service_stops_later_than_the_server() {
    let service = read("mvchat.service");
    let stop = service.lines().find_map(|line| line.strip_prefix("TimeoutStopSec=")).unwrap();
    let seconds: u64 = stop.trim_end_matches('s').parse().unwrap();
    assert!(seconds > Config::default().server.shutdown_timeout.as_secs());
    let files = service.lines().find_map(|line| line.strip_prefix("LimitNOFILE=")).unwrap();
    assert!(files.parse::<usize>().unwrap() > 2 * Config::default().server.max_connections);
    let compose = read("compose.yml");
    let of = |name: &str| compose.lines().find_map(|line| line.trim().strip_prefix(name)).unwrap().trim();
    let grace: u64 = of("stop_grace_period:").trim_end_matches('s').parse().unwrap();
    let stops: u64 = of("MVCHAT_SERVER_SHUTDOWN_TIMEOUT:").trim_end_matches('s').parse().unwrap();
    assert!(grace > stops);
}

#[test]
fn there_are_no_default_secrets() {
    let compose = read("compose.yml");
    for line in compose.lines().filter(|line| line.contains("PASSWORD") && !line.trim().starts_with('#')) {
        assert!(line.contains("${POSTGRES_PASSWORD:?"), "{line}");
    }
}
