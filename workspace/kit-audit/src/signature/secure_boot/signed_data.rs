//! The structure of a signature: PKCS#7 `SignedData` around what Authenticode signs, or of something beside it.

use kit_hash::Sha256;

use super::certificate::Certificate;
use super::der::{BIT_STRING, INTEGER, NULL, OBJECT, OCTET_STRING, SEQUENCE, SET, expect, value};

/// 1.2.840.113549.1.7.1, data.
const DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x01];
/// 1.2.840.113549.1.7.2, signedData.
const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02];
/// 1.2.840.113549.1.9.3, contentType.
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x03];
/// 1.2.840.113549.1.9.4, messageDigest.
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x04];
/// 1.2.840.113549.1.1.1, rsaEncryption.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// 2.16.840.1.101.3.4.2.1, sha256.
const SHA256: &[u8] = &[0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01];
/// 1.3.6.1.4.1.311.2.1.4, `SPC_INDIRECT_DATA`.
const INDIRECT_DATA: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x04];
/// 1.3.6.1.4.1.311.2.1.15, `SPC_PE_IMAGE_DATA`.
const PE_IMAGE: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x01, 0x0f];
/// What stands where the name of the program's file once stood.
const OBSOLETE: &str = "<<<Obsolete>>>";

fn sequence(contents: &[&[u8]]) -> Vec<u8> {
    value(SEQUENCE, contents)
}

fn object(number: &[u8]) -> Vec<u8> {
    value(OBJECT, &[number])
}

fn algorithm(number: &[u8]) -> Vec<u8> {
    sequence(&[&object(number), &value(NULL, &[])])
}

/// Returns what is signed: that a program has a digest.
pub(super) fn content(digest: &Sha256) -> Vec<u8> {
    let name: Vec<u8> = OBSOLETE.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let link = value(0xa0, &[&value(0xa2, &[&value(0x80, &[&name])])]);
    // No flags: a string of no bits.
    let image = sequence(&[&object(PE_IMAGE), &sequence(&[&value(BIT_STRING, &[&[0]]), &link])]);
    let digest = sequence(&[&algorithm(SHA256), &value(OCTET_STRING, &[digest.as_bytes()])]);
    sequence(&[&image, &digest])
}

/// Returns the signed attributes, as they are signed: a set. Their order is that of their bytes.
pub(super) fn attributes(content: &[u8]) -> Vec<u8> {
    // The digest is of what is in the sequence.
    let (inner, _) = expect(content, SEQUENCE).expect("because it was written above");
    let digest = Sha256::of(inner.content);
    let kind = sequence(&[&object(CONTENT_TYPE), &value(SET, &[&object(INDIRECT_DATA)])]);
    let digest = value(OCTET_STRING, &[digest.as_bytes()]);
    let digest = sequence(&[&object(MESSAGE_DIGEST), &value(SET, &[&digest])]);
    value(SET, &[&kind, &digest])
}

/// Returns the whole around a program's digest.
pub(super) fn structure(
    content: &[u8],
    attributes: &[u8],
    certificate: &Certificate,
    signature: &[u8],
) -> Vec<u8> {
    let (set, _) = expect(attributes, SET).expect("because it was written above");
    let content = sequence(&[&object(INDIRECT_DATA), &value(0xa0, &[content])]);
    let certificates = value(0xa0, &[certificate.der()]);
    let attributes = value(0xa0, &[set.content]);
    signed_data(&content, &certificates, &signer(certificate, &attributes, signature))
}

/// Returns the whole of what signs bytes that are elsewhere: without certificates and attributes, since the kernel takes none of them.
pub(super) fn detached(certificate: &Certificate, signature: &[u8]) -> Vec<u8> {
    signed_data(&sequence(&[&object(DATA)]), &[], &signer(certificate, &[], signature))
}

fn signer(certificate: &Certificate, attributes: &[u8], signature: &[u8]) -> Vec<u8> {
    sequence(&[
        &value(INTEGER, &[&[1]]),
        &sequence(&[certificate.issuer(), certificate.serial()]),
        &algorithm(SHA256),
        attributes,
        &algorithm(RSA),
        &value(OCTET_STRING, &[signature]),
    ])
}

fn signed_data(content: &[u8], certificates: &[u8], signer: &[u8]) -> Vec<u8> {
    let data = sequence(&[
        &value(INTEGER, &[&[1]]),
        &value(SET, &[&algorithm(SHA256)]),
        content,
        certificates,
        &value(SET, &[signer]),
    ]);
    sequence(&[&object(SIGNED_DATA), &value(0xa0, &[&data])])
}
