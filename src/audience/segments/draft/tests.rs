use super::*;

fn pairs(fields: &[(&str, &str)]) -> Vec<(String, String)> {
    fields
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

/// What the form posts for a tree.
fn posted(node: &Node, name: &str, into: &mut Vec<(String, String)>) {
    match node {
        Node::Group { mode, children } => {
            into.push((format!("{name}.mode"), mode.clone()));
            for (place, child) in children.iter().enumerate() {
                posted(child, &format!("{name}.{place}"), into);
            }
        }
        Node::Line(line) => {
            for (part, text) in [
                ("field", &line.field),
                ("op", &line.op),
                ("value", &line.value),
                ("unit", &line.unit),
                ("kind", &line.kind),
            ] {
                into.push((format!("{name}.{part}"), text.clone()));
            }
        }
    }
}

#[test]
fn a_rule_survives_the_form() {
    let catalogue = Catalogue::default();
    for json in [
        json!({"all": []}),
        json!({"any": [
            {"field": "attributes.handicap", "op": "lt", "value": 18.5},
            {"field": "attributes.handicap", "op": "in", "value": [1, 2.5]},
            {"field": "attributes.course", "op": "in", "value": ["Links", "Old, Park"]},
            {"field": "attributes.renewal", "op": "within_last", "value": "P2W"},
            {"field": "attributes.renewal", "op": "lte", "value": "2026-03-01"},
            {"field": "attributes.paid", "op": "eq", "value": false},
            {"none": [
                {"field": "phone", "op": "exists", "value": false},
                {"field": "tags", "op": "has", "value": "vip"},
                {"all": [
                    {"field": "createdAt", "op": "after", "value": "2026-03-01T09:00:00Z"},
                    {"field": "consents.EMAIL", "op": "in", "value": ["SUBSCRIBED", "NONE"]},
                    {"field": "topics.offers", "op": "ne", "value": "SUBSCRIBED"},
                    {"field": "engagement.opened", "op": "within_last", "value": "PT12H"},
                ]},
            ]},
        ]}),
    ] {
        let rule = Rule::parse(&json).unwrap();
        let mut form = Vec::new();
        posted(&Node::of(&rule, &catalogue), "r", &mut form);
        let mut node = Node::read(&form);
        node.settle(&catalogue);
        assert_eq!(node.rule(&catalogue).unwrap().to_json(), json);
    }
}

#[test]
fn buttons_add_and_remove() {
    let mut node = Node::read(&pairs(&[
        ("name", "x"),
        ("r.mode", "all"),
        ("r.2.field", "email"),
        ("r.7.mode", "any"),
        ("r.7.0.field", "phone"),
    ]));
    let fields = |node: &Node| {
        let mut form = Vec::new();
        posted(node, "r", &mut form);
        form.retain(|(name, _)| name.ends_with("field") || name.ends_with("mode"));
        form.iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        fields(&node),
        "r.mode=all r.0.field=email r.1.mode=any r.1.0.field=phone"
    );
    node.act("add:1");
    node.act("group:");
    node.act("remove:0");
    assert_eq!(
        fields(&node),
        "r.mode=all r.0.mode=any r.0.0.field=phone r.0.1.field= r.1.mode=any r.1.0.field="
    );
    let before = node.clone();
    for nonsense in [
        "remove:",
        "remove:9",
        "add:0.0",
        "add:x",
        "group:0.0.0.0.0.0",
        "save",
        "",
    ] {
        node.act(nonsense);
    }
    assert_eq!(node, before);
}

#[test]
fn mistakes_are_told_where_they_are() {
    let node = Node::read(&pairs(&[
        ("r.mode", "all"),
        ("r.0.field", ""),
        ("r.1.mode", "any"),
        ("r.1.0.field", "email"),
        ("r.1.0.op", "eq"),
        ("r.1.0.value", " "),
        ("r.1.1.field", "createdAt"),
        ("r.1.1.op", "within_last"),
        ("r.1.1.value", "soon"),
        ("r.2.field", "email"),
        ("r.2.op", "eq"),
        ("r.2.value", "ada@club.example"),
    ]));
    let catalogue = Catalogue::default();
    let told: Vec<_> = node
        .rule(&catalogue)
        .unwrap_err()
        .into_iter()
        .map(|mistake| (mistake.at, mistake.part))
        .collect();
    assert_eq!(
        told,
        [(vec![0], "field"), (vec![1, 0], "value"), (vec![1, 1], "value")]
    );
    let (rule, unfinished) = node.so_far(&catalogue);
    assert_eq!(unfinished, 3);
    // The group without a finished condition does not count as "none of them holds".
    assert_eq!(
        rule.to_json(),
        json!({"all": [{"field": "email", "op": "eq", "value": "ada@club.example"}]})
    );
}

#[test]
fn another_field_takes_its_own_comparison() {
    let catalogue = Catalogue::default();
    let mut node = Node::read(&pairs(&[
        ("r.mode", "all"),
        ("r.0.field", "tags"),
        ("r.0.op", "starts_with"),
        ("r.0.value", "vip"),
        ("r.1.field", "engagement.opened"),
        ("r.1.op", "eq"),
        ("r.1.value", "30"),
        ("r.2.field", "consents.EMAIL"),
        ("r.2.op", "eq"),
        ("r.2.value", "vip"),
    ]));
    node.settle(&catalogue);
    assert_eq!(
        node.rule(&catalogue).unwrap().to_json(),
        json!({"all": [
            {"field": "tags", "op": "has", "value": "vip"},
            {"field": "engagement.opened", "op": "within_last", "value": "P30D"},
            {"field": "consents.EMAIL", "op": "eq", "value": "SUBSCRIBED"},
        ]})
    );
}

#[test]
fn numbers_are_read_as_people_type_them() {
    for (typed, read) in [
        ("18", Some(18.0)),
        ("12,5", Some(12.5)),
        ("-1.5", Some(-1.5)),
        ("1,000,000", None),
        ("x", None),
    ] {
        assert_eq!(
            number(typed).ok().and_then(|value| value.as_f64()),
            read,
            "{typed}"
        );
    }
}
