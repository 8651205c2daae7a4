//! Which image is meant: one of a registry, one that lies in the project, or one in the user's store of containers.

use std::fmt;
use std::str::FromStr;

use crate::Reference;
use crate::parse::check::check_project_path;
use crate::reference::ReferenceError;

/// The longest name in a layout, in bytes.
const LONGEST_NAME: usize = 255;

/// Which image is meant.
///
/// What lies in the project is named by the transports of container tools: `oci:DIRECTORY[:NAME]`, `oci-archive:FILE[:NAME]` and
/// `docker-archive:FILE[:REFERENCE]`; what Podman has, by `containers-storage:REFERENCE`. Everything else is a [`Reference`]; a repository of Docker Hub that is called like a transport is
/// written with its registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageReference {
    /// One of a registry.
    Registry(Reference),
    /// One that lies in the project.
    Project(ProjectImage),
    /// One in the user's store of containers, by a tag.
    Storage(Reference),
}

/// An image that lies in the project.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProjectImage {
    form: ImageForm,
    path: String,
    name: Option<String>,
}

/// In which form an image lies in the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ImageForm {
    /// A directory with a layout of the image specification.
    OciDirectory,
    /// A tar archive of such a directory.
    OciArchive,
    /// What `docker save` writes.
    DockerArchive,
}

/// What stands before the reference of an image in the user's store of containers.
const STORAGE: &str = "containers-storage";

/// All forms, with what stands before the path.
const FORMS: [(ImageForm, &str); 3] = [
    (ImageForm::OciDirectory, "oci"),
    (ImageForm::OciArchive, "oci-archive"),
    (ImageForm::DockerArchive, "docker-archive"),
];

impl ImageForm {
    /// Returns what stands before the path.
    pub fn transport(self) -> &'static str {
        FORMS.iter().find(|(form, _)| *form == self).map_or("", |(_, transport)| transport)
    }
}

impl ProjectImage {
    /// Returns its form.
    pub fn form(&self) -> ImageForm {
        self.form
    }

    /// Returns the path of its directory or file, relative to the project: without `.` and `..`, or `.` alone.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns which one of the images there it is; in an archive of Docker a whole reference with a tag. None where there must be only
    /// one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

impl ImageReference {
    /// Whether it names by a digest what it means, for ever.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Registry(reference) if reference.digest().is_some())
    }
}

impl From<Reference> for ImageReference {
    fn from(reference: Reference) -> Self {
        Self::Registry(reference)
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry(reference) => reference.fmt(f),
            Self::Project(image) => image.fmt(f),
            Self::Storage(reference) => write!(f, "{STORAGE}:{reference}"),
        }
    }
}

impl fmt::Display for ProjectImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.form.transport(), self.path)?;
        self.name.as_ref().map_or(Ok(()), |name| write!(f, ":{name}"))
    }
}

/// Why a text names no image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ImageReferenceError {
    /// It is no reference.
    #[error(transparent)]
    Registry(#[from] ReferenceError),
    /// It names none on this machine.
    #[error(transparent)]
    Local(#[from] LocalImageError),
}

/// Why a text names no image of the project, or of the user's store of containers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LocalImageError {
    /// The path isn't one of the project.
    #[error("has a path that {why}")]
    Path {
        /// Why.
        why: &'static str,
    },
    /// The name isn't one that a layout can have.
    #[error("has a name that isn't letters and digits, with `-._:@+/` between them")]
    Name,
    /// The reference isn't one.
    #[error("has a reference that {0}")]
    Reference(ReferenceError),
    /// The reference has a digest.
    #[error("has a digest, where images are known by their tags")]
    Digest,
}

impl FromStr for ImageReference {
    type Err = ImageReferenceError;

    fn from_str(text: &str) -> Result<Self, ImageReferenceError> {
        let form = text.split_once(':').and_then(|(transport, rest)| {
            let (form, _) = FORMS.iter().find(|(_, name)| *name == transport)?;
            Some((*form, rest))
        });
        match (form, text.strip_prefix(STORAGE).and_then(|rest| rest.strip_prefix(':'))) {
            (Some((form, rest)), _) => Ok(Self::Project(project_image(form, rest)?)),
            (None, Some(reference)) => Ok(Self::Storage(tagged(reference)?)),
            (None, None) => Ok(Self::Registry(text.parse()?)),
        }
    }
}

