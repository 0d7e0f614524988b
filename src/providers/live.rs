//! The providers that are in force, as adapters. Whoever sends keeps one adapter for each channel;
//! what stands behind it is replaced when the settings change, on this node at once and on the
//! others within seconds.

use super::kinds::{self, Kind, Part, Values};
use super::pace::Pace;
use super::sealed::{self, Owner};
use super::store;
use crate::context::Context;
use crate::domain::Channel;
use crate::domain::token::Urls;
use crate::entity::providers;
use crate::messaging::hooks::{Hook, Refusal};
use crate::messaging::{
    Adapter, Channels, Checking, Engaging, LookingUp, Outgoing, Reading, Receipt, SendError, Sending, Turn,
};
use crate::secret::sign;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sea_orm::DbErr;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How soon a node notices what another one changed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How many messages of one channel are handed over at once.
const CONNECTIONS: usize = 8;

/// A provider, ready to be spoken to.
pub struct Provider {
    pub id: i64,
    pub key: String,
    pub kind: &'static Kind,
    pub name: String,
    pub is_active: bool,
    pub adapter: Arc<dyn Adapter>,
    /// What it was set to, with its secrets.
    pub values: Values,
    pace: Pace,
    revision: i64,
}

/// All of them. Cheap to clone.
#[derive(Clone)]
pub struct Providers(Arc<Inner>);

struct Inner {
    cx: Context,
    urls: Urls,
    loaded: RwLock<BTreeMap<i64, Arc<Provider>>>,
}

impl Providers {
    pub async fn load(cx: &Context) -> Result<Self, DbErr> {
        let providers = Self(Arc::new(Inner {
            urls: Urls::new(cx.settings.base(), cx.secret.derive("tracking")),
            cx: cx.clone(),
            loaded: RwLock::default(),
        }));
        providers.refresh().await?;
        Ok(providers)
    }

    fn loaded(&self) -> BTreeMap<i64, Arc<Provider>> {
        let loaded = self.0.loaded.read().unwrap_or_else(PoisonError::into_inner);
        loaded.clone()
    }

    fn find(&self, is: impl Fn(&Provider) -> bool) -> Option<Arc<Provider>> {
        let loaded = self.0.loaded.read().unwrap_or_else(PoisonError::into_inner);
        loaded.values().find(|provider| is(provider)).cloned()
    }

    /// Reads what changed since the last time. Those that stayed keep their place in their pace.
    pub async fn refresh(&self) -> Result<(), DbErr> {
        let db = &*self.0.cx.db;
        let marks = store::marks(db).await?;
        let known = self.loaded();
        let is_same = marks.len() == known.len()
            && marks.iter().all(|mark| {
                known
                    .get(&mark.id)
                    .is_some_and(|provider| provider.revision == mark.revision)
            });
        if is_same {
            return Ok(());
        }
        let mut loaded = BTreeMap::new();
        for row in store::all(db).await? {
            let kept = known.get(&row.id).filter(|kept| kept.revision == row.revision);
            let provider = kept.cloned().or_else(|| self.make(&row).map(Arc::new));
            if let Some(provider) = provider {
                loaded.insert(row.id, provider);
            }
        }
        *self.0.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded;
        Ok(())
    }

    /// `None` for a kind that this release does not know.
    fn make(&self, row: &providers::Model) -> Option<Provider> {
        let Some(kind) = kinds::find(&row.kind) else {
            tracing::warn!(
                provider = row.key,
                kind = row.kind,
                "this release knows no such provider"
            );
            return None;
        };
        let mut values = settings(row);
        values.set("hook_word", hook_word(&self.0.cx, &row.key));
        let owner = Owner {
            kind: &row.kind,
            id: row.id,
        };
        let adapter = match sealed::open(&self.0.cx.secret, owner, &row.sealed) {
            None => unusable(
                "Its secrets cannot be read with this instance’s secret key. Enter them again under \
                 Settings, Channels.",
            ),
            Some(secrets) => {
                for (name, secret) in secrets {
                    values.set(&name, secret);
                }
                (kind.build)(&values, &self.0.cx).unwrap_or_else(|errors| {
                    let what: Vec<_> = errors.0.iter().map(|error| error.message.as_str()).collect();
                    unusable(&format!("Its settings are not complete: {}", what.join(" ")))
                })
            }
        };
        Some(Provider {
            id: row.id,
            key: row.key.clone(),
            kind,
            name: row.name.clone(),
            is_active: row.is_active,
            adapter,
            pace: Pace::new(Pace::parse(values.get("rate")).flatten()),
            values,
            revision: row.revision,
        })
    }

