//! What can go wrong in the command line, besides what goes wrong in a build.

use std::io;
use std::path::PathBuf;

use kit_build::BuildError;
use kit_hash::PinId;
use kit_plan::PlanError;
use kit_recipe::{Name, Problems};
use kit_store::StoreError;
use kit_store::verify::Finding;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// A build or the making of a lockfile failed.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A machine isn't what was asked for.
    #[error(transparent)]
    Machine(#[from] crate::qemu::MachineError),
    /// Something can't be booted.
    #[error(transparent)]
    Run(#[from] crate::commands::run::RunError),
    /// Nobody can be answered on an address.
    #[error("cannot listen on {address}")]
    Listen {
        address: std::net::SocketAddr,
        #[source]
        source: io::Error,
    },
    /// An image can't be had as it was.
    #[error(transparent)]
    Revision(#[from] crate::revision::RevisionError),
    /// No bad state can be looked for, or found.
    #[error(transparent)]
    Bisect(#[from] crate::commands::bisect::BisectError),
    /// A disk isn't converted.
    #[error(transparent)]
    Convert(#[from] crate::commands::convert::ConvertError),
    /// A program of a tool can't be started.
    #[error("no program of tool `{tool}` can be run")]
    Tool {
        tool: String,
        #[source]
        source: kit_sandbox::SandboxError,
    },
    /// A program of packages can't be started.
    #[error("no program of `{package}` can be run")]
    Program {
        package: String,
        #[source]
        source: kit_sandbox::SandboxError,
    },
    /// No step has failed, or what it left was collected.
    #[error("no failed {} is kept", package.as_ref().map_or("step".to_owned(), |name| format!("build of `{name}`")))]
    NothingFailed { package: Option<String> },
    /// A shell in several builds at once.
    #[error("a shell steps into one build, not into {}", packages.len())]
    ManyBuilds { packages: Vec<String> },
    /// A package that no script builds, to step into.
    #[error("no script builds {recipe}, so there is nothing to step into")]
    NothingToStepInto { recipe: String },
    /// A package that is in no lockfile that holds.
    #[error("no lockfile pins package `{package}`")]
    NotPinned { package: String },
    /// An image, or a package that no script builds.
    #[error("no script builds {recipe}")]
    NoScript { recipe: String },
    /// Recipes have problems.
    #[error("the recipes have problems")]
    Recipes(Vec<PlanError>),
    /// `kit.toml` has problems.
    #[error("`{path}` has problems")]
    Settings { path: String, text: String, problems: Problems },
    /// LinuxKit's YAML has problems.
    #[error("the files have problems")]
    LinuxKit { files: Vec<kit_recipe::linuxkit::SourceFile>, problems: kit_recipe::linuxkit::FileProblems },
    /// Recipes that an import would replace.
    #[error("{} there and {} something else", named(paths), if paths.len() == 1 { "says" } else { "say" })]
    RecipesThere { paths: Vec<String> },
    /// Two files of an import that become the same recipe.
    #[error("two files become {recipe}")]
    ImportedTwice { recipe: kit_recipe::recipe::RecipeName },
    /// LinuxKit's file of a package, without one of an image.
    #[error("`{}` is a package, and no image names it", path.display())]
    PackageAlone { path: PathBuf },
    /// No directory upward is a project.
    #[error("`{}` is in no project", start.display())]
    NoProject { start: PathBuf },
    /// A file or directory can't be used.
    #[error("cannot {action} `{}`", path.display())]
    File {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A file of the project is no text.
    #[error("`{path}` is no UTF-8 text")]
    NotText { path: String },
    /// An environment variable that can't be used.
    #[error("`{value}` is no value for `{name}`")]
    Variable { name: &'static str, value: String, wanted: &'static str },
    /// The command needs one image and the project has several, or none.
    #[error("{}", which(images))]
    WhichImage { images: Vec<Name> },
    /// A name that can't be one.
    #[error("`{text}` is no name of {what}")]
    BadName { text: String, what: &'static str },
    /// Lockfiles are stale, and `--check` found it out.
    #[error("{} not up to date", stale(lockfiles))]
    Outdated { lockfiles: Vec<Outdated> },
    /// A directory for a new project that holds something.
    #[error("`{}` is not empty: `{found}` is in it", path.display())]
    NotEmpty { path: PathBuf, found: String },
    /// Something of a plan that isn't in the store.
    #[error("{what} is not built yet")]
    NotBuilt { what: String, subject: String },
    /// A path that the image hasn't got.
    #[error("`{path}` is not in image `{image}`")]
    NoSuchPath { path: String, image: String, close: Vec<String> },
    /// A name that nothing in the image has.
    #[error("nothing that is called `{name}` takes part in image `{image}`")]
    NoSuchComponent { name: String, image: String, close: Option<String> },
    /// A capability that Linux hasn't got.
    #[error("there is no capability `{name}`")]
    NoSuchCapability { name: String, close: Option<String> },
    /// A vulnerability to ask about, and no advisories to ask.
    #[error("there are no advisories to ask about `{id}`")]
    NoAdvisories { id: String, image: String },
    /// A vulnerability that the advisories say nothing of.
    #[error("nothing is said of `{id}` in the advisories {advisories}")]
    UnknownVulnerability { id: String, advisories: String },
    /// A byte behind the end of a file.
    #[error("`{file}` has no byte {offset}{}", length.map(|length| format!(": it has {length} bytes")).unwrap_or_default())]
    NoSuchByte { file: String, offset: u64, length: Option<u64> },
    /// Outputs of which one is meant, or that don't have the one that is.
    #[error("{}", which_output(image, of.as_deref()))]
    WhichOutput { image: String, of: Option<String>, outputs: Vec<String> },
    /// A name that is neither an image nor a package.
    #[error("there is no image or package `{name}`")]
    NoSuchRecipe { name: String, close: Option<String> },
    /// A container that the image hasn't got.
    #[error("image `{image}` has no container `{name}`")]
    NoContainer { image: String, name: String, close: Option<String> },
    /// A layout that hasn't got what is named, or several where one is meant.
    #[error("{}", which_of_layout(path, names))]
    WhichOfLayout { path: PathBuf, names: Vec<String> },
    /// A package or an image to update that nothing uses.
    #[error("nothing uses `{package}`")]
    NotUsed { package: String, close: Option<String> },
    /// A word that help knows nothing about.
    #[error("there is no command or topic `{topic}`")]
    NoTopic { topic: String },
    /// A step that no plan has, or that never printed anything.
    #[error("there is no log of `{title}`")]
    NoLog { title: String, known: Vec<String> },
    /// A rebuild came out different.
    #[error("{} not reproducible: {} came out different", named(different), crate::units::count(*steps, "step"))]
    NotReproducible { different: Vec<String>, steps: usize },
    /// Files aren't what their lockfiles give.
    #[error("{} not what {} gives", named(files), if files.len() == 1 { "its lockfile" } else { "their lockfiles" })]
    OtherFile { files: Vec<String> },
    /// A statement is about one thing.
    #[error("a statement is about one image, not {subjects}")]
    OneStatement { subjects: usize },
    /// A file of a kind that no lockfile makes.
    #[error("`{}` is nothing that kit can verify", path.display())]
    UnknownArtifact { path: PathBuf },
    /// A file of a known kind that is damaged.
    #[error("`{}` can't be read", path.display())]
    UnreadableArtifact {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file that doesn't say which lockfile it comes from.
    #[error("`{}` carries no lockfile's digest", path.display())]
    NoPin { path: PathBuf, kind: &'static str },
    /// No lockfile has the pins that a file carries, or none whose recipes are there.
    #[error("{} pins {pin}", if changes.is_empty() { "no lockfile" } else { "no lockfile whose recipes are still the same" })]
    NoLockFor { pin: PinId, locks: Vec<String>, changes: Vec<String> },
    /// The lockfile that is given is another one.
    #[error("`{path}` is not the lockfile of this file")]
    OtherLock { path: String, expected: PinId, found: PinId },
    /// The project's history can't be read.
    #[error("the project's history can't be read")]
    History(#[source] kit_source::git::GitError),
    /// A file is verified as a whole.
    #[error("a file is verified as a whole")]
    WholeFile,
    /// A file is compared with one other.
    #[error("`--against` compares one file with one other, not {subjects}")]
    OneAgainst { subjects: usize },
    /// A file and a directory have nothing in common.
    #[error("`{}` is a file, `{}` a directory", file.display(), directory.display())]
    FileAndDirectory { file: PathBuf, directory: PathBuf },
    /// Statements that can't be compared one by one.
    #[error("{}", match count { 0 => "no statement is named".to_owned(), count => format!("{count} statements are more than {most}") })]
    Statements { count: usize, most: usize },
    /// A file that is no statement of kit's.
    #[error("`{file}` is no statement that can be compared")]
    Statement {
        file: String,
        #[source]
        source: kit_audit::statement::StatementError,
    },
    /// Statements that are about different things.
    #[error("the statements can't be compared")]
    Incomparable(Vec<kit_audit::quorum::QuorumError>),
    /// Too few verifiers agree.
    #[error("{}", no_quorum(image, *agreeing, *groups, *needed))]
    NoQuorum { image: String, agreeing: usize, groups: usize, needed: usize },
    /// An image without the files that a boot measures.
    #[error("image `{image}` has no kernel and initrd to measure")]
    NotMeasured { image: String },
    /// A policy has problems.
    #[error("`{path}` has problems")]
    Policy { path: String, text: String, problems: Problems },
    /// An audit found what its policy denies.
    #[error("the audit of `{image}` {summary}")]
    Denied { image: String, summary: String },
    /// What others have is to be asked, and no socket to be opened.
    #[error("`--online` asks others, and `--offline` opens no socket")]
    OnlineOffline,
    /// Something that the command line names can't be opened.
    #[error("`{name}` can't be opened")]
    Open {
        name: String,
        #[source]
        source: crate::opened::error::OpenError,
    },
    /// Something that is neither an image, nor there, nor in a registry.
    #[error("`{text}` is no image of the project, no file, and no reference")]
    NothingToAudit { text: String },
    /// The lockfile of the tools, to audit.
    #[error("`{path}` is that of the tools, not of an image")]
    ToolsAudited { path: String },
    /// Advisories or a VEX document can't be used.
    #[error("{}", unusable(path.as_deref()))]
    Advisories {
        path: Option<PathBuf>,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Advisories are to be pinned, and nobody says from where.
    #[error("no advisories are named")]
    NoneNamed,
    /// Advisories that say nothing of what the lockfile pins.
    #[error("{} {} nothing of {release}, nor of crates", quoted(names), if names.len() == 1 { "says" } else { "say" })]
    AdvisoriesOfOthers { names: Vec<String>, release: String },
    /// Advisories for a lockfile without any release of Debian.
    #[error("advisories are for a release of Debian, and the lockfile pins nothing of one")]
    NoRelease,
    /// The advisories that a lockfile pins are nowhere.
    #[error("the advisories that the lockfile of `{image}` pins (sha256 {}) aren't in the store", sha256.short())]
    NoSnapshot { sha256: kit_hash::Sha256, image: String },
    /// A key can't be used.
    #[error("`{}` can't be used as a key", path.display())]
    Key {
        path: PathBuf,
        #[source]
        source: kit_audit::signature::KeyError,
    },
    /// A file is no certificate.
    #[error("`{}` can't be used as a certificate", path.display())]
    Certificate {
        path: PathBuf,
        #[source]
        source: kit_audit::signature::secure_boot::CertificateError,
    },
    /// A certificate is about another key than the one that is to sign.
    #[error("the certificate `{}` is about another key than `{}`", certificate.display(), key.display())]
    OtherCertificate { certificate: PathBuf, key: PathBuf },
    /// The passphrase of a key can't be asked for.
    #[error("the key `{}` is encrypted, and its passphrase can't be asked for", path.display())]
    NoPassphrase {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// There is no SSH agent.
    #[error("there is no SSH agent")]
    NoAgent,
    /// The SSH agent doesn't sign.
    #[error("the SSH agent at `{}` didn't sign", socket.display())]
    Agent {
        socket: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file can't be signed.
    #[error("`{}` can't be signed", path.display())]
    Sign {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// One signature's place for several files.
    #[error("`--to` names one signature, and there are {files} files")]
    OneSignature { files: usize },
    /// An option that says nothing about images.
    #[error("`{option}` is about files, and `{subject}` is an image")]
    OnlyOfFiles { option: &'static str, subject: String },
    /// An option that says nothing about files.
    #[error("`{option}` is about images, and `{subject}` is a file")]
    OnlyOfImages { option: &'static str, subject: String },
    /// Somebody else's signature would be replaced.
    #[error("`{}` is the signature of another key, or of another state of the file", path.display())]
    SignedBefore { path: PathBuf },
    /// An envelope holds something else than what is to be signed.
    #[error("`{}` holds something else than `{}`", path.display(), file.display())]
    OtherEnvelope { path: PathBuf, file: PathBuf },
    /// An envelope can't be read.
    #[error("`{}` can't be read as an envelope", path.display())]
    Envelope {
        path: PathBuf,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No key is trusted.
    #[error("the project trusts no key")]
    NobodyTrusted,
    /// Files that too few trusted keys signed.
    #[error("{} isn't signed by enough trusted keys", crate::failure::quoted(files))]
    NotSigned { files: Vec<String> },
    /// A bundle that hasn't got all that lockfiles need.
    #[error("`{}` lacks {} of what is needed", path.display(), crate::units::count(*wrong, "file"))]
    BundleLacks { path: PathBuf, wrong: usize, subjects: Vec<String> },
    /// A bundle whose proofs contradict what is pinned.
    #[error("`{}` doesn't prove what is pinned: {} broken", path.display(), crate::units::count(*broken, "chain"))]
    BundleUnproved { path: PathBuf, broken: usize },
    /// A bundle that another kit wrote, without the project's own files.
    #[error("`{}` has no files of a project", path.display())]
    BundleWithoutProject { path: PathBuf },
    /// A bundle that would write what version control runs.
    #[error("`{}` has `{found}` among the project's files, which would be a repository", path.display())]
    BundleWithHooks { path: PathBuf, found: String },
    /// A page or statement can't be put together.
    #[error("cannot put the {what} together")]
    Evidence {
        what: &'static str,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Verification of the store found something.
    #[error("the store has {}", crate::units::count(*left, "problem"))]
    Damaged { left: usize, repair: Repair },
    /// Standard output can't be written.
    #[error("cannot write to standard output")]
    Output(#[source] io::Error),
}

/// Whether a repair was tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repair {
    Tried,
    NotTried,
}

/// A lockfile that isn't up to date and why, one line for each reason.
#[derive(Debug)]
pub(crate) struct Outdated {
    pub(crate) path: String,
    pub(crate) subject: String,
    pub(crate) reasons: Vec<String>,
}

fn named(different: &[String]) -> String {
    let names: Vec<_> = different.iter().map(|name| format!("`{name}`")).collect();
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

fn no_quorum(image: &str, agreeing: usize, groups: usize, needed: usize) -> String {
    let verifiers = crate::units::count(agreeing, "verifier");
    if groups > 1 {
        return format!(
            "verifiers of `{image}` contradict each other: {groups} groups of {verifiers} agree on different outputs"
        );
    }
    let verb = if agreeing == 1 { "agrees" } else { "agree" };
    format!("{verifiers} of `{image}` {verb}, {needed} are needed")
}

fn which(images: &[Name]) -> String {
    if images.is_empty() {
        return "the project has no image".to_owned();
    }
    let names: Vec<_> = images.iter().map(|name| format!("`{name}`")).collect();
    format!("the project has {} images: {}", names.len(), names.join(", "))
}

fn which_of_layout(path: &std::path::Path, names: &[String]) -> String {
    let path = path.display();
    if names.is_empty() {
        return format!("`{path}` has no image with a name");
    }
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    format!("`{path}` has {}", names.join(", "))
}

fn stale(lockfiles: &[Outdated]) -> String {
    let paths: Vec<_> = lockfiles.iter().map(|lockfile| format!("`{}`", lockfile.path)).collect();
    let verb = if paths.len() == 1 { "is" } else { "are" };
    format!("{} {verb}", paths.join(", "))
}

impl Failure {
    /// Returns what of the store is damaged or gone, when that is why the command failed.
    pub(crate) fn damage(&self) -> Vec<Finding> {
        match self {
            Self::Build(error) => error.damage(),
            Self::Store(error) => kit_build::repair::finding(error).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// Whether it only means that nobody reads standard output any more.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(source) if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

fn which_output(image: &str, of: Option<&str>) -> String {
    match of {
        Some(of) => format!("`{image}` has no output `{of}`, or several"),
        None => format!("`{image}` has several outputs, and a byte is in one of them"),
    }
}

/// Says what can't be used: the advisories that are pinned, where no file is named.
fn unusable(path: Option<&std::path::Path>) -> String {
    match path {
        Some(path) => format!("`{}` can't be used", path.display()),
        None => "the advisories can't be used".to_owned(),
    }
}

/// Lists names in backticks.
pub(crate) fn quoted(names: &[String]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
