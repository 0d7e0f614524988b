//! Changing the flow step by step, as the editor does: whatever is done, nothing that was led to
//! is lost from sight, and ids that are in use stay what they are.

use super::{Journey, Kind, Step};
use std::collections::BTreeSet;

/// Why a change cannot be made: a sentence.
pub type Refusal = &'static str;

const GONE: Refusal = "This step is not there any more.";

impl Journey {
    /// Puts a new step on a way, before what it led to, or at the beginning; answers its id. A
    /// branch leads on to the same on all its ways.
    ///
    /// # Errors
    /// Where the way is not there, or the journey is full.
    pub fn insert(&mut self, after: Option<(&str, usize)>, kind: Kind) -> Result<String, Refusal> {
        if self.steps.len() >= super::MOST_STEPS {
            return Err("A journey has at most 100 steps.");
        }
        let id = self.free_id(kind.word());
        let follows = match after {
            None => self.first().map(|step| step.id.clone()),
            Some((step, way)) => {
                let way = self.way_mut(step, way)?;
                way.replace(id.clone())
            }
        };
        let to = match kind.ways().len() {
            0 => Vec::new(),
            ways => {
                let mut to = vec![follows; ways];
                if kind.may_lack(1) {
                    to[1] = None;
                }
                to
            }
        };
        let step = Step {
            id: id.clone(),
            kind,
            to,
        };
        let place = match after {
            None => 0,
            Some((before, _)) => self.place(before).map_or(self.steps.len(), |place| place + 1),
        };
        self.steps.insert(place, step);
        Ok(id)
    }

    /// Puts a new step before another: whatever led there leads to it now.
    ///
    /// # Errors
    /// Where that step is not there, or the journey is full.
    pub fn insert_before(&mut self, before: &str, kind: Kind) -> Result<String, Refusal> {
        let place = self.place(before).ok_or(GONE)?;
        if place == 0 {
            return self.insert(None, kind);
        }
        let leading: Vec<(String, usize)> = self
            .steps
            .iter()
            .flat_map(|step| step.to.iter().enumerate().map(move |(way, to)| (step, way, to)))
            .filter(|(_, _, to)| to.as_deref() == Some(before))
            .map(|(step, way, _)| (step.id.clone(), way))
            .collect();
        let Some((first, way)) = leading.first() else {
            return Err(GONE);
        };
        let id = self.insert(Some((first, *way)), kind)?;
        for (step, way) in &leading {
            *self.way_mut(step, *way)? = Some(id.clone());
        }
        Ok(id)
    }

