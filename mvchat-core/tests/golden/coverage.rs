//! Every kind of request, every notice, and every decision and addition of the protocol is in a recording, and the book
//! says in which.

use crate::decided::DECISIONS;
use crate::player::differences::DIFFERENCES;
use crate::player::{folder, own};
use mvchat_core::proto::{Command, Envelope, Limits, ServerMsg};
use mvchat_core::testkit::{KINDS, kind, whats};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

const PAGE: [&str; 6] = [env!("CARGO_MANIFEST_DIR"), "..", "book", "src", "reference", "coverage.md"];
const START: &str = "<!-- made by the tests of the recordings -->\n";

/// In which recordings something is.
type Places = BTreeMap<String, BTreeSet<String>>;

#[derive(Default)]
struct Coverage {
    requests: Places,
    notices: Places,
    decisions: Places,
}

impl Coverage {
    fn of_all() -> Self {
        let mut coverage = Self::default();

        for name in ["t1", "t2"] {
            for entry in fs::read_dir(folder().join(name)).unwrap() {
                let path = entry.unwrap().path();
                let file = path.file_name().unwrap().to_string_lossy().into_owned();
                let Ok(frame) = serde_json::from_str(&fs::read_to_string(&path).unwrap()) else { continue };
                coverage.add(name, file.contains("-from-"), &frame);
            }
        }
        // A difference that is not heard fails the test. Additions have recordings of their own.
        for row in DIFFERENCES.iter().filter(|row| row.decision.parse::<u32>().is_ok()) {
            coverage.decisions.entry(row.decision.to_owned()).or_default().insert(row.scenario.to_owned());
        }
        for (name, path) in own::files() {
            let lines = own::lines(&path);
            for decision in lines[0]["shows"].as_array().into_iter().flatten() {
                let decision = decision.as_str().unwrap().to_owned();
                coverage.decisions.entry(decision).or_default().insert(name.clone());
            }
            for line in lines.into_iter().filter(|line| line.get("frame").is_some()) {
                coverage.add(&name, line.get("from").is_some(), &line["frame"]);
            }
        }
        coverage
    }

    fn add(&mut self, place: &str, sent: bool, frame: &Value) {
        let frame = filled(frame);
        if !sent {
            if let Ok(ServerMsg::Info(info)) = serde_json::from_value(frame) {
                let what = serde_json::to_value(info.what).unwrap();
                let what = what.as_str().unwrap_or_default().to_owned();
                self.notices.entry(what).or_default().insert(place.to_owned());
            }
            return;
        }
        let Ok(envelope) = Envelope::decode(frame.to_string().as_bytes()) else { return };
        if let Ok(command) = Command::parse(envelope.request, &Limits::mvchat2()) {
            self.requests.entry(kind(&command).to_owned()).or_default().insert(place.to_owned());
        }
    }

    fn page(&self) -> String {
        let mut page = String::from("| Request | Recorded in |\n|---|---|\n");
        for kind in KINDS {
            page.push_str(&row(&format!("`{kind}`"), kind, &self.requests));
        }
        page.push_str("\n| Notice | Recorded in |\n|---|---|\n");
        for what in whats() {
            page.push_str(&row(&format!("`{what}`"), &what, &self.notices));
        }
        page.push_str("\n| Decision or addition | Recorded in |\n|---|---|\n");
        for (name, matter) in DECISIONS {
            page.push_str(&row(&format!("{name}: {matter}"), name, &self.decisions));
        }
        page
    }
}

fn row(title: &str, name: &str, places: &Places) -> String {
    let places = places.get(name).into_iter().flatten().map(|place| format!("`{place}`"));
    format!("| {title} | {} |\n", places.collect::<Vec<_>>().join(", "))
}

/// Puts an id where a placeholder is, so that the frame can be read.
fn filled(frame: &Value) -> Value {
    match frame {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), filled(value))).collect(),
        Value::Array(items) => items.iter().map(filled).collect(),
        Value::String(text) if text == "<time>" || text.starts_with("<ts") => {
            Value::from("2026-01-01T00:00:00.000000Z")
        }
        Value::String(text) if text.starts_with('<') && text.ends_with('>') => {
            Value::from("00000000-0000-7000-8000-000000000001")
        }
        other => other.clone(),
    }
}

#[test]
fn every_request_and_every_notice_is_recorded() {
    let coverage = Coverage::of_all();
    let requests =
        KINDS.iter().map(|kind| (*kind).to_owned()).filter(|kind| !coverage.requests.contains_key(kind));
    let notices = whats().into_iter().filter(|what| !coverage.notices.contains_key(what));
    let missing: Vec<_> = requests.chain(notices).collect();
    assert_eq!(missing, Vec::<String>::new(), "add them to a file in `mvchat-core/tests/golden/own`");
}

#[test]
fn every_decision_and_every_addition_is_recorded() {
    let shown: BTreeSet<String> = Coverage::of_all().decisions.into_keys().collect();
    let decided = DECISIONS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(
        shown, decided,
        "the first line of a file in `mvchat-core/tests/golden/decisions` says what it shows"
    );
}

#[test]
fn the_book_says_where() {
    let path: PathBuf = PAGE.iter().collect();
    let page = fs::read_to_string(&path).unwrap();
    let (before, _) = page.split_once(START).unwrap();
    let expected = format!("{before}{START}\n{}", Coverage::of_all().page());
    if own::writes() {
        fs::write(&path, &expected).unwrap();
        return;
    }
    assert_eq!(page, expected, "run the test with `MVCHAT_GOLDEN=write`");
}
