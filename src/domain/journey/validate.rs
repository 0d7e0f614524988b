//! Everything that would go wrong, at once, each with its step. What passes here can be walked by
//! everybody to an end or a wait.

use super::entry::MOST_DAYS;
use super::{Entry, Journey, Kind, LONGEST_URL, MOST_WAYS, Problem, Step, Test};
use crate::domain::goal::check_event;
use crate::domain::{AttributeKind, Channel, contact};
use std::collections::{BTreeMap, BTreeSet};

/// What there is in the club, for the names that a journey uses.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Templates by key, with their channel.
    pub templates: BTreeMap<String, Channel>,
    /// The club's attributes, with their kinds.
    pub attributes: BTreeMap<String, AttributeKind>,
    /// The keys of the segments.
    pub segments: BTreeSet<String>,
    /// Whether the campaign has a segment.
    pub has_segment: bool,
    /// Whether the campaign has a goal.
    pub has_goal: bool,
}

const fn is_message(step: &Step) -> bool {
    matches!(step.kind, Kind::Message { .. })
}

impl Journey {
    /// Looks at the whole journey.
    pub fn validate(&self, known: &Known) -> Vec<Problem> {
        let mut problems = Vec::new();
        self.check_entry(known, &mut problems);
        self.check_ids(&mut problems);
        for step in &self.steps {
            self.check_step(step, known, &mut problems);
        }
        self.check_reach(&mut problems);
        self.check_loops(&mut problems);
        problems
    }

    /// What would go well, and is hardly meant so: messages that go out one upon the other, because
    /// nobody waits between them.
    pub fn warnings(&self) -> Vec<Problem> {
        let messages = self.steps.iter().filter(|step| is_message(step));
        messages
            .flat_map(|step| {
                let upon = self.at_once_after(step);
                upon.into_iter().map(|next| {
                    let text = format!("This and “{}” go out at once: put a wait between them.", next.id);
                    Problem::of(&step.id, "next", text)
                })
            })
            .collect()
    }

    /// The messages that follow upon a step with no wait between.
    fn at_once_after(&self, step: &Step) -> Vec<&Step> {
        let (mut found, mut seen) = (Vec::new(), BTreeSet::new());
        let mut open: Vec<&Step> = vec![step];
        while let Some(step) = open.pop() {
            for next in step.to.iter().flatten().filter_map(|id| self.step(id)) {
                if next.kind.is_wait() || !seen.insert(next.id.as_str()) {
                    continue;
                }
                match is_message(next) {
                    true => found.push(next),
                    false => open.push(next),
                }
            }
        }
        found
    }

    fn check_entry(&self, known: &Known, problems: &mut Vec<Problem>) {
        let mut say = |field, text: String| problems.push(Problem::whole(field, text));
        match &self.entry {
            Entry::Staff => {}
            Entry::Segment { .. } if known.has_segment => {}
            Entry::Segment { .. } => say(
                "entry",
                "People come in by joining a segment: choose the campaign’s audience.".into(),
            ),
            Entry::Event { event, .. } => {
                if let Err(sentence) = check_event(event) {
                    say("entry.event", sentence);
                }
            }
            Entry::Date(on) => {
                match known.attributes.get(&on.attribute) {
                    Some(AttributeKind::Date) => {}
                    Some(kind) => say(
                        "entry.attribute",
                        format!("The attribute {} is a {kind}, not a date.", on.attribute),
                    ),
                    None if on.attribute.is_empty() => say(
                        "entry.attribute",
                        "Choose the attribute that holds the date, such as birthday.".into(),
                    ),
                    None => say(
                        "entry.attribute",
                        format!("There is no attribute {}.", on.attribute),
                    ),
                }
                if on.days.abs() > MOST_DAYS {
                    say("entry.days", format!("At most {MOST_DAYS} days before or after."));
                }
            }
        }
        if self.exit.on_goal && !known.has_goal {
            say(
                "exit",
                "People leave when they reach the goal: say what the goal is.".into(),
            );
        }
        if self.exit.on_leaving_segment && !known.has_segment {
            say(
                "exit",
                "People leave when they leave the segment: choose the campaign’s audience.".into(),
            );
        }
    }

