//! `mvchat health`: ask a server whether it serves, as scripts and containers do.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

use clap::Args;

use super::print;
use crate::{
    cli::ServeArgs,
    config::{Config, Environment, Flags},
};

/// How long the server may take for each part of its answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// An answer is some hundred bytes.
const LONGEST: u64 = 64 * 1024;

/// Which server: the one that `serve` with the same settings is.
#[derive(Debug, Args)]
pub struct HealthArgs {
    /// The settings of `serve`.
    #[command(flatten)]
    serve: Box<ServeArgs>,
}

impl HealthArgs {
    /// Asks, and prints the answer.
    ///
    /// # Errors
    /// A sentence for the administrator: if nobody answers, or the server says that it can't serve.
    pub fn run(self) -> Result<(), String> {
        let loaded = Config::load(&Flags::from(*self.serve), &Environment::of_process());
        let (config, _) = loaded
            .map_err(|problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))?;
        let address = address(&config)?;
        let answer = ask(address).map_err(|error| format!("no answer from {address}: {error}"))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        match head.split(' ').nth(1) {
            Some("200") => print(&format!("{body}\n")),
            _ => Err(format!("{address} can't serve: {body}")),
        }
    }
}

/// Returns where to ask: the address for operators, or else the one for everybody, if that speaks without TLS.
fn address(config: &Config) -> Result<SocketAddr, String> {
    let tls = config.server.tls.is_on();
    let listens = config.admin.listen.or((!tls).then_some(config.server.listen));
    let mut address = listens.ok_or("with server.tls, this asks at admin.listen: set that")?;
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        });
    }
    Ok(address)
}

fn ask(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(
        format!("GET /health HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes(),
    )?;
    let mut answer = String::new();
    stream.take(LONGEST).read_to_string(&mut answer)?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_asks_where_somebody_answers() {
        let mut config = Config::default();
        assert_eq!(address(&config).unwrap(), config.server.listen);
        config.server.listen = "0.0.0.0:7000".parse().unwrap();
        assert_eq!(address(&config).unwrap().to_string(), "127.0.0.1:7000");
        config.server.tls.cert_file = "cert.pem".into();
        assert!(address(&config).unwrap_err().contains("admin.listen"));
        config.admin.listen = Some("[::]:9464".parse().unwrap());
        assert_eq!(address(&config).unwrap().to_string(), "[::1]:9464");
    }
}
