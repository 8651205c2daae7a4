//! Why a file of advisories is refused.

/// Why a file of advisories is refused.
#[derive(Debug, thiserror::Error)]
pub enum AdvisoryError {
    /// It is too long.
    #[error("`{file}` has {length} bytes, more than {limit}")]
    TooLong {
        /// The file.
        file: String,
        /// Its length.
        length: u64,
        /// The limit.
        limit: u64,
    },
    /// It is nested too deep.
    #[error("`{file}` is nested deeper than {limit} levels at byte {offset}")]
    TooDeep {
        /// The file.
        file: String,
        /// Where.
        offset: u64,
        /// The limit.
        limit: u32,
    },
    /// It is broken, or of another form.
    #[error("`{file}` is no {form}")]
    Json {
        /// The file.
        file: String,
        /// What it was read as.
        form: &'static str,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// A field of a record can't be what it is.
    #[error("{field} of `{record}` in `{file}` is `{found}`, not {expected}")]
    Field {
        /// The file.
        file: String,
        /// The record's id.
        record: String,
        /// The field.
        field: &'static str,
        /// What it is, shortened.
        found: String,
        /// What it should be.
        expected: &'static str,
    },
    /// A list of a record is too long.
    #[error("{field} of `{record}` in `{file}` has {count} entries, more than {limit}")]
    TooMany {
        /// The file.
        file: String,
        /// The record's id.
        record: String,
        /// The field.
        field: &'static str,
        /// How many there are.
        count: u64,
        /// The limit.
        limit: u64,
    },
    /// The tracker's file has nothing for the release.
    #[error("`{file}` says nothing about {codename}")]
    NoRelease {
        /// The file.
        file: String,
        /// The release.
        codename: String,
    },
}
