//! The kind with several places. Its values are bound as those of a SealedSecret are: the kind is no part of the binding.

use crate::Case;
use crate::file::File;
use crate::keys::Dice;
use crate::moved::ELSEWHERE;
use crate::under::PASSWORD;

const SELECTOR: &str = "  namespaceSelector: {matchLabels: {team: a}}\n";

pub(crate) fn cases() -> Vec<Case> {
    [opens(), refused()].into_iter().flatten().collect()
}

fn opens() -> Vec<Case> {
    vec![
        Case::opens(
            "cluster-set",
            "a ClusterSealedSecret opens in the first namespace of its set, and so in each",
            of_cluster(&sealed("cluster-set", "dev,prod", "")),
            &[PASSWORD],
        )
        .at("dev/db"),
        Case::opens(
            "cluster-any",
            "with a selector, and where that is allowed, in any namespace",
            of_cluster(&sealed("cluster-any", "*", SELECTOR)),
            &[PASSWORD],
        )
        .at("default/db")
        .wildcard_allowed(),
    ]
}

fn refused() -> Vec<Case> {
    vec![
        Case::refused(
            "cluster-any-not-allowed",
            "any namespace, and nobody allowed labels to choose",
            of_cluster(&sealed("cluster-not-allowed", "*", SELECTOR)),
            ("NotAllowed", "--allow-cluster-wide"),
        ),
        Case::refused(
            "cluster-widened",
            "a namespace added to the scope",
            of_cluster(&sealed("cluster-widened", "dev", "").scoped("dev,evil", "db")),
            ELSEWHERE,
        ),
        Case::malformed(
            "cluster-with-namespace",
            "a ClusterSealedSecret with a namespace of its own",
            sealed("cluster-namespace", "prod", "").yaml().replace("kind: ", "kind: Cluster"),
            "is in no namespace",
        ),
        Case::malformed(
            "cluster-any-without-selector",
            "any namespace, and nothing that chooses among them",
            of_cluster(&sealed("cluster-no-selector", "*", "")),
            "no spec.namespaceSelector",
        ),
        Case::malformed(
            "cluster-selector-beside-names",
            "a selector beside a list of namespaces",
            of_cluster(&sealed("cluster-both", "dev,prod", SELECTOR)),
            "lists some",
        ),
        Case::malformed(
            "cluster-empty-selector",
            "a selector that chooses every namespace",
            of_cluster(&sealed("cluster-empty", "*", "  namespaceSelector: {}\n")),
            "is empty",
        ),
        Case::malformed(
            "selector-in-a-sealed-secret",
            "a selector in a SealedSecret",
            sealed("selector", "*", SELECTOR).yaml(),
            "is for a ClusterSealedSecret",
        ),
    ]
}

fn sealed(name: &str, namespaces: &str, more: &str) -> File {
    let mut file = File::at("prod", "db").scoped(namespaces, "db").seal(
        &mut Dice::new(name),
        &["cluster"],
        &[PASSWORD],
    );
    more.clone_into(&mut file.more);
    file
}

fn of_cluster(file: &File) -> String {
    let text = file.yaml().replace("kind: SealedSecret", "kind: ClusterSealedSecret");
    text.replace("  namespace: prod\n", "")
}
