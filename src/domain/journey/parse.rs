//! JSON to a journey, or everything that cannot be read at once. What can be read and would not
//! work, an unknown template, a step that leads nowhere, is `validate`'s: a draft may be unfinished.

use super::json::weekday_word;
use super::{
    Did, Entry, Exit, Journey, Kind, MOST_STEPS, Matching, OnDate, Problem, Reentry, Span, Step, Test,
};
use crate::domain::segment::Rule;
use chrono::{NaiveTime, Weekday};
use serde_json::{Map, Value};

type Object = Map<String, Value>;

impl Journey {
    /// Reads a journey.
    ///
    /// # Errors
    /// Everything that cannot be read, each with its step.
    pub fn parse(json: &Value) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let Value::Object(fields) = json else {
            return Err(vec![Problem::whole(
                "",
                "A journey is an object with entry, reentry, exit and steps.",
            )]);
        };
        for name in fields.keys() {
            if !matches!(name.as_str(), "entry" | "reentry" | "exit" | "steps") {
                problems.push(Problem::whole(
                    "",
                    format!(
                        "A journey has entry, reentry, exit and steps, and no “{}”.",
                        short(name)
                    ),
                ));
            }
        }
        let mut part = |field: &'static str, text: String| problems.push(Problem::whole(field, text));
        let entry = entry(fields.get("entry")).unwrap_or_else(|text| {
            part("entry", text);
            Entry::Staff
        });
        let reentry = match fields.get("reentry") {
            None | Some(Value::Null) => entry.usual_reentry(),
            Some(json) => reentry(json).unwrap_or_else(|text| {
                part("reentry", text);
                Reentry::Never
            }),
        };
        let exit = exit(fields.get("exit")).unwrap_or_else(|text| {
            part("exit", text);
            Exit::default()
        });
        let steps = steps(fields.get("steps"), &mut problems);
        match problems.is_empty() {
            true => Ok(Self {
                entry,
                reentry,
                exit,
                steps,
            }),
            false => Err(problems),
        }
    }
}

fn entry(json: Option<&Value>) -> Result<Entry, String> {
    let how = "Say how people come in: {\"by\": \"SEGMENT\"}, EVENT, DATE or STAFF.";
    let fields = match json {
        None | Some(Value::Null) => return Ok(Entry::Staff),
        Some(Value::Object(fields)) => fields,
        Some(_) => return Err(how.into()),
    };
    match text(fields, "by")? {
        "STAFF" => only(fields, &["by"]).map(|()| Entry::Staff),
        "SEGMENT" => {
            only(fields, &["by", "existing"])?;
            Ok(Entry::Segment {
                existing: flag(fields, "existing", true)?,
            })
        }
        "EVENT" => {
            only(fields, &["by", "event", "where"])?;
            Ok(Entry::Event {
                event: text(fields, "event")?.trim().to_owned(),
                condition: matching(fields)?,
            })
        }
        "DATE" => {
            only(fields, &["by", "attribute", "yearly", "days", "at"])?;
            let days = match fields.get("days") {
                None | Some(Value::Null) => Some(0),
                Some(days) => days.as_i64().and_then(|days| i32::try_from(days).ok()),
            };
            Ok(Entry::Date(OnDate {
                attribute: text(fields, "attribute")?.trim().to_owned(),
                yearly: flag(fields, "yearly", true)?,
                days: days.ok_or("“days” is a whole number, such as -14 for two weeks before.")?,
                at: time(fields)?,
            }))
        }
        _ => Err(how.into()),
    }
}

fn reentry(json: &Value) -> Result<Reentry, String> {
    let how = "Write NEVER, ALWAYS or {\"after\": \"P30D\"}.";
    match json {
        Value::String(word) if word == "NEVER" => Ok(Reentry::Never),
        Value::String(word) if word == "ALWAYS" => Ok(Reentry::Always),
        Value::Object(fields) => {
            only(fields, &["after"])?;
            Span::parse(text(fields, "after")?).map(Reentry::After)
        }
        _ => Err(how.into()),
    }
}

fn exit(json: Option<&Value>) -> Result<Exit, String> {
    match json {
        None | Some(Value::Null) => Ok(Exit::default()),
        Some(Value::Object(fields)) => {
            only(fields, &["onGoal", "onLeavingSegment"])?;
            Ok(Exit {
                on_goal: flag(fields, "onGoal", false)?,
                on_leaving_segment: flag(fields, "onLeavingSegment", false)?,
            })
        }
        Some(_) => Err("This is an object: {\"onGoal\": true, \"onLeavingSegment\": false}.".into()),
    }
}

