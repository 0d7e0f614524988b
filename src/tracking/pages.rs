//! What a message itself asks for: the picture that shows an open, and the links.

use super::ingest::Ingest;
use super::record::Hit;
use super::{shell, site};
use crate::context::Context;
use crate::domain::Channel;
use crate::domain::social::is_browser;
use crate::domain::token::Purpose;
use crate::web::Result;
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use std::time::Duration;

/// One transparent point.
pub(super) const GIF: &[u8] =
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00\x21\xf9\x04\x01\x00\x00\x00\x00\
\x2c\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02\x44\x01\x00\x3b";

/// The longest that a person who follows a link waits for us.
const PATIENCE: Duration = Duration::from_millis(100);

/// `GET /t/o/{token}.gif`: always the picture. The open is kept before it is answered; a `HEAD`
/// and an address that is not ours count nothing.
pub async fn get_pixel(
    request: HttpRequest,
    path: web::Path<String>,
    cx: web::Data<Context>,
    ingest: web::Data<Ingest>,
) -> HttpResponse {
    let text = path.strip_suffix(".gif").unwrap_or(&path);
    let token = shell::token(&cx, text, |purpose| *purpose == Purpose::Open);
    if let Some(token) = token
        && request.method() == Method::GET
    {
        let hit = Hit {
            delivery: token.delivery,
            link: None,
            at: cx.clock.now(),
        };
        let kept = ingest.push(hit).await;
        // The writer ends only with the process.
        kept.await.unwrap_or_default();
    }
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "image/gif"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(GIF)
}

/// `GET /t/c/{token}`: on to the link that was registered for the message, and nowhere else. The
/// click is kept whether or not the person waits for it.
pub async fn get_click(
    request: HttpRequest,
    path: web::Path<String>,
    cx: web::Data<Context>,
    ingest: web::Data<Ingest>,
) -> Result<HttpResponse> {
    let token = shell::token(&cx, &path, |purpose| matches!(purpose, Purpose::Click { .. }));
    let Some(token) = token else {
        return shell::not_found(&cx).await;
    };
    let Purpose::Click { link, url } = token.purpose else {
        return shell::not_found(&cx).await;
    };
    let Some((registered, is_of_one)) = registered(&cx, token.delivery, link).await? else {
        return shell::not_found(&cx).await;
    };
    let Some(target) = target(&url.unwrap_or(registered)) else {
        return shell::not_found(&cx).await;
    };
    let target = match is_of_one {
        true => site::tagged(&cx, target, token.delivery).await,
        // Whoever follows a post is nobody that we know.
        false => target,
    };
    // A post's links are fetched by every platform that shows it, for its card.
    let agent = request.headers().get(header::USER_AGENT);
    let agent = agent.and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    if request.method() == Method::GET && (is_of_one || is_browser(agent)) {
        let hit = Hit {
            delivery: token.delivery,
            link: Some(link),
            at: cx.clock.now(),
        };
        keep(&ingest, hit).await;
    }
    Ok(HttpResponse::SeeOther()
        .insert_header((header::LOCATION, target.to_string()))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-robots-tag", "noindex, nofollow"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .finish())
}

/// Hands a click over and waits for it a moment at most.
async fn keep(ingest: &web::Data<Ingest>, hit: Hit) {
    let ingest = ingest.clone();
    // A task of its own: the person may go on, or hang up, while it waits for its place.
    let keeping = actix_web::rt::spawn(async move { ingest.push(hit).await.await });
    // Whether it was kept in time changes nothing for the person.
    drop(tokio::time::timeout(PATIENCE, keeping).await);
}

/// The address of a link, where it is one of the delivery's run; and whether the delivery was for
/// one person.
async fn registered(cx: &Context, delivery: i64, link: i64) -> Result<Option<(String, bool)>> {
    use sea_orm::ConnectionTrait as _;
    let statement = cx.db.sql(
        "SELECT l.url, d.channel FROM links l JOIN deliveries d ON d.run_id = l.run_id WHERE d.id = $1 AND l.id = $2",
        [delivery.into(), link.into()],
    );
    let row = cx.db.query_one_raw(statement).await?;
    let Some(row) = row else { return Ok(None) };
    let channel: Channel = row.try_get("", "channel")?;
    Ok(Some((row.try_get("", "url")?, channel.is_personal())))
}

/// What a browser may be sent to, written so that it fits into a header.
fn target(url: &str) -> Option<url::Url> {
    let url = url::Url::parse(url).ok()?;
    matches!(url.scheme(), "http" | "https").then_some(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_picture_is_43_bytes() {
        assert_eq!(GIF.len(), 43);
    }

    #[test]
    fn only_web_addresses_are_gone_to() {
        assert_eq!(
            target("https://club.example/cup").as_ref().map(url::Url::as_str),
            Some("https://club.example/cup")
        );
        assert!(
            target("https://club.example/é\r\nX: y")
                .is_none_or(|url| url.as_str().is_ascii() && !url.as_str().contains('\n'))
        );
        for url in ["javascript:alert(1)", "/cup", "{{ url }}", "ftp://club.example"] {
            assert_eq!(target(url), None, "{url}");
        }
    }
}
