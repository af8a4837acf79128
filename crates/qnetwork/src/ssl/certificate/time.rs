//! Times and how they are written.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

const UTC_TIME: u8 = 0x17;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
const DAY: i64 = 24 * 60 * 60;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Parses a `UTCTime` or a `GeneralizedTime` as seconds since 1970. Certificates use whole seconds
/// in UTC. Returns `Some(None)` for any other or invalid time, and `None` if the tag is not that of
/// a time.
pub(in crate::ssl) fn parse(tag: u8, value: &[u8]) -> Option<Option<i64>> {
    let year_digits = match tag {
        UTC_TIME => 2,
        GENERALIZED_TIME => 4,
        _ => return None,
    };
    Some(parse_digits(value, year_digits))
}

fn parse_digits(value: &[u8], year_digits: usize) -> Option<i64> {
    let digits = value.strip_suffix(b"Z")?;
    if digits.len() != year_digits + 10 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = |digits: &[u8]| digits.iter().fold(0, |n, digit| n * 10 + i64::from(digit - b'0'));
    let (year, rest) = digits.split_at(year_digits);
    let mut year = number(year);
    if year_digits == 2 {
        year += if year < 50 { 2000 } else { 1900 };
    }
    let mut parts = rest.chunks(2).map(number);
    let (month, day) = (parts.next()?, parts.next()?);
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let days = days(year, month, day);
    if !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    // A day beyond the end of the month becomes one of the next month.
    let seconds = days * DAY + hour * 3600 + minute * 60 + second;
    (date(seconds) == (year, month, day)).then_some(seconds)
}

/// Returns the days since 1970: the inverse of [`date`].
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Converts seconds since 1970.
pub(super) fn system_time(seconds: i64) -> Option<SystemTime> {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    if seconds < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

/// Returns the seconds since 1970; negative before that.
pub(in crate::ssl) fn seconds(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_secs()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_secs()).map_or(i64::MIN, |s| -s),
    }
}

/// Returns a time as in `2026-11-28T06:57:54Z`.
pub(super) fn iso(seconds: i64) -> String {
    let (year, month, day) = date(seconds);
    let time = seconds.rem_euclid(DAY);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

/// Returns a time as in `Nov 28 06:57:54 2026 GMT`.
pub(super) fn readable(seconds: i64) -> String {
    let (year, month, day) = date(seconds);
    let time = seconds.rem_euclid(DAY);
    let name = MONTHS[month as usize - 1];
    format!("{name} {day:2} {:02}:{:02}:{:02} {year} GMT", time / 3600, time / 60 % 60, time % 60)
}

/// Returns year, month and day, both from 1. The calculation uses years that begin in March, so
/// that the leap day is the last of a year.
fn date(seconds: i64) -> (i64, i64, i64) {
    let days = seconds.div_euclid(DAY) + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month, day)
}
