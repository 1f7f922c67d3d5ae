//! The mailer against a mail server on this machine that does as it is told.

use std::net::{Ipv4Addr, SocketAddr};

use mvchat_core::{seam::InviteMail, time::Timestamp};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    sync::mpsc,
};

use super::*;

const CODE: &str = "aB3-_xYz9Q";

/// How a mail server treats one connection.
#[derive(Clone, Copy)]
enum Mood {
    Fine,
    /// Hangs up at once.
    Gone,
    /// Answers the recipient with this.
    Recipient(&'static str),
}

/// What a connection came to: the commands, and the letter if there was one.
#[derive(Debug, Default)]
struct Seen {
    commands: Vec<String>,
    letter: String,
}

/// A mail server, in one mood after another; it stays in the last.
async fn mail_server(moods: &'static [Mood]) -> (SocketAddr, mpsc::Receiver<Seen>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, seen) = mpsc::channel(16);
    tokio::spawn(async move {
        let mut moods = moods.iter().chain(std::iter::repeat(moods.last().unwrap()));
        while let (Ok((stream, _)), Some(mood)) = (listener.accept().await, moods.next()) {
            let seen = converse(stream, *mood).await.unwrap_or_default();
            if tell.send(seen).await.is_err() {
                break;
            }
        }
    });
    (address, seen)
}

async fn converse(stream: TcpStream, mood: Mood) -> io::Result<Seen> {
    let mut seen = Seen::default();
    let mut stream = BufReader::new(stream);
    if let Mood::Gone = mood {
        return Ok(seen);
    }
    stream.write_all(b"220 ready\r\n").await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        let command = line.trim_end().to_owned();
        line.clear();
        let answer = match command.split([' ', ':']).next().unwrap_or_default() {
            "EHLO" => "250-test\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN",
            "AUTH" => "235 welcome",
            "RCPT" => match mood {
                Mood::Recipient(answer) => answer,
                _ => "250 ok",
            },
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await?;
                while stream.read_line(&mut line).await? > 0 && line != ".\r\n" {
                    seen.letter.push_str(&line);
                    line.clear();
                }
                line.clear();
                "250 taken"
            }
            "QUIT" => "221 bye",
            _ => "250 ok",
        };
        seen.commands.push(command);
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
    Ok(seen)
}

fn config(server: SocketAddr) -> MailConfig {
    MailConfig {
        host: server.ip().to_string(),
        port: server.port(),
        tls: MailTls::None,
        from: "Example Chat <chat@example.org>".to_owned(),
        timeout: Duration::from_secs(20),
        ..MailConfig::default()
    }
}

fn mailer(config: &MailConfig) -> SmtpMailer {
    let quick = Duration::from_millis(1);
    SmtpMailer::with_pace(config, Pace { first: quick, longest: quick, ..Pace::default() }).unwrap()
}

fn invite(to: &str) -> Mail {
    let at = Timestamp::parse("2026-01-31T12:34:56Z").unwrap();
    Mail::Invite(InviteMail::new(to.to_owned(), CODE.to_owned(), at))
}

/// Waits until nothing waits.
async fn rest(mailer: &SmtpMailer) {
    assert_eq!(mailer.finish(Duration::from_secs(60)).await, 0);
}

#[tokio::test]
async fn an_invite_arrives() {
    let (server, mut seen) = mail_server(&[Mood::Fine]).await;
    let mailer = mailer(&config(server));
    mailer.send(invite("bob@example.net")).await.unwrap();
    let seen = seen.recv().await.unwrap();
    assert_eq!(seen.commands[0], "EHLO example.org");
    assert!(seen.commands[1].starts_with("MAIL FROM:<chat@example.org>"), "{seen:?}");
    assert_eq!(seen.commands[2], "RCPT TO:<bob@example.net>");
    assert!(seen.letter.contains(&format!("\r\n{CODE}\r\n")), "{seen:?}");
    rest(&mailer).await;
}

