//! `/campaigns/{id}`: where it stands, what is still to go, what came of it, and what happened.

use super::outlook;
use super::repetition::Repetition;
use super::row::{Progress, is_live, left_in_words};
use crate::accounts::audit::{self, Subject};
use crate::accounts::{Level, Staff, Viewer};
use crate::campaigns::channels::{Word, Words, in_words};
use crate::campaigns::checklist::zone;
use crate::campaigns::draft::{self, Content};
use crate::campaigns::feed;
use crate::campaigns::journey::store::{self as journey, StepCounts};
use crate::campaigns::recurring;
use crate::campaigns::social;
use crate::campaigns::store::{self, Sent};
use crate::campaigns::triggers::{self, Came};
use crate::content::store as content;
use crate::context::Context;
use crate::domain::campaign::{Command, is_editable, may_publish, transition};
use crate::domain::experiment::{Metric, in_words as in_words_of};
use crate::domain::goal::Goal;
use crate::domain::social::Draft;
use crate::domain::{CampaignType, Channel, InDoubt, Purpose, Role, Status};
use crate::entity::{audit_log, campaigns, feed_readings, segments, templates, topics};
use crate::reports::experiment::Trial;
use crate::reports::posts::{self, Row};
use crate::reports::store::Figures;
use crate::reports::{self};
use crate::web::filters::{self, group};
use crate::web::{Result, Section, Shell, html};
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use sea_orm::EntityTrait as _;

/// Lines of the history that are shown.
const HISTORY: u64 = 100;

/// Events that are shown.
const LAST_EVENTS: u64 = 10;

/// The part of the page that moves: status, buttons, progress, figures.
#[derive(Template)]
#[template(path = "campaigns/_live.html")]
pub struct LivePart {
    shell: Shell,
    live: Live,
}

/// What moves while a campaign is sent.
struct Live {
    campaign: campaigns::Model,
    figures: Figures,
    /// What the conversions were worth; `None` where the goal asks for no money.
    money: Option<String>,
    /// Who walks a journey.
    people: Option<StepCounts>,
    is_live: bool,
    /// Why nothing goes out just now though it should.
    waiting: Option<String>,
    zone: Tz,
    now: DateTime<Utc>,
    /// When the next and the last go out, where that can be said.
    outlook: String,
    trial: Option<Trial>,
    /// When a recurring one is sent next.
    next: Option<DateTime<Utc>>,
    /// How many of those it goes to are accounts that post.
    accounts: i64,
}

impl Live {
    async fn load(cx: &Context, campaign: campaigns::Model) -> Result<Self> {
        let stats = reports::campaign_stats(&*cx.db, campaign.id).await?;
        let now = cx.clock.now();
        let unread = match campaign.feed {
            Some(_) => feed::store::unread(&*cx.db, campaign.id).await?,
            None => None,
        };
        let repetition = recurring::store::repetition(&*cx.db, campaign.id).await?;
        let next = match &unread {
            Some(reading) => Some(reading.wanted_for),
            None => repetition.and_then(|repetition| repetition.next_at),
        };
        let next = next.map(|at| at.0);
        Ok(Self {
            outlook: match campaign.status {
                Status::Active => outlook::of(&*cx.db, &campaign, &stats.total.counts, now).await?,
                _ => String::new(),
            },
            trial: match campaign.experiment {
                Some(_) => reports::experiment::of(&*cx.db, campaign.id).await?,
                None => None,
            },
            accounts: stats.accounts(),
            figures: stats.total,
            money: stats.money(campaign.goal.as_ref()),
            people: match campaign.kind {
                CampaignType::Journey => Some(journey::counts(&*cx.db, campaign.id).await?.whole),
                _ => None,
            },
            is_live: is_live(&campaign, cx.clock.now()),
            waiting: match (campaign.status, unread) {
                (Status::Active, Some(reading)) => Some(unread_in_words(&reading)),
                (Status::Active, None) => store::waiting(&*cx.db, campaign.id).await?,
                _ => None,
            },
            zone: zone(&campaign),
            now,
            next,
            campaign,
        })
    }

