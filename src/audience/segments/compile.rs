//! A rule as a boolean expression of SQL over the alias `c` of `contacts`. Values are bound, never
//! written. Every leaf is true or false and never NULL, so that NOT means not, and both databases
//! answer as `domain::segment` does in memory: `tests/app/segments.rs` holds them together.

use crate::db::Sql;
use crate::domain::segment::{
    Condition, DaySpan, Engagement, Field, InstantSpan, Op, Operand, Rule, TextField,
};
use crate::domain::{Channel, ConsentStatus};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;

pub(super) const EVERYONE: &str = "1 = 1";
const NOBODY: &str = "1 = 0";

/// The expression for a rule.
pub(super) fn rule(sql: &mut Sql, rule: &Rule, now: DateTime<Utc>, zone: Tz) -> String {
    let mut join = |rules: &[Rule], word: &str| {
        let parts: Vec<_> = rules
            .iter()
            .map(|rule| self::rule(sql, rule, now, zone))
            .collect();
        format!("({})", parts.join(word))
    };
    match rule {
        Rule::All(rules) | Rule::None(rules) if rules.is_empty() => EVERYONE.into(),
        Rule::Any(rules) if rules.is_empty() => NOBODY.into(),
        Rule::All(rules) => join(rules, " AND "),
        Rule::Any(rules) => join(rules, " OR "),
        Rule::None(rules) => format!("NOT {}", join(rules, " OR ")),
        Rule::Condition(condition) => of_condition(sql, condition, now, zone),
    }
}

fn of_condition(sql: &mut Sql, condition: &Condition, now: DateTime<Utc>, zone: Tz) -> String {
    match &condition.field {
        Field::Text(field) => text(sql, column(*field), condition),
        Field::Tags => tags(sql, condition),
        Field::Attribute(name) => {
            let attribute = Attribute::new(sql, name);
            match condition.days(now, zone) {
                Some(days) => in_days(sql, &attribute.date(), days),
                None => of_attribute(sql, &attribute, condition),
            }
        }
        Field::Consent(channel) => consent(sql, *channel, condition),
        Field::Topic(key) => topic(sql, key, condition),
        Field::Engagement(what) => engagement(sql, *what, condition, condition.instants(now, zone)),
        Field::Segment => lists(sql, condition),
        Field::Campaign(what) => campaigns(sql, *what, condition),
        Field::CreatedAt => in_span(sql, "c.created_at", condition.instants(now, zone)),
        Field::UpdatedAt => in_span(sql, "c.updated_at", condition.instants(now, zone)),
    }
}

const fn column(field: TextField) -> &'static str {
    match field {
        TextField::Key => "c.key",
        TextField::Email => "c.email",
        TextField::Phone => "c.phone",
        TextField::FirstName => "c.first_name",
        TextField::LastName => "c.last_name",
        TextField::Timezone => "c.timezone",
        TextField::Locale => "c.locale",
    }
}

/// `expression` is text or NULL.
fn text(sql: &mut Sql, expression: &str, condition: &Condition) -> String {
    let folded = match sql.is_postgres() {
        // Without a collation of its own lower() would fold by the server's locale.
        true => format!("lower({expression} COLLATE \"C\")"),
        false => format!("lower({expression})"),
    };
    match (condition.op, &condition.value) {
        (Op::Exists, Operand::Flag(flag)) => when(*flag, format!("COALESCE({expression} <> '', FALSE)")),
        (Op::In, Operand::Texts(values)) => {
            let values = bound(sql, values.iter().map(|value| value.to_ascii_lowercase()));
            format!("COALESCE({folded} IN ({values}), FALSE)")
        }
        (op, Operand::Text(value)) => {
            let length = value.chars().count();
            let value = sql.bind(value.to_ascii_lowercase());
            match op {
                Op::Eq => format!("COALESCE({folded} = {value}, FALSE)"),
                Op::Ne => format!("COALESCE({folded} <> {value}, TRUE)"),
                Op::Contains => match sql.is_postgres() {
                    true => format!("COALESCE(strpos({folded}, {value}) > 0, FALSE)"),
                    false => format!("COALESCE(instr({folded}, {value}) > 0, FALSE)"),
                },
                Op::StartsWith => format!("COALESCE(substr({folded}, 1, {length}) = {value}, FALSE)"),
                _ => NOBODY.into(),
            }
        }
        _ => NOBODY.into(),
    }
}

fn tags(sql: &mut Sql, condition: &Condition) -> String {
    // Driven from the tag's side by its own index where the tag is rare.
    let tagged = |which: String| format!("c.id IN (SELECT t.contact_id FROM contact_tags t WHERE {which})");
    match (condition.op, &condition.value) {
        (Op::Exists, Operand::Flag(flag)) => when(
            *flag,
            "EXISTS (SELECT 1 FROM contact_tags t WHERE t.contact_id = c.id)".into(),
        ),
        (op, Operand::Text(tag)) => {
            let tag = sql.bind(tag.as_str());
            when(op == Op::Has, tagged(format!("t.tag = {tag}")))
        }
        (_, Operand::Texts(any)) => {
            let any = bound(sql, any.iter().map(String::as_str));
            tagged(format!("t.tag IN ({any})"))
        }
        _ => NOBODY.into(),
    }
}

