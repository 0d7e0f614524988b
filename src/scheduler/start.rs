//! Starting what is due: the campaign becomes active, its run is opened, and the content's version
//! is fixed, all in one transaction. A recurring one opens its runs later, one by one.

use super::{parts, posts, timing};
use crate::accounts::Actor;
use crate::campaigns::channels::Words;
use crate::campaigns::feed;
use crate::campaigns::journey::{self, publish};
use crate::campaigns::lifecycle;
use crate::campaigns::social;
use crate::content::render::compile_with;
use crate::content::render::variables::Vocabulary;
use crate::content::said::Said;
use crate::content::{Compiled, links, store};
use crate::context::Context;
use crate::db::Tx;
use crate::domain::campaign::Command;
use crate::domain::experiment::{Experiment, letter};
use crate::domain::journey::Journey;
use crate::domain::{CampaignType, Channel, RunState, Status};
use crate::entity::{campaign_contents, campaigns, run_contents, run_counts, runs};
use anyhow::{Context as _, Result};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait as _, EntityTrait as _, FromQueryResult, QueryFilter as _, Statement};

#[derive(FromQueryResult)]
struct Id {
    id: i64,
}

/// Starts every campaign that is due. One that cannot be started does not keep the others.
pub async fn start_due(cx: &Context) -> Result<()> {
    let due = Id::find_by_statement(due(cx)).all(&*cx.db).await?;
    for Id { id } in due {
        if let Err(error) = start_campaign(cx, id).await {
            tracing::error!(
                campaign = id,
                error = format!("{error:#}"),
                "a campaign was not started"
            );
        }
    }
    Ok(())
}

/// What is due, each kind by an index of its own: one condition for all would read every campaign
/// that is scheduled.
pub(super) fn due(cx: &Context) -> Statement {
    let now = cx.clock.now();
    // An active campaign without a run was paused at its start for a fault in its content, and
    // resumed since.
    cx.db.sql(
        "SELECT d.id FROM (\
           SELECT c.id, c.scheduled_at FROM campaigns c WHERE c.status = 'SCHEDULED' AND c.send_now = TRUE \
             AND c.held_until IS NULL \
           UNION ALL SELECT c.id, c.scheduled_at FROM campaigns c WHERE c.status = 'SCHEDULED' AND c.send_now = TRUE \
             AND c.held_until <= $1 \
           UNION ALL SELECT c.id, c.scheduled_at FROM campaigns c WHERE c.status = 'SCHEDULED' \
             AND c.scheduled_at <= $1 AND NOT c.send_now AND (c.held_until IS NULL OR c.held_until <= $1) \
           UNION ALL SELECT c.id, c.scheduled_at FROM campaigns c WHERE c.status = 'SCHEDULED' AND c.local_time = TRUE \
             AND c.scheduled_at > $1 AND c.scheduled_at <= $2 AND NOT c.send_now AND c.kind = 'ONE_TIME' \
             AND (c.held_until IS NULL OR c.held_until <= $1) \
           UNION ALL SELECT c.id, c.scheduled_at FROM campaigns c WHERE c.status = 'ACTIVE' \
             AND c.kind <> 'RECURRING' AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.campaign_id = c.id)\
         ) d ORDER BY d.scheduled_at, d.id",
        [
            now.timestamp_millis().into(),
            timing::horizon(now).timestamp_millis().into(),
        ],
    )
}

/// When the next campaign is due. One that is due already and was not started is tried again with
/// the next look, not at once: what kept it from starting may last.
pub async fn next_due(cx: &Context) -> Result<Option<DateTime<Utc>>> {
    #[derive(FromQueryResult)]
    struct Next {
        at: Option<i64>,
    }
    let next = Next::find_by_statement(next(cx)).one(&*cx.db).await?;
    Ok(next
        .and_then(|next| next.at)
        .and_then(DateTime::from_timestamp_millis))
}

