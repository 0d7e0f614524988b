//! The places in a gateway's request: `{{ to }}` and the like. A value is never read as a template,
//! and is written as the place wants it.

use serde_json::Value;

/// Puts values into the places of a template. What is no known place stays as it is.
pub fn fill(template: &str, values: &[(&str, &str)], write: impl Fn(&str) -> String) -> String {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, from)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = from.split_once("}}") else {
            out.push_str("{{");
            rest = from;
            break;
        };
        match values.iter().find(|(known, _)| *known == name.trim()) {
            Some((_, value)) => out.push_str(&write(value)),
            None => {
                out.push_str("{{");
                out.push_str(name);
                out.push_str("}}");
            }
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The same in every text of a JSON value, whose shape stays.
pub fn fill_json(template: &Value, values: &[(&str, &str)]) -> Value {
    match template {
        Value::String(text) => fill(text, values, str::to_owned).into(),
        Value::Array(list) => list.iter().map(|item| fill_json(item, values)).collect(),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| (name.clone(), fill_json(value, values)))
            .collect(),
        other => other.clone(),
    }
}

/// The names of the places in a template that are none of these.
pub fn unknown_places(template: &str, known: &[&str]) -> Vec<String> {
    let places = template
        .split("{{")
        .skip(1)
        .filter_map(|from| from.split_once("}}"));
    places
        .map(|(name, _)| name.trim().to_owned())
        .filter(|name| !known.contains(&name.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const VALUES: [(&str, &str); 2] = [("to", "+27821234567"), ("text", "a \"b\" {{ to }} & c")];

    #[test]
    fn values_stand_in_their_places_and_are_never_read_as_templates() {
        let plain = |text: &str| text.to_owned();
        assert_eq!(
            fill("{{to}}: {{ text }}!", &VALUES, plain),
            "+27821234567: a \"b\" {{ to }} & c!"
        );
        assert_eq!(fill("{{ other }} {{ to", &VALUES, plain), "{{ other }} {{ to");
        assert_eq!(unknown_places("{{ to }} {{ other }}", &["to"]), ["other"]);
    }

    #[test]
    fn json_keeps_its_shape_whatever_the_values_hold() {
        let template = json!({"messages": [{"to": "{{ to }}", "content": "{{ text }}", "n": 1}]});
        assert_eq!(
            fill_json(&template, &VALUES),
            json!({"messages": [{"to": "+27821234567", "content": "a \"b\" {{ to }} & c", "n": 1}]})
        );
    }
}
