//! A rule while it is being edited: a tree of texts as they were typed, right or wrong. It travels
//! in flat form fields (`r.0.1.field`), so the editor works without a script, and nothing typed is
//! ever lost.

use super::catalogue::{Catalogue, Input, MISSING, Sort, UNITS};
use crate::domain::segment::{Condition, DEEPEST, Field, MOST_CONDITIONS, Op, Operand, Rule};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A place in the tree: the child of the child of … of the root.
pub type Path = Vec<usize>;

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Group { mode: String, children: Vec<Node> },
    Line(Line),
}

/// A condition as it was typed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub field: String,
    pub op: String,
    pub value: String,
    /// The unit of a time back, whose number is the value.
    pub unit: String,
    /// For an attribute, `kind@field`: of which kind its value is here, as long as the field stays.
    pub kind: String,
}

/// What is wrong at one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub at: Path,
    /// `field`, `op` or `value`; empty for the whole.
    pub part: &'static str,
    pub message: String,
}

/// The modes of a group as (word, label).
pub const MODES: &[(&str, &str)] = &[
    ("all", "all of these"),
    ("any", "at least one of these"),
    ("none", "none of these"),
];

/// The most nodes that a form is read for; more than a rule may have.
const MOST_NODES: usize = 4 * MOST_CONDITIONS;

impl Node {
    /// What a new segment begins with.
    pub fn fresh() -> Self {
        Self::Group {
            mode: "all".into(),
            children: vec![Self::Line(Line::default())],
        }
    }

    /// A stored rule for the editor.
    pub fn of(rule: &Rule, catalogue: &Catalogue) -> Self {
        match Self::inner(rule, catalogue) {
            line @ Self::Line(_) => Self::Group {
                mode: "all".into(),
                children: vec![line],
            },
            group => group,
        }
    }

    fn inner(rule: &Rule, catalogue: &Catalogue) -> Self {
        let (mode, rules) = match rule {
            Rule::All(rules) => ("all", rules),
            Rule::Any(rules) => ("any", rules),
            Rule::None(rules) => ("none", rules),
            Rule::Condition(condition) => return Self::Line(Line::of(condition, catalogue)),
        };
        Self::Group {
            mode: mode.into(),
            children: rules.iter().map(|rule| Self::inner(rule, catalogue)).collect(),
        }
    }

    /// The tree of a posted form, the other fields aside.
    pub fn read(pairs: &[(String, String)]) -> Self {
        let mut nodes: BTreeMap<Path, BTreeMap<&str, &str>> = BTreeMap::new();
        for (name, value) in pairs {
            if let Some((path, part)) = place(name)
                && (nodes.len() < MOST_NODES || nodes.contains_key(&path))
            {
                nodes.entry(path).or_default().insert(part, value);
            }
        }
        Self::build(&nodes, &mut Vec::new()).unwrap_or_else(Self::fresh)
    }

    fn build(nodes: &BTreeMap<Path, BTreeMap<&str, &str>>, at: &mut Path) -> Option<Self> {
        let parts = nodes.get(at)?;
        let part = |name: &str| {
            parts
                .get(name)
                .map_or_else(String::new, |text| (*text).to_owned())
        };
        if !parts.contains_key("mode") {
            return Some(Self::Line(Line {
                field: part("field"),
                op: part("op"),
                value: part("value").replace("\r\n", "\n"),
                unit: part("unit"),
                kind: part("kind"),
            }));
        }
        // The children in their order; gaps close, so what was removed leaves no trace.
        let mut end = at.clone();
        end.push(usize::MAX);
        let below: Vec<usize> = nodes
            .range(at.clone()..=end)
            .map(|(path, _)| path)
            .filter(|path| path.len() == at.len() + 1)
            .filter_map(|path| path.last().copied())
            .collect();
        let mut children = Vec::with_capacity(below.len());
        for place in below {
            at.push(place);
            children.extend(Self::build(nodes, at));
            at.pop();
        }
        Some(Self::Group {
            mode: part("mode"),
            children,
        })
    }

    /// Does what a button of the form says: `add:PATH`, `group:PATH`, `remove:PATH`. Others change
    /// nothing. The paths are those of the tree as it was shown, which has no gaps.
    pub fn act(&mut self, what: &str) {
        let Some((verb, path)) = what.split_once(':') else {
            return;
        };
        let Some(path) = steps(path) else {
            return;
        };
        match (verb, path.split_last()) {
            ("add", _) => {
                if let Some(Self::Group { children, .. }) = self.at(&path) {
                    children.push(Self::Line(Line::default()));
                }
            }
            ("group", _) if path.len() + 1 < DEEPEST => {
                if let Some(Self::Group { children, .. }) = self.at(&path) {
                    children.push(Self::Group {
                        mode: "any".into(),
                        children: vec![Self::Line(Line::default())],
                    });
                }
            }
            ("remove", Some((place, parent))) => {
                if let Some(Self::Group { children, .. }) = self.at(parent)
                    && *place < children.len()
                {
                    children.remove(*place);
                }
            }
            _ => {}
        }
    }