/// One attribute of the JSON, as each kind that it can be.
struct Attribute {
    /// The kind's word, NULL where the attribute is missing.
    kind: String,
    /// The value as text.
    value: String,
    is_postgres: bool,
}

impl Attribute {
    fn new(sql: &mut Sql, name: &str) -> Self {
        let is_postgres = sql.is_postgres();
        match is_postgres {
            true => {
                let name = sql.bind(name);
                Self {
                    kind: format!("jsonb_typeof(c.attributes -> CAST({name} AS TEXT))"),
                    value: format!("(c.attributes ->> CAST({name} AS TEXT))"),
                    is_postgres,
                }
            }
            false => {
                // Parsing refused the characters that would end the quoted label.
                let path = sql.bind(format!("$.\"{name}\""));
                Self {
                    kind: format!("json_type(c.attributes, {path})"),
                    value: format!("json_extract(c.attributes, {path})"),
                    is_postgres,
                }
            }
        }
    }

    /// The text, NULL where it is of another kind.
    fn text(&self) -> String {
        let (kind, value) = (&self.kind, &self.value);
        match self.is_postgres {
            true => format!("(CASE WHEN {kind} = 'string' THEN {value} END)"),
            false => format!("(CASE WHEN {kind} = 'text' THEN {value} END)"),
        }
    }

    /// The number, NULL where it is of another kind: a text that is no number is never cast.
    fn number(&self) -> String {
        let (kind, value) = (&self.kind, &self.value);
        match self.is_postgres {
            true => format!("(CASE WHEN {kind} = 'number' THEN CAST({value} AS DOUBLE PRECISION) END)"),
            false => format!("(CASE WHEN {kind} IN ('integer', 'real') THEN CAST({value} AS REAL) END)"),
        }
    }

    /// The text where it has the shape of a date, else NULL.
    fn date(&self) -> String {
        let text = self.text();
        match self.is_postgres {
            true => format!(
                "(CASE WHEN {text} ~ '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}$' THEN {text} END COLLATE \"C\")"
            ),
            false => format!(
                "(CASE WHEN {text} GLOB '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]' THEN {text} END)"
            ),
        }
    }

    /// Whether it is the boolean: true, false, or NULL where it is missing.
    fn is(&self, flag: bool) -> String {
        let (kind, value) = (&self.kind, &self.value);
        match self.is_postgres {
            true => format!("({kind} = 'boolean' AND {value} = '{flag}')"),
            false => format!("{kind} = '{flag}'"),
        }
    }
}

fn of_attribute(sql: &mut Sql, attribute: &Attribute, condition: &Condition) -> String {
    match (condition.op, &condition.value) {
        (Op::Exists, Operand::Flag(flag)) => {
            when(*flag, format!("COALESCE({} <> '', FALSE)", attribute.value))
        }
        (op, Operand::Flag(flag)) => when(op == Op::Eq, format!("COALESCE({}, FALSE)", attribute.is(*flag))),
        (Op::In, Operand::Numbers(values)) => {
            let values = bound(sql, values.iter().copied());
            format!("COALESCE({} IN ({values}), FALSE)", attribute.number())
        }
        (op, Operand::Number(value)) => {
            let sign = match op {
                Op::Eq => "=",
                Op::Ne => "<>",
                Op::Lt => "<",
                Op::Lte => "<=",
                Op::Gt => ">",
                Op::Gte => ">=",
                _ => return NOBODY.into(),
            };
            let value = sql.bind(*value);
            let missing = if op == Op::Ne { "TRUE" } else { "FALSE" };
            format!("COALESCE({} {sign} {value}, {missing})", attribute.number())
        }
        _ => text(sql, &attribute.text(), condition),
    }
}

fn consent(sql: &mut Sql, channel: Channel, condition: &Condition) -> String {
    let mut said = |status: &str| {
        let channel = sql.bind(channel.as_str());
        // No row and a row of NONE are the same: never asked.
        let (holds, which) = match status == ConsentStatus::None.as_str() {
            true => (false, format!("<> {}", sql.bind(status))),
            false => (true, format!("= {}", sql.bind(status))),
        };
        when(
            holds,
            format!(
                "EXISTS (SELECT 1 FROM consents k WHERE k.contact_id = c.id AND k.channel = {channel} AND k.status {which})"
            ),
        )
    };
    match (condition.op, &condition.value) {
        (Op::Exists, Operand::Flag(flag)) => when(!*flag, said(ConsentStatus::None.as_str())),
        (op, Operand::Text(status)) => when(op == Op::Eq, said(status)),
        (_, Operand::Texts(any)) => {
            let any: Vec<_> = any.iter().map(|status| said(status)).collect();
            format!("({})", any.join(" OR "))
        }
        _ => NOBODY.into(),
    }
}

