//! Style, scripts and icons, built into the binary and served under names that change with their
//! content, so that browsers may keep them for ever.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use rust_embed::Embed;
use std::collections::HashMap;
use std::sync::LazyLock;

#[derive(Embed)]
#[folder = "static"]
struct Files;

/// The file's path by its public name, `css/fairway.0a1b2c3d.css`.
static BY_PUBLIC_NAME: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    Files::iter()
        .map(|path| (public_name(&path), path.into_owned()))
        .collect()
});

fn public_name(path: &str) -> String {
    let hash = Files::get(path).map(|file| {
        file.metadata.sha256_hash()[..4]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    });
    match (hash, path.rsplit_once('.')) {
        (Some(hash), Some((stem, ending))) => format!("{stem}.{hash}.{ending}"),
        _ => path.to_owned(),
    }
}

/// The URL of a file below `static/`, for templates: `{{ assets::url("css/fairway.css") }}`.
pub fn url(path: &str) -> String {
    format!("/static/{}", public_name(path))
}

/// `GET /static/{path}`: by its hashed name, kept for a year; by its plain name, asked for anew.
pub async fn get_asset(request: HttpRequest, path: web::Path<String>) -> HttpResponse {
    let (file, caching) = match BY_PUBLIC_NAME.get(path.as_str()) {
        Some(name) => (Files::get(name), "public, max-age=31536000, immutable"),
        None => (Files::get(&path), "no-cache"),
    };
    let Some(file) = file else {
        return HttpResponse::NotFound().finish();
    };
    let tag = header::EntityTag::new_strong(
        file.metadata
            .sha256_hash()
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect(),
    );
    if request
        .headers()
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.to_string().as_bytes())
    {
        return HttpResponse::NotModified().finish();
    }
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, file.metadata.mimetype()))
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header(header::ETag(tag))
        .body(file.data.into_owned())
}