fn steps(json: Option<&Value>, problems: &mut Vec<Problem>) -> Vec<Step> {
    let list = match json {
        None | Some(Value::Null) => return Vec::new(),
        Some(Value::Array(list)) => list,
        Some(_) => {
            problems.push(Problem::whole("steps", "This is a list of steps."));
            return Vec::new();
        }
    };
    if list.len() > MOST_STEPS {
        problems.push(Problem::whole(
            "steps",
            format!(
                "A journey has at most {MOST_STEPS} steps; this has {}.",
                list.len()
            ),
        ));
        return Vec::new();
    }
    let mut steps = Vec::new();
    for (place, json) in list.iter().enumerate() {
        let id = json.get("id").and_then(Value::as_str).unwrap_or_default();
        if !super::is_id(id) {
            problems.push(Problem::whole(
                "steps",
                format!(
                    "Step {}: give it an id of small letters, digits and hyphens, such as \"welcome\".",
                    place + 1
                ),
            ));
            continue;
        }
        match Step::parse(json) {
            Ok(step) => steps.push(step),
            Err((field, sentence)) => problems.push(Problem::of(id, field, sentence)),
        }
    }
    steps
}

type Refused = (&'static str, String);

impl Step {
    /// Reads one step.
    ///
    /// # Errors
    /// The field and a sentence.
    pub fn parse(json: &Value) -> Result<Self, (&'static str, String)> {
        let Value::Object(fields) = json else {
            return Err(("", "A step is an object with id, kind and next.".into()));
        };
        let word = text(fields, "kind").map_err(|text| ("kind", text))?;
        let (kind, own) = kind(word, fields)?;
        let mut known = vec!["id", "kind"];
        known.extend(own);
        let to = match &kind {
            Kind::Split(_) => split_ways(fields)?,
            kind => {
                known.extend(kind.ways());
                let ways = kind.ways().into_iter().map(|way| way_to(fields, way));
                ways.collect::<Result<_, _>>()?
            }
        };
        only(fields, &known).map_err(|text| ("", text))?;
        Ok(Self {
            id: text(fields, "id").map_err(|text| ("id", text))?.to_owned(),
            kind,
            to,
        })
    }
}

/// The kind, and the names of its own fields.
fn kind(word: &str, fields: &Object) -> Result<(Kind, &'static [&'static str]), Refused> {
    let at = |field: &'static str| move |text: String| (field, text);
    Ok(match word {
        "message" => {
            let channel = optional(fields, "channel")
                .map_err(at("channel"))?
                .unwrap_or("EMAIL");
            let channel = channel.parse().map_err(|_| {
                (
                    "channel",
                    "Write EMAIL, SMS, PUSH, WHATSAPP or SOCIAL.".to_owned(),
                )
            })?;
            let template = match fields.get("template") {
                Some(Value::Number(id)) => id.to_string(),
                _ => optional(fields, "template")
                    .map_err(at("template"))?
                    .unwrap_or("")
                    .to_owned(),
            };
            (Kind::Message { channel, template }, &["channel", "template"])
        }
        "wait" => {
            let span = Span::parse(text(fields, "for").map_err(at("for"))?).map_err(at("for"))?;
            (Kind::Wait(span), &["for"])
        }
        "until" => (
            Kind::Until {
                weekdays: weekdays(fields).map_err(at("weekdays"))?,
                at: time(fields).map_err(at("at"))?,
            },
            &["weekdays", "at"],
        ),
        "await" => (
            Kind::Await {
                event: text(fields, "event").map_err(at("event"))?.trim().to_owned(),
                condition: matching(fields).map_err(at("where"))?,
                at_most: Span::parse(text(fields, "atMost").map_err(at("atMost"))?).map_err(at("atMost"))?,
            },
            &["event", "where", "atMost"],
        ),
        "branch" => (Kind::Branch(test(fields.get("if")).map_err(at("if"))?), &["if"]),
        "split" => (Kind::Split(split_weights(fields)?), &["ways"]),
        "tag" => (
            Kind::Tag {
                add: texts(fields, "add").map_err(at("add"))?,
                remove: texts(fields, "remove").map_err(at("remove"))?,
            },
            &["add", "remove"],
        ),
        "attribute" => (
            Kind::Attribute {
                name: text(fields, "name").map_err(at("name"))?.trim().to_owned(),
                value: fields.get("value").cloned().unwrap_or(Value::Null),
            },
            &["name", "value"],
        ),
        "webhook" => {
            let url = text(fields, "url").map_err(at("url"))?.trim().to_owned();
            (Kind::Webhook { url }, &["url"])
        }
        "end" => (Kind::End, &[]),
        _ => {
            return Err((
                "kind",
                "A step is one of message, wait, until, await, branch, split, tag, attribute, webhook and end."
                    .into(),
            ));
        }
    })
}

