//! The graph as people read it: a line of steps, at a branch several side by side, and where they
//! meet again the line goes on below. A way to a step that stands elsewhere is a reference.

use super::{Journey, Kind, Step};
use std::collections::BTreeSet;

/// A line of steps, and where it goes when it is at its end.
#[derive(Clone, Debug, PartialEq)]
pub struct Line<'a> {
    /// The step and the way that lead here; `None` at the beginning.
    pub from: Option<(&'a str, usize)>,
    /// What the way is called: `Yes`, `50 %`. Empty where there is one way.
    pub label: String,
    pub nodes: Vec<Node<'a>>,
    pub tail: Tail<'a>,
}

/// A step and, where it has several ways, the lines below it.
#[derive(Clone, Debug, PartialEq)]
pub struct Node<'a> {
    pub step: &'a Step,
    pub lines: Vec<Line<'a>>,
}

/// What follows on the last step of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail<'a> {
    /// An end, or a branch each way of which has its own tail.
    None,
    /// Nobody said yet.
    Open,
    /// On below, where the ways meet.
    Below,
    /// On at a step that stands elsewhere.
    At(&'a str),
}

/// What stands below the branches around a line.
#[derive(Default)]
struct Below<'a> {
    /// Where the ways meet.
    meet: Option<&'a str>,
    /// All that follows there.
    later: BTreeSet<&'a str>,
}

impl Journey {
    /// The tree from the first step, and the steps that nobody comes to, each as a line of its own.
    pub fn tree(&self) -> (Line<'_>, Vec<Line<'_>>) {
        let mut seen = BTreeSet::new();
        let first = self.first().map(|step| step.id.as_str());
        let main = self.line(None, String::new(), first, &Below::default(), &mut seen);
        let mut lost = Vec::new();
        for step in &self.steps {
            if !seen.contains(step.id.as_str()) {
                lost.push(self.line(None, String::new(), Some(&step.id), &Below::default(), &mut seen));
            }
        }
        (main, lost)
    }

    fn line<'a>(
        &'a self,
        from: Option<(&'a str, usize)>,
        label: String,
        start: Option<&'a str>,
        below: &Below<'a>,
        seen: &mut BTreeSet<&'a str>,
    ) -> Line<'a> {
        let mut nodes = Vec::new();
        let mut at = start;
        let tail = loop {
            let Some(id) = at else { break Tail::Open };
            if Some(id) == below.meet {
                break Tail::Below;
            }
            let is_here =
                |step: &&Step| !seen.contains(step.id.as_str()) && !below.later.contains(step.id.as_str());
            let Some(step) = self.step(id).filter(is_here) else {
                break Tail::At(id);
            };
            seen.insert(&step.id);
            let mut lines = Vec::new();
            match step.kind.ways().len() {
                0 => at = None,
                1 => at = step.to.first().and_then(Option::as_deref),
                _ => {
                    at = self.meeting(step, below, seen);
                    // Where its ways do not meet, they go on where those around it do.
                    let own = at.map(|meet| self.what_is_below(meet, below, seen));
                    lines = self.lines(step, own.as_ref().unwrap_or(below), seen);
                }
            }
            nodes.push(Node { step, lines });
            if at.is_none() && step.kind.ways().len() != 1 {
                break Tail::None;
            }
        };
        Line {
            from,
            label,
            nodes,
            tail,
        }
    }

    fn lines<'a>(&'a self, step: &'a Step, below: &Below<'a>, seen: &mut BTreeSet<&'a str>) -> Vec<Line<'a>> {
        let mut lines = Vec::new();
        for place in 0..step.kind.ways().len() {
            let to = step.to.get(place).and_then(Option::as_deref);
            if to.is_none() && step.kind.may_lack(place) {
                continue;
            }
            let label = step.kind.way_label(place);
            lines.push(self.line(Some((&step.id, place)), label, to, below, seen));
        }
        lines
    }

    /// The first step after a branch, along its first way, that every way of it can come to. A way
    /// that leads nowhere yet does not keep the others from meeting.
    fn meeting<'a>(&'a self, step: &'a Step, below: &Below<'a>, seen: &BTreeSet<&'a str>) -> Option<&'a str> {
        let starts: Vec<&str> = step.to.iter().filter_map(Option::as_deref).collect();
        if starts.len() < 2 && !step.kind.may_lack(1) {
            return None;
        }
        let reaches: Vec<Vec<&str>> = starts.iter().map(|start| self.in_order(start, seen)).collect();
        let first = reaches.first()?;
        first
            .iter()
            .find(|id| !below.later.contains(*id) && reaches.iter().all(|reach| reach.contains(*id)))
            .copied()
            .filter(|_| starts.len() > 1)
    }

    /// What stands below a branch whose ways meet at a step.
    fn what_is_below<'a>(&'a self, meet: &'a str, outer: &Below<'a>, seen: &BTreeSet<&'a str>) -> Below<'a> {
        let mut later = outer.later.clone();
        later.extend(self.in_order(meet, seen));
        Below {
            meet: Some(meet),
            later,
        }
    }

    /// The steps from one on, the nearest first, past none that stands above already.
    fn in_order<'a>(&'a self, start: &str, seen: &BTreeSet<&'a str>) -> Vec<&'a str> {
        let start = self.step(start).filter(|step| !seen.contains(step.id.as_str()));
        let mut order: Vec<&str> = start.map(|step| step.id.as_str()).into_iter().collect();
        let mut next = 0;
        while let Some(step) = order.get(next).and_then(|id| self.step(id)) {
            next += 1;
            for to in step.to.iter().flatten() {
                if let Some(step) = self.step(to)
                    && !order.contains(&step.id.as_str())
                    && !seen.contains(step.id.as_str())
                {
                    order.push(&step.id);
                }
            }
        }
        order
    }
}

impl Kind {
    /// What a way is called.
    pub fn way_label(&self, place: usize) -> String {
        match (self, place) {
            (Self::Split(weights), place) => weights
                .get(place)
                .map_or_else(String::new, |weight| format!("{weight} %")),

            (Self::Branch(_), 0) => "Yes".into(),
            (Self::Branch(_), _) => "No".into(),
            (Self::Await { .. }, 0) => "When it comes".into(),
            (Self::Await { .. }, _) => "When it does not".into(),
            (Self::Webhook { .. }, 0) => "When it was taken".into(),
            (Self::Webhook { .. }, _) => "When it failed".into(),
            _ => String::new(),
        }
    }
}
