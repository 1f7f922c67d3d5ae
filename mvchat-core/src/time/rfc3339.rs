//! RFC 3339, without a calendar for every purpose: browsers download this.

const DAY: i64 = 86_400_000_000;
/// Days from 0000-03-01 to 1970-01-01. Years that begin in March end with the day that leap years add.
const EPOCH: i64 = 719_468;
/// Days in 400 years, after which the calendar repeats itself.
const ERA: i64 = 146_097;

/// Reads a time of the years 0000 to 9999 with any offset, as microseconds since 1970; what is finer is cut off.
///
/// Between date and time there may be any character, and a leap second is the end of the second before it.
pub(super) fn parse(text: &[u8]) -> Option<i64> {
    let mut at = text;
    let year = digits(&mut at, 4)?;
    literal(&mut at, b'-')?;
    let month = digits(&mut at, 2)?;
    literal(&mut at, b'-')?;
    let day = digits(&mut at, 2)?;
    at = at.get(1..)?;
    let hour = digits(&mut at, 2)?;
    literal(&mut at, b':')?;
    let minute = digits(&mut at, 2)?;
    literal(&mut at, b':')?;
    let second = digits(&mut at, 2)?;
    let mut micros = 0;
    if literal(&mut at, b'.').is_some() {
        let mut unit = 100_000;
        micros = unit * digits(&mut at, 1)?;
        while let Some(digit) = digits(&mut at, 1) {
            unit /= 10;
            micros += unit * digit;
        }
    }
    let offset = offset(&mut at)?;
    let sound = (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day)
        && hour < 24
        && minute < 60
        && second <= 60
        && at.is_empty();
    if !sound {
        return None;
    }
    let leap = second == 60;
    let (second, micros) = if leap { (59, 999_999) } else { (second, micros) };
    let minutes = hour * 60 + minute - offset;
    let moment = days(year, month, day) * DAY + (minutes * 60 + second) * 1_000_000 + micros;
    // Leap seconds are only ever put behind the last second of a month.
    let ends_month = (moment + 1) % DAY == 0 && date((moment + 1).div_euclid(DAY)).2 == 1;
    (!leap || ends_month).then_some(moment)
}

/// Reads `Z`, or an offset in minutes.
fn offset(at: &mut &[u8]) -> Option<i64> {
    if literal(at, b'Z').or_else(|| literal(at, b'z')).is_some() {
        return Some(0);
    }
    let east = literal(at, b'+').is_some();
    if !east {
        literal(at, b'-')?;
    }
    let hours = digits(at, 2)?;
    literal(at, b':')?;
    let minutes = digits(at, 2)?;
    let offset = hours * 60 + minutes;
    (hours < 24 && minutes < 60).then_some(if east { offset } else { -offset })
}

fn digits(at: &mut &[u8], count: usize) -> Option<i64> {
    let (number, rest) = at.split_at_checked(count)?;
    let value = number
        .iter()
        .try_fold(0, |value, byte| byte.is_ascii_digit().then(|| value * 10 + i64::from(byte - b'0')))?;
    *at = rest;
    Some(value)
}

fn literal(at: &mut &[u8], byte: u8) -> Option<()> {
    *at = at.strip_prefix(&[byte])?;
    Some(())
}

/// Returns the number of days in a month.
fn days_of(year: i64, month: i64) -> i64 {
    let (next_year, next) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
    days(next_year, next, 1) - days(year, month, 1)
}

/// Returns the days from 1970 to a date.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month < 3);
    // Of the months from March on, five have 153 days together, whichever five they are.
    let day_of_year = ((month + 9) % 12 * 153 + 2) / 5 + day - 1;
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    year * 365 + leaps + day_of_year - EPOCH
}

