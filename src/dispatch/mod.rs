//! The dispatcher: claims deliveries, sends them, settles what came of it. Knows no page.