fn topic(sql: &mut Sql, key: &str, condition: &Condition) -> String {
    let out = ConsentStatus::Unsubscribed.as_str();
    // Everyone is either in or out, so what is asked is one of these, or both.
    let (asks_out, asks_in) = match (condition.op, &condition.value) {
        (Op::Eq, Operand::Text(status)) => (status == out, status != out),
        (_, Operand::Text(status)) => (status != out, status == out),
        (_, Operand::Texts(any)) => (any.iter().any(|s| s == out), any.iter().any(|s| s != out)),
        _ => return NOBODY.into(),
    };
    if asks_out && asks_in {
        // The key is not bound here: PostgreSQL refuses a value that has no place in the text.
        return EVERYONE.into();
    }
    let key = sql.bind(key);
    when(
        asks_out,
        format!(
            "EXISTS (SELECT 1 FROM topic_opt_outs o WHERE o.contact_id = c.id \
             AND o.topic_id = (SELECT t.id FROM topics t WHERE t.key = {key}))"
        ),
    )
}

const fn happened(what: Engagement) -> &'static str {
    match what {
        Engagement::Sent => "d.sent_at",
        Engagement::Received => "d.delivered_at",
        Engagement::Opened => "d.opened_at",
        Engagement::Clicked => "d.clicked_at",
        Engagement::Converted => "d.converted_at",
    }
}

/// Lists made by hand: other segments stand here no more.
fn lists(sql: &mut Sql, condition: &Condition) -> String {
    let keys = bound(sql, condition.value.texts().into_iter());
    when(
        condition.op == Op::In,
        format!(
            "EXISTS (SELECT 1 FROM segment_members m WHERE m.contact_id = c.id \
             AND m.segment_id IN (SELECT s.id FROM segments s WHERE s.key IN ({keys})))"
        ),
    )
}

/// By the person first: their messages of a campaign stand beside one another in the index.
fn campaigns(sql: &mut Sql, what: Engagement, condition: &Condition) -> String {
    let ids = condition
        .value
        .texts()
        .into_iter()
        .filter_map(|id| id.parse::<i64>().ok());
    let ids = bound(sql, ids);
    when(
        condition.op == Op::In,
        format!(
            "EXISTS (SELECT 1 FROM deliveries d WHERE d.contact_id = c.id AND d.campaign_id IN ({ids}) \
             AND {} IS NOT NULL)",
            happened(what)
        ),
    )
}

fn engagement(sql: &mut Sql, what: Engagement, condition: &Condition, span: Option<InstantSpan>) -> String {
    let at = happened(what);
    let any =
        |which: String| format!("EXISTS (SELECT 1 FROM deliveries d WHERE d.contact_id = c.id AND {which})");
    let ever = any(format!("{at} IS NOT NULL"));
    match (condition.op, span, &condition.value) {
        (Op::Before, Some(InstantSpan { to: Some(to), .. }), _) => {
            let later = format!("{at} >= {}", sql.bind(to));
            format!("({ever} AND NOT {})", any(later))
        }
        (_, Some(_), _) => any(in_span(sql, at, span)),
        (_, None, Operand::Flag(flag)) => when(*flag, ever),
        _ => NOBODY.into(),
    }
}

/// `column` may be NULL only where the whole stands in a WHERE of its own.
fn in_span(sql: &mut Sql, column: &str, span: Option<InstantSpan>) -> String {
    let Some(span) = span else {
        return NOBODY.into();
    };
    let from = span.from.map(|from| format!("{column} >= {}", sql.bind(from)));
    let to = span.to.map(|to| format!("{column} < {}", sql.bind(to)));
    let bounds: Vec<_> = from.into_iter().chain(to).collect();
    format!("({})", bounds.join(" AND "))
}

fn in_days(sql: &mut Sql, expression: &str, days: DaySpan) -> String {
    let from = days
        .from
        .map(|from| format!("{expression} >= {}", sql.bind(from.to_string())));
    let to = days
        .to
        .map(|to| format!("{expression} < {}", sql.bind(to.to_string())));
    let bounds: Vec<_> = from.into_iter().chain(to).collect();
    format!("COALESCE({}, FALSE)", bounds.join(" AND "))
}

fn bound<T: Into<sea_orm::Value>>(sql: &mut Sql, values: impl Iterator<Item = T>) -> String {
    let places: Vec<_> = values.map(|value| sql.bind(value)).collect();
    places.join(", ")
}

fn when(holds: bool, expression: String) -> String {
    match holds {
        true => expression,
        false => format!("NOT {expression}"),
    }
}
