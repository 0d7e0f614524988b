//! The scheduler: starts what is due and turns its audience into deliveries. Knows no page.
