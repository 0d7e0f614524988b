//! Secrets in the database: XChaCha20-Poly1305 under a key of the instance's secret, bound to the
//! provider that they are of, so that a row that is moved or copied to another does not open.

use crate::secret::{Secret, random_bytes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use std::collections::BTreeMap;

/// Secrets by field.
pub type Secrets = BTreeMap<String, String>;

/// Whose secrets they are.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    pub kind: &'a str,
    pub id: i64,
}

const NONCE: usize = 24;

fn cipher(secret: &Secret) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(&secret.derive("providers").into())
}

/// Base64 of a random nonce and what is encrypted under it.
pub fn seal(secret: &Secret, of: Owner<'_>, secrets: &Secrets) -> anyhow::Result<String> {
    let nonce = random_bytes::<NONCE>();
    let text = serde_json::to_vec(secrets)?;
    let aad = format!("{}:{}", of.kind, of.id);
    let payload = Payload {
        msg: &text,
        aad: aad.as_bytes(),
    };
    let sealed = cipher(secret)
        .encrypt(&XNonce::from(nonce), payload)
        .map_err(|_| anyhow::anyhow!("the secrets cannot be encrypted"))?;
    Ok(STANDARD.encode([nonce.as_slice(), &sealed].concat()))
}

/// What was sealed; `None` for what was changed, is another's, or was sealed with another secret.
pub fn open(secret: &Secret, of: Owner<'_>, sealed: &str) -> Option<Secrets> {
    let bytes = STANDARD.decode(sealed).ok()?;
    let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
    let nonce = <[u8; NONCE]>::try_from(nonce).ok()?;
    let aad = format!("{}:{}", of.kind, of.id);
    let payload = Payload {
        msg: sealed,
        aad: aad.as_bytes(),
    };
    let text = cipher(secret).decrypt(&XNonce::from(nonce), payload).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn secret(text: &str) -> Secret {
        let mut settings = Settings::in_dir("data").unwrap();
        settings.secret_key = Some(text.repeat(32).into());
        Secret::load(&settings).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_for_its_owner_with_the_instances_secret_alone() {
        let secrets = Secrets::from([("token".to_owned(), "hunter2".to_owned())]);
        let own = Owner {
            kind: "twilio",
            id: 7,
        };
        let sealed = seal(&secret("a"), own, &secrets).unwrap();
        assert!(!sealed.contains("hunter2"));
        assert_eq!(open(&secret("a"), own, &sealed), Some(secrets.clone()));
        assert_ne!(
            seal(&secret("a"), own, &secrets).unwrap(),
            sealed,
            "a nonce of its own"
        );
        assert_eq!(open(&secret("b"), own, &sealed), None);
        for other in [
            Owner {
                kind: "twilio",
                id: 8,
            },
            Owner {
                kind: "gateway",
                id: 7,
            },
        ] {
            assert_eq!(open(&secret("a"), other, &sealed), None, "{other:?}");
        }
        let mut bytes = STANDARD.decode(&sealed).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        assert_eq!(open(&secret("a"), own, &STANDARD.encode(bytes)), None);
        assert_eq!(open(&secret("a"), own, ""), None);
    }
}
