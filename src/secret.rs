//! The instance's secret. Every use derives a key of its own from it, so that what is learnt of
//! one says nothing of another.

use crate::config::Settings;
use anyhow::{Context as _, Result, bail};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use sha2::{Digest as _, Sha256};
use std::io::Write as _;
use std::path::Path;

/// 32 bytes or more that never leave the process.
#[derive(Clone)]
pub struct Secret(SecretSlice<u8>);

impl Secret {
    /// From `FAIRWAY_SECRET_KEY`, or the file `secret.key` in the data dir, made when missing.
    pub fn load(settings: &Settings) -> Result<Self> {
        if let Some(key) = &settings.secret_key {
            let key = key.expose_secret();
            if key.len() < 32 {
                bail!("FAIRWAY_SECRET_KEY is shorter than 32 characters");
            }
            return Ok(Self(key.as_bytes().to_vec().into()));
        }
        settings.make_data_dir()?;
        let path = settings.data_dir.join("secret.key");
        match std::fs::read(&path) {
            Ok(bytes) if bytes.len() >= 32 => Ok(Self(bytes.into())),
            Ok(_) => bail!(
                "{} is shorter than 32 bytes; restore it from a backup",
                path.display()
            ),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::make(&path),
            Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
        }
    }

    fn make(path: &Path) -> Result<Self> {
        let bytes = random_bytes::<32>();
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options
            .open(path)
            .with_context(|| format!("{} cannot be made", path.display()))?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        Ok(Self(bytes.to_vec().into()))
    }

    /// A key for one use, named by a label such as `tracking`.
    pub fn derive(&self, label: &str) -> [u8; 32] {
        sign(self.0.expose_secret(), label.as_bytes())
    }
}

/// HMAC-SHA-256 (RFC 2104).
pub fn sign(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| unreachable!());
    mac.update(message);
    mac.finalize().into_bytes().into()
}

/// Bytes from the system's random source.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    rand::random()
}

/// A new token for a link, a key or a session: 32 random bytes, base64url.
pub fn random_token() -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random_bytes::<32>())
}

/// How a token is kept in the database: its SHA-256 in hex. The tokens are random, so no salt and
/// no slow hash is needed.
pub fn token_hash(token: &str) -> String {
    Sha256::digest(token.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