/// The statement of `next_due`.
pub(super) fn next(cx: &Context) -> Statement {
    cx.db.sql(
        "SELECT MIN(n.at) AS at FROM (\
           SELECT MIN(c.scheduled_at) AS at FROM campaigns c WHERE c.status = 'SCHEDULED' AND c.scheduled_at > $1 \
           UNION ALL SELECT MIN(c.held_until) AS at FROM campaigns c WHERE c.status = 'SCHEDULED' \
             AND c.send_now = TRUE AND c.held_until > $1) n",
        [cx.clock.now().timestamp_millis().into()],
    )
}

/// How the run of a campaign begins that has one.
const fn first_run(kind: CampaignType) -> Option<RunState> {
    match kind {
        CampaignType::OneTime => Some(RunState::Expanding),
        CampaignType::Triggered | CampaignType::Journey => Some(RunState::Open),
        CampaignType::Recurring => None,
    }
}

/// The content of one channel, tried out.
pub(super) struct Content {
    channel: Channel,
    /// The A/B alternative; 0 where there is one, and for the rest that waits for the winner.
    variant: i32,
    said: Said,
    /// The template's version. None yet where the winner will say it, and none of a post.
    version: Option<(i64, Compiled)>,
    /// What is posted under each account, of the channel SOCIAL.
    posts: Vec<posts::NewPost>,
}

impl Content {
    /// None of the rest that waits for the winner.
    pub(super) fn compiled(&self) -> Option<&Compiled> {
        self.version.as_ref().map(|(_, compiled)| compiled)
    }
}

/// What a campaign says when it starts, tried out.
struct Says {
    contents: Vec<Content>,
    /// Of a journey its steps have their own messages.
    journey: Option<(Journey, Vec<publish::Prepared>)>,
}

async fn says(cx: &Context, campaign: &campaigns::Model) -> Result<Result<Says, String>> {
    if campaign.kind != CampaignType::Journey {
        let contents = contents(cx, campaign, &Own::default()).await?;
        return Ok(contents.map(|contents| Says {
            contents,
            journey: None,
        }));
    }
    let Some(journey) = journey::store::draft(campaign) else {
        return Ok(Err("The journey cannot be read.".into()));
    };
    let prepared = publish::prepare(&*cx.db, &journey).await?;
    Ok(prepared.map(|messages| Says {
        contents: Vec::new(),
        journey: Some((journey, messages)),
    }))
}

/// What a run says that is not what its campaign says: the e-mail's subject and template.
#[derive(Clone, Debug, Default)]
pub(super) struct Own {
    pub subject: Option<String>,
    pub template: Option<i64>,
}

async fn start_campaign(cx: &Context, id: i64) -> Result<()> {
    let now = cx.clock.now();
    let seen = find(&*cx.db, id).await?;
    if seen.status == Status::Scheduled
        && timing::starts_at(&*cx.db, &seen)
            .await?
            .is_some_and(|at| at > now)
    {
        return Ok(()); // by local time, and nowhere that time yet
    }
    // Compiling takes a while, so it is done before the transaction.
    let says = says(cx, &seen).await?;
    let tx = cx.db.begin().await?;
    let campaign = find(&*tx, id).await?;
    if campaign.revision != seen.revision || campaign.status != seen.status {
        // Edited or cancelled meanwhile: the next tick sees it as it is now.
        return Ok(());
    }
    let actor = Actor::fairway();
    let campaign = match campaign.status {
        Status::Scheduled => lifecycle::apply(&tx, id, Command::Start, &actor, now).await?,
        _ => campaign,
    };
    match says {
        Ok(says) => {
            if let Some(state) = first_run(campaign.kind) {
                let opening = Opening {
                    number: 1,
                    scheduled_for: campaign.scheduled_at.map_or(now, |at| at.0),
                    state,
                };
                let run = open_run(&tx, &campaign, opening, says.contents, now).await?;
                if let Some((journey, messages)) = &says.journey {
                    publish::begin(&tx, &campaign, run, journey, messages, now).await?;
                }
            }
            tracing::info!(campaign = id, "a campaign starts");
        }
        Err(problem) => lifecycle::pause_because(&tx, id, &problem, now).await?,
    }
    tx.commit().await?;
    Ok(())
}

