//! What files hold, what they are called, and how much of them is taken.

use std::path::Path;

use anxiao::platform::db::schema::arrivals;
use diesel::prelude::*;

use super::*;

/// CMYK as Photoshop writes it: left red, right cyan.
const CMYK: &[u8] = include_bytes!("cmyk.jpg");
const MARK: &[u8] = b"SECRET-PLACE";

fn walk(folder: &Path, found: &mut Vec<String>, root: &Path) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found, root);
        } else {
            found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
        }
    }
}

/// Every file in the store, the parts among them.
fn files(app: &TestApp) -> Vec<String> {
    let (root, mut found) = (app.files.local().unwrap(), Vec::new());
    walk(root, &mut found, root);
    found
}

/// The store holds what is named by a hash, and nothing else; nothing lies beside it either.
pub fn only_names_of_our_own(app: &TestApp) {
    let found = files(app);
    assert!(!found.is_empty());
    for path in found {
        let parts: Vec<&str> = path.split('/').collect();
        let [bureau, byte, name] = parts[..] else { panic!("{path}") };
        let (hash, rendition) = name.split_once('.').unwrap_or((name, ""));
        assert!(bureau.parse::<anxiao::platform::db::types::Id>().is_ok() && byte == &hash[..2], "{path}");
        assert!(hash.parse::<ContentHash>().is_ok() && ["", "display", "thumbnail"].contains(&rendition), "{path}");
    }
    let beside = app.files.local().unwrap().parent().unwrap();
    for entry in std::fs::read_dir(beside).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(name == "evidence" || name.starts_with("anxiao.db"), "{name}");
    }
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg()))
    })
}

/// A chunk of a PNG.
fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut named = name.to_vec();
    named.extend_from_slice(body);
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    [&length[..], &named, &crc(&named).to_be_bytes()].concat()
}

/// A chunk of a WebP.
fn riff(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let mut all = name.to_vec();
    all.extend_from_slice(&u32::try_from(body.len()).unwrap().to_le_bytes());
    all.extend_from_slice(body);
    all.extend(std::iter::repeat_n(0, body.len() % 2));
    all
}

/// A WebP with more than a picture in it.
fn extended(flags: u8, (width, height): (u8, u8), chunks: &[u8]) -> Vec<u8> {
    let head = riff(b"VP8X", &[flags, 0, 0, 0, width - 1, 0, 0, height - 1, 0, 0]);
    let body = [b"WEBP", &head[..], chunks].concat();
    riff(b"RIFF", &body)
}

/// The coded picture of a plain WebP.
fn coded(width: u32, height: u32, shade: u8) -> Vec<u8> {
    picture(width, height, ImageFormat::WebP, shade)[12..].to_vec()
}

/// Two frames, the second of another colour.
fn animated() -> Vec<u8> {
    let frame = |shade| {
        let place = [0, 0, 0, 0, 0, 0, 39, 0, 0, 29, 0, 0, 100, 0, 0, 0];
        riff(b"ANMF", &[&place[..], &coded(40, 30, shade)].concat())
    };
    let chunks = [riff(b"ANIM", &[0, 0, 0, 0, 0, 0]), frame(10), frame(200)].concat();
    extended(0x02, (40, 30), &chunks)
}

/// The same picture in each form, with the place where it was taken in every corner that the form has for it.
fn telling() -> Vec<(&'static str, Vec<u8>)> {
    let segment = |marker: u8, body: &[u8]| {
        let length = u16::try_from(body.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker][..], &length, body].concat()
    };
    let xmp = [b"http://ns.adobe.com/xap/1.0/\0<x:xmpmeta>", MARK, b"</x:xmpmeta>"].concat();
    let iptc = [b"Photoshop 3.0\08BIM\x04\x04\0\0\0\0\0\x0C", MARK].concat();
    let plain = picture(64, 48, ImageFormat::Jpeg, 7);
    let jpeg = [&plain[..2], &segment(0xE1, &xmp), &segment(0xED, &iptc), &segment(0xFE, MARK), &plain[2..]].concat();
    let plain = picture(64, 48, ImageFormat::Png, 7);
    let text = chunk(b"tEXt", &[b"Comment\0", MARK].concat());
    let tiff = [&b"MM\0\x2A\0\0\0\x08\0\0\0\0\0\0"[..], MARK].concat();
    let png = [&plain[..33], &text, &chunk(b"eXIf", &tiff), &plain[33..]].concat();
    let chunks = [coded(64, 48, 7), riff(b"EXIF", &tiff), riff(b"XMP ", &xmp)].concat();
    vec![("jpeg", jpeg), ("png", png), ("webp", extended(0x0C, (64, 48), &chunks))]
}

