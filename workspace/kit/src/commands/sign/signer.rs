//! What signs: a key in a file, or one that an SSH agent holds.

use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kit_audit::dsse::Envelope;
use kit_audit::signature::{Format, KeyError, PrivateKey, PublicKey, Signature, agent};
use kit_source::agent::exchange;

use super::Args;
use crate::Failure;
use crate::context::Context;
use crate::project::{open_file, read_file};

/// What signs.
pub(super) enum Signer<'a> {
    Key(Box<PrivateKey>),
    Agent(Box<PublicKey>, &'a Path),
}

impl<'a> Signer<'a> {
    /// Reads the key that is named.
    pub(super) fn read(args: &Args, context: &'a Context) -> Result<Self, Failure> {
        if let Some(path) = &args.agent {
            let text = read_file(path, PublicKey::LIMIT as u64)?;
            let text =
                String::from_utf8(text).map_err(|_| Failure::NotText { path: path.display().to_string() })?;
            let key =
                PublicKey::parse(&text).map_err(|source| Failure::Key { path: path.clone(), source })?;
            let socket = context.environment.agent.as_deref().ok_or(Failure::NoAgent)?;
            return Ok(Self::Agent(Box::new(key), socket));
        }
        let path = args.key.as_ref().expect("because one of both is required");
        let bytes = read_file(path, PublicKey::LIMIT as u64)?;
        let failed = |source| Failure::Key { path: path.clone(), source };
        let key = match PrivateKey::parse(&bytes, None) {
            Err(KeyError::NeedsPassphrase) => {
                let passphrase = passphrase(args.passphrase_file.as_deref(), path)?;
                PrivateKey::parse(&bytes, Some(&passphrase)).map_err(failed)?
            }
            read => read.map_err(failed)?,
        };
        warn_of_others(path, context)?;
        Ok(Self::Key(Box::new(key)))
    }

    /// Returns the fingerprint of the key.
    pub(super) fn id(&self) -> String {
        self.public_key().id()
    }

    /// Whether it signs as cosign does.
    pub(super) fn is_pem(&self) -> bool {
        self.public_key().format() == Format::Pem
    }

    fn public_key(&self) -> PublicKey {
        match self {
            Self::Key(key) => key.public_key(),
            Self::Agent(key, _) => (**key).clone(),
        }
    }

    /// Signs what is read; `of` is what a failure names.
    pub(super) fn sign(
        &self,
        content: &mut dyn Read,
        comment: &str,
        of: &Path,
    ) -> Result<Signature, Failure> {
        let failed = |source| Failure::Sign { path: of.to_owned(), source: Box::new(source) };
        match self {
            Self::Key(key) => key.sign(content, comment).map_err(failed),
            Self::Agent(key, socket) => {
                let unsigned = agent::Unsigned::new(key, content).map_err(failed)?;
                let answer = ask(socket, &unsigned)?;
                unsigned.signature(&answer).map_err(|source| agent_failed(socket, source))
            }
        }
    }

    /// Adds a signature to an envelope, and returns its text.
    pub(super) fn sign_envelope(&self, mut envelope: Envelope, of: &Path) -> Result<Vec<u8>, Failure> {
        let failed =
            |source: Box<dyn std::error::Error + Send + Sync>| Failure::Sign { path: of.to_owned(), source };
        match self {
            Self::Key(key) => envelope.sign(key).map_err(|source| failed(Box::new(source)))?,
            Self::Agent(key, socket) => {
                let unsigned = envelope.unsigned(key).map_err(|source| failed(Box::new(source)))?;
                let answer = ask(socket, &unsigned)?;
                envelope.sign_by_agent(&unsigned, &answer).map_err(|source| failed(Box::new(source)))?;
            }
        }
        envelope.to_text().map_err(|source| failed(Box::new(source)))
    }
}

/// Reads the passphrase of a key from a file, or asks for it.
pub(super) fn passphrase(file: Option<&Path>, key: &Path) -> Result<String, Failure> {
    const LONGEST: u64 = 4096;
    if let Some(path) = file {
        let bytes = read_file(path, LONGEST)?;
        let text =
            String::from_utf8(bytes).map_err(|_| Failure::NotText { path: path.display().to_string() })?;
        return Ok(text.lines().next().unwrap_or_default().to_owned());
    }
    let prompt = format!("passphrase of `{}`: ", key.display());
    rpassword::prompt_password(prompt)
        .map_err(|source| Failure::NoPassphrase { path: key.to_owned(), source })
}

/// Says so when others can read a key.
pub(super) fn warn_of_others(path: &Path, context: &Context) -> Result<(), Failure> {
    if is_open_to_others(path)? {
        let shown = path.display();
        context.output.say(&format!("others can read the key `{shown}`: `chmod 600 {shown}`\n"));
    }
    Ok(())
}

/// Whether others than the owner of a key can read it. OpenSSH refuses such keys; what signs in CI often has no choice.
fn is_open_to_others(path: &Path) -> Result<bool, Failure> {
    let failed = |source| Failure::File { action: "read", path: path.to_owned(), source };
    Ok(open_file(path)?.metadata().map_err(failed)?.permissions().mode() & 0o077 != 0)
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
