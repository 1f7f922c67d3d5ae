//! The names of members, made from the names of fields while compiling.

/// Returns how long a name is in camel case.
#[doc(hidden)]
pub const fn camel_len(name: &str) -> usize {
    let bytes = name.as_bytes();
    let (mut at, mut length) = (0, 0);
    while at < bytes.len() {
        length += (bytes[at] != b'_') as usize;
        at += 1;
    }
    length
}

/// Turns `snake_case` into `camelCase`; `N` is its [`camel_len`].
#[doc(hidden)]
pub const fn camel<const N: usize>(name: &str) -> [u8; N] {
    let bytes = name.as_bytes();
    let mut out = [0; N];
    let (mut from, mut to) = (0, 0);
    while from < bytes.len() {
        if bytes[from] == b'_' {
            from += 1;
            out[to] = bytes[from].to_ascii_uppercase();
        } else {
            out[to] = bytes[from];
        }
        (from, to) = (from + 1, to + 1);
    }
    out
}

/// Returns the name that the bytes stand for. Only called while compiling, with names of fields.
#[doc(hidden)]
pub const fn name(bytes: &'static [u8]) -> &'static str {
    match std::str::from_utf8(bytes) {
        Ok(name) => name,
        Err(_) => "",
    }
}
