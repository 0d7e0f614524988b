//! A campaign's lifecycle, whole: `DRAFT → SCHEDULED → ACTIVE → COMPLETED`, with `PAUSED` and
//! `CANCELLED` beside it. Nobody else compares statuses to decide what may happen.

use super::{Status, UnknownTerm};

super::terms::term!(
    /// What can be asked of a campaign. `Start` and `Complete` are the scheduler's.
    Command {
        Schedule = "schedule",
        Start = "start",
        Pause = "pause",
        Resume = "resume",
        Cancel = "cancel",
        Complete = "complete",
    }
);

/// A command that the campaign's status does not allow. Names both states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub from: Status,
    pub command: Command,
}

impl Refusal {
    /// The status that the command leads to where it is allowed.
    pub const fn to(&self) -> Status {
        match self.command {
            Command::Schedule => Status::Scheduled,
            Command::Start | Command::Resume => Status::Active,
            Command::Pause => Status::Paused,
            Command::Cancel => Status::Cancelled,
            Command::Complete => Status::Completed,
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "This campaign is {}, so it cannot become {}.",
            self.from,
            self.to()
        )
    }
}

impl std::error::Error for Refusal {}

/// The lifecycle. `CANCELLED` and `COMPLETED` are final.
pub const fn transition(from: Status, command: Command) -> Result<Status, Refusal> {
    use Command::*;
    use Status::*;
    Ok(match (from, command) {
        (Draft, Schedule) => Scheduled,
        (Scheduled, Start) => Active,
        (Scheduled | Paused, Cancel) => Cancelled,
        (Active, Pause) => Paused,
        (Paused, Resume) => Active,
        (Active, Complete) => Completed,
        _ => return Err(Refusal { from, command }),
    })
}

/// Whether name, audience, content and schedule may be changed.
pub const fn is_editable(status: Status) -> bool {
    matches!(status, Status::Draft | Status::Scheduled)
}

/// Whether a journey's next version may be written and published, and people be put in: what runs
/// stays as it is until then.
pub const fn may_publish(status: Status) -> bool {
    matches!(status, Status::Active | Status::Paused)
}

/// Whether nothing follows any more.
pub const fn is_final(status: Status) -> bool {
    matches!(status, Status::Completed | Status::Cancelled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lifecycle_is_the_documents_and_nothing_else() {
        use Command::*;
        use Status::*;
        let allowed = [
            (Draft, Schedule, Scheduled),
            (Scheduled, Start, Active),
            (Scheduled, Cancel, Cancelled),
            (Active, Pause, Paused),
            (Active, Complete, Completed),
            (Paused, Resume, Active),
            (Paused, Cancel, Cancelled),
        ];
        for &from in Status::ALL {
            for &command in Command::ALL {
                let expected = allowed
                    .iter()
                    .find(|(f, c, _)| (*f, *c) == (from, command))
                    .map(|(_, _, to)| *to);
                assert_eq!(transition(from, command).ok(), expected, "{from} {command}");
            }
        }
    }

    #[test]
    fn a_refusal_names_both_states() {
        let refusal = transition(Status::Completed, Command::Pause).unwrap_err();
        assert_eq!(
            refusal.to_string(),
            "This campaign is COMPLETED, so it cannot become PAUSED."
        );
    }
}
