//! `kit sign`: signatures of files, beside them.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kit_audit::dsse::Envelope;
use kit_audit::signature::{KeyError, PrivateKey, PublicKey, Signature, agent};
use kit_audit::statement::Statement;
use kit_source::agent::exchange;
use serde_json::json;

use crate::Failure;
use crate::context::Context;
use crate::project::{open_file, read_file, write_file};

const EXAMPLES: &str = "\
Examples:
  kit sign out/minimal.tar --key ~/.ssh/id_ed25519         writes out/minimal.tar.sig: `ssh-keygen -Y verify` accepts it
  kit sign out/minimal.tar --key minisign.key              writes out/minimal.tar.minisig
  kit sign out/minimal.tar --key cosign.pem --to a.sig     what `cosign verify-blob --key` and `openssl` accept
  kit sign out/minimal.tar --agent ~/.ssh/id_ed25519.pub   by the SSH agent, which keeps the key
  kit sign minimal.intoto.json --key key.pem --envelope    a DSSE envelope around a statement; a second key adds its signature

`kit verify --signatures FILE` checks them by the keys that `kit.toml` trusts.";

/// Sign files with a key of SSH, minisign, cosign or openssl
///
/// A signature is a file of its own; what is signed doesn't change. The same key and the same bytes give the same signature.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
#[command(group = clap::ArgGroup::new("by").required(true).args(["key", "agent"]))]
pub(crate) struct Args {
    /// Sign this file (can be repeated)
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Sign with the private key in this file
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Sign through the SSH agent with the key whose public half is in this file [env: `SSH_AUTH_SOCK`]
    #[arg(long, value_name = "FILE")]
    agent: Option<PathBuf>,
    /// Read the passphrase of the key from the first line of this file [default: asked for on the terminal]
    #[arg(long, value_name = "FILE", conflicts_with = "agent")]
    passphrase_file: Option<PathBuf>,
    /// Put a statement (in-toto, JSON) into a DSSE envelope, or add a signature to one
    #[arg(long)]
    envelope: bool,
    /// Write the signature to this file [default: beside the file, with `.sig`, `.minisig` or `.dsse` behind its name]
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

/// What signs.
enum Signer<'a> {
    Key(Box<PrivateKey>),
    Agent(Box<PublicKey>, &'a Path),
}

pub(crate) fn run(args: &Args, context: &Context) -> Result<ExitCode, Failure> {
    if args.to.is_some() && args.files.len() > 1 {
        return Err(Failure::OneSignature { files: args.files.len() });
    }
    let signer = signer(args, context)?;
    let mut results = Vec::new();
    for file in &args.files {
        let (path, text) =
            if args.envelope { envelope(args, &signer, file)? } else { plain(args, &signer, file)? };
        write_file(&path, &text)?;
        context.output.data(&format!("{}\n", path.display())).map_err(Failure::Output)?;
        results.push(json!({ "file": file, "signature": path, "key": signer.id() }));
    }
    context.output.result(&json!({ "signed": results })).map_err(Failure::Output)?;
    Ok(ExitCode::SUCCESS)
}

impl Signer<'_> {
    fn id(&self) -> String {
        match self {
            Self::Key(key) => key.public_key().id(),
            Self::Agent(key, _) => key.id(),
        }
    }
}

fn signer<'a>(args: &Args, context: &'a Context) -> Result<Signer<'a>, Failure> {
    if let Some(path) = &args.agent {
        let text = read_file(path, PublicKey::LIMIT as u64)?;
        let text =
            String::from_utf8(text).map_err(|_| Failure::NotText { path: path.display().to_string() })?;
        let key = PublicKey::parse(&text).map_err(|source| Failure::Key { path: path.clone(), source })?;
        let socket = context.environment.agent.as_deref().ok_or(Failure::NoAgent)?;
        return Ok(Signer::Agent(Box::new(key), socket));
    }
    let path = args.key.as_ref().expect("because one of both is required");
    let bytes = read_file(path, PublicKey::LIMIT as u64)?;
    let failed = |source| Failure::Key { path: path.clone(), source };
    let key = match PrivateKey::parse(&bytes, None) {
        Err(KeyError::NeedsPassphrase) => {
            PrivateKey::parse(&bytes, Some(&passphrase(args, path)?)).map_err(failed)?
        }
        read => read.map_err(failed)?,
    };
    Ok(Signer::Key(Box::new(key)))
}

