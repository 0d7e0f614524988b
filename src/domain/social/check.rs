//! What would keep a platform from taking a post, and what is worth knowing, in sentences.

use super::{Kind, Limits, Unit, hashtags, links, measure};
use crate::domain::Platform;

/// Something about a post on one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub platform: Platform,
    /// Whether it keeps the post from going out.
    pub is_error: bool,
    /// It is about the media, not the text.
    pub is_of_media: bool,
    /// A sentence that names the platform.
    pub text: String,
}

/// Looks at a post for one platform: the text as it goes out there, and the media's addresses.
pub fn check(platform: Platform, text: &str, media: &[String]) -> Vec<Problem> {
    let mut found = Found {
        platform,
        limits: platform.limits(),
        problems: Vec::new(),
    };
    found.text(text, media);
    found.media(media);
    found.problems
}

struct Found {
    platform: Platform,
    limits: Limits,
    problems: Vec<Problem>,
}

impl Found {
    fn add(&mut self, is_error: bool, is_of_media: bool, text: String) {
        self.problems.push(Problem {
            platform: self.platform,
            is_error,
            is_of_media,
            text,
        });
    }

    fn text(&mut self, text: &str, media: &[String]) {
        let name = self.platform.label();
        if text.trim().is_empty() && media.is_empty() {
            return self.add(
                true,
                false,
                format!("There is nothing to post on {name}: write a text."),
            );
        }
        let measure = measure(self.platform, text);
        if measure.is_too_long() {
            let how = match self.limits.unit {
                Unit::Characters | Unit::Graphemes => "",
                Unit::ShortLinks => " A link counts 23, however long it is.",
                Unit::Weighted => " A link counts 23, and an emoji or a Chinese character 2.",
            };
            let text = format!(
                "The text is too long for {name}: {} of {} characters, {} too many.{how}",
                measure.used,
                measure.most,
                measure.over()
            );
            self.add(true, false, text);
        }
        if self.limits.unit == Unit::Graphemes && text.len() > measure.most * 10 {
            let text = format!("The text is too long for {name}: more than 3,000 bytes.");
            self.add(true, false, text);
        }
        let tags = hashtags(text).len();
        if let Some(most) = self.limits.hashtags.filter(|most| tags > *most) {
            let text = format!("{name} takes at most {most} hashtags, and there are {tags}.");
            self.add(true, false, text);
        }
        if !self.limits.has_links && !links(text).is_empty() {
            let text =
                format!("A link in a text on {name} cannot be followed, so its clicks are not counted.");
            self.add(false, false, text);
        }
    }

    fn media(&mut self, media: &[String]) {
        let (name, limits) = (self.platform.label(), self.limits);
        if limits.needs_media && media.is_empty() {
            let text = format!("{name} posts nothing without a picture or film: add one.");
            return self.add(true, true, text);
        }
        let kinds: Vec<Kind> = media.iter().map(|url| Kind::of(url)).collect();
        let videos = kinds.iter().filter(|kind| kind.is_video()).count();
        let images = kinds.len() - videos;
        if videos > 0 && limits.videos == 0 {
            let text =
                format!("A film cannot be posted on {name} from here: take it out, or leave {name} out.");
            return self.add(true, true, text);
        }
        if limits.may_mix {
            let most = limits.images.max(limits.videos);
            if media.len() > most {
                let text = format!(
                    "{name} takes at most {most} pictures and films in a post, and there are {}.",
                    media.len()
                );
                self.add(true, true, text);
            }
        } else {
            if images > 0 && videos > 0 {
                let text = format!("{name} takes either pictures or a film in a post, not both.");
                self.add(true, true, text);
            }
            if images > limits.images {
                let text = format!(
                    "{name} takes at most {} pictures in a post, and there are {images}.",
                    limits.images
                );
                self.add(true, true, text);
            }
            if videos > limits.videos {
                let text = format!("{name} takes one film in a post, and there are {videos}.");
                self.add(true, true, text);
            }
        }
        if limits.gif_alone && media.len() > 1 && kinds.contains(&Kind::Gif) {
            let text = format!("On {name} a moving picture (GIF) stands alone in its post.");
            self.add(true, true, text);
        }
        for url in media {
            if let Some(ending) = limits.refuses.iter().find(|ending| ends_with(url, ending)) {
                let formats = match self.platform {
                    Platform::Instagram => "It takes JPEG.",
                    _ => "It takes JPEG and PNG.",
                };
                let text = format!("{name} takes no {} pictures. {formats}", ending.to_uppercase());
                self.add(true, true, text);
                break;
            }
        }
    }
}

