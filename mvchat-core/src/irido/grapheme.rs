//! Extended grapheme clusters (UAX #29) of Unicode 17: what readers call characters.
//!
//! Offsets and lengths of mentions, the length of a text and the cut of a preview count in this unit. Clients
//! must use this code (it compiles to WebAssembly) and not the browser's `Intl.Segmenter`, which follows
//! whatever Unicode version the browser has. Therefore the tables are made small here; that this code and
//! `unicode-segmentation` always agree is a law.

mod cluster;
mod kind;

/// Counts the clusters of `text`, or returns `None` as soon as there are more than `limit`.
///
/// ```
/// use mvchat_core::irido::grapheme::count_up_to;
///
/// assert_eq!(count_up_to("héllo", 10), Some(5));
/// assert_eq!(count_up_to("👨‍👩‍👧 🇯🇵", 10), Some(3));
/// assert_eq!(count_up_to("a\r\nb", 10), Some(3));
/// assert_eq!(count_up_to("abc", 2), None);
/// ```
pub fn count_up_to(text: &str, limit: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let is_ascii = |at: usize| bytes.get(at).is_none_or(u8::is_ascii);
    let mut count = 0;
    let mut at = 0;
    // Between two ASCII characters there is always a boundary, except inside CR LF, whatever surrounds them: no
    // rule that joins clusters involves an ASCII character on both sides. So only the stretches around other
    // characters need the full algorithm, which costs many times as much.
    while at < bytes.len() {
        if is_ascii(at) && is_ascii(at + 1) {
            at += if bytes.get(at..at + 2) == Some(b"\r\n") { 2 } else { 1 };
            count += 1;
        } else {
            let end = stretch_end(bytes, at);
            while at < end && count <= limit {
                at += cluster::first(text.get(at..end).unwrap_or_default());
                count += 1;
            }
        }
        if count > limit {
            return None;
        }
    }
    Some(count)
}

/// Returns whether `text` is exactly one cluster, as a reaction emoji must be.
///
/// ```
/// use mvchat_core::irido::grapheme::is_single;
///
/// assert!(is_single("👍🏽") && is_single("🏳️‍🌈") && is_single("e\u{301}"));
/// assert!(!is_single("") && !is_single("👍👍"));
/// ```
pub fn is_single(text: &str) -> bool {
    !text.is_empty() && cluster::first(text) == text.len()
}

/// Returns the first `count` clusters of `text`, and whether anything was left out.
///
/// ```
/// use mvchat_core::irido::grapheme::head;
///
/// assert_eq!(head("🇯🇵🇩🇪🇧🇷", 2), ("🇯🇵🇩🇪", true));
/// assert_eq!(head("abc", 3), ("abc", false));
/// ```
pub fn head(text: &str, count: usize) -> (&str, bool) {
    if text.len() <= count {
        return (text, false);
    }
    let mut end = 0;
    for _ in 0..count {
        end += cluster::first(text.get(end..).unwrap_or_default());
    }
    (text.get(..end).unwrap_or(text), end < text.len())
}

/// Returns where the stretch that starts at `start` and isn't plain ASCII ends: a certain boundary.
fn stretch_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        if bytes[at].is_ascii() && bytes.get(at + 1).is_none_or(u8::is_ascii) {
            // This ASCII character may still belong to the cluster before it, its successor can't. A carriage
            // return never does, and may form one cluster with the line feed that follows.
            return if bytes[at] == b'\r' { at } else { at + 1 };
        }
        at += 1;
    }
    bytes.len()
}
