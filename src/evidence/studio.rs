//! Where pictures are decoded: a few places, each with limits of pixels, memory and time, so that no file can take more
//! of this machine than its share.
//!
//! The sides are read before anything is decoded: a file of 65 bytes that claims 16 384 × 16 384 pixels costs nothing.
//! What is made is turned upright and encoded anew from its pixels alone: no EXIF, GPS, XMP, IPTC or colour profile.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use tokio::sync::Semaphore;

use super::kind;
use super::words::{Fault, MediaType};
use crate::platform::error::{Code, Problem};
use crate::platform::files::ContentHash;
use crate::platform::uploads::arrivals::Daily;

/// Most pixels of a picture.
pub const MOST_PIXELS: u64 = 50_000_000;
/// Most pixels of a side.
pub const MOST_SIDE: u32 = 12_000;
const MOST_MEMORY: u64 = 256 << 20;
const LONGEST: Duration = Duration::from_secs(5);
const PLACES: usize = 2;
/// The longer side of what is shown.
const DISPLAY: u32 = 2560;
const THUMBNAIL: u32 = 320;
const QUALITY: u8 = 85;

/// How long files may be, in bytes, and how much may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Photos and documents.
    pub photo: u64,
    /// Videos.
    pub video: u64,
    /// All that arrives of one person.
    pub a_day: Daily,
}

impl Default for Limits {
    fn default() -> Self {
        Self { photo: 20 << 20, video: 200 << 20, a_day: Daily::default() }
    }
}

impl Limits {
    /// Most bytes of a file of this type.
    #[must_use]
    pub const fn of(self, kind: MediaType) -> u64 {
        match kind {
            MediaType::Mp4 => self.video,
            _ => self.photo,
        }
    }
}

/// What a file turned out to be.
#[derive(Debug)]
pub struct Examined {
    /// By its content.
    pub kind: MediaType,
    /// What is made of a picture.
    pub picture: Option<Picture>,
}

/// What is made of a picture.
#[derive(Debug)]
pub struct Picture {
    /// Of the picture as it was decoded and turned upright.
    pub width: u32,
    /// Of the picture as it was decoded and turned upright.
    pub height: u32,
    /// Of the pixels: the same for the same picture in another file, its metadata taken out, say.
    pub hash: ContentHash,
    /// A JPEG to be shown.
    pub display: Vec<u8>,
    /// A small JPEG.
    pub thumbnail: Vec<u8>,
}

/// The places. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Studio {
    places: Arc<Semaphore>,
    /// How long files may be.
    pub limits: Limits,
}

impl Default for Studio {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl Studio {
    /// With limits of an operator's own.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), limits }
    }

    /// Looks at a whole file. `read` gives its bytes, within a place: a file waits outside of memory.
    ///
    /// # Errors
    /// 413, 415 or 422 by what is wrong with it; 503 where no place becomes free in time.
    pub async fn examine(
        &self,
        read: impl FnOnce() -> Result<Vec<u8>, Problem> + Send + 'static,
    ) -> Result<Examined, Problem> {
        let place = tokio::time::timeout(LONGEST, Arc::clone(&self.places).acquire_owned())
            .await
            .map_err(|_late| Problem::new(Code::Overloaded).cause("no place to decode a picture"))?
            .map_err(Problem::internal)?;
        let limits = self.limits;
        // Work that is too slow goes on to its own end, in its place.
        let work = tokio::task::spawn_blocking(move || {
            let bytes = read()?;
            let looked = examine(&bytes, limits);
            drop(place);
            looked.map_err(refused)
        });
        match tokio::time::timeout(LONGEST, work).await {
            Ok(looked) => looked.map_err(Problem::internal)?,
            Err(_late) => Err(refused(Fault::TooSlow)),
        }
    }
}

/// The refusal of a file.
#[must_use]
pub fn refused(fault: Fault) -> Problem {
    let code = match fault {
        Fault::Svg | Fault::Html | Fault::Unknown => Code::UnsupportedMediaType,
        Fault::TooLarge => Code::BodyTooLarge,
        _ => Code::ContentRefused,
    };
    let (word, zh, en) = fault.words();
    Problem::new(code).errors(vec![crate::platform::http::FieldError::new("/file", word, zh, en)])
}

fn examine(bytes: &[u8], limits: Limits) -> Result<Examined, Fault> {
    let kind = kind::of(bytes)?;
    if u64::try_from(bytes.len()).map_or(true, |length| length > limits.of(kind)) {
        return Err(Fault::TooLarge);
    }
    let format = match kind {
        MediaType::Jpeg => ImageFormat::Jpeg,
        MediaType::Png => ImageFormat::Png,
        MediaType::Webp => ImageFormat::WebP,
        MediaType::Heic | MediaType::Mp4 | MediaType::Pdf => return Ok(Examined { kind, picture: None }),
    };
    Ok(Examined { kind, picture: Some(picture(bytes, format)?) })
}