/// What a platform says to a picture or film of this size and kind (`image/png`), in a sentence.
pub fn check_media(platform: Platform, bytes: usize, mime: &str) -> Option<String> {
    let (name, limits) = (platform.label(), platform.limits());
    let is_film = mime.starts_with("video/");
    let most = match is_film {
        true => limits.video_bytes,
        false => limits.image_bytes,
    };
    let kind = mime.rsplit('/').next().unwrap_or(mime);
    if is_film && limits.videos == 0 {
        return Some(format!("{name} takes no films from here."));
    }
    if limits.refuses.contains(&kind) {
        return Some(format!(
            "It is a {} picture, which {name} does not take.",
            kind.to_uppercase()
        ));
    }
    (bytes > most).then(|| {
        format!(
            "It has {} MB, and {name} takes {} MB.",
            megabytes(bytes),
            megabytes(most)
        )
    })
}

/// `5.2`, rounded up, so that it is never said to be what is taken.
fn megabytes(bytes: usize) -> String {
    let tenths = bytes.div_ceil(100_000);
    match tenths % 10 {
        0 => (tenths / 10).to_string(),
        rest => format!("{}.{rest}", tenths / 10),
    }
}

fn ends_with(url: &str, ending: &str) -> bool {
    let path = url::Url::parse(url).map(|url| url.path().to_ascii_lowercase());
    path.is_ok_and(|path| path.rsplit_once('.').is_some_and(|(_, found)| found == ending))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Platform::*;

    fn said(platform: Platform, text: &str, media: &[&str]) -> String {
        let media: Vec<_> = media.iter().map(|url| (*url).to_owned()).collect();
        let problems = check(platform, text, &media);
        let texts: Vec<_> = problems.into_iter().map(|problem| problem.text).collect();
        texts.join(" ")
    }

    #[test]
    fn the_documents_example_fits_both_of_its_platforms() {
        let text = "Join us for the Summer Tournament 2024!";
        for platform in [Facebook, Instagram] {
            assert_eq!(said(platform, text, &["https://..."]), "", "{platform}");
        }
    }

    #[test]
    fn a_picture_is_measured_against_each_platform() {
        for (platform, bytes, mime, said) in [
            (Bluesky, 1_000_000, "image/jpeg", None),
            (
                Bluesky,
                1_000_001,
                "image/jpeg",
                Some("It has 1.1 MB, and Bluesky takes 1 MB."),
            ),
            (Mastodon, 5_200_000, "image/png", None),
            (
                X,
                5_200_000,
                "image/png",
                Some("It has 5.2 MB, and X takes 5 MB."),
            ),
            (
                Instagram,
                10,
                "image/png",
                Some("It is a PNG picture, which Instagram does not take."),
            ),
            (
                LinkedIn,
                10,
                "video/mp4",
                Some("LinkedIn takes no films from here."),
            ),
        ] {
            assert_eq!(check_media(platform, bytes, mime).as_deref(), said, "{platform}");
        }
    }

    #[test]
    fn what_a_platform_does_not_take_is_said_in_a_sentence() {
        let jpg = "https://club.example/a.jpg";
        let gif = "https://club.example/a.gif";
        let mp4 = "https://club.example/a.mp4";
        let png = "https://club.example/a.png";
        let long = "a".repeat(283);
        let tags = "#golf ".repeat(31);
        for (platform, text, media, sentence) in [
            (
                Facebook,
                "",
                &[][..],
                "There is nothing to post on Facebook: write a text.",
            ),
            (Facebook, "", &[jpg], ""),
            (
                X,
                long.as_str(),
                &[],
                "The text is too long for X: 283 of 280 characters, 3 too many. A link counts 23, and an emoji or a \
                 Chinese character 2.",
            ),
            (Mastodon, long.as_str(), &[], ""),
            (
                Instagram,
                "Cup",
                &[],
                "Instagram posts nothing without a picture or film: add one.",
            ),
            (
                Instagram,
                tags.as_str(),
                &[jpg],
                "Instagram takes at most 30 hashtags, and there are 31.",
            ),
            (
                Instagram,
                "Cup",
                &[png],
                "Instagram takes no PNG pictures. It takes JPEG.",
            ),
            (Instagram, "Cup", &[jpg, mp4], ""),
            (
                Instagram,
                "https://club.example",
                &[jpg],
                "A link in a text on Instagram cannot be followed, so its clicks are not counted.",
            ),
            (
                Instagram,
                "Cup",
                &[jpg; 11],
                "Instagram takes at most 10 pictures and films in a post, and there are 11.",
            ),
            (
                X,
                "Cup",
                &[jpg; 5],
                "X takes at most 4 pictures in a post, and there are 5.",
            ),
            (
                X,
                "Cup",
                &[jpg, gif],
                "On X a moving picture (GIF) stands alone in its post.",
            ),
            (
                X,
                "Cup",
                &[mp4],
                "A film cannot be posted on X from here: take it out, or leave X out.",
            ),
            (
                Mastodon,
                "Cup",
                &[jpg, mp4],
                "Mastodon takes either pictures or a film in a post, not both.",
            ),
            (
                Facebook,
                "Cup",
                &[mp4, mp4],
                "Facebook takes one film in a post, and there are 2.",
            ),
            (LinkedIn, "Cup", &[jpg; 20], ""),
        ] {
            assert_eq!(
                said(platform, text, media),
                sentence,
                "{platform} {text} {media:?}"
            );
        }
    }
}
