//! Moments of RRSIG: `YYYYMMDDHHmmSS`, or seconds since 1970 (RFC 4034 §3.2).

use std::fmt;

use super::super::rdata::{Read, Reader};
use super::super::text;
use super::plain::number;

const DAY: u32 = 86_400;

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Read {
    let expected = "a moment as YYYYMMDDHHmmSS before 2106-02-07T06:28:16, or seconds since 1970";
    let seconds = reader.value(expected, moment)?;
    reader.put(&seconds.to_be_bytes());
    Ok(())
}

fn moment(word: &[u8]) -> Option<u32> {
    let Ok(digits) = <&[u8; 14]>::try_from(word) else { return text::number(word, u32::MAX) };
    let part = |range: std::ops::Range<usize>, max| text::number(&digits[range], max);
    let (year, month, day) = (part(0..4, 9999)?, part(4..6, 12)?, part(6..8, 31)?);
    let (hour, minute, second) = (part(8..10, 23)?, part(10..12, 59)?, part(12..14, 59)?);
    let exists = year >= 1970 && month >= 1 && (1..=days_in(year, month)).contains(&day);
    let days = (1970..year).map(days_of).sum::<u32>() + (1..month).map(|month| days_in(year, month)).sum::<u32>();
    let seconds = (hour * 60 + minute) * 60 + second;
    (days + day.checked_sub(1)?).checked_mul(DAY)?.checked_add(seconds).filter(|_| exists)
}

pub(super) fn write(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (mut days, seconds) = (number(octets) / DAY, number(octets) % DAY);
    let (mut year, mut month) = (1970, 1);
    while days >= days_of(year) {
        (days, year) = (days - days_of(year), year + 1);
    }
    while days >= days_in(year, month) {
        (days, month) = (days - days_in(year, month), month + 1);
    }
    write!(f, "{year}{month:02}{:02}{:02}{:02}{:02}", days + 1, seconds / 3600, seconds / 60 % 60, seconds % 60)
}

const fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

const fn days_of(year: u32) -> u32 {
    if is_leap(year) { 366 } else { 365 }
}

/// The days of a month from 1 to 12.
const fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
