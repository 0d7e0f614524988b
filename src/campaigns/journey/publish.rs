//! Publishing: a journey becomes a version that never changes, and what its messages say is fixed
//! with it. A message that stayed as it was keeps the place in the ledger that it had.

use super::store::{self, Version};
use crate::content::render::compile_with;
use crate::content::render::variables::Vocabulary;
use crate::content::{Compiled, links, store as content};
use crate::db::Tx;
use crate::domain::journey::{Entry, Journey};
use crate::domain::{Channel, schedule};
use crate::entity::{Timestamp, campaigns, journey_versions, journeys, run_contents};
use crate::web::Result;
use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::Tz;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, QueryFilter as _, QueryOrder as _,
};

/// What one message says, tried out.
pub struct Prepared {
    step: String,
    channel: Channel,
    version: i64,
    compiled: Compiled,
}

/// Compiles what a journey's messages say now, which takes a while, so it is done before the
/// transaction. A sentence where one cannot be sent.
pub async fn prepare(
    db: &impl ConnectionTrait,
    journey: &Journey,
) -> Result<Result<Vec<Prepared>, String>, DbErr> {
    let mut prepared = Vec::new();
    let vocabulary = Vocabulary::default().without_feed();
    for (step, channel, template) in journey.messages() {
        let refuse = |why: &str| Ok(Err(format!("The message of step “{step}” cannot be sent. {why}")));
        let Some(found) = content::by_key_or_id(db, template).await? else {
            return refuse("Its template is not there.");
        };
        let Some(version) = content::current_version(db, found.id).await? else {
            return refuse("Its template is empty.");
        };
        let id = version.id;
        let vocabulary = vocabulary.clone();
        // Apart, so that a template on which a library panics is that journey's trouble alone.
        match tokio::task::spawn_blocking(move || compile_with(&version, &vocabulary)).await {
            Ok(Ok(compiled)) => prepared.push(Prepared {
                step: step.to_owned(),
                channel,
                version: id,
                compiled,
            }),
            Ok(Err(problems)) => {
                return refuse(&problems.first().map(ToString::to_string).unwrap_or_default());
            }
            Err(_) => return refuse("Its template cannot be read; the operator’s log says more."),
        }
    }
    Ok(Ok(prepared))
}

/// Makes a version of a journey whose messages were tried out, and answers its id.
pub async fn add_version(
    tx: &Tx,
    campaign: &campaigns::Model,
    run: i64,
    journey: &Journey,
    prepared: &[Prepared],
    by: &str,
    now: DateTime<Utc>,
) -> Result<Version, DbErr> {
    let last = store::versions(&**tx, campaign.id).await?;
    let number = last.first().map_or(1, |last| last.number + 1);
    let version = journey_versions::Entity::insert(journey_versions::ActiveModel {
        id: NotSet,
        campaign_id: Set(campaign.id),
        number: Set(number),
        definition: Set(journey.to_json()),
        published_by: Set(by.to_owned()),
        published_at: Set(now.into()),
    })
    .exec(&**tx)
    .await?;
    for message in prepared {
        fix(tx, campaign.id, run, number, message).await?;
    }
    let version = store::version(&**tx, version.last_insert_id, run).await?;
    version.ok_or_else(|| DbErr::RecordNotFound("the version that was just made".into()))
}

/// Opens a journey that starts: its first version, and where its entries begin.
pub async fn begin(
    tx: &Tx,
    campaign: &campaigns::Model,
    run: i64,
    journey: &Journey,
    prepared: &[Prepared],
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let by = crate::accounts::Actor::fairway().name;
    let version = add_version(tx, campaign, run, journey, prepared, &by, now).await?;
    let dates = first_dates(journey, campaign, now);
    journeys::Entity::insert(journeys::ActiveModel {
        campaign_id: Set(campaign.id),
        run_id: Set(run),
        version_id: Set(version.id),
        is_begun: Set(false),
        members_cursor: Set(0),
        members_due_at: Set(watches_segment(journey).then(|| now.into())),
        dates_day: Set(dates.map_or_else(String::new, |(day, _)| day.to_string())),
        dates_cursor: Set(0),
        dates_due_at: Set(dates.map(|(_, at)| at.into())),
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(())
}

/// Whether it matters who is in the campaign's segment.
pub fn watches_segment(journey: &Journey) -> bool {
    matches!(journey.entry, Entry::Segment { .. }) || journey.exit.on_leaving_segment
}

/// The first day whose dates bring people in, and when.
pub fn first_dates(
    journey: &Journey,
    campaign: &campaigns::Model,
    now: DateTime<Utc>,
) -> Option<(NaiveDate, DateTime<Utc>)> {
    let Entry::Date(on) = &journey.entry else {
        return None;
    };
    let zone: Tz = campaign.timezone.parse().unwrap_or(Tz::UTC);
    let today = now.with_timezone(&zone).date_naive();
    (0..=2)
        .filter_map(|days| today.checked_add_days(Days::new(days)))
        .map(|day| (day, schedule::resolve(day.and_time(on.at), zone).instant()))
        .find(|(_, at)| *at >= now)
}

/// Fixes what a message says, and opens its counts, unless it says what it said before.
async fn fix(tx: &Tx, campaign: i64, run: i64, number: i32, message: &Prepared) -> Result<(), DbErr> {
    let before = run_contents::Entity::find()
        .filter(run_contents::Column::RunId.eq(run))
        .filter(run_contents::Column::Channel.eq(message.channel))
        .filter(run_contents::Column::Step.eq(&message.step))
        .order_by_desc(run_contents::Column::Variant)
        .one(&**tx)
        .await?;
    if before.is_some_and(|before| before.template_version_id == message.version) {
        return Ok(());
    }
    let variant = number - 1;
    run_contents::Entity::insert(run_contents::ActiveModel {
        run_id: Set(run),
        channel: Set(message.channel),
        step: Set(message.step.clone()),
        variant: Set(variant),
        template_version_id: Set(message.version),
        said: Set(None),
    })
    .exec_without_returning(&**tx)
    .await?;
    tx.execute_raw(tx.sql(
        "INSERT INTO run_counts (run_id, campaign_id, channel, step, variant, target, queued, sent, delivered, \
           bounced, failed, skipped, cancelled, unknown, opened, clicked, converted, unsubscribed, complained) \
         VALUES ($1, $2, $3, $4, $5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING",
        [
            run.into(),
            campaign.into(),
            message.channel.into(),
            message.step.clone().into(),
            variant.into(),
        ],
    ))
    .await?;
    links::register(tx, run, &message.compiled).await
}

/// Lets people come in on another version from now on.
pub async fn turn_to(
    tx: &Tx,
    campaign: &campaigns::Model,
    version: &Version,
    now: DateTime<Utc>,
) -> Result<(), DbErr> {
    let dates = first_dates(&version.journey, campaign, now);
    let members = watches_segment(&version.journey).then(|| Timestamp::from(now));
    tx.execute_raw(tx.sql(
        "UPDATE journeys SET version_id = $1, members_cursor = 0, members_due_at = $2, \
           dates_day = $3, dates_cursor = 0, dates_due_at = $4 WHERE campaign_id = $5",
        [
            version.id.into(),
            members.into(),
            dates.map_or_else(String::new, |(day, _)| day.to_string()).into(),
            dates.map(|(_, at)| Timestamp::from(at)).into(),
            campaign.id.into(),
        ],
    ))
    .await?;
    Ok(())
}
