//! Numbers as they are written in JSON.

/// Returns the length of the number that a text begins with; `None` if it begins with none.
pub(super) fn length(text: &[u8]) -> Option<usize> {
    let digits = |from: usize| text.iter().skip(from).take_while(|byte| byte.is_ascii_digit()).count();
    let is = |at: usize, bytes: &[u8]| text.get(at).is_some_and(|byte| bytes.contains(byte));
    let mut at = usize::from(is(0, b"-"));
    let whole = if is(at, b"0") { 1 } else { digits(at) };
    at += whole;
    let mut sound = whole > 0;
    if is(at, b".") {
        let fraction = digits(at + 1);
        at += 1 + fraction;
        sound &= fraction > 0;
    }
    if is(at, b"eE") {
        at += 1 + usize::from(is(at + 1, b"+-"));
        let exponent = digits(at);
        at += exponent;
        sound &= exponent > 0;
    }
    sound.then_some(at)
}

/// Returns the value of a number that is an integer, however it is written: `1`, `1.0`, `10e-1`. Exact, unlike a
/// detour over floating point.
pub(super) fn integer(number: &[u8]) -> Option<i64> {
    let (mut value, mut zeros, mut power, mut behind) = (0_i64, 0_i32, 0_i32, false);
    let mut rest = number.iter();
    for byte in rest.by_ref() {
        match byte {
            b'0'..=b'9' => {
                power = power.saturating_sub(i32::from(behind));
                zeros = zeros.saturating_add(1);
                if *byte != b'0' {
                    // Zeros count only when another digit follows them, so that any number of them may end a number.
                    value = scaled(value, zeros)?.checked_add(i64::from(byte - b'0'))?;
                    zeros = 0;
                }
            }
            b'.' => behind = true,
            b'-' => {}
            _ => break,
        }
    }
    let mut exponent = 0_i32;
    let mut down = false;
    for byte in rest {
        match byte {
            b'0'..=b'9' => exponent = exponent.saturating_mul(10).saturating_add(i32::from(byte - b'0')),
            sign => down = *sign == b'-',
        }
    }
    power = power.saturating_add(if down { -exponent } else { exponent }).saturating_add(zeros);
    let value = scaled(value, power)?;
    Some(if number.first() == Some(&b'-') { -value } else { value })
}

/// Returns `value × 10^power`, if that is an integer. A value that is not zero ends with a digit that is not.
fn scaled(value: i64, power: i32) -> Option<i64> {
    match (value, u32::try_from(power)) {
        (0, _) => Some(0),
        (_, Ok(power)) => value.checked_mul(10_i64.checked_pow(power)?),
        (_, Err(_)) => None,
    }
}
