//! Standard base64.

/// Writes bytes in standard base64, with its padding.
///
/// ```
/// assert_eq!(mvchat_core::wire::base64(b"a:b c"), "YTpiIGM=");
/// ```
pub fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let byte = |at: usize| three.get(at).map_or(0, |byte| u32::from(*byte));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize];
            // Three bytes are four letters; what lacks a byte, lacks a letter.
            out.push(if at <= three.len() { char::from(letter) } else { '=' });
        }
    }
    out
}
