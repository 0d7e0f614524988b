//! `/campaigns/{id}/journey`: the flow of a journey as a tree that is read, and changed step by
//! step. Each part is a form of its own that works without JavaScript; with htmx it opens in its
//! place, and the answer is the flow.

mod dry;
mod edit;
mod entry;
mod form;
mod people;
mod publish;
mod step_page;
mod view;

pub use dry::get_dry_run;
pub use edit::{add_step, delete_step, edit_step, get_add, get_delete, get_step, move_step};
pub use entry::{edit_entry, get_entry};
pub use people::{get_people, put_people_in, take_person_out};
pub use publish::{get_publish, publish_version};

use super::wizard::{Again, Frame, Step};
use crate::accounts::{Level, Staff, Viewer};
use crate::campaigns::checklist::zone;
use crate::campaigns::journey::{known, store};
use crate::campaigns::store as campaigns_store;
use crate::context::Context;
use crate::domain::campaign::{is_editable, may_publish};
use crate::domain::journey::{Entry, Journey, Problem};
use crate::domain::{CampaignType, Role, Status};
use crate::entity::{campaigns, journey_versions};
use crate::web::filters;
use crate::web::{AppError, Hx, Result, Section, Shell, html};
use actix_web::{HttpResponse, web};
use askama::Template;
use chrono_tz::Tz;
use view::{Drawing, LineView};

#[derive(Template)]
#[template(path = "campaigns/journey/page.html", blocks = ["flow"])]
struct FlowPage {
    shell: Shell,
    /// The wizard's steps, while the campaign is written.
    frame: Option<Frame>,
    campaign: campaigns::Model,
    entry: String,
    reentry: String,
    exits: Vec<&'static str>,
    counts: Option<store::StepCounts>,
    main: LineView,
    lost: Vec<LineView>,
    /// What is wrong with the journey as a whole.
    problems: Vec<String>,
    /// Whether nothing happens in it yet.
    is_blank: bool,
    /// What goes well, and is hardly meant so.
    warnings: Vec<String>,
    /// How many problems its steps have.
    step_problems: usize,
    may_edit: bool,
    versions: Vec<journey_versions::Model>,
    /// Whether what is shown differs from what people walk.
    is_changed: bool,
    zone: Tz,
}

impl FlowPage {
    fn exits_in_words(&self) -> String {
        let words = self.exits.join(", ");
        let (first, rest) = words.split_at(words.len().min(1));
        format!("{}{rest}", first.to_uppercase())
    }

    fn is_draft(&self) -> bool {
        is_editable(self.campaign.status)
    }

    fn runs(&self) -> bool {
        may_publish(self.campaign.status)
    }

    fn finished(&self) -> i64 {
        self.counts.map_or(0, |counts| counts.passed())
    }
}

/// A campaign that is a journey, and its steps as they are written.
async fn load(cx: &Context, id: i64) -> Result<(campaigns::Model, Journey)> {
    let campaign = super::find(cx, id).await?;
    if campaign.kind != CampaignType::Journey {
        return Err(AppError::NotFound);
    }
    let journey = match &campaign.journey {
        None => Journey::blank(usual_entry(&campaign)),
        Some(json) => Journey::parse(json).map_err(|problems| {
            let first = problems.into_iter().next().map(|problem| problem.text);
            AppError::Conflict(format!(
                "The journey cannot be read: {} Write it anew through the JSON API.",
                first.unwrap_or_default()
            ))
        })?,
    };
    Ok((campaign, journey))
}

/// How people come in until somebody says otherwise.
fn usual_entry(campaign: &campaigns::Model) -> Entry {
    match campaign.segment_id {
        Some(_) => Entry::Segment { existing: true },
        None => Entry::Staff,
    }
}

/// Whether its steps can be written: as a draft, or as the next version of what runs.
fn may_write(status: Status) -> bool {
    is_editable(status) || may_publish(status)
}

/// The page, or with htmx its flow.
async fn answer<L: Level>(
    cx: &Context,
    staff: &Staff<L>,
    hx: Hx,
    campaign: campaigns::Model,
    journey: &Journey,
) -> Result<HttpResponse> {
    let shell = staff.shell(Section::Campaigns, &campaign.name);
    let names = known::names(&*cx.db, journey).await?;
    let known = known::of(&*cx.db, &campaign, journey).await?;
    let problems = journey.validate(&known);
    let running = store::running(&*cx.db, campaign.id).await?;
    let counts = match &running {
        Some(_) => Some(store::counts(&*cx.db, campaign.id).await?),
        None => None,
    };
    let sent = store::sent(&*cx.db, campaign.id).await?;
    let versions = store::versions(&*cx.db, campaign.id).await?;
    let walked = versions
        .iter()
        .find(|version| {
            running
                .as_ref()
                .is_some_and(|running| running.version_id == version.id)
        })
        .and_then(|version| Journey::parse(&version.definition).ok());
    let may_edit = shell.may(&Role::Manager) && may_write(campaign.status);
    let (main, lost) = Drawing {
        campaign: campaign.id,
        journey,
        names: &names,
        problems: &problems,
        counts: counts.as_ref(),
        sent: &sent,
        may_edit,
        revision: campaign.revision,
        csrf: &shell.csrf,
    }
    .draw();
    let segment = campaigns_store::segment(&*cx.db, campaign.segment_id).await?;
    let frame = match is_editable(campaign.status) && shell.may(&Role::Manager) && !hx.is_partial() {
        true => Some(Frame::load(cx, Some(&campaign), Step::Content, &Again::default()).await?),
        false => None,
    };
    let page = FlowPage {
        frame,
        entry: journey
            .entry
            .words(segment.as_ref().map(|segment| segment.name.as_str())),
        reentry: journey.reentry.words(),
        exits: exits(journey, &campaign),
        counts: counts.as_ref().map(|counts| counts.whole),
        main,
        lost,
        is_blank: journey.steps.len() <= 1,
        warnings: journey.warnings().into_iter().map(said_of).collect(),
        step_problems: problems.iter().filter(|problem| problem.step.is_some()).count(),
        problems: problems
            .into_iter()
            .filter(|problem| problem.step.is_none())
            .map(said)
            .collect(),
        may_edit,
        is_changed: walked.is_some_and(|walked| walked != *journey),
        versions,
        zone: zone(&campaign),
        campaign,
        shell,
    };
    match hx.is_partial() {
        true => html(&page.as_flow()),
        false => html(&page),
    }
}

fn said_of(warning: Problem) -> String {
    let step = warning.step.unwrap_or_default();
    format!("Step “{step}”: {}", warning.text)
}

fn said(problem: Problem) -> String {
    problem.text
}

/// What takes people out before the end.
fn exits(journey: &Journey, campaign: &campaigns::Model) -> Vec<&'static str> {
    let mut exits = Vec::new();
    if journey.exit.on_goal {
        exits.push("when they reach the goal");
    }
    if journey.exit.on_leaving_segment {
        exits.push("when they leave the segment");
    }
    if campaign.purpose == crate::domain::Purpose::Marketing {
        exits.push("when they opt out");
    }
    exits
}

/// `GET /campaigns/{id}/journey`
pub async fn get_journey(
    staff: Staff<Viewer>,
    id: web::Path<i64>,
    hx: Hx,
    cx: web::Data<Context>,
) -> Result<HttpResponse> {
    let (campaign, journey) = load(&cx, *id).await?;
    answer(&cx, &staff, hx, campaign, &journey).await
}
