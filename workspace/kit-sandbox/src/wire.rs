//! The messages between caller and helper.
//!
//! Both sides are the same program, so there is no version. Each message is a frame: `u64` little-endian length, then as many bytes. Inside,
//! numbers are `u64` little-endian, byte strings and lists have their length in front, an optional value is a list of none or one, and
//! an enum is the number of its variant, then its fields, in written order.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;
use std::time::Duration;

use crate::error::Step;
use crate::job::{
    Access, Addresses, Bind, Clock, Cpus, Host, Identity, Job, Limits, Network, Release, Seccomp, Stdio,
    Tmpfs,
};
use crate::outcome::Usage;

#[cfg(test)]
mod tests;

/// Longest message that is read, in bytes. A job with every environment that the kernel lets a program have fits.
const LONGEST: u64 = 64 << 20;

/// What the helper is started for.
#[derive(Debug)]
pub(crate) enum Errand {
    /// Run this job.
    Run(Box<Job>),
    /// Make all namespaces and the mounts that need most, and end.
    Probe,
    /// Make all namespaces, have a process in them see this, and end.
    ProbeHost(Host),
}

/// What a helper's process has to say. A failure is followed by nothing of weight.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    /// The job could not be started.
    Failed(Failure),
    /// The job ended.
    Finished {
        /// How.
        end: End,
        /// What it cost.
        usage: Usage,
    },
    /// The job's command runs. Follows a failure to execute it, too, which was reported before.
    Started,
}

/// The step that failed in the helper.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) step: Step,
    pub(crate) path: Option<PathBuf>,
    pub(crate) errno: i32,
}

/// How a job ended, as the helper sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Exited(i32),
    Signalled(i32),
    TimedOut,
    /// The caller asked for it, or went away.
    Stopped,
}

/// The message can't be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message between sandbox and helper is malformed")]
pub(crate) struct Malformed;

/// Reads one frame; `None` at the end of the stream.
pub(crate) fn read_frame(mut source: impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 8];
    match source.read(&mut length[..1])? {
        0 => return Ok(None),
        _ => source.read_exact(&mut length[1..])?,
    }
    let length = u64::from_le_bytes(length);
    if length > LONGEST {
        return Err(io::Error::new(io::ErrorKind::InvalidData, Malformed));
    }
    let mut frame = Vec::new();
    if (source.take(length).read_to_end(&mut frame)? as u64) < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(frame))
}

impl Errand {
    pub(crate) fn run_frame(job: &Job) -> Vec<u8> {
        let mut encoder = Encoder::default();
        encoder.number(0);
        encoder.job(job);
        encoder.frame()
    }

    pub(crate) fn probe_frame() -> Vec<u8> {
        let mut encoder = Encoder::default();
        encoder.number(1);
        encoder.frame()
    }

    pub(crate) fn probe_host_frame(host: Host) -> Vec<u8> {
        let mut encoder = Encoder::default();
        encoder.number(2);
        encoder.host(host);
        encoder.frame()
    }

    pub(crate) fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let mut decoder = Decoder { rest: frame };
        let errand = match decoder.number()? {
            0 => Self::Run(Box::new(decoder.job()?)),
            1 => Self::Probe,
            2 => Self::ProbeHost(decoder.host()?),
            _ => return Err(Malformed),
        };
        decoder.end(errand)
    }
}

impl Report {
    pub(crate) fn frame(&self) -> Vec<u8> {
        let mut encoder = Encoder::default();
        match self {
            Self::Failed(Failure { step, path, errno }) => {
                encoder.number(0);
                encoder
                    .number(Step::ALL.iter().position(|known| known == step).map_or(0, |place| place as u64));
                encoder.list(path, |encoder, path| encoder.bytes(path.as_os_str()));
                encoder.signed(*errno);
            }
            Self::Finished { end, usage } => {
                encoder.number(1);
                encoder.end_of_job(*end);
                encoder.duration(usage.wall);
                encoder.duration(usage.cpu);
                encoder.number(usage.peak_memory_bytes);
            }
            Self::Started => encoder.number(2),
        }
        encoder.frame()
    }

