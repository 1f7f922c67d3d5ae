//! Addresses without secrets, for logs.

use http::Uri;

/// Returns an address with its query's names, but without their values: one of them may be a ticket or a token.
pub fn redacted(uri: &Uri) -> String {
    let Some(query) = uri.query() else { return uri.path().to_owned() };
    let hide = |part: &str| match part.split_once('=') {
        Some((name, _)) => format!("{name}=…"),
        // A name without a value may be a value without a name.
        None => "…".to_owned(),
    };
    let parts: Vec<_> = query.split('&').map(hide).collect();
    format!("{}?{}", uri.path(), parts.join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_shown() {
        for (uri, shown) in [
            ("/v0/ws", "/v0/ws"),
            ("/v0/ws?token=secret", "/v0/ws?token=…"),
            ("/v0/ws?ticket=secret&from=page&token=", "/v0/ws?ticket=…&from=…&token=…"),
            ("/v0/ws?secret", "/v0/ws?…"),
            ("/v0/ws?token=a=secret", "/v0/ws?token=…"),
            ("http://user:secret@host/v0/ws?a", "/v0/ws?…"),
        ] {
            assert_eq!(redacted(&uri.parse().unwrap()), shown);
        }
    }
}
