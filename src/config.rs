//! Settings of the instance: defaults, then `fairway.toml`, then `FAIRWAY_*` in the environment.
//! An unknown key is refused at boot, so that a typing error is never a silent default.

use anyhow::{Context as _, Result, bail};
use figment::Figment;
use figment::providers::{Env, Format, Serialized, Toml};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use url::{Host, Url};

/// Variables with our prefix that are not settings: what `demo`, the JavaScript client and the tests
/// read.
const NOT_SETTINGS: &[&str] = &["demo_key", "api_key", "test_axe", "test_postgres"];

/// The settings as they are written, before they are checked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    listen: String,
    base_url: Option<String>,
    data_dir: PathBuf,
    #[serde(skip_serializing_if = "Option::is_none")]
    database_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    smtp_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret_key: Option<String>,
    private_addresses: bool,
    log: String,
}

impl Default for Written {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8080".into(),
            base_url: None,
            data_dir: "data".into(),
            database_url: None,
            smtp_url: None,
            secret_key: None,
            private_addresses: false,
            log: "info".into(),
        }
    }
}

#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the server listens.
    pub listen: SocketAddr,
    /// The address under which recipients and staff reach it, without a slash at the end.
    /// `None` until the server knows its port, for port 0 in tests.
    pub base_url: Option<Url>,
    pub data_dir: PathBuf,
    pub database_url: SecretString,
    /// `None`: the capture mailbox.
    pub smtp_url: Option<SecretString>,
    /// `None`: made and kept in the data dir.
    pub secret_key: Option<SecretString>,
    /// Whether webhooks may call addresses of the own network.
    pub private_addresses: bool,
    /// A `tracing` filter, such as `info` or `fairway=debug`.
    pub log: String,
}

impl Settings {
    /// Reads and checks the settings. Errors are sentences for the operator.
    pub fn load() -> Result<Self> {
        let written: Written = Figment::from(Serialized::defaults(Written::default()))
            .merge(Toml::file("fairway.toml"))
            .merge(
                Env::prefixed("FAIRWAY_")
                    .filter(|key| !NOT_SETTINGS.contains(&key.as_str().to_ascii_lowercase().as_str())),
            )
            .extract()
            .context("The settings (fairway.toml and FAIRWAY_* variables) cannot be read")?;
        Self::check(written)
    }

    /// The settings that tests and `demo` start from: all defaults, under `data_dir`.
    pub fn in_dir(data_dir: impl Into<PathBuf>) -> Result<Self> {
        Self::check(Written {
            data_dir: data_dir.into(),
            ..Written::default()
        })
    }

    fn check(written: Written) -> Result<Self> {
        let listen = written
            .listen
            .parse()
            .with_context(|| format!("FAIRWAY_LISTEN “{}” is no ADDRESS:PORT", written.listen))?;
        let base_url = written.base_url.map(|text| base_url(&text)).transpose()?;
        let database_url = written.database_url.unwrap_or_else(|| {
            let file = written.data_dir.join("fairway.db");
            format!("sqlite://{}?mode=rwc", file.display())
        });
        if !["sqlite:", "postgres:", "postgresql:"]
            .iter()
            .any(|scheme| database_url.starts_with(scheme))
        {
            bail!("FAIRWAY_DATABASE_URL begins with neither sqlite: nor postgres:");
        }
        Ok(Self {
            listen,
            base_url,
            data_dir: written.data_dir,
            database_url: database_url.into(),
            smtp_url: written.smtp_url.filter(|url| !url.is_empty()).map(Into::into),
            secret_key: written.secret_key.map(Into::into),
            private_addresses: written.private_addresses,
            log: written.log,
        })
    }

    /// Makes the data directory where it is missing, for its owner alone: it holds people's data
    /// and the secret.
    pub fn make_data_dir(&self) -> Result<()> {
        let mut builder = std::fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder
            .create(&self.data_dir)
            .with_context(|| format!("The data directory {} cannot be made", self.data_dir.display()))
    }

    /// The public address, without a slash at the end: `https://mail.club.example`.
    pub fn base(&self) -> String {
        match &self.base_url {
            Some(url) => url.as_str().trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.listen),
        }
    }

    /// Whether other systems can call it: its public address is set and not this machine's, or they
    /// are in the own network.
    pub fn is_reachable(&self) -> bool {
        let host = self.base_url.as_ref().and_then(Url::host);
        self.private_addresses
            || host.is_some_and(|host| match host {
                Host::Domain(name) => name != "localhost",
                Host::Ipv4(ip) => !ip.is_loopback() && !ip.is_unspecified(),
                Host::Ipv6(ip) => !ip.is_loopback() && !ip.is_unspecified(),
            })
    }

    /// Whether staff and recipients reach the instance over TLS.
    pub fn is_https(&self) -> bool {
        self.base_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}

fn base_url(text: &str) -> Result<Url> {
    let url = Url::parse(text).with_context(|| format!("FAIRWAY_BASE_URL “{text}” is no address"))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        bail!("FAIRWAY_BASE_URL “{text}” must begin with http:// or https:// and name a host");
    }
    if url.query().is_some() || url.fragment().is_some() {
        bail!("FAIRWAY_BASE_URL “{text}” must not have a query or a fragment");
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_address_has_no_slash_at_the_end() {
        let mut settings = Settings::in_dir("data").unwrap();
        assert_eq!(settings.base(), "http://127.0.0.1:8080");
        settings.base_url = Some(base_url("https://mail.club.example/").unwrap());
        assert_eq!(settings.base(), "https://mail.club.example");
        assert!(settings.is_https());
    }

    #[test]
    fn a_base_address_that_recipients_could_not_open_is_refused() {
        for bad in [
            "mail.club.example",
            "ftp://club.example",
            "https://club.example/?a=1",
        ] {
            assert!(base_url(bad).is_err(), "{bad}");
        }
    }
}
