//! `${NAME}` and `${NAME:default}` inside one scalar.
//!
//! Expansion happens after YAML is parsed, so a value can never add keys or lines. It is not repeated on
//! what it yields.

use super::Environment;

/// Replaces every reference in `text`; `None` says that there was none.
///
/// An empty variable counts as unset where a default is given, as in mvChat2. `$${` stands for a literal `${`.
///
/// # Errors
/// A sentence naming the variable, never its value.
pub(crate) fn expand(text: &str, environment: &Environment) -> Result<Option<String>, String> {
    if !text.contains("${") {
        return Ok(None);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if let Some(before) = rest[..at].strip_suffix('$') {
            out.push_str(before);
            out.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        out.push_str(&rest[..at]);
        let inner = &rest[at + 2..];
        let end =
            inner.find('}').ok_or("`${` without a closing `}`; write `$${` for the characters themselves")?;
        out.push_str(&resolve(&inner[..end], environment)?);
        rest = &inner[end + 1..];
    }
    out.push_str(rest);
    Ok(Some(out))
}

fn resolve(reference: &str, environment: &Environment) -> Result<String, String> {
    let (name, default) = match reference.split_once(':') {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    let mut characters = name.chars();
    let starts_well = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !starts_well || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(format!("`${{{name}}}` does not name an environment variable"));
    }
    let value = environment.get(name)?;
    match (value, default) {
        (Some(value), None) => Ok(value.to_owned()),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value.to_owned()),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => {
            Err(format!("the environment variable {name} is not set; set it, or write `${{{name}:default}}`"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expanded(text: &str) -> Result<Option<String>, String> {
        let environment = Environment::from([("PORT", "6060"), ("EMPTY", ""), ("LOOP", "${PORT}")]);
        expand(text, &environment)
    }

    #[test]
    fn replaces_references() {
        for (text, result) in [
            ("${PORT}", "6060"),
            ("${PORT:1}", "6060"),
            ("${NONE:1}", "1"),
            ("${NONE:}", ""),
            ("${EMPTY:1}", "1"),
            ("${EMPTY}", ""),
            ("127.0.0.1:${PORT}", "127.0.0.1:6060"),
            ("${NONE:a:b}-${PORT}", "a:b-6060"),
            ("${LOOP}", "${PORT}"),
            ("$${PORT}", "${PORT}"),
            ("$$${PORT}", "$${PORT}"),
            ("é${PORT}é", "é6060é"),
        ] {
            assert_eq!(expanded(text).as_ref().map(Option::as_deref), Ok(Some(result)), "{text}");
        }
        assert_eq!(expanded("$PORT costs 5$"), Ok(None));
    }

    #[test]
    fn names_what_is_missing() {
        assert!(expanded("${NONE}").is_err_and(|message| message.contains("NONE")));
        for text in ["${PORT", "${}", "${:x}", "${1A}", "${A B}", "${A-B:x}"] {
            assert!(expanded(text).is_err(), "{text}");
        }
    }
}