    /// Makes a step another of its own: what it says, or a way more or less.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn change(&mut self, id: &str, kind: Kind) -> Result<(), Refusal> {
        let step = self.step_mut(id)?;
        let ways = kind.ways().len();
        let usual = step.to.first().cloned().flatten();
        step.to.resize(ways, usual);
        step.kind = kind;
        Ok(())
    }

    /// Leads a way to another step.
    ///
    /// # Errors
    /// Where one of them is not there.
    pub fn lead(&mut self, id: &str, way: usize, to: Option<&str>) -> Result<(), Refusal> {
        if to.is_some_and(|to| self.step(to).is_none()) {
            return Err(GONE);
        }
        *self.way_mut(id, way)? = to.map(str::to_owned);
        Ok(())
    }

    /// Takes a step out; whoever led to it leads to what followed on the way `keep`. What only its
    /// other ways led to goes with it. Answers the ids that are gone.
    ///
    /// # Errors
    /// Where it is not there.
    pub fn remove(&mut self, id: &str, keep: usize) -> Result<Vec<String>, Refusal> {
        let follows = self.step(id).ok_or(GONE)?.to.get(keep).cloned().flatten();
        // A step that leads to itself is followed by nothing.
        let follows = follows.filter(|to| to != id);
        let reached_before = self.reached();
        let was_first = self.first().is_some_and(|first| first.id == id);
        self.steps.retain(|step| step.id != id);
        for way in self.steps.iter_mut().flat_map(|step| &mut step.to) {
            if way.as_deref() == Some(id) {
                way.clone_from(&follows);
            }
        }
        if let (true, Some(next)) = (was_first, &follows)
            && let Some(place) = self.place(next)
        {
            let step = self.steps.remove(place);
            self.steps.insert(0, step);
        }
        let reached = self.reached();
        let mut gone = vec![id.to_owned()];
        gone.extend(
            reached_before
                .into_iter()
                .filter(|before| before != id && !reached.contains(before)),
        );
        self.steps.retain(|step| !gone.contains(&step.id));
        Ok(gone)
    }

    /// The step that a step would change places with on its way up: the one before it, where both
    /// stand in one line.
    pub fn above<'a>(&'a self, id: &str) -> Option<&'a Step> {
        let step = self.step(id)?;
        let mut before = self.leading_to(id);
        let above = before.next().filter(|_| before.next().is_none())?;
        let is_line = |step: &Step| step.kind.ways().len() == 1;
        let is_circle = step
            .to
            .first()
            .is_some_and(|to| to.as_deref() == Some(above.id.as_str()));
        (is_line(step) && is_line(above) && above.id != id && !is_circle && !self.is_first(id))
            .then_some(above)
    }

    /// The step that a step would change places with on its way down.
    pub fn below<'a>(&'a self, id: &str) -> Option<&'a Step> {
        let below = self.step(self.step(id)?.to.first()?.as_deref()?)?;
        (self.above(&below.id)?.id == id).then_some(below)
    }

    /// Moves a step before the one above it.
    ///
    /// # Errors
    /// Where it cannot go further up in its line.
    pub fn move_up(&mut self, id: &str) -> Result<(), Refusal> {
        let above = self
            .above(id)
            .ok_or("It cannot be moved further in its line.")?
            .id
            .clone();
        let after = self.step(id).and_then(|step| step.to.first().cloned().flatten());
        for step in &mut self.steps {
            for way in &mut step.to {
                if way.as_deref() == Some(above.as_str()) {
                    *way = Some(id.to_owned());
                }
            }
        }
        *self.way_mut(&above, 0)? = after;
        *self.way_mut(id, 0)? = Some(above.clone());
        if let (Some(one), Some(other)) = (self.place(&above), self.place(id)) {
            self.steps.swap(one, other);
        }
        Ok(())
    }

    /// Moves a step behind the one below it.
    ///
    /// # Errors
    /// Where it cannot go further down in its line.
    pub fn move_down(&mut self, id: &str) -> Result<(), Refusal> {
        let below = self
            .below(id)
            .ok_or("It cannot be moved further in its line.")?
            .id
            .clone();
        self.move_up(&below)
    }

    fn is_first(&self, id: &str) -> bool {
        self.first().is_some_and(|first| first.id == id)
    }

    /// The steps with a way to this one.
    fn leading_to<'a, 'b>(&'a self, id: &'b str) -> impl Iterator<Item = &'a Step> + use<'a, 'b> {
        self.steps
            .iter()
            .filter(move |step| step.to.iter().any(|to| to.as_deref() == Some(id)))
    }

    fn reached(&self) -> BTreeSet<String> {
        let Some(first) = self.first() else {
            return BTreeSet::new();
        };
        let mut reached: BTreeSet<String> = self.reach(&first.id).into_iter().map(str::to_owned).collect();
        reached.insert(first.id.clone());
        reached
    }

    fn place(&self, id: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.id == id)
    }

    fn step_mut(&mut self, id: &str) -> Result<&mut Step, Refusal> {
        self.steps.iter_mut().find(|step| step.id == id).ok_or(GONE)
    }

    fn way_mut(&mut self, id: &str, way: usize) -> Result<&mut Option<String>, Refusal> {
        self.step_mut(id)?.to.get_mut(way).ok_or(GONE)
    }

    /// `message`, `message-2` and so on.
    fn free_id(&self, word: &str) -> String {
        let is_free = |id: &String| self.step(id).is_none();
        std::iter::once(word.to_owned())
            .chain((2..).map(|number| format!("{word}-{number}")))
            .find(is_free)
            .unwrap_or_default()
    }
}
