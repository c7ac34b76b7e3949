use proptest::prelude::*;

use super::of;
use crate::evidence::words::{Fault, MediaType};

fn picture(format: image::ImageFormat) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_rgb8(40, 30).write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn mp4() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, body) in [(b"ftyp", &b"isom\0\0\x02\0isomiso2mp41"[..]), (b"free", b""), (b"mdat", b"0123456789")] {
        bytes.extend_from_slice(&u32::try_from(body.len() + 8).unwrap().to_be_bytes());
        bytes.extend_from_slice(name);
        bytes.extend_from_slice(body);
    }
    bytes
}

#[test]
fn a_file_is_what_its_content_is() {
    use image::ImageFormat::{Jpeg, Png, WebP};
    assert_eq!(of(&picture(Jpeg)), Ok(MediaType::Jpeg));
    assert_eq!(of(&picture(Png)), Ok(MediaType::Png));
    assert_eq!(of(&picture(WebP)), Ok(MediaType::Webp));
    assert_eq!(of(&mp4()), Ok(MediaType::Mp4));
    assert_eq!(of(b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\n%%EOF"), Ok(MediaType::Pdf));
    let mut heic = mp4();
    heic[8..12].copy_from_slice(b"heic");
    assert_eq!(of(&heic), Ok(MediaType::Heic));
    assert_eq!(of(b""), Err(Fault::Empty));
    assert_eq!(of(b"GIF89a\x01\0\x01\0\0\0\0"), Err(Fault::Unknown));
    assert_eq!(of(b"hello"), Err(Fault::Unknown));
    assert_eq!(of(b"MZ\x90\0"), Err(Fault::Unknown));
    assert_eq!(of(b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>"), Err(Fault::Svg));
    assert_eq!(of(b"\xEF\xBB\xBF  <SVG onload=alert(1)>"), Err(Fault::Svg));
    assert_eq!(of(b"<!DOCTYPE html><html></html>"), Err(Fault::Html));
    assert_eq!(
        of("<html>".encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>().as_slice()),
        Err(Fault::Html)
    );
}

#[test]
fn what_is_two_things_at_once_is_refused() {
    use image::ImageFormat::{Jpeg, Png, WebP};
    let archive = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    for format in [Jpeg, Png, WebP] {
        for tail in [&b"<html><script>alert(1)</script>"[..], archive] {
            let mut file = picture(format);
            file.extend_from_slice(tail);
            assert_eq!(of(&file), Err(Fault::Polyglot), "{format:?} {tail:?}");
        }
    }
    // In the remark of a JPEG, where every decoder passes over it.
    let mut file = picture(Jpeg);
    let remark = b"\xFF\xFE\0\x22<script>alert(document.domain)//";
    file.splice(2..2, remark.iter().copied());
    assert_eq!(of(&file), Err(Fault::Polyglot));
    let mut file = picture(Jpeg);
    file.splice(2..2, b"\xFF\xFE\0\x0A%PDF-1.4".iter().copied());
    assert_eq!(of(&file), Err(Fault::Polyglot));
    let mut file = mp4();
    file.extend_from_slice(archive);
    assert!(of(&file).is_err());
    let mut file = b"%PDF-1.4\n%%EOF".to_vec();
    file.extend_from_slice(archive);
    assert_eq!(of(&file), Err(Fault::Polyglot));
}

#[test]
fn what_phones_put_behind_a_photo_is_no_fault() {
    let mut file = picture(image::ImageFormat::Jpeg);
    let (photo, film) = (file.clone(), mp4());
    file.extend_from_slice(&photo);
    file.extend_from_slice(&film);
    assert_eq!(of(&file), Ok(MediaType::Jpeg));
}

proptest! {
    #[test]
    fn a_picture_cut_anywhere_is_not_whole(part in 0.0..1.0_f64, which in 0..3_usize) {
        let format = [image::ImageFormat::Jpeg, image::ImageFormat::Png, image::ImageFormat::WebP][which];
        let whole = picture(format);
        #[expect(clippy::as_conversions, clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a test file")]
        let cut = ((whole.len() as f64 - 2.0) * part) as usize;
        prop_assert!(of(&whole[..cut]).is_err());
    }

    #[test]
    fn no_bytes_bring_it_down(bytes in proptest::collection::vec(any::<u8>(), 0..300), which in 0..6_usize) {
        let heads: [&[u8]; 6] = [
            b"\xFF\xD8\xFF\xDA\0\x02", b"\x89PNG\r\n\x1a\n", b"RIFF\xFF\xFF\xFF\xFFWEBP", b"\0\0\0\x14ftypisom", b"%PDF-1.", b"",
        ];
        let mut file = heads[which].to_vec();
        file.extend(bytes);
        let _ = of(&file);
    }
}
