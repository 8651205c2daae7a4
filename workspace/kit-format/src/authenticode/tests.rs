use proptest::prelude::*;

use super::*;
use crate::pe::tests::program;

fn bytes_of(changed: &Changed, program: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    changed.stream(program).read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes.len() as u64, changed.length());
    bytes
}

fn digest_of(bytes: &[u8]) -> Sha256 {
    digest(&|| Ok(Box::new(bytes)), bytes.len() as u64).unwrap()
}

fn sign(bytes: &[u8], entries: &[Vec<u8>]) -> Vec<u8> {
    bytes_of(&signed(&|| Ok(Box::new(bytes)), bytes.len() as u64, entries).unwrap(), bytes)
}

fn strip(bytes: &[u8]) -> Vec<u8> {
    bytes_of(&unsigned(&|| Ok(Box::new(bytes)), bytes.len() as u64).unwrap(), bytes)
}

fn sample(behind: &[u8]) -> Vec<u8> {
    program(Program::X86_64, &[(".text", b"code"), (".data", &[3; 700])], behind)
}

#[test]
fn signatures_come_and_go_and_the_program_stays() {
    let program = strip(&sample(b""));
    let [one, other] = [entry(&[1; 100]), entry(&[2; 101])];
    let by_one = sign(&program, std::slice::from_ref(&one));
    let by_both = sign(&by_one, &[one.clone(), other.clone()]);
    for signed in [&by_one, &by_both] {
        assert_eq!(strip(signed), program);
        assert_eq!(digest_of(signed), digest_of(&program));
    }
    let found = entries(&|| Ok(Box::new(by_both.as_slice())), by_both.len() as u64).unwrap();
    assert_eq!(found, [one, other]);
    assert_eq!(entries(&|| Ok(Box::new(program.as_slice())), program.len() as u64).unwrap(), [[0u8; 0]; 0]);
}

#[test]
fn a_length_that_is_no_multiple_of_eight_is_filled_up() {
    let program = sample(b"behind");
    let open: Open<'_> = &|| Ok(Box::new(program.as_slice()));
    let signed = sign(&program, &[entry(&[1; 100])]);
    assert_eq!(digest_of(&signed), digest_to_sign(open, program.len() as u64).unwrap());
    assert_ne!(digest_of(&signed), digest_of(&program));
    assert_eq!(strip(&signed), strip(&[program.as_slice(), &[0; 2]].concat()));
}

#[test]
fn gaps_are_hashed_as_firmware_does() {
    // Two sections with 0x200 bytes between them: what is behind begins that much earlier for whoever adds sizes up.
    let mut program = sample(&[9; 0x200]);
    let row = 0x188 + crate::pe::ROW + 20;
    program[row..row + 4].copy_from_slice(&0x800u32.to_le_bytes());
    let mut expected = sha2::Sha256::new();
    for range in [0..0xd8, 0xdc..0x128, 0x130..0x400, 0x400..0x600, 0x800..0xc00, 0xa00..0xc00] {
        expected.update(&program[range]);
    }
    assert_eq!(digest_of(&program), Sha256::from_bytes(expected.finalize().into()));
}

#[test]
fn damaged_tables_are_told() {
    let signed = sign(&sample(b""), &[entry(&[1; 100])]);
    let table = signed.len() - 112;
    let told = |at: usize, value: u8| {
        let mut signed = signed.clone();
        signed[table + at] = value;
        entries(&|| Ok(Box::new(signed.as_slice())), signed.len() as u64)
            .map(|_| ())
            .map_err(|e| e.to_string())
    };
    let damaged = "the signature at byte 0 of its table is damaged, or of a kind that isn't Authenticode's";
    for (at, value) in [(0, 0), (0, 8), (1, 1), (4, 1), (6, 1)] {
        assert_eq!(told(at, value), Err(damaged.to_owned()), "{at} {value}");
    }
    assert_eq!(told(20, 2), Ok(()));
}

proptest! {
    #[test]
    fn only_the_declared_regions_are_the_signers(at in 0usize..0xb00, value in any::<u8>()) {
        let program = strip(&sample(&[5; 0x100]));
        let signed = sign(&program, &[entry(&[1; 100])]);
        let mut changed = signed.clone();
        let at = at.min(changed.len() - 1);
        prop_assume!(changed[at] != value);
        changed[at] = value;
        let is_declared = (0xd8..0xdc).contains(&at) || (0x128..0x130).contains(&at) || at >= program.len();
        let bytes = changed.as_slice();
        let found = digest(&|| Ok(Box::new(bytes)), bytes.len() as u64);
        match found {
            Ok(found) => {
                prop_assert_eq!(found == digest_of(&program), is_declared);
                prop_assert_eq!(strip(&changed) == program, is_declared);
            }
            Err(_) => prop_assert!(at < 0x400),
        }
    }
}