fn picture(bytes: &[u8], format: ImageFormat) -> Result<Picture, Fault> {
    let (whole, orientation) = decode(bytes, format)?;
    let hash = ContentHash::of(whole.as_bytes());
    // First small, then turned: turning needs the memory twice.
    let mut display = smaller(&whole, DISPLAY);
    let (mut width, mut height) = (whole.width(), whole.height());
    drop(whole);
    display.apply_orientation(orientation);
    if matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    ) {
        std::mem::swap(&mut width, &mut height);
    }
    let thumbnail = smaller(&display, THUMBNAIL);
    Ok(Picture { width, height, hash, display: encode(&display)?, thumbnail: encode(&thumbnail)? })
}

/// Pixels in three colours, and how the picture is to be turned.
fn decode(bytes: &[u8], format: ImageFormat) -> Result<(DynamicImage, Orientation), Fault> {
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(MOST_SIDE);
    limits.max_image_height = Some(MOST_SIDE);
    limits.max_alloc = Some(MOST_MEMORY);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(|error| fault(&error))?;
    let (width, height) = decoder.dimensions();
    if width > MOST_SIDE || height > MOST_SIDE || u64::from(width) * u64::from(height) > MOST_PIXELS {
        return Err(Fault::TooManyPixels);
    }
    limits.reserve(decoder.total_bytes()).map_err(|error| fault(&error))?;
    // Metadata that cannot be read turns nothing.
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let decoded = DynamicImage::from_decoder(decoder).map_err(|error| fault(&error))?;
    Ok((DynamicImage::ImageRgb8(opaque(decoded)), orientation))
}

fn fault(error: &image::ImageError) -> Fault {
    if matches!(error, image::ImageError::Limits(_)) { Fault::TooManyPixels } else { Fault::Undecodable }
}

/// What shines through is white.
fn opaque(picture: DynamicImage) -> image::RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let clear = picture.into_rgba8();
    let mut solid = image::RgbImage::new(clear.width(), clear.height());
    for (to, from) in solid.pixels_mut().zip(clear.pixels()) {
        let image::Rgba([red, green, blue, alpha]) = *from;
        let over = |colour: u8| {
            let mixed = (u32::from(colour) * u32::from(alpha) + 255 * (255 - u32::from(alpha))) / 255;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        };
        *to = image::Rgb([over(red), over(green), over(blue)]);
    }
    solid
}

fn smaller(picture: &DynamicImage, side: u32) -> DynamicImage {
    if picture.width() <= side && picture.height() <= side { picture.clone() } else { picture.thumbnail(side, side) }
}

fn encode(picture: &DynamicImage) -> Result<Vec<u8>, Fault> {
    let mut bytes = Vec::new();
    picture
        .write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))
        .map_err(|_cannot| Fault::Undecodable)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bomb() -> Vec<u8> {
        let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
        let mut chunk = |name: &[u8; 4], body: &[u8]| {
            bytes.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
            let from = bytes.len();
            bytes.extend_from_slice(name);
            bytes.extend_from_slice(body);
            let sum = crc(&bytes[from..]);
            bytes.extend_from_slice(&sum.to_be_bytes());
        };
        chunk(b"IHDR", &[0, 0, 0x40, 0, 0, 0, 0x40, 0, 8, 6, 0, 0, 0]);
        chunk(b"IDAT", &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]);
        chunk(b"IEND", &[]);
        bytes
    }

    fn crc(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(!0_u32, |sum, byte| {
            (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg()))
        })
    }

    #[test]
    fn a_bomb_is_refused_by_its_sides_before_it_is_decoded() {
        let bomb = bomb();
        assert_eq!(bomb.len(), 65);
        assert_eq!(examine(&bomb, Limits::default()).unwrap_err(), Fault::TooManyPixels);
    }

    #[test]
    fn pixels_count_as_well_as_sides() {
        for (width, height) in [(12_001, 1), (1, 12_001), (7_100, 7_100)] {
            let mut bytes = Cursor::new(Vec::new());
            DynamicImage::new_luma8(width, height).write_to(&mut bytes, ImageFormat::Png).unwrap();
            let found = examine(bytes.get_ref(), Limits::default()).unwrap_err();
            assert_eq!(found, Fault::TooManyPixels, "{width} × {height}");
        }
    }

    #[test]
    fn what_shines_through_is_white_and_the_same_pixels_have_the_same_hash() {
        let clear = DynamicImage::ImageRgba8(image::RgbaImage::from_pixel(3, 2, image::Rgba([10, 20, 30, 0])));
        let white = DynamicImage::ImageRgb8(image::RgbImage::from_pixel(3, 2, image::Rgb([255; 3])));
        let png = |picture: &DynamicImage| {
            let mut bytes = Cursor::new(Vec::new());
            picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
            examine(&bytes.into_inner(), Limits::default()).unwrap().picture.unwrap()
        };
        assert_eq!(png(&clear).hash, png(&white).hash);
        assert_eq!((png(&clear).width, png(&clear).height), (3, 2));
    }

    #[test]
    fn a_file_is_as_long_as_its_content_allows_and_not_as_it_was_declared() {
        let mut bytes = Cursor::new(Vec::new());
        DynamicImage::new_rgb8(300, 300).write_to(&mut bytes, ImageFormat::Png).unwrap();
        let limits = Limits { photo: 100, video: 1 << 20, ..Limits::default() };
        assert_eq!(examine(bytes.get_ref(), limits).unwrap_err(), Fault::TooLarge);
    }
}
