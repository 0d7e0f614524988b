//! Segments that are made of other segments: each reference is replaced by what it stands for.

use super::{Condition, Field, Op, Operand, Rule};
use std::collections::{BTreeMap, BTreeSet};

/// How many segments may stand in one another.
pub const LONGEST_CHAIN: usize = 5;
/// How many conditions a rule may have with those of the segments that it names.
pub const MOST_RESOLVED: usize = 500;

/// A segment that another may name.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    pub name: String,
    /// `None` of a list made by hand.
    pub rule: Option<Rule>,
}

/// Why a reference cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reference {
    #[error("There is no segment “{0}”.")]
    Unknown(String),
    /// The names on the way round.
    #[error("A segment cannot be made of itself: {}.", arrows(.0))]
    Cycle(Vec<String>),
    #[error("Segments stand at most {LONGEST_CHAIN} deep in one another; this is deeper: {}.", arrows(.0))]
    Deep(Vec<String>),
    #[error("With those of the segments that it names, the rule has more than {MOST_RESOLVED} conditions.")]
    Long,
}

fn arrows(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("“{name}”")).collect();
    names.join(" → ")
}

impl Rule {
    /// The keys of the segments that it names.
    pub fn segments(&self) -> BTreeSet<String> {
        self.named(&Field::Segment)
    }

    /// The ids of the campaigns that it names.
    pub fn campaigns(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for what in super::Engagement::ALL {
            found.extend(self.named(&Field::Campaign(*what)));
        }
        found
    }

    fn named(&self, field: &Field) -> BTreeSet<String> {
        match self {
            Self::All(rules) | Self::Any(rules) | Self::None(rules) => {
                rules.iter().flat_map(|rule| rule.named(field)).collect()
            }
            Self::Condition(condition) if condition.field == *field => {
                condition.value.texts().into_iter().map(str::to_owned).collect()
            }
            Self::Condition(_) => BTreeSet::new(),
        }
    }
}

/// A rule with every reference replaced by the rule that it names; references to lists stay. `own`
/// is the key and name of the segment whose rule it is.
///
/// # Errors
/// A segment that is not there, that leads back to itself, or that stands too deep; or a whole that
/// is too long.
pub fn resolve(
    own: Option<(&str, &str)>,
    rule: &Rule,
    known: &BTreeMap<String, Named>,
) -> Result<Rule, Reference> {
    let way = own.map(|(key, name)| (key.to_owned(), name.to_owned()));
    let mut walk = Walk {
        known,
        way: way.into_iter().collect(),
        start: usize::from(own.is_some()),
        conditions: 0,
    };
    walk.rule(rule)
}

struct Walk<'a> {
    known: &'a BTreeMap<String, Named>,
    /// Key and name of the segments that we are in.
    way: Vec<(String, String)>,
    start: usize,
    conditions: usize,
}

