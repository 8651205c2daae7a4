//! The kinds of findings that a policy itself makes.

use crate::finding::{Area, Kind, Severity};

const fn kind(id: &'static str, severity: Severity, title: &'static str, help: &'static str) -> Kind {
    Kind { id, area: Area::Policy, severity, title, help }
}

/// More bytes, packages or files than a budget has.
pub static SIZE_BUDGET: Kind = kind(
    "size-budget",
    Severity::Medium,
    "the image is larger than its budget",
    "leave out what isn't needed (`kit why IMAGE --size` says what takes the room), or raise the budget in `[size]`",
);
/// A licence that isn't allowed, or one that nobody knows.
pub static LICENCE_NOT_ALLOWED: Kind = kind(
    "licence-not-allowed",
    Severity::High,
    "a component can't be used under the allowed licences",
    "replace the component, or add the licence to `[licences] allowed` once it was read",
);
/// Fewer signatures than the quorum.
pub static SIGNATURE_MISSING: Kind = kind(
    "signature-missing",
    Severity::High,
    "too few of the trusted keys have signed",
    "have the holders of trusted keys run `kit sign`",
);
/// A file that can't be in an image.
pub static FORBIDDEN_FILE: Kind = kind(
    "forbidden-file",
    Severity::High,
    "a forbidden file is in the image",
    "exclude it in the recipe that brings it",
);
/// A capability that no service may have.
pub static FORBIDDEN_CAPABILITY: Kind = kind(
    "forbidden-capability",
    Severity::High,
    "a service has a forbidden capability",
    "remove the capability from the service, or do what needs it elsewhere",
);
/// A package that can't be in an image.
pub static FORBIDDEN_PACKAGE: Kind = kind(
    "forbidden-package",
    Severity::High,
    "a forbidden package is in the image",
    "remove the package from the recipe; `kit why` says what brings it",
);
/// An exception whose last day has passed.
pub static EXCEPTION_EXPIRED: Kind = kind(
    "exception-expired",
    Severity::Medium,
    "an exception has run out",
    "mend what it was about, or judge anew and give it a later day",
);
/// An exception about nothing.
pub static EXCEPTION_UNUSED: Kind = kind(
    "exception-unused",
    Severity::Low,
    "an exception is about nothing that was found",
    "remove it from `policy.toml`",
);

/// All of them.
pub static KINDS: [&Kind; 8] = [
    &SIZE_BUDGET,
    &LICENCE_NOT_ALLOWED,
    &SIGNATURE_MISSING,
    &FORBIDDEN_FILE,
    &FORBIDDEN_CAPABILITY,
    &FORBIDDEN_PACKAGE,
    &EXCEPTION_EXPIRED,
    &EXCEPTION_UNUSED,
];
