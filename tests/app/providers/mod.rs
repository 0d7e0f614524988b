//! Providers: how they are entered and kept, and how each speaks to its own.

mod settings;
mod texts;
