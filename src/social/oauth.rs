//! OAuth 1.0a (RFC 5849): a request signed with HMAC-SHA1, as X wants it of an account.

use hmac::{Hmac, KeyInit as _, Mac as _};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use sha1::Sha1;
use url::Url;

/// What stays as it is (RFC 3986 §2.3).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The keys of an app and of the account that let it in.
pub struct Keys {
    pub consumer: String,
    pub consumer_secret: SecretString,
    pub token: String,
    pub token_secret: SecretString,
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, KEPT).to_string()
}

impl Keys {
    /// The `Authorization` header of a request (§3). `url` with its query; a body of JSON or of
    /// several parts is not signed. `nonce` is never used twice, `at` is in seconds since 1970.
    pub fn authorization(&self, method: &str, url: &Url, nonce: &str, at: i64) -> String {
        let at = at.to_string();
        let own = [
            ("oauth_consumer_key", self.consumer.as_str()),
            ("oauth_nonce", nonce),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", &at),
            ("oauth_token", &self.token),
            ("oauth_version", "1.0"),
        ];
        let signature = self.signature(method, url, &own);
        let parts: Vec<_> = own
            .into_iter()
            .chain([("oauth_signature", signature.as_str())])
            .map(|(name, value)| format!("{name}=\"{}\"", escape(value)))
            .collect();
        format!("OAuth {}", parts.join(", "))
    }

    fn signature(&self, method: &str, url: &Url, own: &[(&str, &str)]) -> String {
        let mut parameters: Vec<(String, String)> = url
            .query_pairs()
            .map(|(name, value)| (escape(&name), escape(&value)))
            .chain(own.iter().map(|(name, value)| (escape(name), escape(value))))
            .collect();
        parameters.sort();
        let parameters: Vec<_> = parameters
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let mut bare = url.clone();
        bare.set_query(None);
        bare.set_fragment(None);
        let base = format!(
            "{}&{}&{}",
            method.to_uppercase(),
            escape(bare.as_str()),
            escape(&parameters.join("&"))
        );
        let key = format!(
            "{}&{}",
            escape(self.consumer_secret.expose_secret()),
            escape(self.token_secret.expose_secret())
        );
        let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).unwrap_or_else(|_| unreachable!());
        mac.update(base.as_bytes());
        use base64::Engine as _;
        base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The worked example of X's documentation, “Creating a signature”.
    #[test]
    fn the_documentations_example_is_signed_as_there() {
        let keys = Keys {
            consumer: "xvz1evFS4wEEPTGEFPHBog".into(),
            consumer_secret: "kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw".into(),
            token: "370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb".into(),
            token_secret: "LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE".into(),
        };
        let mut url: Url = "https://api.twitter.com/1.1/statuses/update.json?include_entities=true"
            .parse()
            .unwrap();
        // There the text is in a form, which is signed as the query is.
        url.query_pairs_mut()
            .append_pair("status", "Hello Ladies + Gentlemen, a signed OAuth request!");
        let own = [
            ("oauth_consumer_key", keys.consumer.as_str()),
            ("oauth_nonce", "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"),
            ("oauth_signature_method", "HMAC-SHA1"),
            ("oauth_timestamp", "1318622958"),
            ("oauth_token", &keys.token),
            ("oauth_version", "1.0"),
        ];
        assert_eq!(keys.signature("post", &url, &own), "hCtSmYh+iHYCEqBWrE7C7hYmtUk=");
    }
}
