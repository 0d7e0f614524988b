//! Reading campaigns, and what they name.

use super::draft::Content;
use crate::content::said::Said;
use crate::domain::experiment::letter;
use crate::domain::{CampaignType, Channel, Status};
use crate::entity::{
    Timestamp, campaign_contents, campaigns, run_contents, runs, segments, template_versions, templates,
    topics,
};
use sea_orm::sea_query::{Expr, ExprTrait as _, Func, LikeExpr};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, Order, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, Select,
};
use std::collections::BTreeMap;

/// A campaign by its id.
pub async fn find(db: &impl ConnectionTrait, id: i64) -> Result<Option<campaigns::Model>, DbErr> {
    campaigns::Entity::find_by_id(id).one(db).await
}

/// What a campaign says, by channel.
pub async fn contents(db: &impl ConnectionTrait, campaign: i64) -> Result<BTreeMap<Channel, Content>, DbErr> {
    let rows = campaign_contents::Entity::find()
        .filter(campaign_contents::Column::CampaignId.eq(campaign))
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let content = match row.template_id {
                Some(template) => Content::Template(template),
                None => Content::Inline(row.body),
            };
            (row.channel, content)
        })
        .collect())
}

/// Which campaigns a list shows, and in which order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Part of a name; "" finds all.
    pub words: String,
    pub status: Option<Status>,
    pub kind: Option<CampaignType>,
    pub sort: Sort,
    pub is_ascending: bool,
}

/// What a list is sorted by. Newest first unless it is asked otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    #[default]
    Created,
    Name,
    Status,
    /// The time it is scheduled for, or began.
    Start,
}

impl Filter {
    fn select(&self) -> Select<campaigns::Entity> {
        let mut found = campaigns::Entity::find();
        let words = self.words.trim().to_lowercase();
        if !words.is_empty() {
            let escaped = words
                .replace('\\', "\\\\")
                .replace('%', "\\%")
                .replace('_', "\\_");
            let name = Expr::expr(Func::lower(Expr::col(campaigns::Column::Name)));
            found = found.filter(name.like(LikeExpr::new(format!("%{escaped}%")).escape('\\')));
        }
        if let Some(status) = self.status {
            found = found.filter(campaigns::Column::Status.eq(status));
        }
        if let Some(kind) = self.kind {
            found = found.filter(campaigns::Column::Kind.eq(kind));
        }
        found
    }

    fn sorted(&self) -> Select<campaigns::Entity> {
        let order = match self.is_ascending {
            true => Order::Asc,
            false => Order::Desc,
        };
        let found = self.select();
        let found = match self.sort {
            Sort::Created => found.order_by(campaigns::Column::CreatedAt, order.clone()),
            Sort::Name => found.order_by(Func::lower(Expr::col(campaigns::Column::Name)), order.clone()),
            Sort::Status => found.order_by(campaigns::Column::Status, order.clone()),
            Sort::Start => {
                let columns = [campaigns::Column::StartedAt, campaigns::Column::ScheduledAt];
                let start = Func::coalesce(columns.map(Expr::col).into_iter().chain([Expr::val(0_i64)]));
                found.order_by(start, order.clone())
            }
        };
        found.order_by(campaigns::Column::Id, order)
    }
}

/// A page of campaigns, and how many there are in all. Pages count from 0.
pub async fn page(
    db: &impl ConnectionTrait,
    filter: &Filter,
    page: u64,
    size: u64,
) -> Result<(Vec<campaigns::Model>, u64), DbErr> {
    let count = filter.select().count(db).await?;
    let rows = filter
        .sorted()
        .offset(page.saturating_mul(size))
        .limit(size)
        .all(db)
        .await?;
    Ok((rows, count))
}

/// The campaigns that match, newest first, those with a smaller id than `before`.
pub async fn newest(
    db: &impl ConnectionTrait,
    filter: &Filter,
    before: Option<i64>,
    limit: u64,
) -> Result<Vec<campaigns::Model>, DbErr> {
    let mut found = filter.select().order_by_desc(campaigns::Column::Id).limit(limit);
    if let Some(id) = before {
        found = found.filter(campaigns::Column::Id.lt(id));
    }
    found.all(db).await
}

