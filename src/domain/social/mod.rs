//! Posts on social platforms, pure: what a campaign says there, how long that is as each platform
//! counts it, and what would keep a platform from taking it. No account, no network.

mod check;
mod count;
mod draft;
mod limits;
mod links;
mod looks;
mod robots;

pub use check::{Problem, check, check_media};
pub use count::{Measure, measure};
pub use draft::Draft;
pub use limits::{Limits, Unit};
pub use links::{Link, hashtags, links};
pub use looks::next_look;
pub use robots::is_browser;

use url::Url;

/// What an address leads to, by its ending: nobody is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Image,
    Gif,
    Video,
    /// The ending says nothing; taken for a picture until it is fetched.
    Unknown,
}

impl Kind {
    /// By the ending of the address' path.
    pub fn of(url: &str) -> Self {
        let path = Url::parse(url).map(|url| url.path().to_ascii_lowercase());
        let path = path.unwrap_or_default();
        match path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("jpg" | "jpeg" | "png" | "webp" | "avif" | "heic") => Self::Image,
            Some("gif") => Self::Gif,
            Some("mp4" | "mov" | "m4v" | "webm") => Self::Video,
            _ => Self::Unknown,
        }
    }

    pub const fn is_video(self) -> bool {
        matches!(self, Self::Video)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_address_leads_to_is_read_off_its_path() {
        for (url, kind) in [
            ("https://club.example/cup.jpg", Kind::Image),
            ("https://club.example/CUP.PNG?width=1200#top", Kind::Image),
            ("https://club.example/cheer.gif", Kind::Gif),
            ("https://club.example/swing.mp4", Kind::Video),
            ("https://club.example/media/17", Kind::Unknown),
            ("https://club.example/?file=swing.mp4", Kind::Unknown),
            ("https://...", Kind::Unknown),
        ] {
            assert_eq!(Kind::of(url), kind, "{url}");
        }
    }
}