    fn check_ids(&self, problems: &mut Vec<Problem>) {
        if self.steps.is_empty() {
            problems.push(Problem::whole("steps", "The journey has no steps yet."));
        }
        let mut seen = BTreeSet::new();
        for step in &self.steps {
            if !seen.insert(step.id.as_str()) {
                problems.push(Problem::of(&step.id, "id", "Two steps have this id."));
            }
        }
    }

    fn check_step(&self, step: &Step, known: &Known, problems: &mut Vec<Problem>) {
        let ways = step.kind.ways();
        for (place, way) in ways.iter().enumerate() {
            match step.to.get(place).and_then(Option::as_deref) {
                None if step.kind.may_lack(place) => {}
                None => problems.push(Problem::of(
                    &step.id,
                    way,
                    "This leads nowhere. Say which step follows, or add an end.",
                )),
                Some(to) if self.step(to).is_none() => problems.push(Problem::of(
                    &step.id,
                    way,
                    format!("This leads to “{to}”, and there is no such step."),
                )),
                Some(_) => {}
            }
        }
        let mut say = |field, text: String| problems.push(Problem::of(&step.id, field, text));
        match &step.kind {
            Kind::Message { channel, template } => check_message(*channel, template, known, &mut say),
            Kind::Await { event, .. } => {
                if let Err(sentence) = check_event(event) {
                    say("event", sentence);
                }
            }
            Kind::Branch(Test::Segment(key)) if !known.segments.contains(key) => say(
                "if",
                match key.as_str() {
                    "" => "Choose the segment that is asked about.".into(),
                    key => format!("There is no segment “{key}”."),
                },
            ),
            Kind::Branch(Test::Message { step: earlier, .. }) => self.check_earlier(step, earlier, &mut say),
            Kind::Split(weights) => check_weights(weights, &mut say),
            Kind::Tag { add, remove } => check_tags(add, remove, &mut say),
            Kind::Attribute { name, value } => {
                if let Err(sentence) = contact::attribute_name(name) {
                    say("name", sentence.into());
                }
                if !value.is_null() && contact::kind_of(value).is_none() {
                    say(
                        "value",
                        "A value is a text, a number, true, false or nothing.".into(),
                    );
                }
                match known.attributes.get(name) {
                    Some(kind) if !contact::fits(*kind, value) => {
                        say("value", format!("The attribute {name} is a {kind}."));
                    }
                    Some(_) => {}
                    None => say(
                        "name",
                        format!("There is no attribute {name} yet. Add it in the settings first."),
                    ),
                }
            }
            Kind::Webhook { url } => check_url(url, &mut say),
            Kind::Wait(_) | Kind::Until { .. } | Kind::Branch(_) | Kind::End => {}
        }
    }