    /// Who carries a channel's messages; `None` where they go to the capture mailbox.
    pub fn carrier(&self, channel: Channel) -> Option<Arc<Provider>> {
        self.find(|one| one.is_active && one.kind.part == Part::Carrier && one.kind.channel == channel)
    }

    /// The accounts of a channel that are active.
    pub fn accounts(&self, channel: Channel) -> Vec<Arc<Provider>> {
        let is = |one: &Arc<Provider>| {
            one.is_active && one.kind.part == Part::Account && one.kind.channel == channel
        };
        self.loaded().into_values().filter(is).collect()
    }

    /// Any, active or not: one that is not any more may still report what became of its messages.
    pub fn by_key(&self, key: &str) -> Option<Arc<Provider>> {
        self.find(|provider| provider.key == key)
    }

    pub fn by_id(&self, id: i64) -> Option<Arc<Provider>> {
        self.find(|provider| provider.id == id)
    }

    /// The adapter of a channel: whoever carries it just now, else `otherwise`.
    pub fn live(&self, channel: Channel, otherwise: Arc<dyn Adapter>) -> Arc<dyn Adapter> {
        Arc::new(Live {
            channel,
            providers: self.clone(),
            otherwise,
        })
    }

    /// The same channels, with whoever carries them just now before what stands there. Mail has its
    /// server in the settings of the instance.
    pub fn over(&self, mut channels: Channels) -> Channels {
        for &channel in Channel::ALL.iter().filter(|channel| **channel != Channel::Email) {
            if let Some(otherwise) = channels.get(channel).cloned() {
                channels = channels.with(channel, self.live(channel, otherwise));
            }
        }
        channels
    }

    /// Notices what other nodes change, until `stop`.
    pub async fn watch(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            if let Err(error) = self.refresh().await {
                tracing::warn!(%error, "changed providers were not looked for");
            }
        }
    }

    /// Where a provider is to say what became of a delivery; `None` where it could not reach us.
    fn status_url(&self, provider: &Provider, delivery: Option<i64>) -> Option<String> {
        let is_reachable = self.0.cx.settings.is_reachable();
        let delivery = delivery.filter(|_| is_reachable && provider.adapter.has_receipts())?;
        let url = self.0.urls.report(&provider.key, delivery);
        Some(match provider.kind.signs {
            true => url,
            false => format!("{url}&s={}", provider.values.get("hook_word")),
        })
    }
}

/// A row's settings, without its secrets.
pub fn settings(row: &providers::Model) -> Values {
    let fields = row.settings.as_object().into_iter().flatten();
    let mut values: Values = fields
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect();
    values.set("key", row.key.as_str());
    values
}

/// A word that stands in the address of a provider's webhooks where it does not sign them: whoever
/// knows it was told it by us.
pub fn hook_word(cx: &Context, key: &str) -> String {
    let code = sign(&cx.secret.derive("hooks"), key.as_bytes());
    URL_SAFE_NO_PAD.encode(&code[..15])
}

/// What stands in the place of an adapter that cannot be made: nothing is lost, everything waits.
struct Unusable(String);

fn unusable(why: &str) -> Arc<dyn Adapter> {
    Arc::new(Unusable(why.to_owned()))
}

