use kit_hash::Identity as _;
use kit_plan::derivation::{Compose, Part, Run};
use kit_tree::TreePath;

use super::*;

fn script(title: &str, processors: u32, input: Option<DerivationId>) -> Derivation {
    let nothing = Input::Tree(TreeId::from_bytes([0; 32]));
    let run = Run {
        root: input.map_or(nothing, Input::Derivation),
        sources: BTreeMap::new(),
        script: title.to_owned(),
        env: BTreeMap::new(),
        timeout: 1,
        processors,
    };
    Derivation::new(title, Action::Run(run))
}

fn compose(title: &str, inputs: &[&Derivation]) -> Derivation {
    let part = |derivation: &&Derivation| Part {
        input: Input::Derivation(derivation.id()),
        owner: title.to_owned(),
        at: TreePath::root(),
    };
    let compose = Compose { parts: inputs.iter().map(part).collect(), ..Compose::default() };
    Derivation::new(title, Action::Compose(compose))
}

/// Makes a queue whose steps take as many milliseconds and MiB as said.
fn queue<'a>(todo: &'a [&'a Derivation], costs: &[(u64, u64)], room: Room, then: OnFailure) -> Queue<'a> {
    let estimates =
        costs.iter().map(|(millis, memory)| Estimate { millis: *millis, memory_bytes: memory << 20 });
    Queue::new(todo, Trees::new(), estimates.collect(), (Order::LongestFirst, room, then))
}

fn room(processors: u32, mebibytes: u64) -> Room {
    Room { processors, memory_bytes: Some(mebibytes << 20) }
}

/// Takes a step, if there is one now.
fn next(queue: &Queue<'_>) -> Option<(usize, String)> {
    match queue.next(&mut queue.lock(), Lane::Work) {
        Next::Step((at, derivation, _)) => Some((at, derivation.title().to_owned())),
        Next::Wait | Next::End => None,
    }
}

fn titles(queue: &Queue<'_>) -> Vec<String> {
    std::iter::from_fn(|| next(queue).map(|(_, title)| title)).collect()
}

fn done(queue: &Queue<'_>, at: usize) {
    queue.put(at, queue.todo[at].id(), Ok(TreeId::from_bytes([1; 32])));
}

fn fails(queue: &Queue<'_>, at: usize) {
    queue.put(at, queue.todo[at].id(), Err(BuildError::NoCargoHome));
}

#[test]
fn the_longest_way_is_begun_first() {
    // `b` itself is short, but what needs it is long.
    let (a, b) = (script("a", 1, None), script("b", 1, None));
    let (c, d) = (script("c", 1, Some(b.id())), script("d", 1, None));
    let all = [&a, &b, &c, &d];
    let queue = queue(&all, &[(50, 0), (10, 0), (60, 0), (20, 0)], room(8, 9), OnFailure::Stop);
    assert_eq!(titles(&queue), ["b", "a", "d"]);
    done(&queue, 1);
    assert_eq!(titles(&queue), ["c"]);
}

#[test]
fn scripts_have_processors_of_their_own() {
    let (a, b, c) = (script("a", 1, None), script("b", 2, None), script("c", 1, None));
    let other = compose("other", &[]);
    let all = [&a, &b, &c, &other];
    let queue = queue(&all, &[(9, 0), (8, 0), (7, 0), (1, 0)], room(2, 9), OnFailure::Stop);
    // `b` needs both, so `c`, which would fit, doesn't overtake it; what is no script does.
    assert_eq!(titles(&queue), ["a", "other"]);
    done(&queue, 0);
    assert_eq!(titles(&queue), ["b"]);
    done(&queue, 1);
    assert_eq!(titles(&queue), ["c"]);
}

#[test]
fn a_script_that_asks_for_more_than_there_is_runs_alone() {
    let (a, b) = (script("a", 64, None), script("b", 1, None));
    let all = [&a, &b];
    let queue = queue(&all, &[(9, 100), (8, 100)], room(2, 9), OnFailure::Stop);
    assert_eq!(titles(&queue), ["a"]);
    done(&queue, 0);
    assert_eq!(titles(&queue), ["b"]);
}

#[test]
fn scripts_that_need_more_memory_than_there_is_wait_for_each_other() {
    let (a, b, c) = (script("a", 1, None), script("b", 1, None), script("c", 1, None));
    let all = [&a, &b, &c];
    let queue = queue(&all, &[(9, 5), (8, 5), (7, 4)], room(8, 9), OnFailure::Stop);
    assert_eq!(titles(&queue), ["a"]);
    done(&queue, 0);
    assert_eq!(titles(&queue), ["b", "c"]);
}

#[test]
fn the_first_failure_stops_everything_unless_it_is_to_go_on() {
    let (a, b) = (script("a", 1, None), script("b", 1, None));
    let of_a = compose("of a", &[&a]);
    let of_both = compose("of both", &[&of_a, &b]);
    let of_b = compose("e", &[&b]);
    let all = [&a, &b, &of_a, &of_both, &of_b];
    let costs = [(1, 0); 5];
    let stopping = queue(&all, &costs, room(1, 9), OnFailure::Stop);
    assert_eq!(titles(&stopping), ["a"]);
    fails(&stopping, 0);
    assert_eq!(titles(&stopping), [""; 0]);
    assert!(matches!(stopping.into_result(), Err(BuildError::NoCargoHome)));

    let going = queue(&all, &costs, room(1, 9), OnFailure::KeepGoing);
    assert_eq!(titles(&going), ["a"]);
    fails(&going, 0);
    assert_eq!(titles(&going), ["b"]);
    done(&going, 1);
    assert_eq!(titles(&going), ["e"]);
    fails(&going, 4);
    let Err(BuildError::Several { failures, not_done }) = going.into_result() else { panic!("it failed") };
    assert_eq!((failures.len(), not_done), (2, 2));

    let one = queue(&all[1..2], &costs, room(1, 9), OnFailure::KeepGoing);
    assert_eq!(titles(&one), ["b"]);
    fails(&one, 0);
    assert!(matches!(one.into_result(), Err(BuildError::NoCargoHome)));
}
