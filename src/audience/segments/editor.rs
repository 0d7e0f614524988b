//! The editor's tree as a page shows it: one row after the other, groups opened and closed.

use super::catalogue::{Catalogue, Input};
use super::draft::{Line, Node, Path};
use super::forms::field_name;
use crate::domain::segment::{DEEPEST, Field};

/// What the template writes next.
pub enum Row {
    Open(GroupView),
    Line(Box<LineView>),
    Close(GroupView),
}

/// A group's edge.
#[derive(Clone)]
pub struct GroupView {
    /// `r.0.1`, before the field names.
    pub name: String,
    /// `0.1`, for the buttons; empty for the root.
    pub path: String,
    pub mode: String,
    pub is_empty: bool,
    /// Whether another group may stand in it.
    pub takes_group: bool,
    /// Its number among the groups, for labels.
    pub number: usize,
}

/// A condition.
pub struct LineView {
    pub name: String,
    pub path: String,
    /// Its number among the conditions, for labels.
    pub number: usize,
    pub line: Line,
    /// The field where it is not among those offered, with its label.
    pub extra: Option<String>,
    /// Empty where no field is chosen yet.
    pub ops: Vec<(String, &'static str)>,
    pub input: Input,
}

impl GroupView {
    pub fn is_root(&self) -> bool {
        self.path.is_empty()
    }
}

/// The rows of a tree.
pub fn rows(root: &Node, catalogue: &Catalogue) -> Vec<Row> {
    let offered: Vec<String> = catalogue
        .fields()
        .into_iter()
        .flat_map(|(_, fields)| fields.into_iter().map(|(name, _)| name))
        .collect();
    let mut walk = Walk {
        catalogue,
        offered,
        rows: Vec::new(),
        lines: 0,
        groups: 0,
    };
    walk.node(root, &mut Vec::new());
    walk.rows
}

struct Walk<'a> {
    catalogue: &'a Catalogue,
    offered: Vec<String>,
    rows: Vec<Row>,
    lines: usize,
    groups: usize,
}

impl Walk<'_> {
    fn node(&mut self, node: &Node, at: &mut Path) {
        match node {
            Node::Group { mode, children } => {
                self.groups += 1;
                let group = GroupView {
                    name: field_name(at, ""),
                    path: path(at),
                    mode: mode.clone(),
                    is_empty: children.is_empty(),
                    takes_group: at.len() + 1 < DEEPEST,
                    number: self.groups,
                };
                self.rows.push(Row::Open(group.clone()));
                for (place, child) in children.iter().enumerate() {
                    at.push(place);
                    self.node(child, at);
                    at.pop();
                }
                self.rows.push(Row::Close(group));
            }
            Node::Line(line) => {
                self.lines += 1;
                let view = self.line(line, at);
                self.rows.push(Row::Line(Box::new(view)));
            }
        }
    }

    fn line(&self, line: &Line, at: &Path) -> LineView {
        let sort = line.sort(self.catalogue);
        let mut ops: Vec<(String, &'static str)> = Vec::new();
        if let Some(sort) = sort {
            ops.extend(sort.ops().iter().map(|(op, label)| ((*op).to_owned(), *label)));
            if !ops.iter().any(|(op, _)| *op == line.op)
                && let Some(label) = sort.rare(&line.op)
            {
                ops.push((line.op.clone(), label));
            }
        }
        let is_offered = line.field.is_empty() || self.offered.contains(&line.field);
        let input = match sort.map_or(Input::Nothing, |sort| sort.input(&line.op)) {
            // An instant, which a program wrote, does not fit the input of a date.
            Input::Date if line.value.contains('T') => Input::Text,
            // Several, which a program named.
            Input::Segment | Input::Campaign if line.value.trim().contains('\n') => Input::Lines,
            input => input,
        };
        LineView {
            name: field_name(at, ""),
            path: path(at),
            number: self.lines,
            extra: match (is_offered, Field::parse(&line.field)) {
                (false, Ok(field)) => Some(self.catalogue.label(&field)),
                (false, Err(_)) => Some("Unknown".to_owned()),
                (true, _) => None,
            },
            line: line.clone(),
            ops,
            input,
        }
    }
}

fn path(at: &[usize]) -> String {
    let steps: Vec<_> = at.iter().map(usize::to_string).collect();
    steps.join(".")
}