impl Unusable {
    fn error(&self) -> SendError {
        SendError::Unreachable {
            reply: self.0.clone(),
        }
    }
}

impl Adapter for Unusable {
    fn send<'a>(&'a self, _: &'a Outgoing) -> Sending<'a> {
        Box::pin(std::future::ready(Err(self.error())))
    }

    fn check(&self) -> Checking<'_> {
        Box::pin(std::future::ready(Err(self.error())))
    }

    fn parse_webhook<'a>(&'a self, _: &'a Hook<'a>) -> Reading<'a> {
        Box::pin(std::future::ready(Err(Refusal::Signature)))
    }

    fn connections(&self) -> usize {
        1
    }

    fn place(&self) -> String {
        "nowhere".into()
    }
}

/// Of several accounts one’s trouble is not the others’, so it never stops the channel.
fn own_trouble(provider: &Provider, error: SendError) -> SendError {
    match error {
        SendError::Unreachable { reply } if provider.kind.part == Part::Account => SendError::Temporary {
            reply,
            retry_after: None,
        },
        error => error,
    }
}

struct Live {
    channel: Channel,
    providers: Providers,
    otherwise: Arc<dyn Adapter>,
}

impl Live {
    /// Who takes a message: the account that a post names, else whoever carries the channel; `None`
    /// where it is captured.
    fn taker(&self, message: &Outgoing) -> Result<Option<Arc<Provider>>, SendError> {
        let Some(post) = message.post.as_deref() else {
            return Ok(self.providers.carrier(self.channel));
        };
        match post.account.as_str() {
            "" => Ok(None),
            key => self.account(key).map(Some),
        }
    }

    fn account(&self, key: &str) -> Result<Arc<Provider>, SendError> {
        let found = self.providers.by_key(key).filter(|account| account.is_active);
        found.ok_or_else(|| SendError::Temporary {
            reply: "The account is not in use any more. Activate it under Settings, Channels.".into(),
            retry_after: None,
        })
    }

    async fn send_by(&self, provider: &Provider, message: &Outgoing) -> Result<Receipt, SendError> {
        let status_url = self.providers.status_url(provider, message.delivery);
        let message = Outgoing {
            status_url,
            ..message.clone()
        };
        provider.adapter.send(&message).await
    }
}

impl Adapter for Live {
    fn turn(&self) -> Turn<'_> {
        Box::pin(async move {
            if let Some(provider) = self.providers.carrier(self.channel) {
                provider.pace.turn().await;
            }
        })
    }

    fn send<'a>(&'a self, message: &'a Outgoing) -> Sending<'a> {
        Box::pin(async move {
            match self.taker(message)? {
                Some(provider) => self
                    .send_by(&provider, message)
                    .await
                    .map_err(|error| own_trouble(&provider, error)),
                None => self.otherwise.send(message).await,
            }
        })
    }

    fn check(&self) -> Checking<'_> {
        Box::pin(async move {
            match self.providers.carrier(self.channel) {
                Some(provider) => provider.adapter.check().await,
                None => self.otherwise.check().await,
            }
        })
    }

    fn look_up<'a>(&'a self, message: &'a Outgoing) -> LookingUp<'a> {
        Box::pin(async move {
            match self.taker(message)? {
                Some(provider) => provider
                    .adapter
                    .look_up(message)
                    .await
                    .map_err(|error| own_trouble(&provider, error)),
                None => self.otherwise.look_up(message).await,
            }
        })
    }

    fn engagement<'a>(&'a self, account: &'a str, id: &'a str) -> Engaging<'a> {
        Box::pin(async move { self.account(account)?.adapter.engagement(account, id).await })
    }

    /// One number for whoever carries it: workers are started once.
    fn connections(&self) -> usize {
        CONNECTIONS
    }

    fn place(&self) -> String {
        match self.providers.carrier(self.channel) {
            Some(provider) => provider.adapter.place(),
            None => self.otherwise.place(),
        }
    }
}
