//! Every URL of the product, in one table. Handlers are named verb_noun and live with their
//! feature.

use crate::web::assets;
use actix_web::web::{ServiceConfig, get};

pub fn routes(urls: &mut ServiceConfig) {
    urls
        // Operators
        .route("/healthz", get().to(crate::app::get_health))
        // Assets
        .route("/static/{path:.*}", get().to(assets::get_asset));
}