    pub(crate) fn decode(frame: &[u8]) -> Result<Self, Malformed> {
        let mut decoder = Decoder { rest: frame };
        let report = match decoder.number()? {
            0 => {
                let step = usize::try_from(decoder.number()?).map_err(|_| Malformed)?;
                Self::Failed(Failure {
                    step: *Step::ALL.get(step).ok_or(Malformed)?,
                    path: decoder.option(Decoder::path)?,
                    errno: decoder.signed()?,
                })
            }
            1 => Self::Finished {
                end: decoder.end_of_job()?,
                usage: Usage {
                    wall: decoder.duration()?,
                    cpu: decoder.duration()?,
                    peak_memory_bytes: decoder.number()?,
                },
            },
            2 => Self::Started,
            _ => return Err(Malformed),
        };
        decoder.end(report)
    }
}

/// Writes values one after the other.
#[derive(Default)]
struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    fn frame(self) -> Vec<u8> {
        let mut frame = (self.bytes.len() as u64).to_le_bytes().to_vec();
        frame.extend(self.bytes);
        frame
    }

    fn number(&mut self, number: u64) {
        self.bytes.extend(number.to_le_bytes());
    }

    fn signed(&mut self, number: i32) {
        self.number(u64::from(number.cast_unsigned()));
    }

    fn duration(&mut self, duration: Duration) {
        self.number(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    fn bytes(&mut self, bytes: impl AsRef<OsStr>) {
        let bytes = bytes.as_ref().as_bytes();
        self.number(bytes.len() as u64);
        self.bytes.extend(bytes);
    }

    fn list<Item, List>(&mut self, list: List, mut item: impl FnMut(&mut Self, Item))
    where
        List: IntoIterator<Item = Item, IntoIter: Clone>,
    {
        let items = list.into_iter();
        self.number(items.clone().count() as u64);
        for each in items {
            item(self, each);
        }
    }

    fn end_of_job(&mut self, end: End) {
        let (variant, value) = match end {
            End::Exited(code) => (0, code),
            End::Signalled(signal) => (1, signal),
            End::TimedOut => (2, 0),
            End::Stopped => (3, 0),
        };
        self.number(variant);
        self.signed(value);
    }

    fn job(&mut self, job: &Job) {
        self.bytes(&job.root);
        self.list(&job.binds, |encoder, bind| {
            encoder.bytes(&bind.source);
            encoder.bytes(&bind.target);
            encoder.number(match bind.access {
                Access::ReadOnly => 0,
                Access::Writable => 1,
            });
        });
        self.list(&job.tmpfs, |encoder, tmpfs| {
            encoder.bytes(&tmpfs.target);
            encoder.number(tmpfs.size_bytes);
            encoder.number(u64::from(tmpfs.mode));
        });
        self.list(&job.devices, Encoder::bytes);
        self.list(&job.command, Encoder::bytes);
        self.list(&job.env, |encoder, (name, value)| {
            encoder.bytes(name);
            encoder.bytes(value);
        });
        self.bytes(&job.cwd);
        self.number(u64::from(job.identity.uid));
        self.number(u64::from(job.identity.gid));
        self.bytes(&job.host_name);
        self.bytes(&job.domain_name);
        self.host(job.host);
        self.list(job.cpus, |encoder, cpus| {
            encoder.number(u64::from(cpus.count));
            encoder.number(u64::from(cpus.first));
        });
        self.number(match job.network {
            Network::Loopback => 0,
            Network::Host => 1,
        });
        self.number(match job.seccomp {
            Seccomp::Build => 0,
            Seccomp::Unfiltered => 1,
        });
        self.limits(&job.limits);
        self.number(match job.stdio {
            // To the helper both are descriptors 1 and 2 already.
            Stdio::Captured | Stdio::Descriptor(_) => 0,
            Stdio::Inherited => 1,
        });
    }

    fn host(&mut self, host: Host) {
        self.number(u64::from(host.umask));
        self.number(match host.release {
            Release::Own => 0,
            Release::Old => 1,
        });
        self.number(match host.addresses {
            Addresses::Random => 0,
            Addresses::Fixed => 1,
        });
        let ahead = match host.clock {
            Clock::Own => None,
            Clock::Ahead(seconds) => Some(u64::from(seconds)),
        };
        self.list(ahead, Self::number);
    }

    fn limits(&mut self, limits: &Limits) {
        self.list(limits.wall, Self::duration);
        self.list(limits.memory_bytes, Self::number);
        self.list(limits.processes, Self::number);
        self.number(limits.output_bytes);
        self.list(limits.file_bytes, Self::number);
        self.list(limits.open_files, Self::number);
    }
}

/// Reads what [`Encoder`] wrote; never panics, never allocates more than there are bytes.
struct Decoder<'a> {
    rest: &'a [u8],
}

