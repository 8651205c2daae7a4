use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, prop_assert_eq, proptest};

use super::*;

/// A job with every field set, and each to something else.
fn full_job() -> Job {
    Job {
        root: "/root".into(),
        binds: vec![
            Bind { source: "/a".into(), target: "/b".into(), access: Access::Writable },
            Bind {
                source: OsString::from_vec(vec![b'/', 0xff]).into(),
                target: "/c".into(),
                access: Access::ReadOnly,
            },
        ],
        tmpfs: vec![Tmpfs { target: "/tmp".into(), size_bytes: 1 << 40, mode: 0o1777 }],
        devices: BTreeSet::from(["/dev/kvm".into()]),
        command: vec!["sh".into(), "-c".into(), "".into()],
        env: BTreeMap::from([("PATH".into(), "/bin".into()), ("EMPTY".into(), "".into())]),
        cwd: "/work".into(),
        identity: Identity { uid: 1000, gid: u32::MAX },
        host_name: "host".to_owned(),
        domain_name: "domain".to_owned(),
        host: Host {
            umask: 0o077,
            release: Release::Old,
            addresses: Addresses::Fixed,
            clock: Clock::Ahead(7),
        },
        cpus: Some(Cpus { count: 3, first: 1 }),
        network: Network::Host,
        seccomp: Seccomp::Unfiltered,
        limits: Limits {
            wall: Some(Duration::from_millis(1500)),
            memory_bytes: None,
            processes: Some(7),
            output_bytes: u64::MAX,
            file_bytes: Some(0),
            open_files: Some(9),
        },
        stdio: Stdio::Inherited,
    }
}

#[test]
fn a_job_arrives_as_it_was_sent() {
    let job = full_job();
    let frame = Errand::run_frame(&job);
    let payload = read_frame(frame.as_slice()).unwrap().unwrap();
    let Errand::Run(read) = Errand::decode(&payload).unwrap() else { panic!("the errand is to run") };
    assert_eq!(format!("{read:?}"), format!("{job:?}"));
    assert!(matches!(Errand::decode(&Errand::probe_frame()[8..]), Ok(Errand::Probe)));
    let probe = Errand::decode(&Errand::probe_host_frame(job.host)[8..]).unwrap();
    assert!(matches!(probe, Errand::ProbeHost(host) if host == job.host));
}

#[test]
fn reports_arrive_as_they_were_sent() {
    let failures =
        Step::ALL.map(|step| Report::Failed(Failure { step, path: Some("/x".into()), errno: libc::EPERM }));
    let usage = Usage { wall: Duration::from_secs(1), cpu: Duration::from_millis(2), peak_memory_bytes: 3 };
    let ends = [End::Exited(3), End::Signalled(9), End::TimedOut, End::Stopped];
    let ends = ends.map(|end| Report::Finished { end, usage });
    for report in failures.into_iter().chain(ends).chain([Report::Started]) {
        assert_eq!(Report::decode(&report.frame()[8..]), Ok(report));
    }
}

#[test]
fn every_truncation_is_an_error() {
    let frame = Errand::run_frame(&full_job());
    for length in 1..frame.len() {
        assert!(read_frame(&frame[..length]).is_err(), "{length}");
    }
    for length in 0..frame.len() - 8 {
        assert!(Errand::decode(&frame[8..8 + length]).is_err(), "{length}");
    }
    assert!(read_frame(&[][..]).unwrap().is_none());
    assert!(read_frame(&u64::MAX.to_le_bytes()[..]).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn hostile_bytes_never_panic(bytes in vec(any::<u8>(), 0..300), place in any::<usize>(), byte in any::<u8>()) {
        let _ = (Errand::decode(&bytes).is_ok(), Report::decode(&bytes).is_ok());
        let mut frame = Errand::run_frame(&full_job()).split_off(8);
        let place = place % frame.len();
        frame[place] = byte;
        if let Ok(Errand::Run(job)) = Errand::decode(&frame) {
            prop_assert_eq!(Errand::run_frame(&job).split_off(8).len(), frame.len());
        }
    }
}