fn test(json: Option<&Value>) -> Result<Test, String> {
    let how = "Write what is asked: {\"segment\": \"key\"}, {\"rule\": {…}}, {\"event\": {…}} or \
               {\"message\": \"step\", \"did\": \"OPENED\"}.";
    let Some(Value::Object(fields)) = json else {
        return Err(how.into());
    };
    if fields.contains_key("segment") {
        only(fields, &["segment"])?;
        return Ok(Test::Segment(text(fields, "segment")?.to_owned()));
    }
    if let Some(json) = fields.get("rule") {
        only(fields, &["rule"])?;
        let rule = Rule::parse(json).map_err(|errors| errors.to_string())?;
        return Ok(Test::Rule {
            rule,
            json: json.clone(),
        });
    }
    if let Some(json) = fields.get("event") {
        only(fields, &["event"])?;
        return Matching::parse(json).map(Test::Event);
    }
    if fields.contains_key("message") {
        only(fields, &["message", "did"])?;
        let did = text(fields, "did")?.parse::<Did>();
        return Ok(Test::Message {
            step: text(fields, "message")?.to_owned(),
            did: did.map_err(|_| "“did” is SENT, OPENED or CLICKED.")?,
        });
    }
    Err(how.into())
}

fn split_list(fields: &Object) -> Result<&Vec<Value>, Refused> {
    fields.get("ways").and_then(Value::as_array).ok_or((
        "ways",
        "This is a list: [{\"weight\": 50, \"next\": \"a\"}, {\"weight\": 50, \"next\": \"b\"}].".into(),
    ))
}

fn split_weights(fields: &Object) -> Result<Vec<u32>, Refused> {
    let weight = |way: &Value| {
        let weight = way.get("weight").and_then(Value::as_u64);
        weight
            .and_then(|weight| u32::try_from(weight).ok())
            .ok_or(("ways", "A weight is a whole number of per cent.".to_owned()))
    };
    split_list(fields)?.iter().map(weight).collect()
}

fn split_ways(fields: &Object) -> Result<Vec<Option<String>>, Refused> {
    let to = |way: &Value| match way {
        Value::Object(fields) => {
            only(fields, &["weight", "next"]).map_err(|text| ("ways", text))?;
            way_to(fields, "next").map_err(|(_, text)| ("ways", text))
        }
        _ => Err(("ways", "A way is an object with weight and next.".to_owned())),
    };
    split_list(fields)?.iter().map(to).collect()
}

fn way_to(fields: &Object, way: &'static str) -> Result<Option<String>, Refused> {
    Ok(optional(fields, way)
        .map_err(|text| (way, text))?
        .filter(|to| !to.is_empty())
        .map(str::to_owned))
}

fn weekdays(fields: &Object) -> Result<Vec<Weekday>, String> {
    let all = [
        Weekday::Mon,
        Weekday::Tue,
        Weekday::Wed,
        Weekday::Thu,
        Weekday::Fri,
        Weekday::Sat,
        Weekday::Sun,
    ];
    let mut days = Vec::new();
    for word in texts(fields, "weekdays")? {
        match all.into_iter().find(|day| weekday_word(*day) == word) {
            Some(day) if !days.contains(&day) => days.push(day),
            Some(_) => {}
            None => return Err(format!("“{}” is no weekday; write MONDAY.", short(&word))),
        }
    }
    days.sort_by_key(Weekday::num_days_from_monday);
    Ok(days)
}

fn matching(fields: &Object) -> Result<Option<Matching>, String> {
    match fields.get("where") {
        None | Some(Value::Null) => Ok(None),
        Some(json) => Matching::parse(json).map(Some),
    }
}

fn time(fields: &Object) -> Result<NaiveTime, String> {
    NaiveTime::parse_from_str(text(fields, "at")?, "%H:%M")
        .map_err(|_| "Write the time as hours and minutes, such as 09:00.".into())
}

fn text<'a>(fields: &'a Object, name: &str) -> Result<&'a str, String> {
    optional(fields, name)?.ok_or_else(|| format!("“{name}” is missing."))
}

fn optional<'a>(fields: &'a Object, name: &str) -> Result<Option<&'a str>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.len() <= 4_000 => Ok(Some(text)),
        Some(Value::String(_)) => Err(format!("“{name}” is too long.")),
        Some(_) => Err(format!("“{name}” is a text.")),
    }
}

fn texts(fields: &Object, name: &str) -> Result<Vec<String>, String> {
    let list = match fields.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::Array(list)) if list.len() <= 20 => list,
        Some(_) => return Err(format!("“{name}” is a list of at most 20 texts.")),
    };
    list.iter()
        .map(|item| item.as_str().map(|text| text.trim().to_owned()))
        .collect::<Option<_>>()
        .ok_or_else(|| format!("“{name}” is a list of texts."))
}

fn flag(fields: &Object, name: &str, usual: bool) -> Result<bool, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(usual),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(format!("“{name}” is true or false.")),
    }
}

fn only(fields: &Object, known: &[&str]) -> Result<(), String> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(format!(
            "“{}” is not known here; there is {}.",
            short(name),
            known.join(", ")
        )),
        None => Ok(()),
    }
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}
