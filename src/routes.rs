//! Every URL of the product, in one table. Handlers are named verb_noun and live with their
//! feature.

use crate::web::assets;
use actix_web::web::{ServiceConfig, get};

pub fn routes(urls: &mut ServiceConfig) {
    operators(urls);
    staff(urls);
    audience(urls);
    segments(urls);
    content(urls);
    mailbox(urls);
    campaigns(urls);
    recipients(urls);
    api(urls);
}

fn operators(urls: &mut ServiceConfig) {
    urls.route("/healthz", get().to(crate::app::get_health))
        .route("/static/{path:.*}", get().to(assets::get_asset));
}

fn staff(_urls: &mut ServiceConfig) {}

fn audience(_urls: &mut ServiceConfig) {}

fn segments(_urls: &mut ServiceConfig) {}

fn content(_urls: &mut ServiceConfig) {}

fn mailbox(_urls: &mut ServiceConfig) {}

fn campaigns(_urls: &mut ServiceConfig) {}

fn recipients(_urls: &mut ServiceConfig) {}

fn api(_urls: &mut ServiceConfig) {}
