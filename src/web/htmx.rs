//! Whether htmx asks, and for what.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use std::convert::Infallible;
use std::future::{Ready, ready};

/// The kind of a request. htmx 4 sends `HX-Request: true`, and `HX-Request-Type: full` when it
/// wants the whole page (boosted links, restored history).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hx(bool);

impl Hx {
    /// A plain request, for an answer that is a page whoever asks.
    pub const NONE: Self = Self(false);

    pub fn of(request: &HttpRequest) -> Self {
        let is = |name: &str, value: &str| {
            request
                .headers()
                .get(name)
                .is_some_and(|header| header.as_bytes() == value.as_bytes())
        };
        Self(is("HX-Request", "true") && !is("HX-Request-Type", "full"))
    }

    /// Whether a fragment is wanted and not a page.
    pub const fn is_partial(self) -> bool {
        self.0
    }
}

impl FromRequest for Hx {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;
    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}
