//! Accounts and tokens by hand, with the real binary on one data folder.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    io::{BufRead, BufReader, Write},
    process::{Command, Stdio},
};

use tempfile::TempDir;

fn prepared(folder: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mvchat"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MVCHAT_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).current_dir(folder.path()).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the binary; returns its status, what it printed, and what it complained of.
fn mvchat(folder: &TempDir, arguments: &[&str], input: &str) -> (i32, String, String) {
    let mut child = prepared(folder, arguments).spawn().unwrap();
    // One that reads nothing may be gone already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn accounts_are_managed_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str], input: &str| mvchat(&folder, arguments, input);
    let ok = |arguments: &[&str], input: &str| {
        let (status, out, error) = run(arguments, input);
        assert_eq!(status, 0, "{arguments:?}: {error}");
        out
    };
    let fails = |arguments: &[&str], input: &str| {
        let (status, out, error) = run(arguments, input);
        assert_eq!((status, out.as_str()), (1, ""), "{arguments:?}");
        error
    };
    let id = ok(&["user", "add", "anna", "--display", "Ana", "--must-change"], "a good password\n");
    assert_eq!(id.trim().len(), 36, "{id}");
    assert!(fails(&["user", "add", "Anna"], "a good password\n").contains("username already taken"));
    assert!(fails(&["user", "add", "bert"], "short\n").contains("password too short"));
    assert!(fails(&["user", "add", "bert"], "").contains("standard input"));
    let bcrypt = "$2b$04$abcdefghijklmnopqrstuughE8Ev8uGFaUgY2cNEySvxngrb/Jzdm\n";
    ok(&["user", "add", "bert", "--hash"], bcrypt);
    assert!(fails(&["user", "add", "carl", "--hash"], "$2b$31$x\n").contains("unreadable password hash"));
    assert!(fails(&["user", "disable", "nobody"], "").contains("there is no user"));

    let token = ok(&["token", "mint", "ANNA", "--device", "script"], "");
    let said: serde_json::Value = serde_json::from_str(&ok(&["token", "inspect"], &token)).unwrap();
    assert_eq!((&said["sub"], &said["open"]), (&id.trim().into(), &true.into()));
    assert!(ok(&["user", "sessions", "anna"], "").contains("\"script\""));
    assert!(fails(&["token", "inspect"], &token.replace('.', "..")).contains("token invalid"));

    ok(&["user", "disable", "anna"], "");
    assert_eq!(ok(&["user", "sessions", "anna"], ""), "");
    let said: serde_json::Value = serde_json::from_str(&ok(&["token", "inspect"], &token)).unwrap();
    assert_eq!(said["open"], false, "a suspended user's session is open");
    assert!(fails(&["token", "mint", "anna"], "").contains("account suspended"));
    ok(&["user", "enable", "anna"], "");
    ok(&["token", "mint", "anna"], "");
    ok(&["user", "passwd", "anna"], "another good password\n");
    assert_eq!(ok(&["user", "sessions", "anna", "--end"], ""), "0 sessions ended\n");
    assert_eq!(run(&["user", "add"], "").0, 2);
}

#[test]
fn a_running_server_keeps_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = prepared(&folder, &["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.starts_with("mvchat is listening"), "{line}");
    let (status, out, error) = mvchat(&folder, &["user", "add", "anna"], "a good password\n");
    server.kill().unwrap();
    server.wait().unwrap();
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(error.contains("cannot open the store"), "{error}");
    let (status, _, error) = mvchat(&folder, &["user", "add", "anna"], "a good password\n");
    assert_eq!(status, 0, "{error}");
}
