//! What a rule finds just now: how many, how many of them can be written to, and some of them.

use super::catalogue::Catalogue;
use super::{references, store};
use crate::audience::reach::{self, Reach};
use crate::context::Context;
use crate::domain::segment::Rule;
use crate::domain::{Channel, SegmentKind};
use crate::entity::{contacts, segments};
use crate::web::Result;
use chrono_tz::Tz;

/// How many people are shown.
const SAMPLE: u64 = 10;

/// What is shown beside a rule.
pub struct Preview {
    /// The rule in words; empty where the page says it elsewhere.
    pub words: String,
    pub reach: Reach,
    /// A list shows all of its people elsewhere.
    pub is_list: bool,
    pub people: Vec<contacts::Model>,
    /// How many conditions are not finished, and so not counted.
    pub unfinished: usize,
}

impl Preview {
    /// Of a rule while it is edited.
    pub async fn of_rule(
        cx: &Context,
        zone: Tz,
        catalogue: &Catalogue,
        (rule, unfinished): (Rule, usize),
    ) -> Result<Self> {
        let now = cx.clock.now();
        let words = rule.describe(&catalogue.labels);
        // What cannot be resolved is refused when it is saved; until then it is nobody.
        let rule = references::resolve_now(&*cx.db, &rule)
            .await?
            .unwrap_or(Rule::Any(Vec::new()));
        Ok(Self {
            words,
            reach: reach::of_rule(&*cx.db, &rule, &ready(), now, zone).await?,
            is_list: false,
            people: store::sample_of_rule(&*cx.db, &rule, SAMPLE, now, zone).await?,
            unfinished,
        })
    }

    /// Of a segment as it is kept.
    pub async fn of(cx: &Context, zone: Tz, segment: &segments::Model) -> Result<Self> {
        let now = cx.clock.now();
        Ok(Self {
            words: String::new(),
            reach: reach::of(
                &*cx.db,
                segment,
                &ready(),
                crate::domain::Purpose::Marketing,
                None,
                now,
                zone,
            )
            .await?,
            is_list: segment.kind == SegmentKind::Static,
            people: store::sample(&*cx.db, segment, SAMPLE, now, zone).await?,
            unfinished: 0,
        })
    }
}

/// The channels that campaigns can be sent on.
fn ready() -> Vec<Channel> {
    Channel::ALL
        .iter()
        .copied()
        .filter(|channel| channel.is_ready() && channel.is_personal())
        .collect()
}
