//! What is inside of an image and where it came from, what is wrong with it, and what verifications of it say.
//!
//! | module | what |
//! |---|---|
//! | [`inventory`] | all that an image is made of, and whose each of its files is |
//! | [`sbom`] | that, as others read it: SPDX and CycloneDX |
//! | [`mod@provenance`] | how outputs came to be: in-toto, SLSA |
//! | [`mod@measurements`] | what a machine that boots it is expected to measure |
//! | [`licence`] | under which licences components are |
//! | [`finding`] | what an audit finds: its kind, how bad it is, evidence, and what to do |
//! | [`advisories`] | known vulnerabilities of what is shipped, and what is said about them |
//! | [`mod@hardening`] | what files, kernel and settings leave open |
//! | [`privileges`] | what the containers of an image may do |
//! | [`supply_chain`] | where an image comes from, and who signed that |
//! | [`reproducibility`] | whether others came to the same bytes |
//! | [`countermeasures`] | what NIST SP 800-190 asks for, as a checklist |
//! | [`policy`] | what becomes of findings |
//! | [`report`] | an audit as people and machines read it |
//! | [`signature`], [`dsse`] | signatures of files, and envelopes around statements |
//! | [`attestation`] | a document as a statement about an image |
//! | [`statement`] | a verification as evidence: an in-toto statement |
//! | [`mod@quorum`] | who of several verifiers agrees on what |
//! | [`difference`] | what is another one between two images |
//! | [`graph`] | what an image is made of, as a graph |
#![forbid(unsafe_code)]

pub mod advisories;
pub mod attestation;
pub mod countermeasures;
pub mod difference;
pub mod dsse;
pub mod finding;
pub mod graph;
pub mod hardening;
pub mod inventory;
pub mod licence;
pub mod measurements;
pub mod policy;
pub mod privileges;
pub mod provenance;
pub mod quorum;
pub mod report;
pub mod reproducibility;
pub mod sbom;
pub mod signature;
pub mod statement;
pub mod supply_chain;

pub use finding::Finding;
pub use inventory::Inventory;
pub use quorum::{Quorum, quorum};
pub use statement::Statement;
