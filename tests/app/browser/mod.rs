//! The whole story in a real browser, against the real binary.

mod driver;