fn holds(bytes: &[u8], mark: &[u8]) -> bool {
    bytes.windows(mark.len()).any(|part| part == mark)
}

fn today(app: &TestApp) -> i32 {
    let now = anxiao::platform::clock::Clock::now(app.clock.as_ref());
    i32::try_from(now.micros() / 86_400_000_000).unwrap()
}

both_engines! {
    async fn every_corner_of_every_form_is_cleared_and_the_sealed_original_is_whole(app) {
        let visit = under_way(app).await;
        for ((form, content), number) in telling().into_iter().zip(1..) {
            assert!(holds(&content, MARK), "{form}");
            let id = received(app, "inspector1", number, &content, item(&visit)).await;
            for path in ["content", "thumbnail"] {
                let (status, _, shown) = bytes(app, "principal1", &format!("/evidence/{id}/{path}")).await;
                assert_eq!(status, 200, "{form}");
                for mark in [MARK, b"http://ns.adobe.com", b"xmpmeta", b"Photoshop", b"Exif", b"tEXt", b"8BIM"] {
                    assert!(!holds(&shown, mark), "{form} {path}");
                }
                let seen = image::load_from_memory(&shown).unwrap().into_rgb8();
                assert!(seen.get_pixel(5, 24)[0] > 200 && seen.get_pixel(60, 24)[2] > 200, "{form} {path}");
            }
            let (status, _, original) = bytes(app, "office", &format!("/evidence/{id}/original")).await;
            assert_eq!((status, &original), (200, &content), "{form}");
            let told = app.get("office", &format!("/evidence/{id}")).await.expect(200);
            assert_eq!(told.body["sha256"], ContentHash::of(&original).to_string());
        }
    }

    async fn every_way_of_holding_a_phone_is_turned_upright(app) {
        let visit = under_way(app).await;
        // Where the left half of what the sensor saw is, after turning.
        for (orientation, lies, red_first) in [
            (1, true, true), (2, true, false), (3, true, false), (4, true, true),
            (5, false, true), (6, false, true), (7, false, false), (8, false, false),
        ] {
            let content = with_exif(&picture(64, 48, ImageFormat::Jpeg, orientation), orientation);
            let id = received(app, "inspector1", orientation, &content, item(&visit)).await;
            let (_, _, shown) = bytes(app, "office", &format!("/evidence/{id}/content")).await;
            let seen = image::load_from_memory(&shown).unwrap().into_rgb8();
            assert_eq!(seen.dimensions(), if lies { (64, 48) } else { (48, 64) }, "{orientation}");
            let first = seen.get_pixel(4, 4);
            assert_eq!(first[0] > 200 && first[2] < 100, red_first, "{orientation}: {first:?}");
        }
    }

    async fn pictures_of_rare_kinds_are_shown_and_hostile_ones_are_not(app) {
        let visit = under_way(app).await;
        let id = received(app, "inspector1", 1, CMYK, item(&visit)).await;
        let (_, _, shown) = bytes(app, "office", &format!("/evidence/{id}/content")).await;
        let seen = image::load_from_memory(&shown).unwrap().into_rgb8();
        let (left, right) = (seen.get_pixel(3, 8), seen.get_pixel(20, 8));
        assert!(left[0] > 180 && left[1] < 90 && left[2] < 90, "{left:?}");
        assert!(right[0] < 90 && right[1] > 160 && right[2] > 160, "{right:?}");
        // Of what moves the first picture is shown; all of it is in the sealed original.
        let moving = animated();
        let id = received(app, "inspector1", 2, &moving, item(&visit)).await;
        let (_, headers, shown) = bytes(app, "office", &format!("/evidence/{id}/content")).await;
        assert_eq!(headers["content-type"], "image/jpeg");
        let seen = image::load_from_memory(&shown).unwrap().into_rgb8();
        assert!(seen.dimensions() == (40, 30) && seen.get_pixel(5, 5)[1] < 60, "{:?}", seen.get_pixel(5, 5));
        assert_eq!(bytes(app, "office", &format!("/evidence/{id}/original")).await.2, moving);

        let before = files(app).len();
        let sides = |width: u32, height: u32| {
            let sides = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 6, 0, 0, 0]].concat();
            [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &sides), &chunk(b"IDAT", &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]), &chunk(b"IEND", &[])].concat()
        };
        let huge = extended(0x10, (1, 1), &[]);
        let huge = [&huge[..24], &[0xFF; 6], &coded(8, 8, 1)].concat();
        let huge = riff(b"RIFF", &huge[8..]);
        let script = picture(30, 30, ImageFormat::Jpeg, 1);
        let script = [&script[..2], b"\xFF\xFE\0\x22<script>alert(document.domain)//", &script[2..]].concat();
        let archive = [&picture(30, 30, ImageFormat::Jpeg, 2)[..], b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"].concat();
        let (png, webp, jpeg) = (picture(90, 90, ImageFormat::Png, 3), picture(90, 90, ImageFormat::WebP, 3), picture(90, 90, ImageFormat::Jpeg, 3));
        let half = |whole: &[u8]| whole[..whole.len() / 2].to_vec();
        let bad: Vec<(&str, Vec<u8>, &str)> = vec![
            ("50.4 megapixels", sides(7100, 7100), "too_many_pixels"),
            ("a long side", sides(12_001, 10), "too_many_pixels"),
            ("a bomb of four gigapixels", sides(65_535, 65_535), "too_many_pixels"),
            ("a canvas of 16 million a side", huge, ""),
            ("a page in a remark", script, "polyglot"),
            ("a photo that is an archive", archive, "polyglot"),
            ("half a PNG", half(&png), "truncated"),
            ("half a WebP", half(&webp), "truncated"),
            ("half a JPEG", half(&jpeg), "truncated"),
            ("no picture in it", [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &[0; 13]), &chunk(b"IEND", &[])].concat(), "undecodable"),
        ];
        for ((what, content, code), number) in bad.into_iter().zip(10..) {
            let id = declared(app, "inspector1", number, &content, item(&visit)).await;
            let memory = resident();
            let refused = upload(app, "inspector1", &id, named(&content, "innocent.jpg")).await.expect(422);
            assert_eq!(refused.code(), "content_refused", "{what}: {}", refused.text);
            assert!(code.is_empty() || refused.faults() == [("/file".into(), code.into())], "{what}: {}", refused.text);
            assert!(resident() < memory + 300, "{what}");
            assert_eq!(app.get("inspector1", &format!("/evidence/{id}")).await.body["state"], "declared", "{what}");
        }
        assert_eq!(files(app).len(), before, "something was kept");
    }

    async fn what_a_form_calls_its_file_never_reaches_a_path(app) {
        let visit = under_way(app).await;
        let long = "名".repeat(300);
        let names = ["../../../../../../tmp/evil.jpg", "..\\..\\evil.jpg", "/etc/passwd", "a\0b.jpg", "C:\\x", ".", "..", "", "x\u{202e}gpj.exe", &long];
        let mut taken = 0;
        for (name, number) in names.into_iter().zip(1..) {
            let content = picture(20, 20, ImageFormat::Png, number);
            let id = declared(app, "inspector1", number, &content, item(&visit)).await;
            let answer = upload(app, "inspector1", &id, named(&content, name)).await;
            // A name that breaks the form is the form's fault; no other is anybody's.
            assert!(matches!(answer.status, 200 | 400), "{name:?}: {} {}", answer.status, answer.text);
            taken += usize::from(answer.status == 200);
            if answer.status == 200 {
                let (_, headers, _) = bytes(app, "office", &format!("/evidence/{id}/content")).await;
                let said = headers["content-disposition"].to_str().unwrap();
                assert!(said.contains(&id) && !said.contains("evil"), "{said}");
            }
        }
        assert!(taken >= 8, "{taken}");
        only_names_of_our_own(app);
        for id in ["..%2F..%2Fetc%2Fpasswd", "%00", &long] {
            app.get("inspector1", &format!("/evidence/{id}/content")).await.expect(404);
        }
    }

    async fn one_byte_more_than_allowed_leaves_nothing(app) {
        let visit = under_way(app).await;
        let mut content = picture(20, 20, ImageFormat::Jpeg, 1);
        content.resize((20 << 20) + 1, 0);
        let id = declared(app, "inspector1", 1, &content, item(&visit)).await;
        let refused = upload(app, "inspector1", &id, multipart(&content)).await.expect(413);
        assert_eq!(refused.code(), "body_too_large");
        assert_eq!(files(app), Vec::<String>::new());
        assert_eq!(app.get("inspector1", &format!("/evidence/{id}")).await.body["state"], "declared");
        // The byte less is a photo like any other.
        content.pop();
        received(app, "inspector1", 2, &content, item(&visit)).await;
    }

    async fn nobody_fills_the_store_alone(app) {
        let visit = under_way(app).await;
        let contents: Vec<Vec<u8>> = (1..=4).map(|shade| picture(20, 20, ImageFormat::Png, shade)).collect();
        let ids: Vec<String> = {
            let mut ids = Vec::new();
            for (content, number) in contents.iter().zip(1..) {
                ids.push(declared(app, "inspector1", number, content, item(&visit)).await);
            }
            ids
        };
        upload(app, "inspector1", &ids[0], multipart(&contents[0])).await.expect(200);
        let kept = files(app).len();
        let row = || arrivals::table.find((user("inspector1"), today(app)));
        let counted: (i64, i64) = row().select((arrivals::files, arrivals::bytes)).first(&mut app.connect()).unwrap();
        assert_eq!(counted, (1, i64::try_from(contents[0].len()).unwrap()));
        let set = |files: i64, bytes: i64| {
            let change = (arrivals::files.eq(files), arrivals::bytes.eq(bytes));
            diesel::update(row()).set(change).execute(&mut app.connect()).unwrap();
        };
        let length = |n: usize| i64::try_from(contents[n].len()).unwrap();
        for (files_before, bytes_before) in [(5000, 0), (0, (10 << 30) - length(1) + 1)] {
            set(files_before, bytes_before);
            let refused = upload(app, "inspector1", &ids[1], multipart(&contents[1])).await.expect(429);
            assert_eq!(refused.code(), "evidence_quota");
            let wait: u64 = refused.header("retry-after").parse().unwrap();
            assert!((1..=86_400).contains(&wait), "{wait}");
            let request = app.request("inspector1", Method::POST, "/uploads").header("tus-resumable", "1.0.0");
            use base64::Engine as _;
            let said = format!("evidence_id {}", base64::engine::general_purpose::STANDARD.encode(&ids[1]));
            let request = request.header("upload-length", contents[1].len()).header("upload-metadata", said);
            assert_eq!(app.send(request).await.expect(429).code(), "evidence_quota");
            // What is here already takes no more room, and a colleague has a day of her own.
            upload(app, "inspector1", &ids[0], multipart(&contents[0])).await.expect(200);
        }
        assert_eq!(files(app).len(), kept, "nothing of it is kept");
        upload(app, "inspector2", &ids[2], multipart(&contents[2])).await.expect(200);
        set(4999, (10 << 30) - length(1));
        upload(app, "inspector1", &ids[1], multipart(&contents[1])).await.expect(200);
        upload(app, "inspector1", &ids[3], multipart(&contents[3])).await.expect(429);
        app.clock.advance(chrono::TimeDelta::days(1));
        upload(app, "inspector1", &ids[3], multipart(&contents[3])).await.expect(200);
    }

    async fn a_link_ends_with_the_session_of_who_made_it(app) {
        let visit = under_way(app).await;
        let id = received(app, "inspector1", 1, &photo(), item(&visit)).await;
        let open = |answer: Answer| format!("/{}", answer.body["url"].as_str().unwrap());
        let mine = open(app.post("officer1", &format!("/evidence/{id}/links"), json!({})).await.expect(201));
        let theirs = open(app.post("office", &format!("/evidence/{id}/links"), json!({})).await.expect(201));
        assert_eq!((bytes(app, "", &mine).await.0, bytes(app, "", &theirs).await.0), (200, 200));
        app.post("principal2", &format!("/evidence/{id}/links"), json!({})).await.expect(404);
        app.post("officer1", "/auth/logout", json!({})).await.expect(204);
        assert_eq!((bytes(app, "", &mine).await.0, bytes(app, "", &theirs).await.0), (404, 200));
    }
}