async fn find(db: &impl sea_orm::ConnectionTrait, id: i64) -> Result<campaigns::Model> {
    let found = campaigns::Entity::find_by_id(id).one(db).await?;
    found.context("the campaign is gone")
}

/// What the campaign says on each of its channels, or a sentence about why it cannot be sent.
pub(super) async fn contents(
    cx: &Context,
    campaign: &campaigns::Model,
    own: &Own,
) -> Result<Result<Vec<Content>, String>> {
    let rows = campaign_contents::Entity::find()
        .filter(campaign_contents::Column::CampaignId.eq(campaign.id))
        .all(&*cx.db)
        .await?;
    // What the run could not be filled with is said before anybody gets it.
    let vocabulary = match feed::of(campaign) {
        Some(_) => Vocabulary::default(),
        None => Vocabulary::default().without_feed(),
    };
    let mut contents = Vec::new();
    for channel in Words::of(campaign).ready() {
        if channel == Channel::Social && !social::posts(campaign.kind) {
            continue;
        }
        if channel == Channel::Social {
            let body = rows
                .iter()
                .find(|row| row.channel == channel)
                .map(|row| &row.body);
            match post(cx, campaign, body).await? {
                Ok(content) => contents.push(content),
                Err(problem) => return Ok(Err(problem)),
            }
            continue;
        }
        let template = rows
            .iter()
            .find(|row| row.channel == channel)
            .and_then(|row| row.template_id);
        let own = match channel {
            Channel::Email => own.clone(),
            _ => Own::default(),
        };
        let usual = Own {
            template: own.template.or(template),
            ..own
        };
        let experiment = parts::experiment(campaign, channel);
        let tried = match compile_all(cx, channel, &usual, experiment.as_ref(), &vocabulary).await? {
            Ok(tried) => tried,
            Err(problem) => return Ok(Err(problem)),
        };
        contents.extend(tried);
    }
    match contents.is_empty() {
        true => Ok(Err("None of its channels can be sent on yet.".into())),
        false => Ok(Ok(contents)),
    }
}

async fn post(
    cx: &Context,
    campaign: &campaigns::Model,
    body: Option<&serde_json::Value>,
) -> Result<Result<Content, String>> {
    let posts = posts::prepare(cx, campaign, body).await?;
    Ok(posts.map(|posts| Content {
        channel: Channel::Social,
        variant: 0,
        said: Said::default(),
        version: None,
        posts,
    }))
}

/// What is said on a channel: one content, or each variant's and none yet for the rest.
async fn compile_all(
    cx: &Context,
    channel: Channel,
    usual: &Own,
    experiment: Option<&Experiment>,
    vocabulary: &Vocabulary,
) -> Result<Result<Vec<Content>, String>> {
    let Some(experiment) = experiment else {
        let said = Said {
            subject: usual.subject.clone(),
            ..Said::default()
        };
        let content = compile_one(cx, channel, 0, usual.template, said, vocabulary).await?;
        return Ok(content.map(|content| vec![content]));
    };
    let mut contents = Vec::new();
    for (number, variant) in (1..).zip(&experiment.variants) {
        let said = Said {
            subject: variant.subject.clone().or_else(|| usual.subject.clone()),
            sender_name: variant.sender_name.clone(),
        };
        let template = variant.template.or(usual.template);
        match compile_one(cx, channel, number, template, said, vocabulary).await? {
            Ok(content) => contents.push(content),
            Err(problem) => return Ok(Err(format!("Variant {}: {problem}", letter(number)))),
        }
    }
    if experiment.has_rest() {
        contents.push(Content {
            channel,
            variant: 0,
            said: Said::default(),
            version: None,
            posts: Vec::new(),
        });
    }
    Ok(Ok(contents))
}