    fn may(&self, command: Command) -> bool {
        transition(self.campaign.status, command).is_ok()
    }

    /// For how many seconds it can still be taken back.
    fn held(&self) -> Option<i64> {
        let until = self
            .campaign
            .held_until
            .filter(|_| self.campaign.status == Status::Scheduled)?;
        let left = (until.0 - self.now).num_milliseconds();
        Some((left + 999) / 1000).filter(|seconds| *seconds > 0)
    }

    fn is_open_ended(&self) -> bool {
        self.campaign.kind.is_open_ended()
    }

    fn is_journey(&self) -> bool {
        self.campaign.kind == CampaignType::Journey
    }

    fn is_draft(&self) -> bool {
        self.campaign.status == Status::Draft
    }

    fn is_editable(&self) -> bool {
        is_editable(self.campaign.status)
    }

    fn progress(&self) -> Progress {
        Progress::of(&self.figures.counts)
    }

    fn has_run(&self) -> bool {
        self.campaign.started_at.is_some()
    }

    fn stop_question(&self) -> String {
        format!("{} Stop it for good?", left_in_words(self.figures.counts.queued))
    }

    /// What is still to go, or what was left.
    fn to_go(&self) -> String {
        let counts = &self.figures.counts;
        let only_posts = self.accounts > 0 && self.accounts == counts.target;
        let people = |number: i64| match (number, only_posts) {
            (1, false) => "1 person".to_owned(),
            (1, true) => "1 post".to_owned(),
            (number, false) => format!("{} people", group(number)),
            (number, true) => format!("{} posts", group(number)),
        };
        if let Some(inside) = self.people.filter(|_| may_publish(self.campaign.status)) {
            return format!("{} inside the journey.", people(inside.here));
        }
        if self.campaign.kind == CampaignType::Triggered && self.campaign.status == Status::Active {
            return match counts.queued {
                0 => "It listens; nobody waits for a message.".to_owned(),
                1 => "It listens; 1 person waits for a message.".to_owned(),
                number => format!("It listens; {} messages wait for their time.", group(number)),
            };
        }
        let next = self.next.map(|at| filters::local(at, self.zone));
        match (self.campaign.status, next) {
            (Status::Active, Some(next)) if counts.queued == 0 => return format!("The next one: {next}."),
            (Status::Paused, Some(next)) if counts.queued == 0 => {
                return format!("The next one, when it is resumed: {next}.");
            }
            _ => {}
        }
        match self.campaign.status {
            Status::Active if counts.target == 0 => "The audience is being put together.".to_owned(),
            Status::Active => format!("{} still to go.", people(counts.queued)),
            Status::Paused => format!("{} still to go when it is resumed.", people(counts.queued)),
            Status::Cancelled if counts.cancelled > 0 => {
                format!("{} were not sent to.", people(counts.cancelled))
            }
            _ => String::new(),
        }
    }

    /// The seven counts, with what each means.
    fn counts(&self) -> [(&'static str, i64, &'static str); 7] {
        let counts = &self.figures.counts;
        [
            (
                match (self.is_open_ended(), self.accounts) {
                    (true, _) => "Messages",
                    (false, 0) => "In the segment",
                    (false, all) if all == counts.target => "Accounts",
                    (false, _) => "People and accounts",
                },
                counts.target,
                "targetCount: everyone in the segment, those skipped too",
            ),
            ("Sent", counts.sent, "sentCount: taken by the mail server"),
            (
                "Delivered",
                counts.delivered,
                "deliveredCount: taken, and not returned since",
            ),
            ("Opened", counts.opened, "openedCount: people, once each"),
            ("Clicked", counts.clicked, "clickedCount: people, once each"),
            (
                "Converted",
                counts.converted,
                "convertedCount: reached the goal, once for each run",
            ),
            (
                "Unsubscribed",
                counts.unsubscribed,
                "unsubscribedCount: opted out after this mail",
            ),
        ]
    }

