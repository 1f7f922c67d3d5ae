use std::fs;
use std::path::Path;

use super::*;
use crate::builtin::keys::Keys;
use crate::seam::audit::{AuditEvent, AuditKind, AuditSink};
use crate::time::Timestamp;

fn event(n: u64) -> AuditEvent {
    AuditEvent::new(AuditKind::KeyRotated, Timestamp::from_micros(n.cast_signed())).object("kek-1").count(n)
}

async fn filled(dir: &Path, keys: &Keys, count: u64) {
    let log = FileAudit::open(dir, keys).unwrap();
    for n in 1..=count {
        log.write(&[event(n)]).await.unwrap();
    }
    log.close().await.unwrap();
}

fn only_segment(dir: &Path) -> std::path::PathBuf {
    dir.join("audit-000000000001.jsonl")
}

#[tokio::test]
async fn what_was_written_is_kept() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Keys::ephemeral());
    filled(dir.path(), &keys, 40).await;
    let verified = verify(dir.path(), &keys).unwrap();
    assert_eq!((verified.first, verified.last, verified.head, verified.torn), (1, 40, 40, false));
    // Opened again, it goes on with the same chain.
    let log = FileAudit::open(dir.path(), &keys).unwrap();
    log.write(&[event(41), event(42)]).await.unwrap();
    assert_eq!(verify(dir.path(), &keys).unwrap().last, 42);
}

#[tokio::test]
async fn events_stay_in_order() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Keys::ephemeral());
    filled(dir.path(), &keys, 40).await;
    let lines = tail(dir.path(), 3).unwrap();
    let read: Vec<_> =
        lines.iter().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()).collect();
    assert_eq!(read.iter().map(|line| line["n"].as_u64().unwrap()).collect::<Vec<_>>(), [38, 39, 40]);
    assert_eq!(read[2]["event"], "key_rotated");
    assert_eq!(tail(dir.path(), 1_000).unwrap().len(), 40);
}

#[tokio::test]
async fn every_changed_byte_and_every_missing_line_is_found() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Keys::ephemeral());
    filled(dir.path(), &keys, 4).await;
    let path = only_segment(dir.path());
    let good = fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 1;
        fs::write(&path, &changed).unwrap();
        assert!(verify(dir.path(), &keys).is_err(), "byte {at}");
    }
    let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
    for missing in 0..lines.len() {
        let rest: Vec<u8> = lines
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != missing)
            .flat_map(|(_, line)| line.to_vec())
            .collect();
        fs::write(&path, rest).unwrap();
        assert!(verify(dir.path(), &keys).is_err(), "line {missing}");
    }
    for at in 1..lines.len() - 1 {
        let mut moved = lines.clone();
        moved.swap(at, at + 1);
        fs::write(&path, moved.concat()).unwrap();
        assert!(verify(dir.path(), &keys).is_err(), "swap {at}");
        let doubled = [&lines[..=at], &lines[at..]].concat().concat();
        fs::write(&path, doubled).unwrap();
        assert!(verify(dir.path(), &keys).is_err(), "double {at}");
    }
    fs::write(&path, &good).unwrap();
    assert!(verify(dir.path(), &keys).is_ok());
    assert!(verify(dir.path(), &Keys::ephemeral()).is_err(), "another ring");
}

#[tokio::test]
async fn a_log_that_was_cut_is_found_and_not_gone_on_with() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Keys::ephemeral());
    filled(dir.path(), &keys, 5).await;
    let path = only_segment(dir.path());
    let good = fs::read(&path).unwrap();
    let lines: Vec<&[u8]> = good.split_inclusive(|byte| *byte == b'\n').collect();
    fs::write(&path, lines[..4].concat()).unwrap();
    assert!(matches!(verify(dir.path(), &keys), Err(Broken::Cut { last: 3, head: 5 })));
    assert_eq!(FileAudit::open(dir.path(), &keys).unwrap_err().kind(), std::io::ErrorKind::InvalidData);
    fs::remove_file(&path).unwrap();
    assert!(matches!(verify(dir.path(), &keys), Err(Broken::Cut { last: 0, head: 5 })));
    fs::write(&path, &good).unwrap();
    fs::remove_file(dir.path().join("head.json")).unwrap();
    assert!(matches!(verify(dir.path(), &keys), Err(Broken::Head("is missing"))));
}

