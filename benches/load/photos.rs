//! Photos sent: declared, then their content in a form or by tus.

use std::io::Write;
use std::time::Instant;

use anxiao::platform::files::ContentHash;
use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};
use serde_json::{Value, json};

use crate::client::{Connection, post, post_bytes};
use crate::district::mix;
use crate::rows::{Run, fresh_id};
use crate::server::Server;
use crate::table::{Row, Table};

const MOST: usize = 4_000_000;
const TIMES: u64 = 8;

/// A photo of 12 megapixels and about 4 MB, as phones make them.
fn photo() -> Result<Vec<u8>> {
    for grain in [24, 18, 13, 9, 6, 4] {
        let pixel = |x: u32, y: u32| {
            let noise = u8::try_from(mix(u64::from(x) << 32 | u64::from(y)) % grain).unwrap_or(0);
            let slope = u8::try_from((x / 32 + y / 24) % 200).unwrap_or(0);
            Rgb([slope.saturating_add(noise), slope / 2 + noise, 200 - slope + noise])
        };
        let mut bytes = Vec::new();
        JpegEncoder::new_with_quality(&mut bytes, 88).encode_image(&RgbImage::from_fn(4000, 3000, pixel))?;
        if bytes.len() <= MOST {
            return Ok(bytes);
        }
    }
    bail!("no picture of that size")
}

/// The same picture in another file: a remark behind the start of the JPEG.
fn copy(photo: &[u8], n: u64) -> Vec<u8> {
    let (start, rest) = photo.split_at(2);
    [start, b"\xFF\xFE\x00\x0A", &n.to_be_bytes(), rest].concat()
}

/// Every row of photos.
pub fn measure(run: &Run<'_>, server: &Server, plan: &Value, table: &mut Table) -> Result<()> {
    let token = run.bureau_tokens()?.first().context("no token")?.clone();
    let photo = photo()?;
    let (visit, item) = run.runtime.block_on(begun(server, &token, plan))?;
    let floor = (0..TIMES)
        .map(|n| bare(run, &copy(&photo, 900 + n)))
        .try_fold(f64::INFINITY, |least, one| Ok::<_, anyhow::Error>(least.min(one?)))?;
    for (way, name) in [(false, "in a form"), (true, "by tus, in one request")] {
        let mut times = Vec::new();
        for n in 0..TIMES {
            let content = copy(&photo, n + if way { 500 } else { 0 });
            let target = json!({"inspection_id": visit, "item_code": item});
            let Some(ms) = run.runtime.block_on(upload(server, &token, &content, target, way))? else { break };
            times.push(ms);
        }
        if times.is_empty() {
            crate::progress("  no /uploads in this build");
            continue;
        }
        times.sort_by(f64::total_cmp);
        let (best, worst) = (times.first().copied().unwrap_or(f64::NAN), times.last().copied().unwrap_or(f64::NAN));
        let median = times.get(times.len() / 2).copied().unwrap_or(f64::NAN);
        let megabytes = f64::from(u32::try_from(photo.len())?) / 1e6;
        table.row(Row {
            work: format!(
                "declare and send a photo of {megabytes:.1} MB, 12 megapixels, {name}, 1 client, {TIMES} times"
            ),
            measured: format!("best {best:.0} ms, median {median:.0} ms, slowest {worst:.0} ms"),
            floor: format!("hash, write and sync, decode: {floor:.0} ms"),
            ratio: Some(floor / best),
            ..Row::default()
        });
    }
    Ok(())
}

/// A visit under way, and one of its items.
async fn begun(server: &Server, token: &str, plan: &Value) -> Result<(Value, Value)> {
    let mut link = Connection::open(server.address).await?;
    let made =
        link.exchange(&post("/api/v1/inspections", token, &fresh_id(mix(3)).to_string(), &plan.to_string())).await?;
    let made: Value = serde_json::from_slice(&made.body)?;
    let id = made["id"].as_str().context("no inspection")?;
    let path = format!("/api/v1/inspections/{id}/check-in");
    let begun = link.exchange(&post(&path, token, &fresh_id(mix(4)).to_string(), "{}")).await?;
    if begun.status != 200 {
        bail!("{}: {}", begun.status, String::from_utf8_lossy(&begun.body));
    }
    Ok((made["id"].clone(), json!("fang-001")))
}

/// Milliseconds from the declaration to the answer that the content is there; nothing where there is no tus.
async fn upload(server: &Server, token: &str, content: &[u8], target: Value, tus: bool) -> Result<Option<f64>> {
    let mut link = Connection::open(server.address).await?;
    let hash = ContentHash::of(content).to_string();
    let id = fresh_id(mix(u64::from_str_radix(hash.get(..15).unwrap_or_default(), 16)?)).to_string();
    let declaration = json!({
        "id": id, "sha256": hash, "bytes": content.len(), "media_type": "image/jpeg", "target": target,
    });
    let request = if tus {
        let headers = format!(
            "Tus-Resumable: 1.0.0\r\nUpload-Length: {}\r\nUpload-Metadata: evidence_id {}\r\n\
             Content-Type: application/offset+octet-stream\r\n",
            content.len(),
            STANDARD.encode(&id)
        );
        post_bytes("/api/v1/uploads", token, &headers, content)
    } else {
        let head = "--xx\r\ncontent-disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\
                    content-type: image/jpeg\r\n\r\n";
        let form = [head.as_bytes(), content, b"\r\n--xx--\r\n"].concat();
        let path = format!("/api/v1/evidence/{id}/content");
        post_bytes(&path, token, "Content-Type: multipart/form-data; boundary=xx\r\n", &form)
    };
    let started = Instant::now();
    let declared = link.exchange(&post("/api/v1/evidence", token, &id, &declaration.to_string())).await?;
    if !(200..300).contains(&declared.status) {
        bail!("{}: {}", declared.status, String::from_utf8_lossy(&declared.body));
    }
    let sent = link.exchange(&request).await?;
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    match sent.status {
        200..300 => Ok(Some(ms)),
        404 if tus => Ok(None),
        other => bail!("{other}: {}", String::from_utf8_lossy(&sent.body)),
    }
}

/// Milliseconds of what cannot be left out: the hash, the file on the disk, one decoding.
fn bare(run: &Run<'_>, content: &[u8]) -> Result<f64> {
    let started = Instant::now();
    std::hint::black_box(ContentHash::of(content));
    let mut file = tempfile::NamedTempFile::new_in(run.folder)?;
    file.write_all(content)?;
    file.as_file().sync_all()?;
    std::hint::black_box(image::load_from_memory(content)?);
    Ok(started.elapsed().as_secs_f64() * 1000.0)
}
