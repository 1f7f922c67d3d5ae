//! Reads a recording: `scenario.txt` is the order, the other files are frames.
//!
//! A file's name is number, direction and client: `0012-from-A.json` went to the server, `0013-to-A.json` came back.
//! What the recordings lack is made up for: the binary frame, the forty of the burst, the spelling of ids that were
//! normalised (`<UUID-8>` upper case, `<hex-8>` without hyphens), and `<fill-65534>` stands for as many letters as make
//! the frame that long. The lines of `scenario.txt`:
//!
//! * `from FILE`, `to FILE`: a frame; `binary FILE` goes into a binary frame, several `burst FILE` go at once;
//! * `instead FILE`: sent after the frame before it was refused;
//! * `jwt KIND`: what `<jwt>` stands for in the next frame: the token `of` a client, or one that is made;
//! * `code INVITE`: the invite whose code `<code10>` stands for in the next frame; `<base64 TEXT>` is encoded after that;
//! * `late SECONDS`: the wall clock is ahead for the next frame;
//! * `pause SECONDS`: time passes;
//! * `client-close CLIENT CODE`, `server-close CLIENT CODE`: who ends the connection;
//! * `earlier PLACEHOLDER NAME`: an account that was there before;
//! * `about`, `section`, `note`: for readers.

use serde_json::Value;
use std::fs;

/// One recording.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
}

/// Frames from a client and everything that they caused, or something that happened in between.
pub(crate) enum Step {
    /// An account that was there before, with its placeholder and display name.
    Earlier { id: String, name: String },
    /// So many seconds pass.
    Pause(u64),
    /// A client sends one frame, or several at once.
    Requests { requests: Vec<Request>, heard: Vec<(String, Heard)> },
    /// A client ends its connection, after the frame with this number.
    Leave { client: String, number: u32, heard: Vec<(String, Heard)> },
}

/// A frame from a client.
#[derive(Default)]
pub(crate) struct Request {
    /// The number of its file.
    pub(crate) number: u32,
    pub(crate) client: String,
    pub(crate) text: String,
    /// It goes into a binary frame.
    pub(crate) binary: bool,
    /// What is sent after it, because later frames are about what the original accepted and this server refuses.
    pub(crate) instead: Option<String>,
    /// Which token its placeholder stands for.
    pub(crate) token: Option<String>,
    /// Which invite's code its placeholder stands for.
    pub(crate) code: Option<String>,
    /// So many seconds later than everything else. The recording aged one message in the database; a wall clock that
    /// is ahead for one request comes to the same.
    pub(crate) late: i64,
}

/// What a client hears.
pub(crate) enum Heard {
    Frame(Value),
    /// The server ends the connection.
    Close(u16),
}

impl Scenario {
    pub(crate) fn load(name: &'static str) -> Self {
        let folder = super::folder().join(name);
        let read = |file: &str| {
            let path = folder.join(file);
            let text =
                fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            text.trim_end().to_owned()
        };
        let mut steps: Vec<Step> = Vec::new();
        let (mut token, mut code, mut late, mut last, mut bursting) = (None, None, 0, 0, false);
        for line in read("scenario.txt").lines().filter(|line| !line.is_empty()) {
            let (verb, rest) = line.split_once(' ').unwrap();
            match verb {
                "about" | "section" | "note" => {}
                "earlier" => {
                    let (id, name) = rest.split_once(' ').unwrap();
                    steps.push(Step::Earlier { id: format!("<{id}>"), name: name.to_owned() });
                }
                "pause" => steps.push(Step::Pause(rest.parse().unwrap())),
                "jwt" => token = Some(rest.to_owned()),
                "code" => code = Some(format!("<{rest}>")),
                "late" => late = rest.parse().unwrap(),
                "from" | "binary" | "burst" => {
                    let (number, client) = read_name(rest);
                    let request = Request {
                        number,
                        client,
                        text: read(rest),
                        binary: verb == "binary",
                        instead: None,
                        token: token.take(),
                        code: code.take(),
                        late: std::mem::take(&mut late),
                    };
                    last = number;
                    let goes_on = verb == "burst" && std::mem::replace(&mut bursting, true);
                    match steps.last_mut() {
                        Some(Step::Requests { requests, .. }) if goes_on => requests.push(request),
                        _ => steps.push(Step::Requests { requests: vec![request], heard: Vec::new() }),
                    }
                }
                "instead" => match steps.last_mut() {
                    Some(Step::Requests { requests, .. }) => {
                        requests.last_mut().unwrap().instead = Some(read(rest));
                    }
                    _ => panic!("{line}: in place of what?"),
                },
                "to" => {
                    let (number, client) = read_name(rest);
                    (last, bursting) = (number, false);
                    let frame = serde_json::from_str(&read(rest)).unwrap();
                    heard(&mut steps).push((client, Heard::Frame(frame)));
                }
                "client-close" => {
                    let client = rest.split_once(' ').unwrap().0.to_owned();
                    steps.push(Step::Leave { client, number: last, heard: Vec::new() });
                }
                "server-close" => {
                    let (client, code) = rest.split_once(' ').unwrap();
                    let code = code.parse().unwrap();
                    heard(&mut steps).push((client.to_owned(), Heard::Close(code)));
                }
                _ => panic!("{name}/scenario.txt: {line}"),
            }
        }
        Self { name, steps }
    }
}

/// What is heard belongs to the last step.
fn heard(steps: &mut [Step]) -> &mut Vec<(String, Heard)> {
    match steps.last_mut() {
        Some(Step::Requests { heard, .. } | Step::Leave { heard, .. }) => heard,
        _ => panic!("something is heard before anything was said"),
    }
}

/// Reads number and client off a file's name, like `0012-from-A.json`.
fn read_name(file: &str) -> (u32, String) {
    let mut parts = file.split(['-', '.']);
    let number = parts.next().unwrap().parse().unwrap();
    (number, parts.nth(1).unwrap().to_owned())
}