fn passphrase(args: &Args, key: &Path) -> Result<String, Failure> {
    const LONGEST: u64 = 4096;
    if let Some(path) = &args.passphrase_file {
        let bytes = read_file(path, LONGEST)?;
        let text =
            String::from_utf8(bytes).map_err(|_| Failure::NotText { path: path.display().to_string() })?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    let prompt = format!("passphrase of `{}`: ", key.display());
    rpassword::prompt_password(prompt)
        .map_err(|source| Failure::NoPassphrase { path: key.to_owned(), source })
}

fn open(file: &Path) -> Result<BufReader<File>, Failure> {
    Ok(BufReader::new(open_file(file)?))
}

/// Signs the bytes of a file.
fn plain(args: &Args, signer: &Signer<'_>, file: &Path) -> Result<(PathBuf, Vec<u8>), Failure> {
    let failed = |source| Failure::Sign { path: file.to_owned(), source: Box::new(source) };
    let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let signature = match signer {
        Signer::Key(key) => key.sign(&mut open(file)?, &format!("file:{name}")).map_err(failed)?,
        Signer::Agent(key, socket) => {
            let unsigned = agent::Unsigned::new(key, &mut open(file)?).map_err(failed)?;
            let answer = ask(socket, &unsigned)?;
            unsigned.signature(&answer).map_err(|source| agent_failed(socket, source))?
        }
    };
    let path = args.to.clone().unwrap_or_else(|| beside(file, signature.file_suffix()));
    if args.to.is_none() {
        check_free(&path, &signature, &signer.id())?;
    }
    Ok((path, signature.to_text().into_bytes()))
}

/// Puts a statement into an envelope, or adds a signature to the one that is there.
fn envelope(args: &Args, signer: &Signer<'_>, file: &Path) -> Result<(PathBuf, Vec<u8>), Failure> {
    const SUFFIX: &str = ".dsse";
    let failed =
        |source: Box<dyn std::error::Error + Send + Sync>| Failure::Sign { path: file.to_owned(), source };
    let path = args.to.clone().unwrap_or_else(|| beside(file, SUFFIX));
    let statement = read_file(file, Statement::LIMIT)?;
    let earlier = path.is_file().then(|| read_file(&path, Envelope::LIMIT as u64)).transpose()?;
    let mut envelope = match earlier {
        Some(text) => Envelope::parse(&text).map_err(|source| failed(Box::new(source)))?,
        None => Envelope::new(statement.clone()),
    };
    if envelope.payload() != statement.as_slice() {
        return Err(Failure::OtherEnvelope { path, file: file.to_owned() });
    }
    match signer {
        Signer::Key(key) => envelope.sign(key).map_err(|source| failed(Box::new(source)))?,
        Signer::Agent(key, socket) => {
            let unsigned = envelope.unsigned(key).map_err(|source| failed(Box::new(source)))?;
            let answer = ask(socket, &unsigned)?;
            envelope.sign_by_agent(&unsigned, &answer).map_err(|source| failed(Box::new(source)))?;
        }
    }
    let text = envelope.to_text().map_err(|source| failed(Box::new(source)))?;
    Ok((path, text))
}

fn ask(socket: &Path, unsigned: &agent::Unsigned) -> Result<Vec<u8>, Failure> {
    let request = unsigned.request().map_err(|source| agent_failed(socket, source))?;
    let size = |size| agent::answer_size(size).map_err(std::io::Error::other);
    exchange(socket, &request, &size)
        .map_err(|source| Failure::Agent { socket: socket.to_owned(), source: Box::new(source) })
}

fn agent_failed(socket: &Path, source: agent::AgentError) -> Failure {
    Failure::Agent { socket: socket.to_owned(), source: Box::new(source) }
}

/// Returns the path of a file with something behind its name.
fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut path = file.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

/// Fails where the signature of another key is already there: it would be lost.
fn check_free(path: &Path, signature: &Signature, key: &str) -> Result<(), Failure> {
    if !path.is_file() {
        return Ok(());
    }
    let mut bytes = Vec::new();
    _ = open_file(path)?.take(Signature::LIMIT as u64 + 1).read_to_end(&mut bytes);
    match Signature::parse(&bytes) {
        Ok(there) if there == *signature || there.key().is_some_and(|there| there == key) => Ok(()),
        // A signature of this format names no key, so nobody knows whose it is.
        _ => Err(Failure::SignedBefore { path: path.to_owned() }),
    }
}