    fn at(&mut self, path: &[usize]) -> Option<&mut Self> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        match self {
            Self::Group { children, .. } => children.get_mut(*first)?.at(rest),
            Self::Line(_) => None,
        }
    }

    /// The comparison of each line fits its field again, after another field was chosen.
    pub fn settle(&mut self, catalogue: &Catalogue) {
        match self {
            Self::Group { children, .. } => children.iter_mut().for_each(|child| child.settle(catalogue)),
            Self::Line(line) => line.settle(catalogue),
        }
    }

    /// The rule, or every mistake in it.
    pub fn rule(&self, catalogue: &Catalogue) -> Result<Rule, Vec<Mistake>> {
        let mut mistakes = Vec::new();
        let rule = self.make(catalogue, &mut Vec::new(), &mut mistakes);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let rule = rule.unwrap_or_else(Rule::everyone);
        // Once more as a whole: depth and numbers have limits too.
        Rule::parse(&rule.to_json()).map_err(|errors| {
            errors
                .0
                .into_iter()
                .map(|error| Mistake {
                    at: error.at.iter().map(|(_, place)| *place).collect(),
                    part: error.part,
                    message: sentence(&error.message),
                })
                .collect()
        })
    }

    /// The rule as far as it can be read, and how many conditions are not finished. A group none of
    /// whose conditions can be read is left out, so that "any of nothing" does not mean nobody yet.
    pub fn so_far(&self, catalogue: &Catalogue) -> (Rule, usize) {
        let mut mistakes = Vec::new();
        let rule = self.make(catalogue, &mut Vec::new(), &mut mistakes);
        let rule = rule.unwrap_or_else(Rule::everyone);
        match Rule::parse(&rule.to_json()) {
            Ok(rule) => (rule, mistakes.len()),
            Err(errors) => (Rule::everyone(), mistakes.len() + errors.0.len()),
        }
    }

    fn make(&self, catalogue: &Catalogue, at: &mut Path, mistakes: &mut Vec<Mistake>) -> Option<Rule> {
        let (mode, children) = match self {
            Self::Line(line) => {
                return line
                    .condition(catalogue)
                    .map_err(|(part, message)| {
                        mistakes.push(Mistake {
                            at: at.clone(),
                            part,
                            message,
                        });
                    })
                    .ok();
            }
            Self::Group { mode, children } => (mode, children),
        };
        let before = mistakes.len();
        let mut rules = Vec::with_capacity(children.len());
        for (place, child) in children.iter().enumerate() {
            at.push(place);
            rules.extend(child.make(catalogue, at, mistakes));
            at.pop();
        }
        if rules.is_empty() && mistakes.len() > before {
            return None;
        }
        match mode.as_str() {
            "all" => Some(Rule::All(rules)),
            "any" => Some(Rule::Any(rules)),
            "none" => Some(Rule::None(rules)),
            _ => {
                mistakes.push(Mistake {
                    at: at.clone(),
                    part: "",
                    message: "Choose how these conditions are joined.".into(),
                });
                None
            }
        }
    }
}

impl Line {
    fn of(condition: &Condition, catalogue: &Catalogue) -> Self {
        let Condition { field, op, value } = condition;
        let name = field.name();
        let kind = match (field, value) {
            (Field::Attribute(_), Operand::Number(_) | Operand::Numbers(_)) => Sort::Number,
            (Field::Attribute(_), Operand::Date(_) | Operand::Ago(_)) => Sort::Date,
            (Field::Attribute(_), Operand::Flag(_)) if *op != Op::Exists => Sort::Boolean,
            (Field::Attribute(_), Operand::Text(_)) => match catalogue.sort(field) {
                Sort::Date => Sort::Date,
                _ => Sort::Text,
            },
            _ => catalogue.sort(field),
        };
        let (mut op_word, mut unit) = (op.as_str().to_owned(), String::new());
        let value = match value {
            Operand::Flag(flag) if *op == Op::Exists => {
                if !flag {
                    op_word = MISSING.to_owned();
                }
                String::new()
            }
            Operand::Ago(ago) => {
                unit = ago.unit().to_string();
                ago.n().to_string()
            }
            Operand::Texts(list) => list.join("\n"),
            other => match other.to_json() {
                Value::String(text) => text,
                Value::Array(list) => list.iter().map(Value::to_string).collect::<Vec<_>>().join("\n"),
                other => other.to_string(),
            },
        };
        Self {
            op: op_word,
            value,
            unit,
            kind: match field {
                Field::Attribute(_) => format!("{}@{name}", kind.as_str()),
                _ => String::new(),
            },
            field: name,
        }
    }

    /// The sort of the field's values; `None` where no field is chosen.
    pub fn sort(&self, catalogue: &Catalogue) -> Option<Sort> {
        let field = Field::parse(&self.field).ok()?;
        let kept = self
            .kind
            .split_once('@')
            .filter(|(_, of)| matches!(field, Field::Attribute(_)) && *of == self.field);
        Some(match kept {
            Some(("number", _)) => Sort::Number,
            Some(("date", _)) => Sort::Date,
            Some(("boolean", _)) => Sort::Boolean,
            Some(("text", _)) => Sort::Text,
            _ => catalogue.sort(&field),
        })
    }

