//! `mvchat bench`: what it says has happened has happened.

use crate::support::Data;
use serde_json::Value;
use std::process::{Command, Output};

fn bench(words: &str, more: &[&str]) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mvchat"));
    command.arg("bench").args(words.split_whitespace()).args(more).args(["--json", "-", "--folder"]);
    let done = command.arg(folder.path()).current_dir(folder.path()).output().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left behind");
    done
}

/// Runs a scenario in which nothing goes wrong.
fn run(words: &str, more: &[&str]) -> Value {
    let done = bench(words, more);
    let said = String::from_utf8_lossy(&done.stderr);
    let printed = String::from_utf8_lossy(&done.stdout);
    assert!(done.status.success(), "{words}: {said}{printed}");
    let mut report: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(report["outcomes"][0]["errors"], serde_json::json!({}), "{words}");
    report["outcomes"][0].take()
}

fn figure(outcome: &Value, name: &str) -> f64 {
    let figures = outcome["figures"].as_array().unwrap();
    let found = figures.iter().find(|figure| figure["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} in {outcome}"))["value"].as_f64().unwrap()
}

#[test]
fn a_schedule_is_kept_whatever_the_server_does() {
    let dm = run("dm --store sled --pairs 4 --rate 40 --seconds 1", &[]);
    assert_eq!(figure(&dm, "messages"), 40.0);
    for name in ["send to ack", "send to delivery"] {
        assert_eq!(dm["latencies"][name]["count"], 40);
    }
    if cfg!(target_os = "linux") {
        assert!(figure(&dm, "server CPU per message") > 0.0);
    }
}

#[test]
fn a_group_hears_everything() {
    let fanout = run("fanout --store memory --members 30 --senders 3 --rate 30 --seconds 1", &[]);
    assert_eq!(figure(&fanout, "messages"), 30.0);
    assert_eq!(fanout["latencies"]["send to delivery"]["count"], 30 * 29);
    let floor = run("floor fanout --members 30 --senders 3 --rate 30 --seconds 1", &[]);
    assert_eq!(floor["latencies"]["send to delivery"]["count"], 30 * 29);
}

#[test]
fn groups_hear_their_own_messages() {
    let fanout = run("fanout --store memory --groups 3 --members 5 --rate 30 --seconds 1", &[]);
    assert_eq!(figure(&fanout, "messages"), 30.0);
    assert_eq!(fanout["latencies"]["send to delivery"]["count"], 30 * 4);
}

#[test]
fn what_is_heavy_is_carried_by_the_server() {
    let beside =
        |burden: &str| run(&format!("beside {burden} --store memory --pairs 4 --rate 40 --seconds 1"), &[]);
    let logins = beside("logins --much 5");
    assert!(figure(&logins, "burden: logins that succeeded") > 0.0);
    let history = beside("history --much 250");
    assert!(figure(&history, "burden: messages read per second") >= 125.0);
    let group = beside("group --much 20");
    assert!(figure(&group, "burden: send to delivery p99") > 0.0);
    for beside in [logins, history, group] {
        assert_eq!(figure(&beside, "messages"), 40.0);
        assert!(figure(&beside, "send to delivery p99, to alone") > 0.0);
    }
}

#[test]
fn people_come_back_and_miss_nothing() {
    let storm = run("storm --store sled --people 10", &[]);
    assert_eq!(storm["latencies"]["loss to caught up"]["count"], 10);
    let catchup = run("catchup --store memory --people 3 --groups 2 --changes 4 --elsewhere 30", &[]);
    for absence in ["short", "long", "much"] {
        assert_eq!(catchup["latencies"][format!("return to caught up, {absence}")]["count"], 9);
    }
}

#[test]
fn a_day_of_chat_has_everything_in_it() {
    let day = run("mixed --store memory --people 12 --rate 150 --seconds 2", &[]);
    assert_eq!(figure(&day, "deeds"), 300.0);
    assert!(figure(&day, "send to ack p50") > 0.0 && figure(&day, "coming back p50") > 0.0);
}

#[test]
fn a_server_that_runs_already_is_measured_as_well() {
    let mut data = Data::unlimited();
    let server = data.start();
    let dm = run("dm --pairs 2 --rate 10 --seconds 1", &["--url", &server.url()]);
    assert_eq!(figure(&dm, "messages"), 10.0);
    let hot = run("hot --senders 3 --seconds 0.5", &["--url", &server.url()]);
    assert!(figure(&hot, "messages") > 0.0);
}

#[test]
fn a_run_that_cannot_be_made_says_why() {
    for (words, wanted) in [
        ("dm --url ws://127.0.0.1:1/v0/ws", "refused"),
        ("dm --url http://127.0.0.1:1/", "is no address like ws://"),
        ("dm --store postgres", "needs --database-url"),
        ("dm --store paper", "the server does not start"),
        ("storm --store memory", "knows nobody after a restart"),
        ("suite --only nothing-of-that-name", "nothing has that in its name"),
    ] {
        let done = bench(words, &[]);
        let said = String::from_utf8_lossy(&done.stderr);
        assert!(!done.status.success() && said.contains(wanted), "{words}: {said}");
    }
}

#[test]
fn what_does_not_arrive_is_found() {
    // After three messages the server answers 429, and clients wait.
    let mut data = Data::new().with("MVCHAT_LIMITS_RATES", "send user max 3 per 1h");
    let server = data.start();
    let done = bench("dm --pairs 1 --rate 10 --seconds 1", &["--url", &server.url()]);
    assert!(!done.status.success());
    let report: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["outcomes"][0]["errors"]["sent and never acknowledged"], 7, "{report}");
}