/// Whether there is any campaign at all.
pub async fn is_any(db: &impl ConnectionTrait) -> Result<bool, DbErr> {
    Ok(campaigns::Entity::find().one(db).await?.is_some())
}

/// A segment by its id.
pub async fn segment(db: &impl ConnectionTrait, id: Option<i64>) -> Result<Option<segments::Model>, DbErr> {
    match id {
        Some(id) => segments::Entity::find_by_id(id).one(db).await,
        None => Ok(None),
    }
}

/// The names of several segments.
pub async fn segment_names(db: &impl ConnectionTrait, ids: &[i64]) -> Result<BTreeMap<i64, String>, DbErr> {
    let rows = segments::Entity::find()
        .filter(segments::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.id, row.name)).collect())
}

/// A topic by its key or, where the text is a number, its id.
pub async fn topic(db: &impl ConnectionTrait, text: &str) -> Result<Option<topics::Model>, DbErr> {
    if let Ok(id) = text.parse::<i64>() {
        return topics::Entity::find_by_id(id).one(db).await;
    }
    topics::Entity::find()
        .filter(topics::Column::Key.eq(text))
        .one(db)
        .await
}

/// The topics in use, in the club's order.
pub async fn topics(db: &impl ConnectionTrait) -> Result<Vec<topics::Model>, DbErr> {
    topics::Entity::find()
        .filter(topics::Column::ArchivedAt.is_null())
        .order_by_asc(topics::Column::Position)
        .order_by_asc(topics::Column::Id)
        .limit(200)
        .all(db)
        .await
}

/// The templates in use on a channel, by name, for a choice. At most 500.
pub async fn templates(db: &impl ConnectionTrait, channel: Channel) -> Result<Vec<templates::Model>, DbErr> {
    templates::Entity::find()
        .filter(templates::Column::Channel.eq(channel))
        .filter(templates::Column::ArchivedAt.is_null())
        .order_by_asc(templates::Column::Name)
        .order_by_asc(templates::Column::Id)
        .limit(500)
        .all(db)
        .await
}

/// What a run sent on a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Sent {
    pub run: i32,
    pub started_at: Timestamp,
    pub channel: Channel,
    pub template: Option<templates::Model>,
    /// With the subject that was sent.
    pub version: template_versions::Model,
    /// The letter of an experiment's variant; empty where there is none.
    pub variant: String,
}

/// The template versions of a campaign's runs, newest run first, at most 50.
pub async fn sent(db: &impl ConnectionTrait, campaign: i64) -> Result<Vec<Sent>, DbErr> {
    let runs = runs::Entity::find()
        .filter(runs::Column::CampaignId.eq(campaign))
        .order_by_desc(runs::Column::Id)
        .limit(50)
        .all(db)
        .await?;
    let mut sent = Vec::new();
    for run in runs {
        let rows = run_contents::Entity::find()
            .filter(run_contents::Column::RunId.eq(run.id))
            .all(db)
            .await?;
        for row in rows {
            let version = template_versions::Entity::find_by_id(row.template_version_id)
                .one(db)
                .await?;
            let Some(version) = version else { continue };
            let version = Said::of(&row).version(version);
            sent.push(Sent {
                variant: match (row.variant, run.winner) {
                    (0, Some(_)) => "The rest".to_owned(),
                    (0, None) => String::new(),
                    (variant, _) => letter(variant),
                },
                run: run.number,
                started_at: run.started_at,
                channel: row.channel,
                template: templates::Entity::find_by_id(version.template_id).one(db).await?,
                version,
            });
        }
    }
    Ok(sent)
}

/// Why nothing goes out just now though it should, where something is the matter.
pub async fn waiting(db: &impl ConnectionTrait, campaign: i64) -> Result<Option<String>, DbErr> {
    let run = runs::Entity::find()
        .filter(runs::Column::CampaignId.eq(campaign))
        .filter(runs::Column::Waiting.is_not_null())
        .order_by_desc(runs::Column::Id)
        .one(db)
        .await?;
    Ok(run.and_then(|run| run.waiting))
}