    fn settle(&mut self, catalogue: &Catalogue) {
        let Some(sort) = self.sort(catalogue) else {
            return;
        };
        if Field::parse(&self.field).is_ok_and(|field| matches!(field, Field::Attribute(_))) {
            self.kind = format!("{}@{}", sort.as_str(), self.field);
        }
        let is_offered = sort.ops().iter().any(|(op, _)| *op == self.op);
        if !is_offered && sort.rare(&self.op).is_none() {
            self.op = sort
                .ops()
                .first()
                .map_or_else(String::new, |(op, _)| (*op).to_owned());
        }
        match sort.input(&self.op) {
            Input::Choice(choices) if !choices.iter().any(|(word, _)| *word == self.value) => {
                self.value = choices
                    .first()
                    .map_or_else(String::new, |(word, _)| (*word).to_owned());
            }
            Input::Ago if !UNITS.iter().any(|(unit, _)| *unit == self.unit) => self.unit = "day".into(),
            _ => {}
        }
    }

    /// The condition, or which part of it is wrong and why.
    fn condition(&self, catalogue: &Catalogue) -> Result<Rule, (&'static str, String)> {
        let sort = match (self.field.is_empty(), self.sort(catalogue)) {
            (true, _) => {
                return Err((
                    "field",
                    "Choose what to ask about, or remove this condition.".into(),
                ));
            }
            (false, None) => return Err(("field", "This is not a field any more. Choose another.".into())),
            (false, Some(sort)) => sort,
        };
        let input = match sort.input(&self.op) {
            Input::Segment | Input::Campaign if self.value.trim().contains('\n') => Input::Lines,
            input => input,
        };
        let op = if self.op == MISSING {
            "exists"
        } else {
            self.op.as_str()
        };
        let value = self.operand(sort, input).map_err(|message| ("value", message))?;
        let json = json!({"field": self.field, "op": op, "value": value});
        Rule::parse(&json).map_err(|errors| match errors.0.into_iter().next() {
            Some(error) if error.part == "op" => ("op", "Choose how to compare.".to_owned()),
            Some(error) if error.part == "field" => ("field", sentence(&error.message)),
            Some(error) => ("value", sentence(&error.message)),
            None => ("value", "This cannot be read.".to_owned()),
        })
    }

    fn operand(&self, sort: Sort, input: Input) -> Result<Value, String> {
        let text = self.value.trim();
        let is_number = sort == Sort::Number;
        if text.is_empty() && input != Input::Nothing {
            return Err(match input {
                Input::Ago | Input::Number => "Enter a number.".into(),
                Input::Date => "Choose a date.".into(),
                Input::Segment => "Choose a segment.".into(),
                Input::Campaign => "Choose a campaign.".into(),
                _ => "Fill this in.".into(),
            });
        }
        match input {
            Input::Nothing => Ok(json!(self.op != MISSING)),
            Input::Ago => match text.parse::<u32>() {
                Ok(n) => Ok(json!({"n": n, "unit": self.unit})),
                Err(_) => Err("Enter a whole number.".into()),
            },
            Input::Number => number(text),
            Input::Lines => text
                .lines()
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(|line| match is_number {
                    true => number(line),
                    false => Ok(json!(line)),
                })
                .collect::<Result<Vec<_>, _>>()
                .map(Value::Array),
            Input::Choice(_) if sort == Sort::Boolean => Ok(json!(text == "true")),
            Input::Text | Input::Tag | Input::Date | Input::Choice(_) | Input::Segment | Input::Campaign => {
                Ok(json!(text))
            }
        }
    }
}

/// A number as people type it: `12.5`, `12,5`.
fn number(text: &str) -> Result<Value, String> {
    text.replacen(',', ".", 1)
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())
        .map(|number| json!(number))
        .ok_or_else(|| format!("“{}” is no number.", text.chars().take(40).collect::<String>()))
}

/// A message of the parser as a sentence.
fn sentence(message: &str) -> String {
    let mut chars = message.chars();
    let mut text: String = chars
        .next()
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(chars)
        .collect();
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

/// The place and part that a field's name speaks of: `r.0.1.op`.
fn place(name: &str) -> Option<(Path, &str)> {
    let (path, part) = name
        .strip_prefix("r.")?
        .rsplit_once('.')
        .map_or_else(|| Some(("", name.strip_prefix("r.")?)), Some)?;
    matches!(part, "mode" | "field" | "op" | "value" | "unit" | "kind").then_some(())?;
    Some((steps(path)?, part))
}

fn steps(path: &str) -> Option<Path> {
    if path.is_empty() {
        return Some(Vec::new());
    }
    let path: Option<Path> = path.split('.').map(|step| step.parse().ok()).collect();
    path.filter(|path| path.len() <= DEEPEST + 1 && path.iter().all(|step| *step < MOST_NODES))
}

#[cfg(test)]
mod tests;
