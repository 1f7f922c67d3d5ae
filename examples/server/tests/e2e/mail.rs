//! Invites by mail, to a mail server on this machine.

use crate::support::{Data, Wire, soon};
use serde_json::json;
use std::fs;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// Takes one letter.
async fn take(stream: TcpStream) -> String {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 ready\r\n").await.unwrap();
    let (mut line, mut letter, mut in_letter) = (String::new(), String::new(), false);
    while stream.read_line(&mut line).await.unwrap() > 0 {
        let answer = match line.trim_end() {
            "." if in_letter => {
                in_letter = false;
                "250 taken\r\n"
            }
            text if in_letter => {
                letter.push_str(text);
                letter.push('\n');
                ""
            }
            "DATA" => {
                in_letter = true;
                "354 go on\r\n"
            }
            "QUIT" => break,
            _ => "250 ok\r\n",
        };
        line.clear();
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
    letter
}

#[tokio::test]
async fn an_invite_is_mailed_and_its_code_opens_a_conversation() {
    let post = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut data = Data::new()
        .with("MVCHAT_MAIL_HOST", "127.0.0.1")
        .with("MVCHAT_MAIL_PORT", &post.local_addr().unwrap().port().to_string())
        .with("MVCHAT_MAIL_TLS", "none")
        .with("MVCHAT_MAIL_FROM", "Example Chat <chat@example.org>")
        .with("MVCHAT_LOG", "trace");
    let server = data.start();
    let mut ana = Wire::sign_up(&server, "anastasia").await;
    let mut bob = Wire::sign_up(&server, "bobby").await;
    let invite = json!({"invite": {"create": {"email": "robert@example.net", "name": "Robert"}}});
    let created = ana.ok(invite).await;
    let (stream, _) = soon("the mail", post.accept()).await.unwrap();
    let letter = soon("the letter", take(stream)).await;
    assert!(letter.contains("To: Robert <robert@example.net>"), "{letter}");
    let code = created["code"].as_str().unwrap();
    assert!(letter.lines().any(|line| line == code), "{code} in {letter}");
    let conv = bob.ok(json!({"invite": {"redeem": code}})).await["conv"].take();
    bob.say(conv.as_str().unwrap(), "a word that nobody else may read", "cid-1").await;
    server.terminate();
    assert_eq!(server.ended(), Some(0));
    let log = fs::read_to_string(data.log()).unwrap();
    assert!(log.contains("a connection opened") && log.contains("a mail was sent"), "{log}");
    for secret in [code, "robert@", "Robert", "a word that", &ana.token, "anastasia", "password of"] {
        assert!(!log.contains(secret), "{secret} in {log}");
    }
}
