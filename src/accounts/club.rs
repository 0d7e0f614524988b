//! The club's settings: who it is, who it sends as, where and when it is.

use crate::db::Tx;
use crate::entity::settings;
use crate::web::shell::DEFAULT_ACCENT;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::ActiveValue::Set;
use sea_orm::{ConnectionTrait, DbErr, EntityTrait as _};
use serde::{Deserialize, Serialize};

/// Kept as one row of `settings`, and the body of `GET` and `PUT /api/v1/settings`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Club {
    #[serde(rename = "clubName")]
    pub name: String,
    pub sender: Sender,
    /// In the footer of every marketing mail (CAN-SPAM, 15 U.S.C. § 7704(a)(5)).
    pub postal_address: String,
    pub timezone: Tz,
    pub website: String,
    /// `#rrggbb`.
    pub accent: String,
}

/// Who mail comes from when the campaign does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Sender {
    pub name: String,
    pub email: String,
    pub reply_to: String,
}

impl Default for Club {
    fn default() -> Self {
        Self {
            name: "Your club".into(),
            sender: Sender::default(),
            postal_address: String::new(),
            timezone: Tz::UTC,
            website: String::new(),
            accent: DEFAULT_ACCENT.into(),
        }
    }
}

const NAME: &str = "club";

impl Club {
    /// The club as it is set, or the defaults before anyone set it.
    pub async fn load(db: &impl ConnectionTrait) -> Result<Self, DbErr> {
        let row = settings::Entity::find_by_id(NAME).one(db).await?;
        row.map_or_else(
            || Ok(Self::default()),
            |row| {
                serde_json::from_value(row.value)
                    .map_err(|error| DbErr::Custom(format!("the club's settings cannot be read: {error}")))
            },
        )
    }

    pub async fn save(&self, tx: &Tx, now: DateTime<Utc>) -> Result<(), DbErr> {
        let value = serde_json::to_value(self).map_err(|error| DbErr::Custom(error.to_string()))?;
        settings::Entity::insert(settings::ActiveModel {
            name: Set(NAME.into()),
            value: Set(value),
            updated_at: Set(now.into()),
        })
        .on_conflict(
            sea_orm::sea_query::OnConflict::column(settings::Column::Name)
                .update_columns([settings::Column::Value, settings::Column::UpdatedAt])
                .to_owned(),
        )
        .exec_without_returning(&**tx)
        .await?;
        Ok(())
    }
}
