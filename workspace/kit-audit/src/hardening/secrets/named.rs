//! Files that hold credentials by their name: which lines do.

use kit_tree::TreePath;

/// What a file is, by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named {
    /// `.git-credentials`: addresses with a password in them.
    GitCredentials,
    /// `.netrc`: machines, logins, passwords.
    Netrc,
    /// `.pgpass`: host, port, database, user, password.
    PostgresPasswords,
    /// Docker's `config.json`: what registries are entered with.
    DockerConfig,
    /// `.aws/credentials`.
    AwsCredentials,
    /// What `gcloud` keeps for programs.
    GoogleCredentials,
    /// What Azure's command line keeps.
    AzureTokens,
    /// The configuration of Kubernetes' clients.
    KubeConfig,
    /// `.npmrc`.
    NpmConfig,
    /// `.pypirc`.
    PypiConfig,
    /// The credentials of cargo.
    CargoCredentials,
    /// What GitHub's command line keeps.
    GithubHosts,
    /// Keys of those who may log in.
    AuthorizedKeys,
}

/// Ends of paths, and what the files are.
const ENDS: [(&str, Named); 26] = [
    (".git-credentials", Named::GitCredentials),
    ("git/credentials", Named::GitCredentials),
    (".netrc", Named::Netrc),
    ("_netrc", Named::Netrc),
    (".pgpass", Named::PostgresPasswords),
    (".docker/config.json", Named::DockerConfig),
    (".dockercfg", Named::DockerConfig),
    (".config/containers/auth.json", Named::DockerConfig),
    (".aws/credentials", Named::AwsCredentials),
    ("gcloud/application_default_credentials.json", Named::GoogleCredentials),
    ("gcloud/legacy_credentials/adc.json", Named::GoogleCredentials),
    (".azure/accessTokens.json", Named::AzureTokens),
    (".azure/msal_token_cache.json", Named::AzureTokens),
    (".azure/service_principal_entries.json", Named::AzureTokens),
    (".kube/config", Named::KubeConfig),
    ("kubernetes/admin.conf", Named::KubeConfig),
    ("kubernetes/kubelet.conf", Named::KubeConfig),
    (".npmrc", Named::NpmConfig),
    (".pypirc", Named::PypiConfig),
    (".cargo/credentials", Named::CargoCredentials),
    (".cargo/credentials.toml", Named::CargoCredentials),
    (".config/gh/hosts.yml", Named::GithubHosts),
    (".ssh/authorized_keys", Named::AuthorizedKeys),
    (".ssh/authorized_keys2", Named::AuthorizedKeys),
    ("etc/dropbear/authorized_keys", Named::AuthorizedKeys),
    ("etc/ssh/authorized_keys", Named::AuthorizedKeys),
];
/// Ends of names of files with settings.
const SETTINGS: [&str; 11] = [
    ".cfg",
    ".conf",
    ".config",
    ".env",
    ".ini",
    ".json",
    ".properties",
    ".service",
    ".toml",
    ".yaml",
    ".yml",
];

/// Says what a file is by its path in a root.
pub(super) fn by_path(path: &TreePath) -> Option<Named> {
    let path = std::str::from_utf8(path.as_bytes()).ok()?;
    if path.starts_with("etc/ssh/authorized_keys.d/") {
        return Some(Named::AuthorizedKeys);
    }
    let is_end =
        |end: &str| path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/'));
    ENDS.into_iter().find(|(end, _)| is_end(end)).map(|(_, named)| named)
}

/// Whether a file is one with settings, by its path in a root.
pub(super) fn is_settings(path: &TreePath) -> bool {
    let path = String::from_utf8_lossy(path.as_bytes()).into_owned();
    let name = path.rsplit('/').next().unwrap_or_default();
    path.starts_with("etc/") || name.starts_with('.') || SETTINGS.iter().any(|end| name.ends_with(end))
}

impl Named {
    /// Returns what a sentence calls what it holds.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::GitCredentials => "passwords for git",
            Self::Netrc => "passwords for machines",
            Self::PostgresPasswords => "passwords for databases",
            Self::DockerConfig => "credentials for registries",
            Self::AwsCredentials => "credentials for AWS",
            Self::GoogleCredentials => "credentials for Google's cloud",
            Self::AzureTokens => "credentials for Azure",
            Self::KubeConfig => "credentials for a cluster",
            Self::NpmConfig | Self::PypiConfig | Self::CargoCredentials => {
                "credentials for a registry of packages"
            }
            Self::GithubHosts => "credentials for GitHub",
            Self::AuthorizedKeys => "keys of those who may log in",
        }
    }

    /// Returns the numbers of the lines that hold credentials, from 1.
    pub(super) fn lines(self, text: &str) -> Vec<usize> {
        let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
        numbered.filter(|(_, line)| !line.starts_with('#') && self.is_in(line)).map(|(at, _)| at).collect()
    }

    fn is_in(self, line: &str) -> bool {
        match self {
            Self::GitCredentials => has_password(line),
            Self::Netrc => line.split_whitespace().skip_while(|word| *word != "password").nth(1).is_some(),
            Self::PostgresPasswords => line.split(':').nth(4).is_some_and(|password| !password.is_empty()),
            Self::DockerConfig => has_value(line, &["auth", "password", "identitytoken", "registrytoken"]),
            Self::AwsCredentials => has_value(line, &["aws_secret_access_key", "aws_session_token"]),
            Self::GoogleCredentials => has_value(line, &["refresh_token", "private_key", "client_secret"]),
            Self::AzureTokens => has_value(
                line,
                &["accessToken", "refreshToken", "secret", "servicePrincipalKey", "client_secret"],
            ),
            Self::KubeConfig => has_value(line, &["token", "password", "client-key-data"]),
            Self::NpmConfig => {
                let name = line.split('=').next().unwrap_or_default().trim();
                let name = name.rsplit(':').next().unwrap_or_default();
                matches!(name, "_authToken" | "_auth" | "_password") && is_value(line.split_once('='))
            }
            Self::PypiConfig => has_value(line, &["password"]),
            Self::CargoCredentials => has_value(line, &["token"]),
            Self::GithubHosts => has_value(line, &["oauth_token"]),
            Self::AuthorizedKeys => !line.is_empty(),
        }
    }
}

/// Whether an address has a name and a password before its host.
fn has_password(line: &str) -> bool {
    let Some((_, rest)) = line.split_once("://") else { return false };
    let authority = rest.split('/').next().unwrap_or_default();
    let Some((login, _)) = authority.rsplit_once('@') else { return false };
    login.split_once(':').is_some_and(|(_, password)| !password.is_empty())
}

/// Whether a line, of JSON on one line too, gives one of the names a value, in the ways of JSON, YAML, TOML and INI files.
fn has_value(line: &str, names: &[&str]) -> bool {
    line.split(['{', ',', '}']).any(|part| {
        let part = part.trim();
        let at = part.find([':', '=']);
        let pair = at.map(|at| (part[..at].trim().trim_matches(['"', '\'']), &part[at + 1..]));
        pair.is_some_and(|(name, _)| names.contains(&name)) && is_value(pair)
    })
}

/// Whether a value is there, and not taken from somewhere else.
fn is_value(pair: Option<(&str, &str)>) -> bool {
    let Some((_, value)) = pair else { return false };
    let value = value.trim().trim_matches(['"', '\'']);
    !value.is_empty() && !value.starts_with(['$', '<']) && !matches!(value, "null" | "~" | "[" | "|")
}
