//! The HTTP client: the only place that opens sockets.
//!
//! | module | what |
//! |---|---|
//! | `client` | [`Client`]: one request, with proxy, credentials and time limits |
//! | `download` | a body into a file or memory: size, digest, retries, resumption |
//! | `upload` | [`Sending`]: requests that change something |
//! | `counted` | [`Counted`]: a reader that tells how much was read |
//! | `form` | a form that is sent, and the short answer to it |
//! | `page` | [`Page`]: a page of a list, and where the next one is |
//! | `settings` | [`Settings`]: what the machine and the user say about the network |
//! | `credentials` | [`Credential`]: who logs in where; never printed |
//! | `error` | [`HttpError`] |

mod client;
mod counted;
mod credentials;
mod download;
mod error;
mod form;
mod page;
mod settings;
mod upload;

pub use self::client::{Client, Request};
pub use self::counted::Counted;
pub use self::credentials::Credential;
pub(crate) use self::credentials::basic;
pub use self::credentials::without_userinfo as shown;
pub(crate) use self::download::LONGEST_PAUSE;
pub use self::download::{Encryption, Expected, Progress};
pub use self::error::HttpError;
pub(crate) use self::form::encoded;
pub use self::page::Page;
pub use self::settings::{Network, Patience, Proxies, Settings};
pub use self::upload::{Sending, Sent};
