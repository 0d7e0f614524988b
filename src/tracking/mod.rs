//! What came back: opens, clicks, opt-outs, and the events that club systems report.