async fn compile_one(
    cx: &Context,
    channel: Channel,
    variant: i32,
    template: Option<i64>,
    said: Said,
    vocabulary: &Vocabulary,
) -> Result<Result<Content, String>> {
    let version = match template {
        Some(id) => store::current_version(&*cx.db, id).await?,
        None => None,
    };
    let Some(version) = version else {
        return Ok(Err(format!("{} has no content.", channel.label())));
    };
    let id = version.id;
    let version = said.version(version);
    let vocabulary = vocabulary.clone();
    // Apart, so that a template on which a library panics is that campaign's trouble alone.
    let problem = match tokio::task::spawn_blocking(move || compile_with(&version, &vocabulary)).await {
        Ok(Ok(compiled)) => {
            return Ok(Ok(Content {
                channel,
                variant,
                said,
                version: Some((id, compiled)),
                posts: Vec::new(),
            }));
        }
        Ok(Err(problems)) => problems.first().map(ToString::to_string).unwrap_or_default(),
        Err(_) => "It cannot be read; the operator's log says more.".into(),
    };
    Ok(Err(format!(
        "The template of {} cannot be sent. {problem}",
        channel.label()
    )))
}

/// A run to be opened.
pub(super) struct Opening {
    pub number: i32,
    pub scheduled_for: DateTime<Utc>,
    pub state: RunState,
}

/// Opens a run that says this, and answers with its id.
pub(super) async fn open_run(
    tx: &Tx,
    campaign: &campaigns::Model,
    opening: Opening,
    contents: Vec<Content>,
    now: DateTime<Utc>,
) -> Result<i64> {
    let run = runs::Entity::insert(runs::ActiveModel {
        id: NotSet,
        campaign_id: Set(campaign.id),
        number: Set(opening.number),
        state: Set(opening.state),
        scheduled_for: Set(opening.scheduled_for.into()),
        cursor: Set(0),
        started_at: Set(now.into()),
        expanded_at: Set(None),
        finished_at: Set(None),
        waiting: Set(None),
        ..Default::default()
    })
    .exec(&**tx)
    .await?;
    for mut content in contents {
        let posts = std::mem::take(&mut content.posts);
        fix_content(tx, campaign, run.last_insert_id, content).await?;
        if !posts.is_empty() {
            // A run that begins early for people farther east posts at its own time.
            let due = opening.scheduled_for.max(now);
            posts::write(tx, campaign, run.last_insert_id, posts, due, now).await?;
        }
    }
    Ok(run.last_insert_id)
}

/// Fixes what the run says on a channel, and opens its counts.
async fn fix_content(tx: &Tx, campaign: &campaigns::Model, run: i64, content: Content) -> Result<()> {
    if let Some((version, compiled)) = content.version {
        run_contents::Entity::insert(run_contents::ActiveModel {
            run_id: Set(run),
            channel: Set(content.channel),
            step: Set(String::new()),
            variant: Set(content.variant),
            template_version_id: Set(version),
            said: Set(content.said.to_json()),
        })
        .exec_without_returning(&**tx)
        .await?;
        links::register(tx, run, &compiled).await?;
    }
    let zero = || Set(0);
    run_counts::Entity::insert(run_counts::ActiveModel {
        run_id: Set(run),
        campaign_id: Set(campaign.id),
        channel: Set(content.channel),
        step: Set(String::new()),
        variant: Set(content.variant),
        target: zero(),
        queued: zero(),
        sent: zero(),
        delivered: zero(),
        bounced: zero(),
        failed: zero(),
        skipped: zero(),
        cancelled: zero(),
        unknown: zero(),
        opened: zero(),
        clicked: zero(),
        converted: zero(),
        unsubscribed: zero(),
        complained: zero(),
        converted_value: zero(),
    })
    .exec_without_returning(&**tx)
    .await?;
    Ok(())
}