#[tokio::test]
async fn what_fails_for_now_is_tried_again() {
    const LATER: Mood = Mood::Recipient("451 4.3.0 try again later");
    let (server, mut seen) = mail_server(&[Mood::Gone, LATER, Mood::Gone, LATER, Mood::Fine]).await;
    let mailer = mailer(&config(server));
    mailer.send(invite("bob@example.net")).await.unwrap();
    for _ in 0..4 {
        assert_eq!(seen.recv().await.unwrap().letter, "");
    }
    assert!(seen.recv().await.unwrap().letter.contains(CODE));
    rest(&mailer).await;
}

#[tokio::test]
async fn what_is_refused_is_not_tried_again() {
    let (server, mut seen) = mail_server(&[Mood::Recipient("550 5.1.1 no such user"), Mood::Fine]).await;
    let mailer = mailer(&config(server));
    mailer.send(invite("nobody@example.net")).await.unwrap();
    rest(&mailer).await;
    assert_eq!(seen.recv().await.unwrap().letter, "");
    mailer.send(invite("bob@example.net")).await.unwrap();
    let next = seen.recv().await.unwrap();
    assert!(next.commands.contains(&"RCPT TO:<bob@example.net>".to_owned()), "{next:?}");
}

#[tokio::test]
async fn what_fails_for_too_long_is_given_up() {
    let (server, _seen) = mail_server(&[Mood::Gone]).await;
    let pace = Pace { first: Duration::from_millis(1), give_up: Duration::ZERO, ..Pace::default() };
    let mailer = SmtpMailer::with_pace(&config(server), pace).unwrap();
    mailer.send(invite("bob@example.net")).await.unwrap();
    rest(&mailer).await;
}

#[tokio::test]
async fn nobody_waits_for_mail_and_only_so_much_of_it_waits() {
    // Takes connections and never says a word.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let mailer = mailer(&config(listener.local_addr().unwrap()));
    for _ in 0..MAX_WAITING {
        mailer.send(invite("bob@example.net")).await.unwrap();
    }
    let full = mailer.send(invite("bob@example.net")).await.unwrap_err().to_string();
    assert_eq!(full, "too many mails wait");
    assert_eq!(mailer.finish(Duration::ZERO).await, MAX_WAITING as usize);
}

#[tokio::test]
async fn what_is_no_address_is_refused_without_being_named() {
    let (server, _seen) = mail_server(&[Mood::Fine]).await;
    let mailer = mailer(&config(server));
    for to in ["bob", "bob@example.net\r\nRCPT TO:<eve@example.net>", "bob@example.net> SIZE=1"] {
        let error = mailer.send(invite(to)).await.unwrap_err().to_string();
        assert!(!error.contains("bob") && !error.contains(CODE), "{error}");
    }
    assert_eq!(mailer.finish(Duration::ZERO).await, 0);
}

#[tokio::test]
async fn the_password_is_that_of_the_file() {
    let (server, mut seen) = mail_server(&[Mood::Fine]).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "pass word\n").unwrap();
    let config =
        MailConfig { user: "chat".to_owned(), password_file: file.path().to_owned(), ..config(server) };
    let mailer = mailer(&config);
    mailer.send(invite("bob@example.net")).await.unwrap();
    let seen = seen.recv().await.unwrap();
    // RFC 4616: Base64 of "\0chat\0pass word".
    assert_eq!(seen.commands[1], "AUTH PLAIN AGNoYXQAcGFzcyB3b3Jk");
    assert!(!format!("{mailer:?} {config:?}").contains("pass word"));
}

#[tokio::test]
async fn without_the_promised_protection_nothing_is_said() {
    let (server, mut seen) = mail_server(&[Mood::Fine]).await;
    let config = MailConfig {
        tls: MailTls::StartTls,
        user: "chat".to_owned(),
        password: "secret".to_owned(),
        ..config(server)
    };
    let pace = Pace { first: Duration::from_millis(1), give_up: Duration::ZERO, ..Pace::default() };
    let mailer = SmtpMailer::with_pace(&config, pace).unwrap();
    mailer.send(invite("bob@example.net")).await.unwrap();
    rest(&mailer).await;
    let seen = seen.recv().await.unwrap();
    assert!(seen.commands.iter().all(|command| command.starts_with("EHLO") || command == "QUIT"), "{seen:?}");
}
