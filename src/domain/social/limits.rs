//! What each platform takes, with the public place where it says so. They change; each is one line.

use crate::domain::Platform;

/// What a platform counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Unicode code points.
    Characters,
    /// What a reader takes for one character (UAX #29), and at most ten times as many bytes.
    Graphemes,
    /// Characters, with every address as 23 of them.
    ShortLinks,
    /// As twitter-text counts: addresses 23, emoji and most scripts beyond Latin 2.
    Weighted,
}

/// What a platform takes in one post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub text: usize,
    pub unit: Unit,
    /// Pictures in one post.
    pub images: usize,
    /// Films in one post; 0 where films are not posted from here.
    pub videos: usize,
    /// Whether pictures and films stand in one post together.
    pub may_mix: bool,
    /// A post is its picture: one is needed.
    pub needs_media: bool,
    pub hashtags: Option<usize>,
    /// A moving picture stands alone.
    pub gif_alone: bool,
    /// Endings of pictures that are refused.
    pub refuses: &'static [&'static str],
    /// Bytes of one picture.
    pub image_bytes: usize,
    /// Bytes of one film.
    pub video_bytes: usize,
    /// Whether an address in the text can be followed.
    pub has_links: bool,
}

const MB: usize = 1_000_000;

impl Platform {
    /// The limits, each with its source.
    pub const fn limits(self) -> Limits {
        match self {
            // Text: facebook.com/help, “63,206 characters”. Pictures: Graph API reference,
            // Page Photos: JPEG, BMP, PNG, GIF, TIFF, at most 10 MB, below 4 MB where it can be;
            // ten to a post as the page's own composer takes. Films: Graph API, Page Videos.
            Self::Facebook => Limits {
                text: 63_206,
                unit: Unit::Characters,
                images: 10,
                videos: 1,
                may_mix: false,
                needs_media: false,
                hashtags: None,
                gif_alone: false,
                refuses: &["avif", "heic"],
                image_bytes: 10 * MB,
                video_bytes: 1_000 * MB,
                has_links: true,
            },
            // Instagram Platform, IG User Media: captions of 2,200 characters, 30 hashtags, JPEG
            // alone, 8 MB; carousels of at most 10, pictures and films; reels of at most 300 MB.
            Self::Instagram => Limits {
                text: 2_200,
                unit: Unit::Characters,
                images: 10,
                videos: 10,
                may_mix: true,
                needs_media: true,
                hashtags: Some(30),
                gif_alone: false,
                refuses: &["png", "gif", "webp", "avif", "heic"],
                image_bytes: 8 * MB,
                video_bytes: 300 * MB,
                has_links: false,
            },
            // LinkedIn Marketing API, Posts API: commentary of 3,000 characters; MultiImage API: 2
            // to 20 pictures; Images API: JPG, GIF, PNG. Films need another upload, not made here.
            Self::LinkedIn => Limits {
                text: 3_000,
                unit: Unit::Characters,
                images: 20,
                videos: 0,
                may_mix: false,
                needs_media: false,
                hashtags: None,
                gif_alone: true,
                refuses: &["webp", "avif", "heic"],
                image_bytes: 10 * MB,
                video_bytes: 0,
                has_links: true,
            },
            // docs.x.com, Counting characters, and twitter-text's config/v3.json. Media best
            // practices: 4 photos of 5 MB or one moving GIF of 15 MB. Films are not uploaded here.
            Self::X => Limits {
                text: 280,
                unit: Unit::Weighted,
                images: 4,
                videos: 0,
                may_mix: false,
                needs_media: false,
                hashtags: None,
                gif_alone: true,
                refuses: &["avif", "heic"],
                image_bytes: 5 * MB,
                video_bytes: 0,
                has_links: true,
            },
            // docs.joinmastodon.org, Posting to your profile: 500 characters, addresses 23; 4
            // pictures of 16 MB or one film. A server may allow more; this holds on all.
            Self::Mastodon => Limits {
                text: 500,
                unit: Unit::ShortLinks,
                images: 4,
                videos: 1,
                may_mix: false,
                needs_media: false,
                hashtags: None,
                gif_alone: true,
                refuses: &[],
                image_bytes: 16 * MB,
                video_bytes: 40 * MB,
                has_links: true,
            },
            // atproto lexicons: app.bsky.feed.post (300 graphemes, 3,000 bytes) and
            // app.bsky.embed.images (4 pictures of 1,000,000 bytes).
            Self::Bluesky => Limits {
                text: 300,
                unit: Unit::Graphemes,
                images: 4,
                videos: 0,
                may_mix: false,
                needs_media: false,
                hashtags: None,
                gif_alone: false,
                refuses: &[],
                image_bytes: MB,
                video_bytes: 0,
                has_links: true,
            },
        }
    }
}
