//! Objects that have just arrived: the watches wait, nothing is dropped, and nobody waits for ever.

use super::*;

/// One whose value alone has this many bytes.
fn heavy(name: &str, bytes: usize) -> SealedSecret {
    let mut sealed = named("prod", name);
    let template = sealed.spec.template.get_or_insert_default();
    template.string_data.insert("k".into(), "x".repeat(bytes));
    sealed
}

/// Whether a watch would have to wait.
fn waits(memory: &Memory) -> bool {
    memory.room().now_or_never().is_none()
}

#[test]
fn a_watch_waits_while_more_than_the_budget_has_arrived_and_nothing_is_dropped() {
    let memory = Memory::with_budget(Grants::default(), 10_000);
    let mut names = Vec::new();
    while !waits(&memory) {
        names.push(arrives(&memory, heavy(&format!("s{}", names.len()), 3000)).unwrap());
    }
    assert!(names.len() == 3 && memory.with(|state| state.fresh.bytes()) < 15_000);
    for name in names {
        assert!(memory.turn(&name).unwrap().1.is_some(), "{name} is still at hand");
        assert!(!waits(&memory));
    }
    assert_eq!(memory.with(|state| state.fresh.bytes()), 0);
}

#[test]
fn one_that_is_larger_than_the_budget_is_let_in() {
    let memory = Memory::with_budget(Grants::default(), 10_000);
    assert!(!waits(&memory));
    let name = arrives(&memory, heavy("large", 1_000_000)).unwrap();
    assert!(waits(&memory));
    assert!(memory.turn(&name).unwrap().1.is_some());
    assert!(!waits(&memory));
}

fn is_deleted(memory: &Memory, sealed: SealedSecret) {
    memory.sealed_gone(Kind::SealedSecret, &sealed.metadata);
}

fn is_being_deleted(memory: &Memory, mut sealed: SealedSecret) {
    sealed.metadata.deletion_timestamp = Some(Time(Timestamp::now()));
    assert_eq!(arrives(memory, sealed), None);
}

fn is_suspended(memory: &Memory, mut sealed: SealedSecret) {
    sealed.spec.suspend = Some(true);
    sealed.metadata.generation = Some(2);
    let name = arrives(memory, sealed).unwrap(); // that it is suspended is said in its status
    memory.turn(&name);
}

fn is_not_in_the_next_list(memory: &Memory, _: SealedSecret) {
    memory.sealed_list_begins(Kind::SealedSecret, &EVERYWHERE);
    memory.sealed_list_ends(Kind::SealedSecret, &EVERYWHERE);
}

fn has_its_turn(memory: &Memory, sealed: SealedSecret) {
    memory.turn(&ObjectName::sealed_secret(&sealed.place().unwrap()));
}

#[test]
fn whatever_becomes_of_an_object_there_is_room_again() {
    let fates: [fn(&Memory, SealedSecret); 5] =
        [is_deleted, is_being_deleted, is_suspended, is_not_in_the_next_list, has_its_turn];
    for (n, fate) in fates.into_iter().enumerate() {
        let memory = Memory::with_budget(Grants::default(), 10_000);
        let large = heavy("large", 20_000);
        arrives(&memory, large.clone()).unwrap();
        assert!(waits(&memory), "{n}");
        fate(&memory, large);
        assert!(!waits(&memory), "{n}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_watches_of_several_namespaces_share_the_budget_and_all_go_on() {
    let memory = Arc::new(Memory::with_budget(Grants::default(), 10_000));
    let queue = Arc::new(Queue::default());
    let mut watches = tokio::task::JoinSet::new();
    for namespace in 0..3 {
        let (memory, queue) = (memory.clone(), queue.clone());
        watches.spawn(async move {
            for n in 0..20 {
                memory.room().await;
                let object = arrives(&memory, heavy(&format!("{namespace}-{n}"), 4000)).unwrap();
                queue.add(object);
                assert!(memory.with(|state| state.fresh.bytes()) < 10_000 + 3 * 6000);
                tokio::task::yield_now().await;
            }
        });
    }
    for _ in 0..60 {
        let object = queue.next().await.unwrap();
        assert!(memory.turn(&object).unwrap().1.is_some());
        queue.done(&object);
    }
    while let Some(watch) = watches.join_next().await {
        watch.unwrap();
    }
}
