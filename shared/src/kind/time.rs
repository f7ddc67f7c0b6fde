//! Times as Kubernetes' objects have them: `90s`, `1m30s`, `1h`.

use std::time::Duration;

const MOST_TIME: Duration = Duration::from_secs(24 * 3600);

/// The time that a field names, `usual` where it is absent; an error names the field.
pub(super) fn time(
    text: Option<&str>,
    usual: Duration,
    least: Duration,
    field: &str,
) -> Result<Duration, String> {
    let Some(text) = text else { return Ok(usual) };
    let wrong = || format!("{field} is no time such as 30s, 5m or 1h");
    let (mut total, mut rest) = (0_u64, text);
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let unit = match rest.chars().next() {
            Some('h') => 3600,
            Some('m') => 60,
            Some('s') => 1,
            _ => return Err(wrong()),
        };
        rest = &rest[1..];
        total = number.checked_mul(unit).and_then(|it| it.checked_add(total)).ok_or_else(wrong)?;
    }
    let time = Duration::from_secs(total);
    if text.is_empty() || time > MOST_TIME {
        return Err(wrong());
    }
    if time < least {
        return Err(format!("{field} is less than {} s", least.as_secs()));
    }
    Ok(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_kubernetes_writes_them() {
        let (usual, least) = (Duration::from_secs(60), Duration::from_secs(10));
        let of = |text| time(Some(text), usual, least, "spec.interval");
        assert_eq!(of("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(of("1m30s"), Ok(Duration::from_secs(90)));
        assert_eq!(of("1h0m0s"), Ok(Duration::from_secs(3600)));
        for wrong in ["", "1", "s", "1d", "-1m", "9s", "1h99999999999999999999s", "25h", "1m "] {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
        assert_eq!(time(None, usual, least, "spec.interval"), Ok(usual));
    }
}
