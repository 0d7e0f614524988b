//! The rule of `src/lib.rs`: a room imports only from rooms that its list names before it.

use std::path::Path;

/// The rooms in their order, read from the map itself.
fn rooms() -> Vec<String> {
    std::fs::read_to_string("src/lib.rs")
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("pub mod ")?.split_once(';'))
        .map(|(name, _)| name.to_owned())
        .collect()
}

fn sources(of: &Path) -> Vec<std::path::PathBuf> {
    if of.is_file() {
        return vec![of.to_owned()];
    }
    std::fs::read_dir(of)
        .unwrap()
        .flat_map(|entry| sources(&entry.unwrap().path()))
        .collect()
}

/// The rooms that a source names by `crate::room`, or inside `use crate::{…}`.
fn named(source: &str) -> Vec<String> {
    source
        .split("crate::")
        .skip(1)
        .map(|rest| {
            rest.chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect()
        })
        .collect()
}

#[test]
fn rooms_import_only_from_floors_below() {
    let rooms = rooms();
    assert!(rooms.len() > 5, "the map in src/lib.rs was not understood");
    let mut wrong = Vec::new();
    for (floor, room) in rooms.iter().enumerate() {
        let folder = Path::new("src").join(room);
        let place = match folder.is_dir() {
            true => folder,
            false => folder.with_extension("rs"),
        };
        for file in sources(&place) {
            let source = std::fs::read_to_string(&file).unwrap();
            assert!(
                !source.contains("use crate::{"),
                "{}: one `use` for each room",
                file.display()
            );
            for other in named(&source) {
                let above = rooms.iter().position(|name| *name == other);
                if above.is_some_and(|above| above > floor) {
                    wrong.push(format!("{} imports {other}", file.display()));
                }
            }
        }
    }
    // The composition root and the table of URLs name each other: the table is the root's.
    wrong.retain(|line| !line.starts_with("src/app.rs imports routes"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_domain_is_pure() {
    for file in sources(Path::new("src/domain")) {
        let source = std::fs::read_to_string(&file).unwrap();
        for impure in [
            "sea_orm", "actix", "tokio", "reqwest", "lettre", "async fn", "Utc::now", "std::fs", "std::net",
        ] {
            assert!(!source.contains(impure), "{} uses {impure}", file.display());
        }
    }
}

#[test]
fn only_the_clock_asks_for_the_time() {
    for file in sources(Path::new("src")) {
        let source = std::fs::read_to_string(&file).unwrap();
        let asks = source.contains("Utc::now(") || source.contains("SystemTime::now(");
        assert!(
            !asks || file.ends_with("clock.rs"),
            "{} asks for the time itself",
            file.display()
        );
    }
}
