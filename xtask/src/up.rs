//! `up`: from nothing but Rust to a running server.

use std::env;

use crate::{run::Run, web};

const SERVER: &str = "-p mvchat-server --bin mvchat";
const LISTEN: &str = "127.0.0.1:6060";

/// Builds the web chat and the reference server, says how to talk to it, and becomes it. Arguments after `--` go to `mvchat serve`.
///
/// # Errors
/// When the server does not build or cannot be started.
pub(crate) fn up(args: &[String]) -> Result<(), String> {
    let (ours, theirs) = match args.iter().position(|arg| arg == "--") {
        Some(at) => (&args[..at], &args[at + 1..]),
        None => (args, &[][..]),
    };
    let mut profile = "";
    for arg in ours {
        match arg.as_str() {
            "--release" => profile = "--release",
            other => {
                return Err(format!("`up` does not know `{other}`; arguments for the server go after `--`"));
            }
        }
    }
    // The server is of use without its page, which then says how to get it.
    if let Err(problem) = web::web() {
        eprintln!("the web chat could not be built, the server comes up without it: {problem}");
    }
    Run::cargo().words("build").words(profile).words(SERVER).show()?;
    print!("{}", how_to_talk(&address(theirs, env::var("MVCHAT_LISTEN").ok())));
    let mut run = Run::cargo()
        .words("run --quiet")
        .words(profile)
        .words(SERVER)
        .words("-- serve --data-dir mvchat-data");
    for arg in theirs {
        run = run.arg(arg);
    }
    run.become_it()
}

/// Returns the address that the server will listen on: its `--listen`, its variable, or its default.
fn address(args: &[String], variable: Option<String>) -> String {
    let given = args.iter().enumerate().find_map(|(at, arg)| match arg.strip_prefix("--listen") {
        Some("") => args.get(at + 1).map(String::as_str),
        Some(value) => value.strip_prefix('='),
        None => None,
    });
    given.map(str::to_owned).or(variable).unwrap_or_else(|| LISTEN.to_owned())
}

fn how_to_talk(address: &str) -> String {
    format!(
        r#"
The server comes up on {address}, its data is in ./mvchat-data, Ctrl-C stops it.

  The web chat   http://{address}/
  Is it there?   curl http://{address}/health
  The socket     ws://{address}/v0/ws     (with any WebSocket client, say: npx wscat -c ws://{address}/v0/ws)
  First frames   {{"id":"1","hi":{{"ver":"0.1.0","ua":"by-hand/1.0"}}}}
                 {{"id":"2","acc":{{"user":"new","scheme":"basic","secret":"YWxpY2U6Y29ycmVjdC1ob3JzZQ==","login":true}}}}

The second one signs up and logs in: the secret is the Base64 of `alice:correct-horse`.

"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address_of(args: &[&str], variable: Option<&str>) -> String {
        let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
        address(&args, variable.map(str::to_owned))
    }

    #[test]
    fn the_address_is_the_servers() {
        assert_eq!(address_of(&[], None), LISTEN);
        assert_eq!(address_of(&[], Some("127.0.0.1:7")), "127.0.0.1:7");
        assert_eq!(address_of(&["--listen", "0.0.0.0:1"], Some("127.0.0.1:7")), "0.0.0.0:1");
        assert_eq!(address_of(&["-v", "--listen=[::1]:2"], None), "[::1]:2");
        assert_eq!(address_of(&["--listener", "x"], None), LISTEN);
    }
}
