//! The hash of names that hash trees are sorted by: half of an MD4, begun from the file system's seed.

/// The rounds' constants.
const SECOND: u32 = 0x5a82_7999;
const THIRD: u32 = 0x6ed9_eba1;
/// Bytes that are mixed in at once, and numbers that they are.
const PIECE: usize = 32;
const NUMBERS: usize = PIECE / 4;
/// What stands for the end of a directory where it is read, so no name has it.
const END: u32 = 0x7fff_ffff << 1;

/// Returns the hash of a name, whose lowest bit is zero, and what sorts those that have the same.
pub(super) fn half_md4(name: &[u8], seed: &[u8; 16]) -> (u32, u32) {
    let mut state = [0; 4];
    for (number, bytes) in state.iter_mut().zip(seed.chunks_exact(4)) {
        *number = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    let mut rest = name;
    while !rest.is_empty() {
        mix(&mut state, numbers(rest));
        rest = rest.get(PIECE..).unwrap_or_default();
    }
    let hash = state[1] & !1;
    (if hash == END { END - 2 } else { hash }, state[2])
}

/// Makes numbers of the first bytes of what is left of a name: bytes have signs, and what is missing is its length.
fn numbers(rest: &[u8]) -> [u32; NUMBERS] {
    let length = u32::try_from(rest.len()).expect("because names are short");
    let pad = (length | length << 8) | (length | length << 8) << 16;
    let mut numbers = [pad; NUMBERS];
    for (number, bytes) in numbers.iter_mut().zip(rest.chunks(4)) {
        *number = bytes.iter().fold(pad, |number, byte| {
            let signed = if *byte < 0x80 { u32::from(*byte) } else { u32::from(*byte) | 0xffff_ff00 };
            signed.wrapping_add(number << 8)
        });
    }
    numbers
}

/// Goes on by one step: `a` becomes what is added to it, turned.
fn step(state: &mut [u32; 4], index: usize, added: u32, turn: u32) {
    state[index] = state[index].wrapping_add(added).rotate_left(turn);
}

fn mix(state: &mut [u32; 4], input: [u32; NUMBERS]) {
    let begun = *state;
    // In each round the four are taken in the order a, d, c, b.
    let order = [0, 3, 2, 1, 0, 3, 2, 1];
    let of = |state: &[u32; 4], index: usize| {
        (state[(index + 1) % 4], state[(index + 2) % 4], state[(index + 3) % 4])
    };
    for (at, index) in order.into_iter().enumerate() {
        let (x, y, z) = of(state, index);
        step(state, index, (z ^ x & (y ^ z)).wrapping_add(input[at]), [3, 7, 11, 19][at % 4]);
    }
    for (at, index) in order.into_iter().enumerate() {
        let (x, y, z) = of(state, index);
        let number = input[[1, 3, 5, 7, 0, 2, 4, 6][at]].wrapping_add(SECOND);
        step(state, index, (x & y).wrapping_add((x ^ y) & z).wrapping_add(number), [3, 5, 9, 13][at % 4]);
    }
    for (at, index) in order.into_iter().enumerate() {
        let (x, y, z) = of(state, index);
        let number = input[[3, 7, 2, 6, 1, 5, 0, 4][at]].wrapping_add(THIRD);
        step(state, index, (x ^ y ^ z).wrapping_add(number), [3, 9, 11, 15][at % 4]);
    }
    for (number, begun) in state.iter_mut().zip(begun) {
        *number = number.wrapping_add(begun);
    }
}