impl Decoder<'_> {
    fn end<Value>(&self, value: Value) -> Result<Value, Malformed> {
        if self.rest.is_empty() { Ok(value) } else { Err(Malformed) }
    }

    fn number(&mut self) -> Result<u64, Malformed> {
        let (number, rest) = self.rest.split_first_chunk().ok_or(Malformed)?;
        self.rest = rest;
        Ok(u64::from_le_bytes(*number))
    }

    fn small(&mut self) -> Result<u32, Malformed> {
        u32::try_from(self.number()?).map_err(|_| Malformed)
    }

    fn signed(&mut self) -> Result<i32, Malformed> {
        self.small().map(u32::cast_signed)
    }

    fn duration(&mut self) -> Result<Duration, Malformed> {
        self.number().map(Duration::from_nanos)
    }

    fn word(&mut self) -> Result<OsString, Malformed> {
        let length = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Malformed)?;
        self.rest = rest;
        Ok(OsString::from_vec(bytes.to_vec()))
    }

    fn path(&mut self) -> Result<PathBuf, Malformed> {
        self.word().map(PathBuf::from)
    }

    fn text(&mut self) -> Result<String, Malformed> {
        self.word()?.into_string().map_err(|_| Malformed)
    }

    fn list<Item, List: FromIterator<Item>>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<Item, Malformed>,
    ) -> Result<List, Malformed> {
        let length = self.number()?;
        (0..length).map(|_| item(self)).collect()
    }

    fn option<Item>(
        &mut self,
        item: impl FnMut(&mut Self) -> Result<Item, Malformed>,
    ) -> Result<Option<Item>, Malformed> {
        let mut items: Vec<Item> = self.list(item)?;
        let value = items.pop();
        if items.is_empty() { Ok(value) } else { Err(Malformed) }
    }

    fn choice<Value: Copy>(&mut self, values: &[Value]) -> Result<Value, Malformed> {
        let place = usize::try_from(self.number()?).map_err(|_| Malformed)?;
        values.get(place).copied().ok_or(Malformed)
    }

    fn end_of_job(&mut self) -> Result<End, Malformed> {
        match (self.number()?, self.signed()?) {
            (0, code) => Ok(End::Exited(code)),
            (1, signal) => Ok(End::Signalled(signal)),
            (2, 0) => Ok(End::TimedOut),
            (3, 0) => Ok(End::Stopped),
            _ => Err(Malformed),
        }
    }

    fn job(&mut self) -> Result<Job, Malformed> {
        Ok(Job {
            root: self.path()?,
            binds: self.list(|decoder| {
                Ok(Bind {
                    source: decoder.path()?,
                    target: decoder.path()?,
                    access: decoder.choice(&[Access::ReadOnly, Access::Writable])?,
                })
            })?,
            tmpfs: self.list(|decoder| {
                Ok(Tmpfs { target: decoder.path()?, size_bytes: decoder.number()?, mode: decoder.small()? })
            })?,
            devices: self.list(Self::path)?,
            command: self.list(Self::word)?,
            env: self.list(|decoder| Ok((decoder.word()?, decoder.word()?)))?,
            cwd: self.path()?,
            identity: Identity { uid: self.small()?, gid: self.small()? },
            host_name: self.text()?,
            domain_name: self.text()?,
            host: self.host()?,
            cpus: self.option(|decoder| Ok(Cpus { count: decoder.small()?, first: decoder.small()? }))?,
            network: self.choice(&[Network::Loopback, Network::Host])?,
            seccomp: self.choice(&[Seccomp::Build, Seccomp::Unfiltered])?,
            limits: self.limits()?,
            stdio: match self.number()? {
                0 => Stdio::Captured,
                1 => Stdio::Inherited,
                _ => return Err(Malformed),
            },
        })
    }

    fn host(&mut self) -> Result<Host, Malformed> {
        Ok(Host {
            umask: self.small()?,
            release: self.choice(&[Release::Own, Release::Old])?,
            addresses: self.choice(&[Addresses::Random, Addresses::Fixed])?,
            clock: self.option(Self::small)?.map_or(Clock::Own, Clock::Ahead),
        })
    }

    fn limits(&mut self) -> Result<Limits, Malformed> {
        Ok(Limits {
            wall: self.option(Self::duration)?,
            memory_bytes: self.option(Self::number)?,
            processes: self.option(Self::number)?,
            output_bytes: self.number()?,
            file_bytes: self.option(Self::number)?,
            open_files: self.option(Self::number)?,
        })
    }
}
