//! Laws about peers that break the rules.

use super::bed::Bed;
use super::client::{BINARY, CONTINUES, ENDS, PING, TEXT, TEXT_BEGINS, frame, unmasked};
use crate::testkit::runner::{Law, law};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(super) const LAWS: &[Law<Bed>] = &[
    law!(bad_utf8_never_arrives),
    law!(oversize_closes_1009),
    law!(oversize_in_fragments_closes_1009),
    law!(oversize_is_told_to_a_peer_that_is_still_sending),
    law!(unmasked_frames_are_refused),
    law!(malformed_frames_are_refused),
    law!(what_was_sent_before_a_misuse_is_answered),
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
    super::bed::soon("the end", reader.read_to_end(&mut answer)).await.expect("an orderly end");
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
