//! Every layout that readers take becomes one that can be edited line by line, and seals the same.

use seal_core::kind::edit::is_editable;
use seal_core::kind::file;
use seal_core::kind::format::{FormatError, Formatted, format};

use super::editing::{Layout, all_layouts};
use super::{db, key, read, sealed, values};

#[test]
fn every_vector_that_opens_is_editable_once_it_is_formatted_and_means_the_same() {
    let mut formatted = 0;
    for Layout { name, text, .. } in all_layouts() {
        match format(&text).unwrap() {
            None => assert!(is_editable(&text).unwrap(), "{name}"),
            Some(Formatted { text: written, .. }) => {
                formatted += 1;
                assert!(is_editable(&written).unwrap(), "{name}");
                assert_eq!(read(&written).spec, read(&text).spec, "{name}");
                assert_eq!(read(&written).metadata.name, read(&text).metadata.name, "{name}");
                assert_eq!(format(&written).unwrap(), None, "{name}: once is enough");
            }
        }
    }
    assert!(formatted > 0, "JSON among the vectors");
}

#[test]
fn what_a_writer_writes_is_left_alone() {
    let (_, to) = key();
    let object = sealed(values(&[("a", b"1"), ("b", b"2")]), db(), &to);
    let text = file::write(&object);
    for text in [text.clone(), format!("# mine\n{text}---\n{text}"), text.replace('\n', "\r\n")] {
        assert_eq!(format(&text).unwrap(), None);
    }
    let mut empty = object;
    empty.spec.values.clear();
    assert_eq!(format(&file::write(&empty)).unwrap(), None);
}

#[test]
fn comments_stay_and_what_is_the_clusters_goes_by_name() {
    let (_, to) = key();
    let mut object = sealed(values(&[("a", b"1")]), db(), &to);
    object.metadata.uid = Some("u".into());
    object.metadata.annotations = Some(
        [("kubectl.kubernetes.io/last-applied-configuration", "{}"), ("mine", "x")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
    );
    let list = format!(
        "# above\napiVersion: v1\nkind: List\nitems: # all\n- {}",
        file::write(&object).trim_end().replace('\n', "\n  ")
    );
    let Formatted { text, dropped } = format(&list).unwrap().unwrap();
    assert!(text.starts_with("# above\n# all\napiVersion: seal.dev/v1\n"), "{text}");
    assert_eq!(text.matches("# end of a\n").count(), 1);
    assert!(text.contains("mine: x") && !text.contains("last-applied") && !text.contains("uid"));
    assert_eq!(dropped.len(), 2, "{dropped:?}");

    let mixed = format!("{list}\n- apiVersion: v1\n  kind: ConfigMap\n");
    assert_eq!(format(&mixed), Err(FormatError::Beside("ConfigMap".into())));
}
