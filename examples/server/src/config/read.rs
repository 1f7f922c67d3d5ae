//! Readings that belong to one key each.

use std::net::{Ipv4Addr, SocketAddr};

use axum::http::{HeaderName, Uri, uri::Scheme};

use super::{
    Network,
    value::{Complaint, Value},
};

/// Reads text of at least one character.
pub(crate) fn not_empty(value: &Value) -> Result<&str, Complaint> {
    match value.text()? {
        "" => Err("must not be empty".to_owned()),
        text => Ok(text),
    }
}

/// Reads an address to listen on: `IP:port`, `localhost:port`, or `:port` for every IPv4 address.
pub(crate) fn listen(value: &Value) -> Result<SocketAddr, Complaint> {
    let text = value.text()?;
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let port = |port: &str| port.parse::<u16>().ok();
    let found = match text.rsplit_once(':') {
        Some(("", number)) => port(number).map(|port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port))),
        Some(("localhost", number)) => port(number).map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        _ => None,
    };
    found.ok_or_else(|| "expected an IP address and a port such as 127.0.0.1:6060 or [::1]:6060".to_owned())
}

/// Reads an address for operators: as [`listen`], but a port alone is one of loopback; nothing is none.
pub(crate) fn admin(value: &Value) -> Result<Option<SocketAddr>, Complaint> {
    match value.text()? {
        "" => Ok(None),
        text => match text.parse::<u16>() {
            Ok(port) => Ok(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))),
            Err(_) => listen(value).map(Some),
        },
    }
}

/// Reads a log level or directives of `tracing_subscriber::EnvFilter`.
///
/// The filter itself takes any word for a target, so that a misspelt level would log everything.
pub(crate) fn log_level(value: &Value) -> Result<String, Complaint> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let text = not_empty(value)?;
    let known = |level: &str| LEVELS.iter().any(|known| known.eq_ignore_ascii_case(level));
    let readable = text.split(',').all(|directive| match directive.trim().rsplit_once('=') {
        Some((target, level)) => !target.is_empty() && known(level),
        None => known(directive.trim()),
    });
    if readable && tracing_subscriber::EnvFilter::try_new(text).is_ok() {
        return Ok(text.to_owned());
    }
    Err(format!("expected one of {}, or directives such as warn,mvchat_core=debug", LEVELS.join(", ")))
}

/// Reads the address of a collector without a `/` at its end, or nothing.
pub(crate) fn collector(value: &Value) -> Result<String, Complaint> {
    let text = value.text()?.trim_end_matches('/');
    if text.is_empty() {
        return Ok(String::new());
    }
    let address: Option<Uri> = text.parse().ok();
    let plain = |address: &Uri| {
        let host = address.authority().is_some_and(|authority| !authority.as_str().contains('@'));
        host && address.scheme() == Some(&Scheme::HTTP) && address.query().is_none()
    };
    match address {
        Some(address) if plain(&address) => Ok(text.to_owned()),
        _ => Err("expected the address of a collector nearby, such as http://127.0.0.1:4318".to_owned()),
    }
}

/// Reads the name of a header, or nothing.
pub(crate) fn header(value: &Value) -> Result<String, Complaint> {
    let name = value.text()?;
    match name.parse::<HeaderName>() {
        Ok(header) => Ok(header.as_str().to_owned()),
        Err(_) if name.is_empty() => Ok(String::new()),
        Err(_) => Err("expected the name of a header, such as X-User".to_owned()),
    }
}

/// Reads networks in CIDR notation.
pub(crate) fn networks(value: &Value) -> Result<Vec<Network>, Complaint> {
    each(value, |item| item.parse())
}

/// Reads web origins and writes them as browsers send them: lower case, without the scheme's own port.
pub(crate) fn origins(value: &Value) -> Result<Vec<String>, Complaint> {
    each(value, |item| {
        if item.contains('*') {
            return Err("wildcards are not supported; name each origin".to_owned());
        }
        let origin = item.to_ascii_lowercase();
        let (scheme, host) = origin.split_once("://").unwrap_or_default();
        let scheme_fits = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        let host_fits = !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte));
        if !scheme_fits || !host_fits {
            return Err("expected an origin such as https://app.example.com, without a path".to_owned());
        }
        let own_port = match scheme {
            "https" => ":443",
            "http" => ":80",
            _ => "",
        };
        Ok(origin.strip_suffix(own_port).unwrap_or(&origin).to_owned())
    })
}

/// Reads every item, and complains of all that cannot be read.
fn each<T>(value: &Value, read: impl Fn(&str) -> Result<T, Complaint>) -> Result<Vec<T>, Complaint> {
    let mut found = Vec::new();
    let mut complaints = Vec::new();
    for item in value.list() {
        match read(item) {
            Ok(item) => found.push(item),
            Err(complaint) if value.may_be_shown() => {
                complaints.push(format!("{complaint}, found `{}`", item.escape_debug()));
            }
            Err(complaint) => complaints.push(complaint),
        }
    }
    if complaints.is_empty() { Ok(found) } else { Err(complaints.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listen_addresses() {
        for (text, address) in [
            ("127.0.0.1:6060", "127.0.0.1:6060"),
            ("[::1]:0", "[::1]:0"),
            (":6060", "0.0.0.0:6060"),
            ("localhost:80", "127.0.0.1:80"),
        ] {
            assert_eq!(listen(&Value::raw(text)), Ok(address.parse().unwrap()));
        }
        for text in ["", "6060", "127.0.0.1", "host:80", ":", ":70000", "::1:80x", "127.0.0.1:-1"] {
            assert!(listen(&Value::raw(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn log_levels() {
        for text in ["info", "OFF", "warn,mvchat_core=debug", "mvchat_core::engine=trace, error"] {
            assert_eq!(log_level(&Value::raw(text)), Ok(text.to_owned()));
        }
        for text in ["", "infoo", "warn,", "mvchat_core=loud", "=info", "mvchat_core"] {
            assert!(log_level(&Value::raw(text)).is_err(), "{text}");
        }
    }

    #[test]
    fn origins_are_normalised() {
        let found =
            origins(&Value::raw("https://App.Example.com:443,http://localhost:3000,capacitor://localhost"));
        assert_eq!(
            found.unwrap(),
            ["https://app.example.com", "http://localhost:3000", "capacitor://localhost"]
        );
        for text in
            ["*", "https://*.example.com", "example.com", "https://", "https://a/b", "https://u@h", "://h"]
        {
            assert!(origins(&Value::raw(text)).is_err(), "{text}");
        }
        assert_eq!(origins(&Value::raw("")), Ok(Vec::new()));
    }
}
