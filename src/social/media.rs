//! Pictures and films that a platform wants as bytes: fetched from their addresses, within its
//! limits.

use super::talk::passing;
use crate::domain::Platform;
use crate::messaging::SendError;
use crate::messaging::post::Media;
use crate::outbound::{CallError, Outbound};

/// A picture or film in hand.
pub struct Fetched {
    pub bytes: Vec<u8>,
    /// `image/jpeg`
    pub mime: String,
    /// With an ending, for a form.
    pub name: String,
}

/// Fetches one.
///
/// # Errors
/// `Temporary` where its server does not answer; `Permanent` where it is too large, or no picture
/// or film. Nothing is published by it either way.
pub async fn fetch(outbound: &Outbound, platform: Platform, media: &Media) -> Result<Fetched, SendError> {
    let limits = platform.limits();
    let most = match media.kind().is_video() {
        true => limits.video_bytes,
        false => limits.image_bytes,
    };
    let fail = |why: String| SendError::Permanent {
        reply: format!("The picture or film {} cannot be posted: {why}", media.url),
    };
    let reply = match outbound.fetch(&media.url, &[], most).await {
        Ok(reply) => reply,
        Err(CallError::TooLarge(most)) => {
            return Err(fail(format!(
                "it is larger than the {} MB that {} takes.",
                most / 1_000_000,
                platform.label()
            )));
        }
        Err(CallError::Refused(why)) => return Err(fail(why)),
        Err(error) => {
            return Err(passing(
                format!("The picture or film {} did not come: {error}", media.url),
                None,
            ));
        }
    };
    match reply.status {
        200..=299 => {}
        500..=599 | 408 | 429 => {
            return Err(passing(
                format!("The picture or film {} did not come: {}", media.url, reply.status),
                None,
            ));
        }
        status => return Err(fail(format!("its server answers {status}."))),
    }
    let mime = mime_of(&reply.body).ok_or_else(|| fail("it is no picture or film.".into()))?;
    if mime.starts_with("video/") && limits.videos == 0 {
        return Err(fail(format!("{} takes no films from here.", platform.label())));
    }
    let ending = mime.split_once('/').map_or("bin", |(_, ending)| ending);
    Ok(Fetched {
        name: format!("media.{ending}"),
        mime: mime.to_owned(),
        bytes: reply.body,
    })
}

/// What is at an address, as far as a writer needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// Its size in bytes, and what it is.
    There(usize, &'static str),
    /// Larger than so many bytes.
    TooLarge(usize),
    /// A sentence's end: “its server answers 404”.
    Trouble(String),
}

/// Looks what is at an address, for whoever writes a post: at most `most` bytes are fetched.
pub async fn look(outbound: &Outbound, url: &str, most: usize) -> Looked {
    match outbound.fetch(url, &[], most).await {
        Ok(reply) if !reply.is_success() => Looked::Trouble(format!("its server answers {}", reply.status)),
        Ok(reply) => match mime_of(&reply.body) {
            Some(mime) => Looked::There(reply.body.len(), mime),
            None => Looked::Trouble("it is no picture or film".into()),
        },
        Err(CallError::TooLarge(most)) => Looked::TooLarge(most),
        Err(error) => Looked::Trouble(error.to_string().trim_end_matches('.').to_owned()),
    }
}

/// Fetches all of them, in their order.
pub async fn fetch_all(
    outbound: &Outbound,
    platform: Platform,
    media: &[Media],
) -> Result<Vec<Fetched>, SendError> {
    let mut fetched = Vec::with_capacity(media.len());
    for one in media {
        fetched.push(fetch(outbound, platform, one).await?);
    }
    Ok(fetched)
}

/// What bytes are, by how they begin: a server may say anything.
fn mime_of(bytes: &[u8]) -> Option<&'static str> {
    let at = |from: usize, what: &[u8]| bytes.get(from..from + what.len()) == Some(what);
    Some(match bytes {
        _ if at(0, b"\xff\xd8\xff") => "image/jpeg",
        _ if at(0, b"\x89PNG\r\n\x1a\n") => "image/png",
        _ if at(0, b"GIF8") => "image/gif",
        _ if at(0, b"RIFF") && at(8, b"WEBP") => "image/webp",
        _ if at(4, b"ftypqt") => "video/quicktime",
        _ if at(4, b"ftypavif") => "image/avif",
        _ if at(4, b"ftyphei") => "image/heic",
        _ if at(4, b"ftyp") => "video/mp4",
        _ if at(0, b"\x1a\x45\xdf\xa3") => "video/webm",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bytes_are_is_read_off_their_beginning() {
        for (bytes, mime) in [
            (&b"\xff\xd8\xff\xe0"[..], Some("image/jpeg")),
            (b"\x89PNG\r\n\x1a\n....", Some("image/png")),
            (b"GIF89a", Some("image/gif")),
            (b"RIFF....WEBPVP8 ", Some("image/webp")),
            (b"....ftypisom", Some("video/mp4")),
            (b"<!doctype html>", None),
            (b"", None),
        ] {
            assert_eq!(mime_of(bytes), mime);
        }
    }
}