    /// A branch can ask about a message only where the person may have had it.
    fn check_earlier(&self, step: &Step, earlier: &str, say: &mut impl FnMut(&'static str, String)) {
        match self.step(earlier).map(|step| &step.kind) {
            Some(Kind::Message { .. }) => {
                if !self.reach(earlier).contains(step.id.as_str()) {
                    say(
                        "if",
                        format!("Nobody has had the message of “{earlier}” when they come here."),
                    );
                }
            }
            Some(_) => say("if", format!("The step “{earlier}” sends no message.")),
            None if earlier.is_empty() => say("if", "Choose the message that is asked about.".into()),
            None => say("if", format!("There is no step “{earlier}”.")),
        }
    }

    fn check_reach(&self, problems: &mut Vec<Problem>) {
        let Some(first) = self.first() else { return };
        let mut reached = self.reach(&first.id);
        reached.insert(&first.id);
        for step in &self.steps {
            if !reached.contains(step.id.as_str()) {
                problems.push(Problem::of(
                    &step.id,
                    "",
                    "Nobody comes here: no step leads to it. Lead there, or delete it.",
                ));
            }
        }
    }

    /// A circle in which nobody ever waits would be walked for ever at once.
    fn check_loops(&self, problems: &mut Vec<Problem>) {
        for step in self.steps.iter().filter(|step| !step.kind.is_wait()) {
            if self.reach_without_wait(&step.id).contains(step.id.as_str()) {
                problems.push(Problem::of(
                    &step.id,
                    "",
                    "People would go round in a circle here without end. Add a wait to the circle.",
                ));
            }
        }
    }

    /// Every step that can come after another, itself where there is a circle.
    pub fn reach(&self, from: &str) -> BTreeSet<&str> {
        self.reach_by(from, |_| true)
    }

    fn reach_without_wait(&self, from: &str) -> BTreeSet<&str> {
        self.reach_by(from, |step| !step.kind.is_wait())
    }

    fn reach_by(&self, from: &str, passes: impl Fn(&Step) -> bool) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&Step> = self.step(from).into_iter().collect();
        while let Some(step) = open.pop() {
            for to in step.to.iter().flatten() {
                if let Some(next) = self.step(to)
                    && passes(next)
                    && reached.insert(next.id.as_str())
                {
                    open.push(next);
                }
            }
        }
        reached
    }
}

fn check_message(
    channel: Channel,
    template: &str,
    known: &Known,
    say: &mut impl FnMut(&'static str, String),
) {
    if !channel.is_personal() {
        say(
            "channel",
            "A step writes to one person, and a post is for everybody: choose another channel.".to_owned(),
        );
    } else if !channel.is_ready() {
        say(
            "channel",
            format!("{} cannot be sent in this release.", channel.label()),
        );
    }
    match known.templates.get(template) {
        Some(of) if *of == channel => {}
        Some(of) => say(
            "template",
            format!("The template “{template}” is for {}.", of.label()),
        ),
        None if template.is_empty() => say("template", "Choose what it says.".into()),
        None => say("template", format!("There is no template “{template}”.")),
    }
}

fn check_weights(weights: &[u32], say: &mut impl FnMut(&'static str, String)) {
    if !(2..=MOST_WAYS).contains(&weights.len()) {
        say("ways", format!("A split has two to {MOST_WAYS} ways."));
    }
    if weights.contains(&0) {
        say("ways", "Each way has at least 1 per cent.".into());
    }
    let sum: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
    if sum != 100 {
        say("ways", format!("The ways add up to {sum} per cent; make it 100."));
    }
}

fn check_tags(add: &[String], remove: &[String], say: &mut impl FnMut(&'static str, String)) {
    if add.is_empty() && remove.is_empty() {
        say("add", "Name a tag to add or to remove.".into());
    }
    for (field, tags) in [("add", add), ("remove", remove)] {
        if let Some(sentence) = tags.iter().find_map(|tag| contact::tag(tag).err()) {
            say(field, sentence);
        }
    }
    if let Some(tag) = add.iter().find(|tag| remove.contains(tag)) {
        say("remove", format!("The tag “{tag}” is added and removed."));
    }
}

fn check_url(url: &str, say: &mut impl FnMut(&'static str, String)) {
    let is_web = (url.starts_with("https://") || url.starts_with("http://")) && url.len() <= LONGEST_URL;
    let parsed = url::Url::parse(url).ok().filter(|_| is_web);
    match parsed {
        Some(url) if !url.username().is_empty() || url.password().is_some() => {
            say("url", "Leave name and password out of the address.".into());
        }
        Some(_) => {}
        None => say(
            "url",
            "Write the address that is called, such as https://club.example/hooks/welcome.".into(),
        ),
    }
}
