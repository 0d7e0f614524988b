//! The pages of staff: signing in, one's own profile, the club's settings.

pub mod profile;
pub mod settings;
pub mod setup;
pub mod sign_in;
