//! Reading providers.

use crate::domain::Channel;
use crate::domain::money::Currency;
use crate::domain::sms::{Cost, Price};
use crate::entity::{inbound_messages, providers};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, FromQueryResult, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};

/// All of them, oldest first.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<providers::Model>, DbErr> {
    providers::Entity::find()
        .order_by_asc(providers::Column::Id)
        .all(db)
        .await
}

pub async fn find(db: &impl ConnectionTrait, id: i64) -> Result<Option<providers::Model>, DbErr> {
    providers::Entity::find_by_id(id).one(db).await
}

/// Whether a key is taken.
pub async fn is_taken(db: &impl ConnectionTrait, key: &str) -> Result<bool, DbErr> {
    let found = providers::Entity::find()
        .filter(providers::Column::Key.eq(key))
        .count(db)
        .await?;
    Ok(found > 0)
}

/// Those of a channel that are active, oldest first.
pub async fn active(db: &impl ConnectionTrait, channel: Channel) -> Result<Vec<providers::Model>, DbErr> {
    providers::Entity::find()
        .filter(providers::Column::Channel.eq(channel))
        .filter(providers::Column::IsActive.eq(true))
        .order_by_asc(providers::Column::Id)
        .all(db)
        .await
}

/// What texts cost; `None` where no price is set, or nobody carries them.
pub async fn text_cost(db: &impl ConnectionTrait, currency: Currency) -> Result<Option<Cost>, DbErr> {
    let active = active(db, Channel::Sms).await?;
    let price = active
        .first()
        .and_then(|row| Price::parse(row.settings.get("price")?.as_str()?));
    Ok(price.map(|price| Cost { price, currency }))
}

/// The newest messages from people that came through a provider.
pub async fn inbound(
    db: &impl ConnectionTrait,
    provider: i64,
    limit: u64,
) -> Result<Vec<inbound_messages::Model>, DbErr> {
    inbound_messages::Entity::find()
        .filter(inbound_messages::Column::ProviderId.eq(provider))
        .order_by_desc(inbound_messages::Column::Id)
        .limit(limit)
        .all(db)
        .await
}

/// A provider by what tells whether it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, FromQueryResult)]
pub struct Mark {
    pub id: i64,
    pub revision: i64,
}

/// The marks of all, by id.
pub async fn marks(db: &impl ConnectionTrait) -> Result<Vec<Mark>, DbErr> {
    providers::Entity::find()
        .select_only()
        .columns([providers::Column::Id, providers::Column::Revision])
        .order_by_asc(providers::Column::Id)
        .into_model::<Mark>()
        .all(db)
        .await
}
