//! Digests and instants in the notation of Docker.

use sha2::{Digest, Sha256};

/// The digest of bytes as the stand-ins write it: 64 hexadecimal digits of SHA-256.
pub fn digest(bytes: impl AsRef<[u8]>) -> String {
    Sha256::digest(bytes.as_ref()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The present instant as Docker and the trace write it.
pub fn now() -> String {
    format!("{:.9}", jiff::Timestamp::now())
}
