//! The flow as the page shows it: lines of steps, side by side at a branch, each step with who is
//! there, what its message came to, and what is wrong with it.

use crate::campaigns::journey::store::{Counts, StepCounts};
use crate::domain::journey::{Journey, Kind, Line, Names, Node, Problem, Tail};
use crate::entity::run_counts;
use crate::web::filters;
use askama::Template;
use std::collections::BTreeMap;

/// What the flow is drawn from.
pub struct Drawing<'a> {
    pub campaign: i64,
    pub journey: &'a Journey,
    pub names: &'a Names,
    pub problems: &'a [Problem],
    /// `None` before it ever ran.
    pub counts: Option<&'a Counts>,
    pub sent: &'a BTreeMap<String, run_counts::Model>,
    /// Whether steps can be changed by whoever looks.
    pub may_edit: bool,
    pub revision: i64,
    pub csrf: &'a str,
}

/// A line of steps.
#[derive(Template)]
#[template(path = "campaigns/journey/_line.html")]
pub struct LineView {
    pub label: String,
    nodes: Vec<NodeView>,
    /// The address of the form for a step at the beginning of the line, and its place on the page.
    add_first: Option<Add>,
    tail: TailView,
}

/// A link that adds a step.
struct Add {
    url: String,
    slot: String,
    /// `before the first step`.
    place: String,
}

enum TailView {
    None,
    Open,
    Below,
    /// The step that it goes on at, and what that is called.
    At(String, String),
}

/// A step.
struct NodeView {
    campaign: i64,
    id: String,
    kind: &'static str,
    label: &'static str,
    words: String,
    problems: Vec<String>,
    counts: Option<StepCounts>,
    /// Of all who came into the journey, in per cent.
    share: i64,
    sent: Option<run_counts::Model>,
    may_edit: bool,
    up: bool,
    down: bool,
    revision: i64,
    csrf: String,
    lines: Vec<LineView>,
    add_after: Option<Add>,
}

impl Drawing<'_> {
    /// The main line, and those to which nobody comes.
    pub fn draw(&self) -> (LineView, Vec<LineView>) {
        let (main, lost) = self.journey.tree();
        let first = Add {
            url: format!("/campaigns/{}/journey/add", self.campaign),
            slot: "slot-first".into(),
            place: "at the beginning".into(),
        };
        let main = self.line(&main, Some(first));
        (main, lost.iter().map(|line| self.line(line, None)).collect())
    }

    fn line(&self, line: &Line<'_>, first: Option<Add>) -> LineView {
        let add_first = match line.from {
            Some((step, way)) => Some(Add {
                url: format!("/campaigns/{}/journey/add?after={step}&way={way}", self.campaign),
                slot: format!("slot-{step}-{way}"),
                place: format!("on the way “{}”", line.label),
            }),
            None => first,
        };
        LineView {
            label: line.label.clone(),
            nodes: line
                .nodes
                .iter()
                .enumerate()
                .map(|(place, node)| self.node(node, line.nodes.get(place + 1)))
                .collect(),
            add_first: add_first.filter(|_| self.may_edit),
            tail: match &line.tail {
                Tail::None => TailView::None,
                Tail::Open => TailView::Open,
                Tail::Below => TailView::Below,
                Tail::At(id) => TailView::At((*id).to_owned(), self.called(id)),
            },
        }
    }

    /// A step in a reference to it.
    fn called(&self, id: &str) -> String {
        match self.journey.step(id) {
            Some(step) if step.kind == Kind::End => step.kind.label().to_owned(),
            Some(step) => format!("{} {}", step.kind.label(), step.words(self.journey, self.names)),
            None => id.to_owned(),
        }
    }

    fn node(&self, node: &Node<'_>, next: Option<&Node<'_>>) -> NodeView {
        let step = node.step;
        let ways = step.kind.ways().len();
        let after = match (ways, next) {
            (0, _) => None,
            (1, _) => Some(Add {
                url: format!("/campaigns/{}/journey/add?after={}&way=0", self.campaign, step.id),
                slot: format!("slot-{}-0", step.id),
                place: format!("after “{}”", self.called(&step.id)),
            }),
            // Where the ways of a branch meet.
            (_, Some(next)) => Some(Add {
                url: format!("/campaigns/{}/journey/add?before={}", self.campaign, next.step.id),
                slot: format!("slot-before-{}", next.step.id),
                place: format!("before “{}”", self.called(&next.step.id)),
            }),
            (_, None) => None,
        };
        let of_step = |problem: &&Problem| problem.step.as_deref() == Some(step.id.as_str());
        let counts = self
            .counts
            .map(|counts| counts.steps.get(&step.id).copied().unwrap_or_default());
        NodeView {
            campaign: self.campaign,
            id: step.id.clone(),
            kind: step.kind.word(),
            label: step.kind.label(),
            words: step.words(self.journey, self.names),
            problems: self
                .problems
                .iter()
                .filter(of_step)
                .map(|problem| problem.text.clone())
                .collect(),
            share: match (self.counts, counts) {
                (Some(all), Some(counts)) if all.whole.came > 0 => counts.came * 100 / all.whole.came,
                _ => 0,
            }
            .min(100),
            counts,
            sent: self.sent.get(&step.id).cloned().filter(|row| row.target > 0),
            may_edit: self.may_edit,
            up: self.journey.above(&step.id).is_some(),
            down: self.journey.below(&step.id).is_some(),
            revision: self.revision,
            csrf: self.csrf.to_owned(),
            lines: node.lines.iter().map(|line| self.line(line, None)).collect(),
            add_after: after.filter(|_| self.may_edit),
        }
    }
}
