//! Laws about peers that break the rules.

use super::Entrance;
use super::bed::{Bed, soon};
use super::client::{BINARY, CLOSE, CONTINUES, ENDS, PING, Received, TEXT, TEXT_BEGINS, frame, unmasked};
use crate::proto::Close;
use crate::testkit::runner::{Law, law};
use serde_json::json;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(bad_utf8_never_arrives),
    law!(oversize_closes_1009),
    law!(oversize_in_fragments_closes_1009),
    law!(oversize_is_told_to_a_peer_that_is_still_sending),
    law!(unmasked_frames_are_refused),
    law!(malformed_frames_are_refused),
    law!(what_was_sent_before_a_misuse_is_answered),
    law!(half_a_message_is_given_up),
    law!(neither_pings_nor_pieces_win_time_for_a_message),
    law!(a_message_in_time_is_no_half_one),
];

/// Sends bytes on a fresh connection, which must end with this code and without an answer.
async fn refused(bed: &Bed, bytes: Vec<u8>, code: u16) {
    let server = bed.start().await;
    let mut client = server.connect().await;
    client.send(bytes).await;
    assert_eq!(client.closed().await, (vec![], code));
    server.connect().await.works().await;
}

async fn bad_utf8_never_arrives(bed: Bed) {
    refused(&bed, frame(TEXT, b"{\"id\":\"\xff\",\"hi\":{}}"), 1007).await;
    // Half a character at the end of the message.
    let cut = [frame(TEXT_BEGINS, b"{\"id\":\"\xc3"), frame(ENDS, b"\",\"hi\":{}}")].concat();
    refused(&bed, cut, 1007).await;
    // A surrogate, which UTF-8 does not have.
    refused(&bed, frame(TEXT, b"\xed\xa0\x80"), 1007).await;
}

async fn oversize_closes_1009(bed: Bed) {
    let largest = bed.start().await.chat.limits().max_message_size;
    for kind in [TEXT, BINARY] {
        refused(&bed, frame(kind, &vec![b' '; largest + 1]), 1009).await;
    }
}

async fn oversize_in_fragments_closes_1009(bed: Bed) {
    let largest = bed.start().await.chat.limits().max_message_size;
    let part = vec![b' '; largest / 2];
    let message = [frame(TEXT_BEGINS, &part), frame(CONTINUES, &part), frame(ENDS, b" ")];
    refused(&bed, message.concat(), 1009).await;
}

async fn oversize_is_told_to_a_peer_that_is_still_sending(bed: Bed) {
    const LENGTH: usize = 8 << 20;
    let server = bed.start().await;
    let client = server.connect().await;
    // It does not look at answers before it has sent all, as browsers do.
    let (mut reader, mut writer) = client.stream.into_inner().into_split();
    let sending = tokio::spawn(async move {
        let sent = writer.write_all(&frame(TEXT, &vec![b' '; LENGTH])).await;
        (sent.is_ok(), writer)
    });
    let (sent, writer) = sending.await.unwrap();
    assert!(sent, "the connection was reset while its peer was sending");
    let mut answer = Vec::new();
    soon("the end", reader.read_to_end(&mut answer)).await.expect("an orderly end");
    assert_eq!(answer.get(2..4), Some(&1009_u16.to_be_bytes()[..]), "{answer:?}");
    drop(writer);
}

async fn unmasked_frames_are_refused(bed: Bed) {
    refused(&bed, unmasked(TEXT, br#"{"id":"1","hi":{}}"#), 1002).await;
}

async fn malformed_frames_are_refused(bed: Bed) {
    let frames = [
        // Reserved bits without an extension.
        frame(TEXT | 0x40, b"{}"),
        // Kinds that don't exist.
        frame(0x83, b"{}"),
        frame(0x8b, b""),
        // Control frames that are long, or in parts.
        frame(PING, &[b' '; 126]),
        frame(PING & 0x0f, b""),
        // The middle of nothing, and a second beginning.
        frame(ENDS, b"{}"),
        [frame(TEXT_BEGINS, b"{"), frame(TEXT, b"{}")].concat(),
    ];
    for frame in frames {
        refused(&bed, frame, 1002).await;
    }
}

async fn what_was_sent_before_a_misuse_is_answered(bed: Bed) {
    let server = bed.start().await;
    let mut client = server.connect().await;
    client.works().await;
    client.begin(json!({"hi": {}})).await;
    client.send(unmasked(TEXT, b"{}")).await;
    let (texts, code) = client.closed().await;
    assert_eq!((texts.len(), code), (1, 1002));
}

/// How long a message may take in the laws about halves.
const LIMIT: Duration = Duration::from_millis(400);

fn impatient() -> Entrance {
    Entrance { message_timeout: Some(LIMIT), ..Entrance::default() }
}

async fn half_a_message_is_given_up(bed: Bed) {
    let server = bed.start_at(|_| (), impatient()).await;
    let request = frame(TEXT, br#"{"id":"1","hi":{}}"#);
    let halves: [(Vec<u8>, usize); 5] = [
        (request[..1].to_vec(), 0),
        (request[..request.len() - 1].to_vec(), 0),
        (frame(TEXT, &[b' '; 300])[..3].to_vec(), 0),
        (frame(TEXT_BEGINS, b"{"), 0),
        // In one piece with what came before.
        ([&request[..], &request[..7]].concat(), 1),
    ];
    for (half, answers) in halves {
        let mut client = server.connect().await;
        client.send(&half).await;
        let (texts, code) = client.closed().await;
        assert_eq!((texts.len(), code), (answers, 1002), "{half:?}");
    }
}

async fn neither_pings_nor_pieces_win_time_for_a_message(bed: Bed) {
    let server = bed.start_at(|_| (), impatient()).await;
    let begun = [
        (frame(TEXT, &[b' '; 60_000])[..8].to_vec(), b" ".to_vec()),
        (frame(TEXT_BEGINS, b"{"), frame(PING, b"")),
        (frame(TEXT_BEGINS, b"{"), [frame(CONTINUES, b" "), frame(PING, b"")].concat()),
    ];
    for (beginning, more) in begun {
        let client = server.connect().await;
        let (mut reader, mut writer) = client.stream.into_inner().into_split();
        let sending = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(LIMIT / 8);
            let mut sent = writer.write_all(&beginning).await;
            while sent.is_ok() {
                ticks.tick().await;
                sent = writer.write_all(&more).await;
            }
        });
        let mut answer = Vec::new();
        soon("the end", reader.read_to_end(&mut answer)).await.expect("an orderly end");
        let close = [&Close::Protocol.code().to_be_bytes()[..], Close::Protocol.reason().as_bytes()].concat();
        assert!(answer.ends_with(&unmasked(CLOSE, &close)), "{answer:?}");
        sending.abort();
    }
}

async fn a_message_in_time_is_no_half_one(bed: Bed) {
    let server = bed.start_at(|_| (), impatient()).await;
    let mut client = server.connect().await;
    let parts =
        [frame(TEXT_BEGINS, br#"{"id":"parts","#), frame(PING, b"between"), frame(ENDS, br#""hi":{}}"#)];
    for part in parts {
        let (head, rest) = part.split_at(3);
        client.send(head).await;
        client.send(rest).await;
    }
    assert_eq!(client.receive().await, Received::Pong(b"between".to_vec()));
    assert_eq!(client.text().await["ctrl"]["id"], "parts");
    // Silence between messages may last.
    tokio::time::timeout(LIMIT * 3, client.receive()).await.expect_err("nothing is said for so long");
    client.works().await;
}
