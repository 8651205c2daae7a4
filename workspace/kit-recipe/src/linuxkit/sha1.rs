//! SHA-1, by which git names directories and LinuxKit several of them together. Nothing of kit's own relies on it.

/// Returns the digest of a text in hexadecimal digits.
pub(super) fn of(text: &[u8]) -> String {
    let mut state = [0x6745_2301_u32, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    let mut message = text.to_vec();
    message.push(0x80);
    message.resize((message.len() + 8).next_multiple_of(64), 0);
    let bits = (text.len() as u64) * 8;
    let end = message.len();
    message[end - 8..].copy_from_slice(&bits.to_be_bytes());
    for block in message.chunks_exact(64) {
        let mut words = [0_u32; 80];
        for (word, bytes) in words.iter_mut().zip(block.chunks_exact(4)) {
            *word = u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        for at in 16..80 {
            words[at] = (words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1);
        }
        mix(&mut state, &words);
    }
    state.iter().fold(String::new(), |text, word| text + &format!("{word:08x}"))
}

/// The round function, by the names of the standard.
#[expect(clippy::many_single_char_names, reason = "the standard calls them so")]
fn mix(state: &mut [u32; 5], words: &[u32; 80]) {
    let [mut a, mut b, mut c, mut d, mut e] = *state;
    for (at, word) in words.iter().enumerate() {
        let (f, k) = match at {
            0..20 => (b & c | !b & d, 0x5a82_7999_u32),
            20..40 => (b ^ c ^ d, 0x6ed9_eba1),
            40..60 => (b & c | b & d | c & d, 0x8f1b_bcdc),
            _ => (b ^ c ^ d, 0xca62_c1d6),
        };
        let next = a.rotate_left(5).wrapping_add(f).wrapping_add(e).wrapping_add(k).wrapping_add(*word);
        (e, d, c, b, a) = (d, c, b.rotate_left(30), a, next);
    }
    for (sum, part) in state.iter_mut().zip([a, b, c, d, e]) {
        *sum = sum.wrapping_add(part);
    }
}

#[cfg(test)]
mod tests {
    use super::of;

    #[test]
    fn digests_are_those_of_the_standard() {
        assert_eq!(of(b""), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
        assert_eq!(of(b"abc"), "a9993e364706816aba3e25717850c26c9cd0d89d");
        let two = b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
        assert_eq!(of(two), "84983e441c3bd26ebaae4aa1f95129e5e54670f1");
        assert_eq!(of(&b"a".repeat(1000)), "291e9a6c66994949b57ba5e650361e98fc36b1ba");
        for length in 50..70 {
            assert_eq!(of(&vec![b'x'; length]).len(), 40);
        }
    }
}
