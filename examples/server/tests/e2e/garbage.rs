//! What nobody should send.

use crate::support::{Data, Server, Wire, soon};
use futures_util::StreamExt;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::Role;

/// A connection that can be written to below the WebSocket.
async fn upgraded(server: &Server) -> TcpStream {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "GET /v0/ws HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        server.address
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(soon("an answer", stream.read_u8()).await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
    stream
}

/// Writes these bytes and reads what the server answers until it hangs up; returns the close code.
async fn close_code(server: &Server, bytes: &[u8]) -> Option<u16> {
    let mut stream = upgraded(server).await;
    stream.write_all(bytes).await.unwrap();
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Client, None).await;
    loop {
        match soon("the end", socket.next()).await {
            Some(Ok(Message::Close(frame))) => return frame.map(|frame| frame.code.into()),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return None,
        }
    }
}

#[tokio::test]
async fn texts_that_are_no_requests_are_answered_and_the_connection_lives() {
    let mut data = Data::unlimited();
    let server = data.start();
    let mut wire = Wire::connect(&server).await;
    let deep = format!("{{\"id\":\"d\",\"hi\":{}{}}}", "[".repeat(40), "]".repeat(40));
    let texts = [
        "",
        " ",
        "{",
        "nonsense",
        "[]",
        "42",
        "null",
        "\"hi\"",
        "{}",
        "{\"id\":\"x\"}",
        "{\"hi\":{},\"hi\":{}}",
        "{\"hi\":{},\"login\":{}}",
        "{\"HI\":{}}",
        "{\"hi\":\"\\u0000\"}",
        "{\"hi\":7}",
        "{\"hi\":{}} trailing",
        &deep,
        "{\"id\":{},\"hi\":{}}",
        "{\"send\":{\"conv\":1e400}}",
        "{\"unknown\":{}}",
        "\u{feff}{\"hi\":{}}",
    ];
    for text in texts {
        wire.raw(Message::text(text)).await;
        let frame = wire.frame().await.unwrap();
        let code = frame["ctrl"]["code"].as_u64().unwrap();
        assert!(code == 400 || code == 401, "{text} → {frame}");
        assert!(frame["ctrl"]["err"].is_string(), "{frame}");
    }
    // Binary frames are read as text.
    wire.raw(Message::binary(&b"{\"id\":\"b\",\"hi\":{}}"[..])).await;
    assert_eq!(wire.answer("b").await["code"], 200);
    wire.raw(Message::Ping("are you there".into())).await;
    assert_eq!(wire.ok(json!({"hi": {}})).await["ver"], "0.1.0");
    // What is not for strangers.
    let ctrl = wire.ask(json!({"get": {"what": "conversations"}})).await;
    assert_eq!((&ctrl["code"], &ctrl["text"]), (&json!(401), &json!("authentication required")));
}

#[tokio::test]
async fn what_breaks_the_protocol_below_ends_only_its_own_connection() {
    let mut data = Data::unlimited();
    let server = data.start();
    let mut alice = Wire::sign_up(&server, "alice").await;
    let masked = |head: &[u8], payload: &[u8]| [head, &[0, 0, 0, 0], payload].concat();

    // Frames that no client may send; the mask is all zeros, which changes nothing.
    assert_eq!(close_code(&server, &masked(&[0x81, 0x82], &[0xff, 0xfe])).await, Some(1007), "no UTF-8");
    assert_eq!(close_code(&server, &[0x81, 0x02, b'{', b'}']).await, Some(1002), "not masked");
    assert_eq!(close_code(&server, &masked(&[0x83, 0x80], &[])).await, Some(1002), "a reserved kind");
    assert_eq!(close_code(&server, &masked(&[0xc1, 0x80], &[])).await, Some(1002), "a reserved bit");
    assert_eq!(close_code(&server, &masked(&[0x80, 0x80], &[])).await, Some(1002), "continues nothing");
    let claims = masked(&[0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], b"{");
    assert!(matches!(close_code(&server, &claims).await, Some(1002 | 1009)), "a frame of eight exabytes");

    // Larger than allowed: told so, even if all of it was on its way.
    let mut wire = Wire::connect(&server).await;
    let large = json!({"hi": {"ua": "x".repeat(70 * 1024)}}).to_string();
    wire.raw(Message::text(large)).await;
    assert_eq!(wire.closed().await, Some(1009));

    // Noise of a fixed kind: whatever it means, the server outlives it.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    for _ in 0..40 {
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        })
        .take(200)
        .collect();
        let mut stream = upgraded(&server).await;
        stream.write_all(&noise).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut rest = Vec::new();
        // A reset is as good an end as any.
        let _ = soon("the end", stream.read_to_end(&mut rest)).await;
    }
    // Gone in the middle of a frame, and of an upgrade.
    let mut half = upgraded(&server).await;
    half.write_all(&[0x81, 0xfe, 0x10]).await.unwrap();
    drop(half);
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"GET /v0/ws HTTP/1.1\r\nupgrade: web").await.unwrap();
    drop(stream);

    assert_eq!(alice.ok(json!({"hi": {}})).await["ver"], "0.1.0");
    alice.leave().await;
}