fn project_image(form: ImageForm, text: &str) -> Result<ProjectImage, LocalImageError> {
    let (path, name) = match text.split_once(':') {
        Some((path, name)) => (path, Some(name)),
        None => (text, None),
    };
    let why = match path {
        "" => Some("is empty"),
        _ if path.chars().any(char::is_control) => Some("has a control character in it"),
        _ => check_project_path(path).err(),
    };
    if let Some(why) = why {
        return Err(LocalImageError::Path { why });
    }
    let name = match (form, name) {
        (_, None) => None,
        (ImageForm::OciDirectory | ImageForm::OciArchive, Some(name)) if is_layout_name(name) => {
            Some(name.to_owned())
        }
        (ImageForm::OciDirectory | ImageForm::OciArchive, Some(_)) => return Err(LocalImageError::Name),
        (ImageForm::DockerArchive, Some(name)) => Some(tagged(name)?.to_string()),
    };
    Ok(ProjectImage { form, path: path.to_owned(), name })
}

/// Reads a reference without a digest.
fn tagged(text: &str) -> Result<Reference, LocalImageError> {
    let reference: Reference = text.parse().map_err(LocalImageError::Reference)?;
    if reference.digest().is_some() { Err(LocalImageError::Digest) } else { Ok(reference) }
}

/// Whether a text can be a name in a layout: `org.opencontainers.image.ref.name` of the image specification.
fn is_layout_name(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric();
    let ends = [text.bytes().next(), text.bytes().next_back()];
    text.len() <= LONGEST_NAME
        && ends.into_iter().all(|byte| byte.is_some_and(word))
        && text.bytes().all(|byte| word(byte) || b"-._:@+/".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let read = text.parse::<ImageReference>();
        read.map(|reference| reference.to_string()).map_err(|error| error.to_string())
    }

    #[test]
    fn transports_are_told_from_registries() {
        for (text, whole) in [
            ("oci:images/web", "oci:images/web"),
            ("oci:.:web", "oci:.:web"),
            ("oci:images/web:1.0", "oci:images/web:1.0"),
            ("oci:images/web:registry.example:5000/a/b:1@x", "oci:images/web:registry.example:5000/a/b:1@x"),
            ("oci-archive:web.tar:v1+2", "oci-archive:web.tar:v1+2"),
            ("docker-archive:web 1.tar.gz", "docker-archive:web 1.tar.gz"),
            ("docker-archive:web.tar:nginx", "docker-archive:web.tar:docker.io/library/nginx:latest"),
            ("docker-archive:web.tar:a.example:1/b:2", "docker-archive:web.tar:a.example:1/b:2"),
            ("containers-storage:web", "containers-storage:docker.io/library/web:latest"),
            ("containers-storage:localhost/web:1", "containers-storage:localhost/web:1"),
            ("docker.io/library/oci:1", "docker.io/library/oci:1"),
            ("oci", "docker.io/library/oci:latest"),
            ("team/oci:1", "docker.io/team/oci:1"),
        ] {
            assert_eq!(read(text).as_deref(), Ok(whole), "{text}");
            assert_eq!(read(whole).as_deref(), Ok(whole));
        }
    }

    #[test]
    fn what_is_none_is_told() {
        let name = "has a name that isn't letters and digits, with `-._:@+/` between them";
        for (text, error) in [
            ("oci:", "has a path that is empty"),
            ("oci::web", "has a path that is empty"),
            ("oci:/srv/web", "has a path that is absolute"),
            ("oci:../web:1", "has a path that leads out of the project"),
            ("oci-archive:a//b.tar", "has a path that has two slashes in a row"),
            ("oci:a\tb", "has a path that has a control character in it"),
            ("oci:web:", name),
            ("oci:web:a b", name),
            ("oci:web:-a", name),
            ("docker-archive:web.tar:Web", "has a reference that has capital letters in its repository"),
            ("docker-archive:web.tar:", "has a reference that is empty"),
            ("containers-storage:", "has a reference that is empty"),
            (
                "containers-storage:[overlay@/srv]web",
                "has a reference that has a digest that isn't `sha256:` and 64 digits",
            ),
            ("Web", "has capital letters in its repository"),
        ] {
            assert_eq!(read(text), Err(error.to_owned()), "{text}");
        }
        let digest = format!("docker-archive:web.tar:web@sha256:{}", "ab".repeat(32));
        assert!(read(&digest).is_err_and(|error| error.starts_with("has a digest")));
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_read_is_read_again(text in "(oci|oci-archive|docker-archive|containers-storage|x):\\PC{0,30}") {
            if let Ok(whole) = read(&text) {
                proptest::prop_assert_eq!(read(&whole), Ok(whole));
            }
        }
    }
}
