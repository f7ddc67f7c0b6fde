//! What somebody meant who typed a name that is not there.

/// Most names of one list.
const MOST_SHOWN: usize = 20;

/// Flags and commands of kubeseal and sops, and what does the same here.
const OF_PEERS: [(&[&str], &str); 12] = [
    (
        &["--cert", "--age", "--pgp"],
        "-r or -R says for whom to seal, `seal fetch` pins the cluster's recipient",
    ),
    (&["--fetch-cert"], "`seal fetch` pins the cluster's recipient, `seal fetch --help` has more"),
    (&["--format"], "a sealed file is YAML"),
    (&["--secret-file", "-f"], "name the manifest itself: `seal secret.yaml`"),
    (&["--validate"], "`seal check FILE` looks at a sealed file without a key and a cluster"),
    (&["--sealed-secret-file"], "-o FILE names the output"),
    (&["--merge-into"], "`seal set FILE KEY` changes one value and nothing else"),
    (
        &["--re-encrypt", "rotate", "updatekeys"],
        "`seal reseal PATH -i KEY` seals anew for today's recipients",
    ),
    (&["--scope"], "--scope-namespaces and --scope-name widen where a file opens"),
    (&["--raw"], "--name NAME -n NS --from-file KEY=FILE seals a value without a manifest"),
    (&["--encrypt", "--in-place", "encrypt"], "`seal FILE -o FILE.sealed.yaml` seals a manifest"),
    (&["--decrypt", "--recovery-unseal", "decrypt"], "`seal open FILE -i KEY` opens a sealed file"),
];

/// What does here what a flag or command of another program does.
pub(crate) fn of_peers(typed: &str) -> Option<&'static str> {
    OF_PEERS.iter().find(|(names, _)| names.contains(&typed)).map(|(_, ours)| *ours)
}

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
    format!("{meant}it has {}", some_of(&names))
}

/// A list as a person reads one, however long it is.
pub(crate) fn some_of(names: &[&str]) -> String {
    match names {
        [] => "none".to_owned(),
        names if names.len() > MOST_SHOWN => {
            let shown = names[..MOST_SHOWN].join(", ");
            format!("{shown} and {} more", names.len() - MOST_SHOWN)
        }
        names => names.join(", "),
    }
}

#[cfg(test)]
mod tests {
    use super::{hint, nearest, of_peers};

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

    #[test]
    fn what_other_programs_call_otherwise_is_explained() {
        assert!(of_peers("--merge-into").unwrap().contains("seal set"));
        assert!(of_peers("decrypt").unwrap().contains("seal open"));
        assert_eq!(of_peers("--merge"), None);
    }

    #[test]
    fn a_list_of_names_ends_somewhere() {
        assert_eq!(hint("pasword", ["password"]), "did you mean password? it has password");
        assert_eq!(hint("x", []), "it has none");
        let many: Vec<String> = (0..1000).map(|number| format!("key-{number}")).collect();
        let hint = hint("x", many.iter().map(String::as_str));
        assert!(hint.ends_with("key-19 and 980 more"), "{hint}");
    }
}
