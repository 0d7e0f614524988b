//! The demo club: believable data in a database of its own, made afresh at every start.

mod audiences;
mod campaigns;
mod club;
mod experiment;
mod history;
mod people;
mod recurring;
mod weeks;

use crate::accounts::passwords::NewPassword;
use crate::accounts::{Actor, keys, staff_commands};
use crate::config::Settings;
use crate::context::Context;
use crate::db::{Alone, Tx, sqlite_file};
use crate::domain::{Channel, ConsentStatus, Role};
use crate::entity::{
    activities, consent_log, consents, contact_tags, contacts, deliveries, link_clicks, links, run_counts,
    run_hours,
};
use anyhow::{Context as _, Result};
use history::Rows;
use people::People;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ActiveModelTrait, ColumnTrait as _, DbErr, EntityTrait, QueryFilter as _};

/// The same people and numbers at every start.
const SEED: u64 = 1754;

/// Rows of one INSERT, within SQLite's limit of 32,766 values.
const ROWS: usize = 500;

/// How to enter the demo.
pub struct SignIn {
    pub email: String,
    /// Another at every start: there is no default password anywhere.
    pub password: String,
}

/// Turns the settings to the demo's own folder and removes what an earlier demo left there.
///
/// # Errors
/// Where another process serves the demo, or the folder cannot be written.
pub fn prepare(settings: &mut Settings) -> Result<()> {
    settings.data_dir = settings.data_dir.join("demo");
    settings.make_data_dir()?;
    let file = settings.data_dir.join("fairway.db");
    settings.database_url = format!("sqlite://{}?mode=rwc", file.display()).into();
    let _alone = Alone::take(&settings.database_url)?;
    if let Some(file) = sqlite_file(&settings.database_url) {
        for ending in ["", "-wal", "-shm"] {
            let mut path = file.clone().into_os_string();
            path.push(ending);
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).context("The last demo’s database cannot be removed");
                }
                _ => {}
            }
        }
    }
    Ok(())
}

/// Fills the database. `key` becomes an API key of role manager.
pub async fn load(cx: &Context, key: Option<&str>) -> Result<SignIn> {
    let now = cx.clock.now();
    let sign_in = SignIn {
        email: "demo@greenside.example".into(),
        password: crate::secret::random_token().chars().take(16).collect(),
    };
    let password_hash = NewPassword::parse(&sign_in.password, &sign_in.email)
        .map_err(anyhow::Error::msg)?
        .hash()
        .await?;
    let mut rng = StdRng::seed_from_u64(SEED);
    let mut people = people::make(&mut rng, now);
    let tx = cx.db.begin().await?;
    let staff = staff_commands::NewUser {
        email: sign_in.email.clone(),
        name: "Demo".into(),
        role: Role::Admin,
        password_hash,
    };
    staff_commands::create_user(&tx, staff, &Actor::fairway(), now).await?;
    if let Some(key) = key.filter(|key| !key.is_empty()) {
        keys::insert(&tx, key, "Demo", Role::Manager, None, now).await?;
    }
    club::load(&tx, now).await?;
    insert_people(&tx, &mut people).await?;
    let rows = campaigns::load(&tx, &mut rng, &mut people.known, &cx.settings.base(), now)
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    insert_history(&tx, rows).await?;
    tx.commit().await?;
    weeks::load(cx, &people.known, &mut rng, now).await?;
    audiences::load(cx, now)
        .await
        .map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(sign_in)
}

async fn insert_people(tx: &Tx, people: &mut People) -> Result<(), DbErr> {
    insert::<contacts::ActiveModel>(tx, std::mem::take(&mut people.contacts)).await?;
    insert::<contact_tags::ActiveModel>(tx, std::mem::take(&mut people.tags)).await?;
    insert::<consents::ActiveModel>(tx, std::mem::take(&mut people.consents)).await?;
    insert::<consent_log::ActiveModel>(tx, std::mem::take(&mut people.log)).await?;
    let committee: Vec<i64> = people
        .known
        .iter()
        .filter(|p| p.is_member)
        .take(9)
        .map(|p| p.id)
        .collect();
    club::elect(tx, &committee).await
}

async fn insert_history(tx: &Tx, rows: Rows) -> Result<(), DbErr> {
    insert::<deliveries::ActiveModel>(tx, rows.deliveries).await?;
    insert::<run_counts::ActiveModel>(tx, rows.counts).await?;
    insert::<run_hours::ActiveModel>(tx, rows.hours).await?;
    insert::<activities::ActiveModel>(tx, rows.activities).await?;
    insert::<link_clicks::ActiveModel>(tx, rows.clicks).await?;
    for (link, (clicks, people)) in rows.link_totals {
        links::Entity::update_many()
            .col_expr(links::Column::Clicks, clicks.into())
            .col_expr(links::Column::People, people.into())
            .filter(links::Column::Id.eq(link))
            .exec(&**tx)
            .await?;
    }
    for (contact, at) in rows.left {
        let status = ConsentStatus::Unsubscribed;
        consents::Entity::update_many()
            .col_expr(consents::Column::Status, status.into())
            .col_expr(consents::Column::Source, "unsubscribe link".into())
            .col_expr(consents::Column::At, at.timestamp_millis().into())
            .filter(consents::Column::ContactId.eq(contact))
            .filter(consents::Column::Channel.eq(Channel::Email))
            .exec(&**tx)
            .await?;
        consent_log::Entity::insert(consent_log::ActiveModel {
            id: NotSet,
            contact_id: Set(contact),
            channel: Set(Some(Channel::Email)),
            topic_id: Set(None),
            status: Set(status),
            source: Set("unsubscribe link".into()),
            evidence: Set("Followed the link in a message.".into()),
            actor: Set("The person".into()),
            at: Set(at.into()),
        })
        .exec_without_returning(&**tx)
        .await?;
    }
    Ok(())
}

async fn insert<A>(tx: &Tx, rows: Vec<A>) -> Result<(), DbErr>
where
    A: ActiveModelTrait + Send,
{
    let mut rows = rows.into_iter().peekable();
    while rows.peek().is_some() {
        A::Entity::insert_many(rows.by_ref().take(ROWS))
            .exec_without_returning(&**tx)
            .await?;
    }
    Ok(())
}