#[tokio::test]
async fn a_head_that_was_forged_is_found() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Keys::ephemeral());
    filled(dir.path(), &keys, 5).await;
    let path = dir.path().join("head.json");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replace("\"n\":5", "\"n\":4")).unwrap();
    assert!(matches!(verify(dir.path(), &keys), Err(Broken::Head(_))));
    // One of another log under the same ring.
    let other = tempfile::tempdir().unwrap();
    let log = FileAudit::open(other.path(), &keys).unwrap();
    for n in 1..=4 {
        log.write(&[event(n + 100)]).await.unwrap();
    }
    fs::copy(other.path().join("head.json"), &path).unwrap();
    assert!(matches!(verify(dir.path(), &keys), Err(Broken::Head("belongs to another log"))));
}

/// The very first events may be there before the head that covers them is.
#[tokio::test]
async fn a_crash_before_the_first_head_leaves_a_log_that_goes_on() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Keys::ephemeral());
    filled(dir.path(), &keys, 0).await;
    let head = fs::read(dir.path().join("head.json")).unwrap();
    filled(dir.path(), &keys, 2).await;
    fs::write(dir.path().join("head.json"), head).unwrap();
    let late = verify(dir.path(), &keys).unwrap();
    assert_eq!((late.last, late.head), (2, 0));
    filled(dir.path(), &keys, 1).await;
    assert_eq!(verify(dir.path(), &keys).unwrap().head, 3);
}

/// A crash may leave half a line, which nobody was told of, and a head that is one batch late.
#[tokio::test]
async fn what_a_crash_left_is_cut_off() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Keys::ephemeral());
    filled(dir.path(), &keys, 5).await;
    let head = fs::read(dir.path().join("head.json")).unwrap();
    filled(dir.path(), &keys, 1).await;
    fs::write(dir.path().join("head.json"), head).unwrap();
    let path = only_segment(dir.path());
    let good = fs::read(&path).unwrap();
    let last = good.split_inclusive(|byte| *byte == b'\n').next_back().unwrap();
    for half in [1, 20, last.len() - 1] {
        fs::write(&path, [&good, &last[..half]].concat()).unwrap();
        let torn = verify(dir.path(), &keys).unwrap();
        assert_eq!((torn.last, torn.head, torn.torn), (6, 5, true));
    }
    filled(dir.path(), &keys, 1).await;
    let whole = verify(dir.path(), &keys).unwrap();
    assert_eq!((whole.last, whole.head, whole.torn), (7, 7, false));
}

#[tokio::test]
async fn segments_follow_each_other_and_old_ones_may_go() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Keys::ephemeral());
    let log = FileAudit::open(dir.path(), &keys).unwrap().segments_of(4_096);
    let batch: Vec<_> = (0..20).map(event).collect();
    for _ in 0..6 {
        log.write(&batch).await.unwrap();
    }
    drop(log);
    let segments = segment::list(dir.path()).unwrap();
    assert!(segments.len() > 2, "{segments:?}");
    assert_eq!(verify(dir.path(), &keys).unwrap().first, 1);
    fs::remove_file(&segments[0].1).unwrap();
    let rest = verify(dir.path(), &keys).unwrap();
    assert_eq!((rest.first, rest.last), (segments[1].0, 120));
    // A crash may come between making a segment and its first line.
    fs::write(segment::path(dir.path(), 121), b"").unwrap();
    filled(dir.path(), &keys, 1).await;
    assert_eq!(verify(dir.path(), &keys).unwrap().last, 121);
}

#[tokio::test]
async fn one_process_writes_at_a_time() {
    let (dir, keys) = (tempfile::tempdir().unwrap(), Keys::ephemeral());
    let log = FileAudit::open(dir.path(), &keys).unwrap();
    assert_eq!(FileAudit::open(dir.path(), &keys).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    drop(log);
    FileAudit::open(dir.path(), &keys).unwrap();
}
