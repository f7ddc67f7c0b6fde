//! What a plain scalar means to kubectl: the rules of sigs.k8s.io/yaml (`goyaml.v2/resolve.go`).

use super::Value;
use zeroize::Zeroizing;

/// Resolves an untagged plain scalar.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Value::Bool(true);
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Value::Bool(false);
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF"
        | "-.inf" | "-.Inf" | "-.INF" => return Value::Number(text.to_owned()),
        _ => {}
    }
    let first = text.as_bytes()[0];
    let number = match first {
        b'+' | b'-' | b'0'..=b'9' => integer(text).or_else(|| float(text)),
        b'.' => float_after_dot(text),
        _ => None,
    };
    number.map_or_else(|| Value::String(Zeroizing::new(text.to_owned())), Value::Number)
}

/// Go's `strconv.ParseInt(plain, 0, 64)` after all underscores are gone, then its `ParseUint`.
fn integer(text: &str) -> Option<String> {
    let plain = text.replace('_', "");
    let (sign, digits) = match plain.strip_prefix(['+', '-']) {
        Some(digits) => (&plain[..1], digits),
        None => ("", plain.as_str()),
    };
    let lower = digits.to_ascii_lowercase();
    if sign.is_empty()
        && let Some(signed) = plain.strip_prefix("0b")
        && signed.starts_with(['+', '-'])
    {
        return i64::from_str_radix(signed, 2).ok().map(|value| value.to_string());
    }
    let (radix, digits) = match lower.get(..2) {
        Some("0x") => (16, &lower[2..]),
        Some("0b") => (2, &lower[2..]),
        Some("0o") => (8, &lower[2..]),
        _ if lower.len() > 1 && lower.starts_with('0') => (8, &lower[1..]),
        _ => (10, lower.as_str()),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_alphanumeric()) {
        return None;
    }
    let unsigned = i128::from(u64::from_str_radix(digits, radix).ok()?);
    let value = if sign == "-" { -unsigned } else { unsigned };
    // ParseUint takes no sign, so a signed number must fit 64 bits with its sign.
    let fits = value >= i128::from(i64::MIN) && (sign.is_empty() || value <= i128::from(i64::MAX));
    fits.then(|| value.to_string())
}

/// `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`, after all underscores are gone.
fn float(text: &str) -> Option<String> {
    let plain = text.replace('_', "");
    let unsigned = plain.strip_prefix(['+', '-']).unwrap_or(&plain);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let mantissa_ok = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    let exponent_ok =
        exponent.is_none_or(|text| digits(text.strip_prefix(['+', '-']).unwrap_or(text)));
    // Out of range is an error to Go, and what is no number stays a string.
    let finite = plain.parse::<f64>().is_ok_and(f64::is_finite);
    (mantissa_ok && exponent_ok && finite).then_some(plain)
}

fn digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Go's `strconv.ParseFloat` on what begins with a dot: an underscore may stand between two digits.
fn float_after_dot(text: &str) -> Option<String> {
    let underscores = text
        .match_indices('_')
        .all(|(at, _)| at > 0 && is_digit_at(text, at - 1) && is_digit_at(text, at + 1));
    (is_digit_at(text, 1) && underscores).then(|| float(text)).flatten()
}

fn is_digit_at(text: &str, at: usize) -> bool {
    text.as_bytes().get(at).is_some_and(u8::is_ascii_digit)
}
