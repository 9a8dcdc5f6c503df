//! A place on earth (RFC 1876): latitude, longitude, altitude, size of what is there, precision.

use std::fmt;

use super::super::lexer::Token;
use super::super::rdata::{Read, Reader};
use super::plain::number;
use crate::base::Diagnostic;

const LEN: usize = 16;
/// The equator and the prime meridian (RFC 1876 §2).
const MIDDLE: u32 = 1 << 31;
/// Of degrees and minutes, in thousandths of a second.
const DEGREE: u32 = 3_600_000;
const MINUTE: u32 = 60_000;
/// Altitudes count in centimetres from 100 km below the ellipsoid.
const GROUND: u64 = 10_000_000;
/// Size, horizontal and vertical precision where none are written (RFC 1876 §3): 1 m, 10 km, 10 m.
const DEFAULTS: [u8; 3] = [0x12, 0x16, 0x13];

/// One of the two angles.
struct Angle {
    degrees: u32,
    positive: &'static str,
    negative: &'static str,
}

const LATITUDE: Angle = Angle { degrees: 90, positive: "N", negative: "S" };
const LONGITUDE: Angle = Angle { degrees: 180, positive: "E", negative: "W" };

/// Whether octets are a location, or one of a version that nothing is known of.
pub(super) fn is(octets: &[u8]) -> bool {
    let &[version, size, horizontal, vertical, ..] = octets else { return !octets.is_empty() && octets[0] != 0 };
    let digits = |octet: u8| octet >> 4 <= 9 && octet & 0xf <= 9;
    version != 0
        || octets.len() == LEN
            && [size, horizontal, vertical].into_iter().all(digits)
            && LATITUDE.holds(number(&octets[4..8]))
            && LONGITUDE.holds(number(&octets[8..12]))
}

/// Whether a text leads back to the octets: zero metres may have an exponent in octets only.
pub(super) fn has_text(octets: &[u8]) -> bool {
    octets[0] == 0 && octets[1..4].iter().all(|&octet| octet == 0 || octet >> 4 != 0)
}

impl Angle {
    fn holds(&self, value: u32) -> bool {
        value.abs_diff(MIDDLE) <= self.degrees * DEGREE
    }

    fn read(&self, reader: &mut Reader<'_, '_>) -> Read {
        let (positive, negative) = (self.positive, self.negative);
        let mut value =
            reader.number(&format!("degrees up to {} as a whole number", self.degrees), self.degrees)? * DEGREE;
        let mut expected = format!("minutes below 60, or {positive} or {negative}");
        let mut token = reader.lexer.expect(&expected)?;
        for (places, unit) in [(0, MINUTE), (3, 1)] {
            if self.sign(token).is_some() {
                break;
            }
            let part = token.word().and_then(|word| fixed(word, places)).filter(|&part| part < 60 * 10u64.pow(places));
            value += part.ok_or_else(|| token.instead_of(&expected))? as u32 * unit; // below 60 minutes or seconds
            expected = match places {
                0 => format!("seconds below 60, with up to three digits behind the point, or {positive} or {negative}"),
                _ => format!("{positive} or {negative}"),
            };
            token = reader.lexer.expect(&expected)?;
        }
        let is_positive = self.sign(token).ok_or_else(|| token.instead_of(&expected))?;
        if value > self.degrees * DEGREE {
            let message = format!("this angle is above {} degrees", self.degrees);
            return Err(Diagnostic::error(token.span, message).hint("write a smaller one"));
        }
        reader.put(&(if is_positive { MIDDLE + value } else { MIDDLE - value }).to_be_bytes());
        Ok(())
    }

    fn sign(&self, token: Token<'_>) -> Option<bool> {
        let is = |sign: &str| token.word().is_some_and(|word| word.eq_ignore_ascii_case(sign.as_bytes()));
        if is(self.positive) { Some(true) } else { is(self.negative).then_some(false) }
    }

    fn write(&self, value: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let angle = value.abs_diff(MIDDLE);
        let (degrees, minutes, rest) = (angle / DEGREE, angle / MINUTE % 60, angle % MINUTE);
        let sign = if value >= MIDDLE { self.positive } else { self.negative };
        write!(f, "{degrees} {minutes} {}.{:03} {sign}", rest / 1000, rest % 1000)
    }
}

pub(super) fn read(reader: &mut Reader<'_, '_>) -> Read {
    let start = reader.out.len();
    reader.put(&[0]);
    reader.put(&DEFAULTS);
    LATITUDE.read(reader)?;
    LONGITUDE.read(reader)?;
    let altitude = reader.value("an altitude in metres from -100000.00 to 42849672.95", altitude)?;
    reader.put(&altitude.to_be_bytes());
    for at in 1..4 {
        let Some(token) = reader.lexer.next()? else { break };
        let size = token.word().and_then(metres).and_then(rounded);
        reader.out[start + at] = size.ok_or_else(|| token.instead_of("metres from 0 to 90000000.00"))?;
    }
    Ok(())
}

/// Centimetres from the lowest altitude there is.
fn altitude(word: &[u8]) -> Option<u32> {
    let value = match word.strip_prefix(b"-") {
        Some(depth) => GROUND.checked_sub(metres(depth)?)?,
        None => GROUND.checked_add(metres(word)?)?,
    };
    u32::try_from(value).ok()
}

/// Metres with or without their unit, in centimetres.
fn metres(word: &[u8]) -> Option<u64> {
    fixed(word.strip_suffix(b"m").or(word.strip_suffix(b"M")).unwrap_or(word), 2)
}

/// A number with at most `places` digits behind the point, in units of the last of them.
fn fixed(word: &[u8], places: u32) -> Option<u64> {
    let point = word.iter().position(|&octet| octet == b'.');
    let (whole, fraction) = match point {
        Some(at) if places > 0 => (&word[..at], &word[at + 1..]),
        Some(_) => return None,
        None => (word, &[][..]),
    };
    let missing = (places as usize).checked_sub(fraction.len())?;
    let digits = [whole, fraction].concat();
    let plain = !whole.is_empty() && digits.len() <= 15 && digits.iter().all(u8::is_ascii_digit);
    let value = std::str::from_utf8(&digits).ok().filter(|_| plain)?.parse::<u64>().ok()?;
    Some(value * 10u64.pow(missing as u32)) // at most `places`
}

/// Centimetres as one digit and an exponent of ten, the digits after the first dropped.
fn rounded(centimetres: u64) -> Option<u8> {
    let exponent = centimetres.checked_ilog10().unwrap_or(0);
    let digit = centimetres / 10u64.pow(exponent);
    (centimetres <= 9_000_000_000).then_some((digit << 4) as u8 | exponent as u8) // at most 9 both
}

pub(super) fn write(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    LATITUDE.write(number(&octets[4..8]), f)?;
    f.write_str(" ")?;
    LONGITUDE.write(number(&octets[8..12]), f)?;
    let altitude = u64::from(number(&octets[12..]));
    write!(f, " {}", if altitude < GROUND { "-" } else { "" })?;
    write_metres(altitude.abs_diff(GROUND), f)?;
    octets[1..4].iter().try_for_each(|&size| {
        f.write_str(" ")?;
        write_metres(u64::from(size >> 4) * 10u64.pow(u32::from(size & 0xf)), f)
    })
}

fn write_metres(centimetres: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{}.{:02}m", centimetres / 100, centimetres % 100)
}
