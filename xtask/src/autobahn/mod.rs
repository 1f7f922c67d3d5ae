//! `autobahn`: the fuzzing client of the Autobahn test suite against the WebSockets of every transport.

mod results;
mod suite;

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::{run::Run, tree};
use results::Results;

/// The transports, each with an example that sends back what it hears.
const SERVERS: [(&str, &str); 2] =
    [("mvchat-transport-axum", "echo_axum"), ("mvchat-transport-warp", "echo_warp")];
/// The page with the last results.
const PAGE: &str = "book/src/reference/autobahn.md";
/// Some 20 seconds for each server, on an idle machine.
const LIMIT: Duration = Duration::from_secs(900);

/// Runs all cases but those of compression, which the transports don't offer, and writes the page with the results.
///
/// # Errors
/// When the suite or the servers can't be had, or a server has broken the rules; the reports then lie below `target`.
pub(crate) fn autobahn(args: &[String]) -> Result<(), String> {
    if let Some(other) = args.first() {
        return Err(format!("`autobahn` knows no `{other}`"));
    }
    let program = suite::install()?;
    // Of the whole workspace, so that what its tests were built from is used.
    let build = Run::cargo().words("build --workspace --all-features");
    SERVERS.iter().fold(build, |build, (_, example)| build.words(&format!("--example {example}"))).show()?;
    let servers = SERVERS.iter().map(|(_, example)| Server::start(example)).collect::<Result<Vec<_>, _>>()?;

    let folder = tree::root().join("target/autobahn");
    let reports = folder.join("reports");
    let failed = |error| format!("{}: {error}", reports.display());
    if reports.exists() {
        fs::remove_dir_all(&reports).map_err(failed)?;
    }
    fs::create_dir_all(&reports).map_err(failed)?;
    let spec = folder.join("spec.json");
    let addresses: Vec<&str> = servers.iter().map(|server| server.address.as_str()).collect();
    fs::write(&spec, specification(&reports, &addresses))
        .map_err(|error| format!("{}: {error}", spec.display()))?;
    let run = Run::new(program).words("--mode fuzzingclient --spec").arg(&spec).limit(LIMIT);
    let done = run.capture().map_err(|error| format!("the suite cannot be started: {error}"))?;
    drop(servers);
    if !done.success {
        return Err(done.output);
    }
    let index = fs::read_to_string(reports.join("index.json"));
    let index = index.map_err(|error| format!("the suite has left no results: {error}\n{}", done.output))?;
    let results = Results::read(&index, &SERVERS.map(|(package, _)| package))?;
    println!("{}", results.table());
    let broken = results.broken();
    if !broken.is_empty() {
        return Err(format!("{}\nreports: {}", broken.join("\n"), reports.join("index.html").display()));
    }
    let page = tree::root().join(PAGE);
    fs::write(&page, results.page()).map_err(|error| format!("{}: {error}", page.display()))
}

fn specification(reports: &Path, addresses: &[&str]) -> String {
    let servers: Vec<_> = SERVERS
        .iter()
        .zip(addresses)
        .map(|((package, _), address)| format!(r#"{{"agent": "{package}", "url": "ws://{address}"}}"#))
        .collect();
    let (folder, servers) = (reports.display(), servers.join(", "));
    format!(
        r#"{{"outdir": "{folder}", "servers": [{servers}], "cases": ["*"], "exclude-cases": ["12.*", "13.*"], "exclude-agent-cases": {{}}}}"#
    )
}

/// An example under test, ended when dropped.
struct Server {
    process: Child,
    address: String,
}

impl Server {
    fn start(example: &str) -> Result<Self, String> {
        let program = tree::root().join("target/debug/examples").join(example);
        let failed = |error| format!("{}: {error}", program.display());
        let mut process =
            Command::new(&program).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(failed)?;
        let mut address = String::new();
        if let Some(out) = process.stdout.take() {
            BufReader::new(out).read_line(&mut address).map_err(failed)?;
        }
        Ok(Self { process, address: address.trim().to_owned() })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already can't be killed any more, which is fine.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_server_is_named_with_its_address() {
        let text = specification(Path::new("/r"), &["127.0.0.1:1", "127.0.0.1:2"]);
        assert!(text.contains(r#"{"agent": "mvchat-transport-axum", "url": "ws://127.0.0.1:1"}"#), "{text}");
        assert!(text.contains(r#"{"agent": "mvchat-transport-warp", "url": "ws://127.0.0.1:2"}"#), "{text}");
    }
}
