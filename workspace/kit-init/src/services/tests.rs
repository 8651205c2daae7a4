use super::*;
use crate::bundle::Class;
use crate::config;

fn unit(name: &str, service: &str) -> Unit {
    let text = r#"{"ociVersion": "1.0.2", "process": {"args": ["x"], "cwd": "/"}, "root": {"path": "rootfs"},
        "linux": {"namespaces": [{"type": "mount"}]}}"#;
    let service = config::service::parse(service).unwrap();
    let bundle = Bundle { name: name.into(), class: Class::Services, path: format!("/{name}") };
    Unit::new(bundle, Rc::new(config::parse(text, service).unwrap()))
}

/// The waits in milliseconds after ends that were good or bad and came after some seconds.
fn waits(service: &str, ends: &[(Good, u64)]) -> Vec<Option<u128>> {
    let mut unit = unit("web", service);
    let mut after = |(good, lived): &(Good, u64)| {
        unit.wait_after(*good, Duration::from_secs(*lived)).map(|wait| wait.as_millis())
    };
    ends.iter().map(&mut after).collect()
}

fn restart(policy: &str) -> String {
    format!(r#"{{"restart": {{"policy": "{policy}"}}}}"#)
}

#[test]
fn the_policy_decides() {
    let ends = [(Good::Yes, 5), (Good::No, 5)];
    assert_eq!(waits("{}", &ends), [None, None]);
    assert_eq!(waits(&restart("on-failure"), &ends), [None, Some(1000)]);
    assert_eq!(waits(&restart("always"), &ends), [Some(1000), Some(2000)]);
}

#[test]
fn the_wait_grows_and_is_forgotten() {
    let mut ends = vec![(Good::No, 0); 7];
    ends.push((Good::No, 60));
    let expected = [1, 2, 4, 8, 16, 30, 30, 1].map(|seconds| Some(seconds * 1000));
    assert_eq!(waits(&restart("always"), &ends), expected);
    let own = r#"{"restart": {"policy": "always", "wait": 45000}}"#;
    assert_eq!(waits(own, &ends[..2]), [Some(45_000), Some(45_000)]);
}

#[test]
fn a_limit_ends_it_and_a_minute_of_running_starts_the_count_anew() {
    let limited = r#"{"restart": {"policy": "on-failure", "wait": 10, "limit": 2}}"#;
    let ends = [(Good::No, 0), (Good::No, 0), (Good::No, 60), (Good::No, 0), (Good::No, 0)];
    assert_eq!(waits(limited, &ends), [Some(10), Some(20), Some(10), Some(20), None]);
}

#[test]
fn what_runs_from_time_to_time_waits_its_time() {
    let hourly = r#"{"every": 3600000, "restart": {"policy": "on-failure"}}"#;
    assert_eq!(waits(hourly, &[(Good::Yes, 1), (Good::No, 1)]), [Some(3_600_000), Some(1000)]);
}

fn services(units: Vec<Unit>) -> Services {
    Services {
        units,
        programs: Vec::new(),
        on_failure: Ending::PowerOff,
        is_up: false,
        assessment: Assessment::Open,
    }
}

#[test]
fn one_waits_for_others_as_it_says() {
    let web = unit("web", r#"{"after": ["log", "boot"], "requires": ["data"]}"#);
    let mut services = services(vec![web, unit("log", "{}"), unit("data", "{}")]);
    let later = Instant::now() + Duration::from_secs(1);
    for (log, data, free) in [
        (State::Waiting, State::Ready, Ok(false)),
        (State::Starting, State::Ready, Ok(false)),
        (State::Ready, State::Ready, Ok(true)),
        (State::Failed, State::Ready, Ok(true)),
        (State::Delayed(later, Good::No), State::Done, Ok(true)),
        (State::Ready, State::Delayed(later, Good::Yes), Ok(true)),
        (State::Ready, State::Delayed(later, Good::No), Ok(false)),
        (State::Ready, State::Starting, Ok(false)),
        (State::Ready, State::Failed, Err("data".to_owned())),
        (State::Ready, State::Stopped, Err("data".to_owned())),
    ] {
        services.units[1].state = log.clone();
        services.units[2].state = data.clone();
        assert_eq!(services.is_free(0), free, "{log:?} {data:?}");
    }
}

#[test]
fn a_boot_is_good_when_no_service_has_failed() {
    let mut web = unit("web", "{}");
    let later = Instant::now();
    for (state, well) in [
        (State::Waiting, false),
        (State::Starting, false),
        (State::Failed, false),
        (State::Delayed(later, Good::No), false),
        (State::Delayed(later, Good::Yes), true),
        (State::Ready, true),
        (State::Done, true),
        (State::Stopped, true),
    ] {
        web.state = state.clone();
        assert_eq!(web.is_well(), well, "{state:?}");
    }
}