/// Returns year, month and day of a number of days after 1970.
fn date(days_since: i64) -> (i64, i64, i64) {
    let day = days_since + EPOCH;
    let (era, day) = (day.div_euclid(ERA), day.rem_euclid(ERA));
    // Every fourth year has a day more, but not every hundredth, and the last day of the era is again one more.
    let year = (day - day / 1_460 + day / 36_524 - day / (ERA - 1)) / 365;
    let day = day - (year * 365 + year / 4 - year / 100);
    let month = (day * 5 + 2) / 153;
    let (day, month) = (day - (month * 153 + 2) / 5 + 1, (month + 2) % 12 + 1);
    (era * 400 + year + i64::from(month < 3), month, day)
}

/// Appends a time in UTC with six fractional digits.
pub(super) fn write(micros: i64, out: &mut String) {
    let (year, month, day) = date(micros.div_euclid(DAY));
    let micros = micros.rem_euclid(DAY);
    let seconds = micros / 1_000_000;
    let parts = [
        (year, 4, '-'),
        (month, 2, '-'),
        (day, 2, 'T'),
        (seconds / 3_600, 2, ':'),
        (seconds / 60 % 60, 2, ':'),
        (seconds % 60, 2, '.'),
        (micros % 1_000_000, 6, 'Z'),
    ];
    for (value, width, behind) in parts {
        for place in (0..width).rev() {
            // A digit is less than ten, and these numbers are not negative.
            out.push(char::from(b'0' + (value / 10_i64.pow(place) % 10) as u8));
        }
        out.push(behind);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use time::format_description::well_known::Rfc3339;
    use time::{OffsetDateTime, UtcOffset};

    /// What the calendar library says.
    fn read(text: &str) -> Option<i64> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?.checked_to_offset(UtcOffset::UTC)?;
        i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000)).ok()
    }

    proptest! {
        #[test]
        fn every_instant_prints_as_the_calendar_says(micros in -62_167_219_200_000_000..253_402_300_799_999_999_i64) {
            let mut text = String::new();
            write(micros, &mut text);
            prop_assert_eq!(read(&text), Some(micros), "{}", &text);
            prop_assert_eq!(parse(text.as_bytes()), Some(micros));
        }

        #[test]
        fn every_day_is_found(days_since in -719_528..2_932_896_i64) {
            let (year, month, day) = date(days_since);
            prop_assert_eq!(days(year, month, day), days_since);
            let calendar = time::Date::from_julian_day(i32::try_from(days_since + 2_440_588).unwrap()).unwrap();
            let (of_year, of_month) = (i64::from(calendar.year()), i64::from(u8::from(calendar.month())));
            prop_assert_eq!((year, month, day), (of_year, of_month, i64::from(calendar.day())));
        }

        #[test]
        fn what_is_near_a_time_is_read_as_the_calendar_reads_it(
            text in "(0000|1969|1970|1900|2000|2016|2023|2024|9999)-(0[0-9]|1[0-3])-([0-2][0-9]|3[0-2])[T t_é]([01][0-9]|2[0-4]):[0-6][0-9]:([0-5][0-9]|6[01])(\\.[0-9]{0,12})?(Z|z|[+-](0[0-9]|2[34]):[0-6][0-9]|)x?",
        ) {
            prop_assert_eq!(parse(text.as_bytes()), read(&text), "{}", text);
        }

        #[test]
        fn leap_seconds_are_read_as_the_calendar_reads_them(
            text in "(1972|2016|2023)-(02|06|12)-(28|29|30|31)T(23|22|00):(59|29):60(\\.[0-9])?(Z|-01:00|\\+01:30)",
        ) {
            prop_assert_eq!(parse(text.as_bytes()), read(&text), "{}", text);
        }

        #[test]
        fn nothing_panics(text in any::<String>(), cut in 0_usize..40) {
            parse(text.as_bytes());
            let whole = "2016-12-31T23:59:60.123456789+00:00";
            parse(whole.get(..cut).unwrap_or(whole).as_bytes());
        }
    }
}
