//! Passwords: what is accepted as one, and how it is kept. Only the hash ever reaches the
//! database, and hashing never runs on a thread that answers requests.

use crate::web::AppError;
use anyhow::anyhow;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _, phc::PasswordHash};
use argon2::{Algorithm, Argon2, Params, Version};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::LazyLock;
use tokio::sync::Semaphore;

/// The fewest and the most characters of a password. Length counts, composition does not
/// (NIST SP 800-63B §3.1.1.2).
pub const MIN_LENGTH: usize = 12;
pub const MAX_LENGTH: usize = 256;

/// What `users.password_hash` holds before a person has chosen a password. Nothing matches it.
pub const NONE_YET: &str = "";

/// A password that may be set.
#[derive(Debug)]
pub struct NewPassword(SecretString);

impl NewPassword {
    /// Refused with a sentence for the person: too short, too long, all alike, or the e-mail
    /// address itself.
    pub fn parse(text: &str, email: &str) -> Result<Self, String> {
        let length = text.chars().count();
        if length < MIN_LENGTH {
            return Err(format!(
                "At least {MIN_LENGTH} characters; this has {length}. A few words together are easy to keep."
            ));
        }
        if length > MAX_LENGTH {
            return Err(format!("At most {MAX_LENGTH} characters; this has {length}."));
        }
        if text.trim().eq_ignore_ascii_case(email.trim()) {
            return Err("The password must not be the e-mail address.".into());
        }
        let distinct: std::collections::HashSet<char> = text.chars().collect();
        if distinct.len() < 4 {
            return Err("This repeats the same few characters and is quickly guessed.".into());
        }
        Ok(Self(text.to_owned().into()))
    }

    /// The hash to keep, as a PHC string.
    pub async fn hash(self) -> Result<String, AppError> {
        apart(move || {
            hasher()
                .hash_password(self.0.expose_secret().as_bytes())
                .map(|hash| hash.to_string())
                .map_err(|error| anyhow!("a password cannot be hashed: {error}"))
        })
        .await
    }
}

/// Whether a password is the one behind `hash`. `None` (nobody has that address) takes as long as
/// a wrong password, so that the time of an answer does not tell which addresses exist.
pub async fn is_right(mut password: String, hash: Option<String>) -> Result<bool, AppError> {
    // Longer than any that was accepted: not worth reading, and wrong like the empty one.
    if password.chars().count() > MAX_LENGTH {
        password.clear();
    }
    let password: SecretString = password.into();
    apart(move || {
        let known = hash.filter(|hash| hash != NONE_YET);
        let against = known.as_deref().unwrap_or(&NOBODY);
        let parsed = PasswordHash::new(against).map_err(|error| anyhow!("a kept hash is broken: {error}"))?;
        let is_same = hasher()
            .verify_password(password.expose_secret().as_bytes(), &parsed)
            .is_ok();
        Ok(is_same && known.is_some())
    })
    .await
}

/// Argon2id with the first of OWASP's recommended parameters for it: 19 MiB, 2 passes, 1 lane.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

/// What an unknown address is verified against. Nobody knows a password for it.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    hasher()
        .hash_password(&crate::secret::random_bytes::<32>())
        .map(|hash| hash.to_string())
        .unwrap_or_default()
});

/// At most four hashes at a time: each takes 19 MiB, and a flood of sign-ins must not take all
/// memory.
static TURNS: Semaphore = Semaphore::const_new(4);

async fn apart<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T, AppError> {
    let _turn = TURNS.acquire().await.map_err(anyhow::Error::from)?;
    let done = tokio::task::spawn_blocking(work)
        .await
        .map_err(anyhow::Error::from)?;
    Ok(done?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_what_is_asked_of_a_password() {
        for (password, is_accepted) in [
            ("short", false),
            ("eleven char", false),
            ("twelve chars", true),
            ("correct horse battery staple", true),
            ("aaaaaaaaaaaaaaaa", false),
            ("Ann@Club.Example", false),
            ("ünïcödé tökens", true),
        ] {
            let parsed = NewPassword::parse(password, "ann@club.example");
            assert_eq!(parsed.is_ok(), is_accepted, "{password}");
        }
        assert!(NewPassword::parse(&"abcd".repeat(64), "").is_ok());
        assert!(NewPassword::parse(&"abcde".repeat(52), "").is_err());
    }

    #[tokio::test]
    async fn only_the_right_password_opens() {
        let kept = NewPassword::parse("twelve chars", "")
            .unwrap()
            .hash()
            .await
            .unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(is_right("twelve chars".into(), Some(kept.clone())).await.unwrap());
        assert!(!is_right("Twelve chars".into(), Some(kept)).await.unwrap());
        assert!(!is_right("twelve chars".into(), None).await.unwrap());
        assert!(!is_right(String::new(), Some(NONE_YET.into())).await.unwrap());
    }
}