    /// The four rates, with their formulas.
    fn rates(&self) -> [(&'static str, Option<f64>, &'static str); 4] {
        let rates = &self.figures.rates;
        [
            ("Delivery rate", rates.delivery, "delivered of sent"),
            ("Open rate", rates.open, "opened of delivered"),
            ("Click rate", rates.click, "clicked of opened"),
            ("Conversion rate", rates.conversion, "converted of clicked"),
        ]
    }

    /// Where the others are: skipped, bounced and so on, those that are there.
    fn others(&self) -> Vec<(&'static str, i64)> {
        let counts = &self.figures.counts;
        [
            ("skipped", counts.skipped),
            ("bounced", counts.bounced),
            ("failed", counts.failed),
            ("cancelled", counts.cancelled),
            ("in doubt", counts.unknown),
            ("complained", counts.complained),
        ]
        .into_iter()
        .filter(|(_, number)| *number > 0)
        .collect()
    }
}

/// What an occurrence waits for whose feed is not read yet.
fn unread_in_words(reading: &feed_readings::Model) -> String {
    match &reading.problem {
        Some(problem) => format!(
            "Its feed cannot be read, so it waits: {problem} Fairway tries again within its grace time."
        ),
        None => "Its feed is being read.".to_owned(),
    }
}

#[derive(Template)]
#[template(path = "campaigns/campaign.html")]
struct CampaignPage {
    shell: Shell,
    live: Live,
    segment: Option<segments::Model>,
    topic: Option<topics::Model>,
    channels: String,
    waiting_channels: String,
    goal: Option<Goal>,
    /// What it says by e-mail, where it says anything yet.
    template: Option<templates::Model>,
    /// What it posts, where it posts.
    post: Option<Draft>,
    /// Whether it posts and writes to nobody.
    only_posts: bool,
    sent: Vec<Said>,
    posts: Vec<Row>,
    history: Vec<audit_log::Model>,
    repetition: Option<Repetition>,
    /// What sets it off, of a triggered campaign.
    trigger: Option<Listening>,
}

/// What a triggered campaign listens for, and what it heard.
struct Listening {
    words: String,
    heard: i64,
    matched: i64,
    waiting: i64,
    last: Vec<Came>,
}

impl Listening {
    async fn load(cx: &Context, campaign: &campaigns::Model, waiting: i64) -> Result<Option<Self>> {
        let Some(trigger) = triggers::of(campaign) else {
            return Ok(None);
        };
        let (heard, matched) = triggers::heard_by(&*cx.db, campaign.id).await?;
        Ok(Some(Self {
            words: trigger.words(),
            heard,
            matched,
            waiting,
            last: triggers::came_to(&*cx.db, campaign.id, LAST_EVENTS).await?,
        }))
    }
}

/// What was said, by the last run that said it, and how many said it before.
struct Said {
    last: Sent,
    before: usize,
}

/// Runs that said the same are one line.
fn said(sent: Vec<Sent>) -> Vec<Said> {
    let mut lines: Vec<Said> = Vec::new();
    for one in sent {
        let same = |line: &&mut Said| {
            let of = |sent: &Sent| {
                (
                    sent.version.id,
                    sent.version.subject.clone(),
                    sent.channel,
                    sent.variant.clone(),
                )
            };
            of(&line.last) == of(&one)
        };
        match lines.iter_mut().find(same) {
            Some(line) => line.before += 1,
            None => lines.push(Said { last: one, before: 0 }),
        }
    }
    lines
}

impl Said {
    /// Its subject as people read it: `[first name], you are invited`.
    fn subject(&self) -> String {
        let mut text = String::new();
        let mut rest = self.last.version.subject.as_str();
        while let Some((before, behind)) = rest.split_once("{{") {
            let (inside, after) = behind.split_once("}}").unwrap_or((behind, ""));
            let name = inside.split('|').next().unwrap_or_default().trim();
            let name = ["contact.", "event."]
                .iter()
                .find_map(|start| name.strip_prefix(start))
                .unwrap_or(name);
            text.push_str(&format!("{before}[{}]", name.replace(['.', '_'], " ")));
            rest = after;
        }
        text + rest
    }
}

