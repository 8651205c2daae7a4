//! Numbers that only who has a secret knows, the same for the same secret.

use rsa::rand_core::{self, CryptoRng, RngCore, impls};
use rsa::sha2::{self, Digest as _};

/// An endless row of numbers.
pub(super) struct Numbers {
    seed: [u8; 32],
    count: u64,
}

impl Numbers {
    /// Returns those that blind a number while a digest is signed.
    pub(super) fn blinding(secret: &[u8], digest: &[u8]) -> Self {
        let hasher = sha2::Sha256::new().chain_update(b"kit:secure-boot-blinding:v1\0");
        Self { seed: hasher.chain_update(digest).chain_update(secret).finalize().into(), count: 0 }
    }

    /// Returns those that a key is made of.
    pub(super) fn key(secret: &[u8; 32]) -> Self {
        let hasher = sha2::Sha256::new().chain_update(b"kit:secure-boot-key:v1\0");
        Self { seed: hasher.chain_update(secret).finalize().into(), count: 0 }
    }
}

impl RngCore for Numbers {
    fn next_u32(&mut self) -> u32 {
        impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, bytes: &mut [u8]) {
        for block in bytes.chunks_mut(32) {
            let next =
                sha2::Sha256::new().chain_update(self.seed).chain_update(self.count.to_le_bytes()).finalize();
            block.copy_from_slice(&next[..block.len()]);
            self.count += 1;
        }
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), rand_core::Error> {
        self.fill_bytes(bytes);
        Ok(())
    }
}

impl CryptoRng for Numbers {}
