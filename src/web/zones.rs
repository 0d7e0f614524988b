//! The time zones that a form offers.

use chrono_tz::{TZ_VARIANTS, Tz};

/// Zones by region and city, and UTC: the names that people know. Every IANA name is accepted;
/// one that is not offered is added when it is the one chosen.
pub fn choices(current: &str) -> Vec<(&'static str, &'static str)> {
    const REGIONS: &[&str] = &[
        "Africa/",
        "America/",
        "Antarctica/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    ];
    TZ_VARIANTS
        .iter()
        .map(|zone| zone.name())
        .filter(|name| {
            *name == "UTC" || *name == current || REGIONS.iter().any(|region| name.starts_with(region))
        })
        .map(|name| (name, name))
        .collect()
}

/// A zone by its IANA name, or a sentence for the person.
pub fn parse(name: &str) -> Result<Tz, String> {
    name.trim()
        .parse()
        .map_err(|_| "Choose a time zone from the list, such as Europe/Dublin.".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chosen_zone_is_among_those_offered() {
        assert!(choices("UTC").contains(&("Africa/Johannesburg", "Africa/Johannesburg")));
        assert!(choices("US/Eastern").contains(&("US/Eastern", "US/Eastern")));
        assert!(!choices("UTC").contains(&("US/Eastern", "US/Eastern")));
        assert!(parse("Europe/Dublin").is_ok());
        assert!(parse("Europe/Nowhere").is_err());
    }
}
