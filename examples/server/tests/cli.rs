//! The real binary, from its command line to its exit status.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

/// The binary in an empty folder, without the settings of the machine the tests run on.
fn mvchat(folder: &TempDir, arguments: &[&str]) -> Command {
    prepared(Command::new(env!("CARGO_BIN_EXE_mvchat")), folder, arguments)
}

fn prepared(mut command: Command, folder: &TempDir, arguments: &[&str]) -> Command {
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("MVCHAT_") {
            command.env_remove(name);
        }
    }
    command.args(arguments).current_dir(folder.path()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn output(folder: &TempDir, arguments: &[&str]) -> Output {
    mvchat(folder, arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

/// A server that has said it is ready; killed when the test ends early.
struct Server {
    child: Child,
    stdout: BufReader<std::process::ChildStdout>,
    line: String,
    address: SocketAddr,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Some((_, address)) = line.trim().split_once("listening on http://") else {
            let mut errors = String::new();
            child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            panic!("{line}{errors}")
        };
        let address = address.parse().unwrap();
        Self { child, stdout, line, address }
    }

    fn health(&self) -> String {
        get(self.address, "/health")
    }

    fn signal(&self, signal: &str) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
    }

    /// Waits for the end; returns the exit status, the rest of standard output, and standard error.
    fn ended(mut self) -> (Option<i32>, String, String) {
        let (mut rest, mut errors) = (String::new(), String::new());
        self.stdout.read_to_string(&mut rest).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (self.child.wait().unwrap().code(), rest, errors)
    }
}

fn get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
        .write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").as_bytes())
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

impl Drop for Server {
    fn drop(&mut self) {
        // An ended process cannot be killed any more, which is fine.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn serves_until_a_signal_and_ends_with_status_0() {
    for signal in ["-TERM", "-INT"] {
        let folder = folder();
        let server =
            Server::start(mvchat(&folder, &["serve", "--listen", "127.0.0.1:0", "--store", "memory"]));
        assert_ne!(server.address.port(), 0);
        assert!(server.line.ends_with('\n'));
        let health = server.health();
        assert!(health.starts_with("HTTP/1.1 200") && health.contains("application/json"), "{health}");
        assert!(health.ends_with(r#"{"status":"ok","sessions":0,"online":0}"#), "{health}");
        // A connection that is idle, and one that never says anything, delay nothing.
        let _idle = TcpStream::connect(server.address).unwrap();
        let start = Instant::now();
        server.signal(signal);
        let (status, rest, errors) = server.ended();
        assert_eq!((status, rest.as_str()), (Some(0), ""), "{errors}");
        assert!(start.elapsed() < Duration::from_secs(10));
        assert!(errors.contains("stopping"), "{errors}");
    }
}

#[test]
fn half_a_message_ends_its_connection_after_the_time_that_was_set() {
    let folder = folder();
    let mut command = mvchat(&folder, &["serve", "--listen", "127.0.0.1:0", "--store", "memory"]);
    command.env("MVCHAT_SERVER_MESSAGE_TIMEOUT", "200ms");
    let server = Server::start(command);
    let mut stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let head = "GET /v0/ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
                sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    stream.write_all(&[head.as_bytes(), &[0x81]].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.ends_with(b"\x03\xeaprotocol error"), "{answer:?}");
}

#[test]
fn operators_ask_at_an_address_of_their_own() {
    let folder = folder();
    let mut command = mvchat(&folder, &["serve", "--listen", "127.0.0.1:0", "--store", "memory"]);
    command.env("MVCHAT_ADMIN_LISTEN", "127.0.0.1:0");
    let mut server = Server::start(command);
    let mut errors = BufReader::new(server.child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("metrics are served") {
        line.clear();
        assert_ne!(errors.read_line(&mut line).unwrap(), 0);
    }
    let admin: SocketAddr = line.trim().rsplit_once("address=").unwrap().1.parse().unwrap();
    let metrics = get(admin, "/metrics");
    assert!(metrics.starts_with("HTTP/1.1 200") && metrics.ends_with("# EOF\n"), "{metrics}");
    assert!(metrics.contains("\nmvchat_store_ok 1.0\n"), "{metrics}");
    assert!(get(server.address, "/metrics").starts_with("HTTP/1.1 404"));
    // SIGHUP ends nothing, whether or not there is something to be read again.
    server.signal("-HUP");
    let ask = |admin: SocketAddr| {
        mvchat(&folder, &["health"]).env("MVCHAT_ADMIN_LISTEN", admin.to_string()).output().unwrap()
    };
    let asked = ask(admin);
    assert_eq!(asked.status.code(), Some(0), "{}", text(&asked.stderr));
    assert!(text(&asked.stdout).contains(r#""status":"ok""#), "{}", text(&asked.stdout));
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let asked = ask(admin);
    assert_eq!((asked.status.code(), text(&asked.stdout)), (Some(1), ""));
    assert!(text(&asked.stderr).contains("no answer"), "{}", text(&asked.stderr));
}

#[test]
fn a_second_signal_ends_the_process_at_once() {
    let folder = folder();
    let server = Server::start(mvchat(&folder, &["serve", "--listen", "127.0.0.1:0"]));
    // Half a head holds the drain up, as a read that is under way is waited for.
    let mut half = TcpStream::connect(server.address).unwrap();
    half.write_all(b"GET /health HTTP/1.1\r\nho").unwrap();
    server.health();
    let mut server = server;
    let mut errors = BufReader::new(server.child.stderr.take().unwrap());
    let start = Instant::now();
    server.signal("-TERM");
    let mut line = String::new();
    while !line.contains("stopping") {
        line.clear();
        assert_ne!(errors.read_line(&mut line).unwrap(), 0);
    }
    server.signal("-TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(1));
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[test]
fn a_stalled_connection_cannot_hold_the_stop_up() {
    let folder = folder();
    let mut command = mvchat(&folder, &["serve", "--listen", "127.0.0.1:0"]);
    command.env("MVCHAT_SERVER_SHUTDOWN_TIMEOUT", "1s").env("MVCHAT_SERVER_READ_TIMEOUT", "1m");
    let server = Server::start(command);
    let mut half = TcpStream::connect(server.address).unwrap();
    half.write_all(b"GET /health HTTP/1.1\r\nho").unwrap();
    server.health();
    let start = Instant::now();
    server.signal("-TERM");
    let (status, _, errors) = server.ended();
    assert_eq!(status, Some(0), "{errors}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_wrong_configuration_ends_with_status_2_and_all_problems() {
    let folder = folder();
    let file = folder.path().join("mvchat.yaml");
    std::fs::write(&file, "store: sled\nlimits:\n  edit_windw: 5\n  max_edit_count: ten\n").unwrap();
    for command in ["serve", "config"] {
        let check = ["config", "check", "--config", "mvchat.yaml", "--listen", "nowhere"];
        let arguments = if command == "serve" { [&["serve"], &check[2..]].concat() } else { check.to_vec() };
        let output = output(&folder, &arguments);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""));
        let errors = text(&output.stderr);
        assert!(errors.contains("mvchat.yaml:3: unknown key `limits.edit_windw`"), "{errors}");
        assert!(errors.contains("did you mean `limits.edit_window`?"), "{errors}");
        assert!(errors.contains("mvchat.yaml:4: limits.max_edit_count"), "{errors}");
        assert!(errors.contains("--listen: "), "{errors}");
        assert_eq!(errors.lines().count(), 3, "{errors}");
    }
}

#[test]
fn keys_without_effect_are_logged_without_values() {
    let folder = folder();
    let file = folder.path().join("mvchat.yaml");
    std::fs::write(
        &file,
        "server: {listen: '127.0.0.1:0'}\nredis:\n  password: ${SECRET:none}\nlog: {format: json}\n",
    )
    .unwrap();
    let mut command = mvchat(&folder, &["serve"]);
    command.env("MVCHAT_CONFIG", &file).env("SECRET", "hunter2");
    let server = Server::start(command);
    server.signal("-TERM");
    let (status, _, errors) = server.ended();
    assert_eq!(status, Some(0));
    assert!(errors.contains("redis.password has no effect") && errors.contains("mvchat.yaml:3"), "{errors}");
    assert!(!errors.contains("hunter2"), "{errors}");
    for line in errors.lines() {
        let event: serde_json::Value = serde_json::from_str(line).expect(line);
        assert!(event["timestamp"].is_string() && event["level"].is_string(), "{line}");
    }

    let output = mvchat(&folder, &["config", "check", "--config", "mvchat.yaml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("redis.password has no effect"));
}

#[test]
fn a_flag_wins_over_a_variable_over_the_file() {
    let folder = folder();
    std::fs::write(folder.path().join("mvchat.yaml"), "server: {listen: 127.0.0.1:1}\n").unwrap();
    let mut command = mvchat(&folder, &["serve", "--config", "mvchat.yaml"]);
    command.env("MVCHAT_LISTEN", "127.0.0.2:0");
    assert_eq!(Server::start(command).address.ip().to_string(), "127.0.0.2");
    let mut command = mvchat(&folder, &["serve", "--config", "mvchat.yaml", "--listen", "127.0.0.3:0"]);
    command.env("MVCHAT_LISTEN", "127.0.0.2:0");
    assert_eq!(Server::start(command).address.ip().to_string(), "127.0.0.3");
}

#[test]
fn a_wrong_command_line_ends_with_status_2() {
    let folder = folder();
    for arguments in [&["serve", "--lsten", "x"][..], &["sevre"], &["serve", "extra"], &["serve", "--store"]]
    {
        let output = output(&folder, arguments);
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{arguments:?}");
    }
    let unknown = output(&folder, &["serve", "--lsten", "x"]);
    assert!(text(&unknown.stderr).contains("--listen"), "{}", text(&unknown.stderr));
    let exposed = output(&folder, &["serve", "--listen", "0.0.0.0:0"]);
    assert_eq!(exposed.status.code(), Some(2));
    assert!(text(&exposed.stderr).contains("--behind-proxy"), "{}", text(&exposed.stderr));
}

#[test]
fn a_taken_port_ends_with_status_1() {
    let folder = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = output(&folder, &["serve", "--listen", &address]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), ""));
    assert!(text(&output.stderr).contains(&address), "{}", text(&output.stderr));
}

#[test]
fn version_and_example_print() {
    let folder = folder();
    let version = output(&folder, &["--version"]);
    assert_eq!(version.status.code(), Some(0));
    assert_eq!(text(&version.stdout).trim(), concat!("mvchat ", env!("CARGO_PKG_VERSION")));
    let example = output(&folder, &["config", "example"]);
    assert_eq!(example.status.code(), Some(0));
    std::fs::write(folder.path().join("example.yaml"), &example.stdout).unwrap();
    let check = output(&folder, &["config", "check", "--config", "example.yaml"]);
    assert_eq!((check.status.code(), text(&check.stdout)), (Some(0), "the configuration is good\n"));
}

#[test]
fn running_out_of_files_is_survived_without_spinning() {
    let folder = folder();
    let mut shell = Command::new("sh");
    shell.args(["-c", "ulimit -n 40 && exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_mvchat")]);
    let mut server = Server::start(prepared(shell, &folder, &["serve", "--listen", "127.0.0.1:0"]));
    let mut log = BufReader::new(server.child.stderr.take().unwrap());
    let crowd: Vec<_> = (0..60).map(|_| TcpStream::connect(server.address).unwrap()).collect();
    // The pauses between the tries double.
    for pause in ["pause=20ms", "pause=40ms", "pause=80ms"] {
        let mut line = String::new();
        while !line.contains("cannot accept connections") {
            line.clear();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "the server has ended");
        }
        assert!(line.contains(pause), "{line}");
    }
    drop(crowd);
    assert!(server.health().contains("200"));
    server.signal("-TERM");
    let mut rest = String::new();
    log.read_to_string(&mut rest).unwrap();
    assert!(rest.matches("cannot accept connections").count() < 20, "{rest}");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
}
