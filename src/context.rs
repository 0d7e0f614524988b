//! What every room is given: the database, the time, the settings, the secret, the bell.

use crate::bell::Bell;
use crate::clock::Clock;
use crate::config::Settings;
use crate::db::Db;
use crate::outbound::Outbound;
use crate::secret::Secret;
use std::sync::Arc;

/// Cheap to clone. Handlers take it as `Data<Context>`.
#[derive(Clone)]
pub struct Context {
    pub settings: Arc<Settings>,
    pub db: Db,
    pub clock: Clock,
    pub secret: Secret,
    pub bell: Bell,
    pub outbound: Outbound,
}
