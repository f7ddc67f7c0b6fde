//! What somebody meant who typed a name that is not there.

/// The name that is nearest to what was typed, when it is near enough to be a slip of the finger.
pub(crate) fn nearest<'n>(
    typed: &str,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<&'n str> {
    let near = names.into_iter().map(|name| (strsim::osa_distance(typed, name), name));
    let (distance, name) = near.min_by_key(|(distance, _)| *distance)?;
    (distance > 0 && distance * 3 <= typed.chars().count().max(3)).then_some(name)
}

/// The hint behind a name that is not there: the one that was meant, and those that are.
pub(crate) fn hint<'n>(typed: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let meant = nearest(typed, names.iter().copied());
    let meant = meant.map(|name| format!("did you mean {name}? ")).unwrap_or_default();
    match names.as_slice() {
        [] => format!("{meant}there is none"),
        names => format!("{meant}it has {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn only_a_slip_of_the_finger_is_taken_for_another_name() {
        let names = ["password", "username", "set", "inspect"];
        for (typed, meant) in [
            ("pasword", Some("password")),
            ("isnpect", Some("inspect")),
            ("sett", Some("set")),
            ("token", None),
            ("a", None),
            ("", None),
        ] {
            assert_eq!(nearest(typed, names), meant, "{typed}");
        }
    }
}
