//! What an attacker with write access to Git can move: every payload is intact, its place is not.

use crate::Case;
use crate::file::{Dice, File};
use crate::opens::plain;

const ELSEWHERE: (&str, &str) = ("NotSealedForThis", "password");
const WRONG_PLACE: (&str, &str) = ("WrongPlace", "sealed for");

pub(crate) fn cases() -> Vec<Case> {
    [keys(), places(), widened()].into_iter().flatten().collect()
}

fn keys() -> Vec<Case> {
    let mut renamed = plain("renamed", &["cluster"]);
    renamed.envelopes[0].values.truncate(1);
    renamed.envelopes[0].values[0].0 = "passwd".into();
    let mut swapped = plain("swapped", &["cluster"]);
    let values = &mut swapped.envelopes[0].values;
    (values[0].1, values[1].1) = (values[1].1.clone(), values[0].1.clone());
    let mut copied = plain("copied", &["cluster"]);
    let values = &mut copied.envelopes[0].values;
    values[0].1 = values[1].1.clone();

    let dice = &mut Dice::new("across");
    let mut across = File::at("prod", "db").seal(dice, &["cluster"], &[("password", b"old")]).seal(
        dice,
        &["cluster"],
        &[("other", b"x")],
    );
    let payload = across.envelopes[1].values[0].1.clone();
    across.envelopes[0].values[0].1 = payload;
    let other = plain("other file", &["cluster"]);
    let mut grafted = plain("grafted", &["cluster"]);
    grafted.envelopes[0].values[0].1 = other.envelopes[0].values[0].1.clone();
    vec![
        Case::refused(
            "moved-to-another-key",
            "a value renamed",
            renamed.yaml(),
            ("NotSealedForThis", "passwd"),
        ),
        Case::refused("moved-keys-swapped", "two values swapped", swapped.yaml(), ELSEWHERE),
        Case::refused("moved-key-copied", "one value under two keys", copied.yaml(), ELSEWHERE),
        Case::refused(
            "moved-to-another-envelope",
            "a payload under another header",
            across.yaml(),
            ("Damaged", "payload"),
        ),
        Case::refused(
            "moved-from-another-file",
            "a payload of another file for the same place and key",
            grafted.yaml(),
            ("Damaged", "payload"),
        ),
    ]
}

fn places() -> Vec<Case> {
    let at = |name: &str, place: (&str, &str)| {
        let mut file = plain(name, &["cluster"]);
        file.place = (place.0.into(), place.1.into());
        file
    };
    let rewritten =
        |name: &str, place: (&str, &str)| at(name, place).scoped(place.0, place.1).yaml();
    let dice = &mut Dice::new("set");
    let mut outside = File::at("prod", "db").scoped("dev,prod", "db").seal(
        dice,
        &["cluster"],
        &[("password", b"x")],
    );
    outside.place.0 = "stage".into();
    vec![
        Case::refused(
            "moved-namespace-only",
            "metadata.namespace changed",
            at("ns", ("evil", "db")).yaml(),
            WRONG_PLACE,
        )
        .at("evil/db"),
        Case::refused(
            "moved-name-only",
            "metadata.name changed",
            at("name", ("prod", "dev-db")).yaml(),
            WRONG_PLACE,
        )
        .at("prod/dev-db"),
        Case::refused(
            "moved-namespace",
            "metadata and scope changed to another namespace",
            rewritten("ns 2", ("evil", "db")),
            ELSEWHERE,
        )
        .at("evil/db"),
        Case::refused(
            "moved-name",
            "metadata and scope changed to another name",
            rewritten("name 2", ("prod", "dev-db")),
            ELSEWHERE,
        )
        .at("prod/dev-db"),
        Case::refused(
            "moved-out-of-set",
            "found in a namespace that the set has not",
            outside.yaml(),
            WRONG_PLACE,
        )
        .at("stage/db"),
    ]
}

fn widened() -> Vec<Case> {
    let scoped =
        |name: &str, namespaces, of| plain(name, &["cluster"]).scoped(namespaces, of).yaml();
    let dice = &mut Dice::new("narrowed");
    let narrowed = File::at("prod", "db")
        .scoped("dev,prod", "db")
        .seal(dice, &["cluster"], &[("password", b"x")])
        .scoped("prod", "db");
    let unstarred = File::at("prod", "db")
        .scoped("*", "db")
        .seal(dice, &["cluster"], &[("password", b"x")])
        .scoped("prod", "db");
    vec![
        Case::refused(
            "widened-set",
            "a namespace added to the scope",
            scoped("w1", "evil,prod", "db"),
            ELSEWHERE,
        ),
        Case::refused(
            "widened-any-namespace",
            "scope changed to any namespace",
            scoped("w2", "*", "db"),
            ELSEWHERE,
        )
        .wildcard_allowed(),
        Case::refused(
            "widened-any-name",
            "scope changed to any name",
            scoped("w3", "prod", "*"),
            ELSEWHERE,
        ),
        Case::refused(
            "narrowed-set",
            "a namespace taken from the scope",
            narrowed.yaml(),
            ELSEWHERE,
        ),
        Case::refused(
            "narrowed-any-namespace",
            "any namespace changed to one",
            unstarred.yaml(),
            ELSEWHERE,
        ),
    ]
}
