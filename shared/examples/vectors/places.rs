//! What an attacker with write access to Git can say of a whole file: every block is intact, the place that
//! the file claims is another.

use crate::Case;
use crate::file::File;
use crate::keys::Dice;
use crate::moved::ELSEWHERE;
use crate::under::{PASSWORD, plain};

const WRONG_PLACE: (&str, &str) = ("WrongPlace", "sealed for");

pub(crate) fn cases() -> Vec<Case> {
    [places(), vec![own_header(), out_of_set()], widened(), narrowed()]
        .into_iter()
        .flatten()
        .collect()
}

fn places() -> Vec<Case> {
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
            at("ns 2", ("evil", "db")).scoped("evil", "db").yaml(),
            ELSEWHERE,
        )
        .at("evil/db"),
        Case::refused(
            "moved-name",
            "metadata and scope changed to another name",
            at("name 2", ("prod", "dev-db")).scoped("prod", "dev-db").yaml(),
            ELSEWHERE,
        )
        .at("prod/dev-db"),
    ]
}

/// Sealed for `prod/db`, lying elsewhere.
fn at(name: &str, (namespace, of): (&str, &str)) -> File {
    let mut file = plain(name, &["cluster"]);
    file.place = (namespace.into(), of.into());
    file
}

fn own_header() -> Case {
    let file = File::at("prod", "db").set(&mut Dice::new("ns 3"), &["cluster"], PASSWORD);
    let file = File { place: ("evil".into(), "db".into()), ..file };
    Case::refused(
        "block-moved-namespace",
        "metadata and scope changed to another namespace, over a block with a header of its own",
        file.scoped("evil", "db").yaml(),
        ELSEWHERE,
    )
    .at("evil/db")
}

fn out_of_set() -> Case {
    let file = sealed_for("set", "dev,prod");
    Case::refused(
        "moved-out-of-set",
        "found in a namespace that the set has not",
        File { place: ("stage".into(), "db".into()), ..file }.yaml(),
        WRONG_PLACE,
    )
    .at("stage/db")
}

fn sealed_for(name: &str, namespaces: &str) -> File {
    File::at("prod", "db").scoped(namespaces, "db").seal(
        &mut Dice::new(name),
        &["cluster"],
        &[("password", b"x")],
    )
}

fn widened() -> Vec<Case> {
    vec![
        Case::refused(
            "widened-set",
            "a namespace added to the scope",
            plain("w1", &["cluster"]).scoped("evil,prod", "db").yaml(),
            ELSEWHERE,
        ),
        Case::refused(
            "widened-any-namespace",
            "scope changed to any namespace",
            plain("w2", &["cluster"]).scoped("*", "db").yaml(),
            ELSEWHERE,
        )
        .wildcard_allowed(),
        Case::refused(
            "widened-any-name",
            "scope changed to any name",
            plain("w3", &["cluster"]).scoped("prod", "*").yaml(),
            ELSEWHERE,
        ),
    ]
}

fn narrowed() -> Vec<Case> {
    vec![
        Case::refused(
            "narrowed-set",
            "a namespace taken from the scope",
            sealed_for("narrowed", "dev,prod").scoped("prod", "db").yaml(),
            ELSEWHERE,
        ),
        Case::refused(
            "narrowed-any-namespace",
            "any namespace changed to one",
            sealed_for("unstarred", "*").scoped("prod", "db").yaml(),
            ELSEWHERE,
        ),
    ]
}