impl Walk<'_> {
    fn rule(&mut self, rule: &Rule) -> Result<Rule, Reference> {
        Ok(match rule {
            Rule::All(rules) => Rule::All(self.rules(rules)?),
            Rule::Any(rules) => Rule::Any(self.rules(rules)?),
            Rule::None(rules) => Rule::None(self.rules(rules)?),
            Rule::Condition(condition) => self.condition(condition)?,
        })
    }

    fn rules(&mut self, rules: &[Rule]) -> Result<Vec<Rule>, Reference> {
        rules.iter().map(|rule| self.rule(rule)).collect()
    }

    fn condition(&mut self, condition: &Condition) -> Result<Rule, Reference> {
        self.conditions += 1;
        if self.conditions > MOST_RESOLVED {
            return Err(Reference::Long);
        }
        if condition.field != Field::Segment {
            return Ok(Rule::Condition(condition.clone()));
        }
        let parts = condition
            .value
            .texts()
            .into_iter()
            .map(|key| self.segment(key))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(match (condition.op, parts.len()) {
            (Op::In, 1) => parts.into_iter().next().unwrap_or_else(Rule::everyone),
            (Op::In, _) => Rule::Any(parts),
            _ => Rule::None(parts),
        })
    }

    fn segment(&mut self, key: &str) -> Result<Rule, Reference> {
        let named = self
            .known
            .get(key)
            .ok_or_else(|| Reference::Unknown(key.to_owned()))?;
        let names = |way: &[(String, String)]| way.iter().map(|(_, name)| name.clone()).collect::<Vec<_>>();
        if let Some(place) = self.way.iter().position(|(other, _)| other == key) {
            let mut round = names(&self.way[place..]);
            round.push(named.name.clone());
            return Err(Reference::Cycle(round));
        }
        self.way.push((key.to_owned(), named.name.clone()));
        if self.way.len() - self.start > LONGEST_CHAIN {
            return Err(Reference::Deep(names(&self.way)));
        }
        let rule = match &named.rule {
            Some(rule) => self.rule(rule)?,
            None => Rule::Condition(Condition {
                field: Field::Segment,
                op: Op::In,
                value: Operand::Text(key.to_owned()),
            }),
        };
        self.way.pop();
        Ok(rule)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn rule(json: &Value) -> Rule {
        Rule::parse(json).unwrap()
    }

    fn is_in(key: &str) -> Value {
        json!({"field": "segment", "op": "in", "value": key})
    }

    fn known(segments: &[(&str, Option<Value>)]) -> BTreeMap<String, Named> {
        let named = |(key, json): &(&str, Option<Value>)| {
            let named = Named {
                name: key.to_uppercase(),
                rule: json.as_ref().map(rule),
            };
            ((*key).to_owned(), named)
        };
        segments.iter().map(named).collect()
    }

    #[test]
    fn a_reference_becomes_what_it_stands_for() {
        let vip = json!({"field": "tags", "op": "has", "value": "vip"});
        let known = known(&[
            ("vip", Some(vip.clone())),
            ("list", None),
            ("both", Some(json!({"all": [is_in("vip"), is_in("list")]}))),
        ]);
        for (given, expected) in [
            (is_in("vip"), vip.clone()),
            (is_in("list"), is_in("list")),
            (is_in("both"), json!({"all": [vip, is_in("list")]})),
            (
                json!({"field": "segment", "op": "not_in", "value": ["vip", "list"]}),
                json!({"none": [vip, is_in("list")]}),
            ),
            (
                json!({"field": "segment", "op": "eq", "value": ["vip", "list"]}),
                json!({"any": [vip, is_in("list")]}),
            ),
        ] {
            assert_eq!(
                resolve(None, &rule(&given), &known).unwrap().to_json(),
                expected,
                "{given}"
            );
        }
    }

    #[test]
    fn a_way_round_is_refused_with_every_name_on_it() {
        let known = known(&[
            ("a", Some(is_in("b"))),
            ("b", Some(json!({"none": [is_in("c")]}))),
            ("c", Some(is_in("a"))),
        ]);
        let refused = resolve(Some(("a", "A")), &rule(&is_in("b")), &known).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "A segment cannot be made of itself: “A” → “B” → “C” → “A”."
        );
        let own = resolve(Some(("a", "A")), &rule(&is_in("a")), &known).unwrap_err();
        assert_eq!(own, Reference::Cycle(vec!["A".into(), "A".into()]));
        let unknown = resolve(None, &rule(&is_in("d")), &known).unwrap_err();
        assert_eq!(unknown, Reference::Unknown("d".into()));
    }

    #[test]
    fn depth_and_length_have_limits() {
        let chain = |length: usize| {
            let keys: Vec<String> = (0..length).map(|n| format!("s{n}")).collect();
            let segments: Vec<(&str, Option<Value>)> = (0..length)
                .map(|n| (keys[n].as_str(), (n + 1 < length).then(|| is_in(&keys[n + 1]))))
                .collect();
            known(&segments)
        };
        let first = rule(&is_in("s0"));
        assert!(resolve(Some(("own", "Own")), &first, &chain(LONGEST_CHAIN)).is_ok());
        let deep = resolve(Some(("own", "Own")), &first, &chain(LONGEST_CHAIN + 1));
        assert!(matches!(deep, Err(Reference::Deep(_))));
        // Each doubles the one below.
        let twice = |key: &str| json!({"all": [is_in(key), is_in(key), is_in(key), is_in(key), is_in(key)]});
        let known = known(&[
            ("a", Some(twice("b"))),
            ("b", Some(twice("c"))),
            ("c", Some(twice("d"))),
            ("d", Some(twice("list"))),
            ("list", None),
        ]);
        assert_eq!(resolve(None, &rule(&is_in("a")), &known), Err(Reference::Long));
    }
}