impl CampaignPage {
    fn is_triggered(&self) -> bool {
        self.live.campaign.kind == CampaignType::Triggered
    }

    fn words(&self, line: &audit_log::Model) -> String {
        let text = |name: &str| line.detail[name].as_str();
        match (text("from"), text("to")) {
            (Some(from), Some(to)) => format!("{from} → {to}"),
            _ => audit::in_words(&line.detail),
        }
    }

    /// How it goes out, where that is not as any campaign does.
    fn pacing(&self) -> String {
        let pacing = draft::pacing(&self.live.campaign);
        let mut parts = Vec::new();
        if pacing.local_time {
            parts.push("At this time where each person is.".to_owned());
        }
        if pacing.spread_minutes > 0 {
            parts.push(format!("Spread over {}.", in_words_of(pacing.spread())));
        }
        if pacing.ignores_cap {
            parts.push("Past the club’s frequency cap.".to_owned());
        }
        parts.join(" ")
    }

    fn when(&self) -> String {
        let campaign = &self.live.campaign;
        if let Some(repetition) = &self.repetition {
            return format!("{} ({})", repetition.words, self.live.zone.name());
        }
        match (campaign.send_now, campaign.scheduled_at) {
            (true, _) => "As soon as it is scheduled".to_owned(),
            (false, Some(at)) => filters::local(at.0, self.live.zone),
            (false, None) => "Not chosen yet".to_owned(),
        }
    }

    fn window(&self, goal: &Goal) -> String {
        match (goal.window.num_days(), goal.window.num_hours()) {
            (1, _) => "a day".to_owned(),
            (2.., _) => format!("{} days", goal.window.num_days()),
            (_, 1) => "an hour".to_owned(),
            (_, hours) => format!("{hours} hours"),
        }
    }
}

/// `GET /campaigns/{id}`
pub async fn get_campaign(
    staff: Staff<Viewer>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let campaign = super::find(&cx, *id).await?;
    let words = Words::of(&campaign);
    let topic = match campaign.topic_id {
        Some(topic) => topics::Entity::find_by_id(topic).one(&*cx.db).await?,
        None => None,
    };
    let labels: Vec<_> = words.iter().map(Word::label).collect();
    let waiting: Vec<_> = words.waiting().into_iter().map(Word::label).collect();
    let subject = Subject("campaign", Some(campaign.id));
    let contents = store::contents(&*cx.db, campaign.id).await?;
    let template = match contents.get(&Channel::Email) {
        Some(Content::Template(id)) => content::template(&*cx.db, *id).await?,
        _ => None,
    };
    let live = Live::load(&cx, campaign.clone()).await?;
    html(&CampaignPage {
        trigger: Listening::load(&cx, &campaign, live.figures.counts.queued).await?,
        shell: staff.shell(Section::Campaigns, &campaign.name),
        segment: store::segment(&*cx.db, campaign.segment_id).await?,
        topic,
        channels: in_words(&labels),
        waiting_channels: in_words(&waiting),
        goal: campaign.goal.as_ref().and_then(|json| Goal::parse(json).ok()),
        template,
        post: social::draft(&contents).filter(|_| words.has(&Channel::Social)),
        only_posts: social::only_posts(&campaign),
        sent: said(store::sent(&*cx.db, campaign.id).await?),
        posts: posts::of(&*cx.db, campaign.id).await?,
        history: audit::of(&*cx.db, subject, HISTORY).await?,
        repetition: Repetition::load(&cx, &campaign).await?,
        live,
    })
}

/// `GET /campaigns/{id}/live`: the part that moves, which it asks for every two seconds.
pub async fn get_live(
    staff: Staff<Viewer>,
    id: web::Path<i64>,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    html(&live_part(&staff, &cx, *id).await?)
}

pub async fn live_part<L: Level>(staff: &Staff<L>, cx: &Context, id: i64) -> Result<LivePart> {
    let campaign = super::find(cx, id).await?;
    Ok(LivePart {
        shell: staff.shell(Section::Campaigns, &campaign.name),
        live: Live::load(cx, campaign).await?,
    })
}
