//! What every stand-in of a provider can do, so that every adapter goes through the same suite.
#![allow(dead_code)] // each area uses what it needs

use fairway::messaging::Outgoing;

/// What it does with the next message instead of taking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Refuses it in the provider's words for “never”.
    RefuseForGood,
    /// In those for “not now”, with `Retry-After` in seconds.
    RefuseForNow(u64),
    /// Never answers.
    Silence,
    /// Closes the connection after it has read the request.
    HangUp,
}

/// A provider on this machine, which checks what it is sent.
pub trait StandIn: Sized {
    /// The word of the kind.
    const KIND: &'static str;
    /// The field that has the password.
    const SECRET: &'static str;

    async fn start() -> Self;

    /// The settings' form, filled in for it.
    fn fields(&self) -> Vec<(&'static str, String)>;

    fn next(&self, act: Act);

    /// How many messages it took.
    fn taken(&self) -> usize;

    /// A message that it takes.
    fn message() -> Outgoing {
        Outgoing {
            to: "+27821234001".into(),
            from_name: "Links Golf Club".into(),
            text: "Tee off at 9 – “bring” a friend & {{ to }}".into(),
            message_id: "7.1@club.example".into(),
            ..Outgoing::default()
        }
    }
}
