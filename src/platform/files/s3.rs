//! Files in a bucket of an S3-compatible store.
//!
//! What is uploaded is vouched for: each request carries the SHA-256 of its bytes. A store that repeats it in its answer
//! has checked it; from one that does not, the file is read back and hashed before it counts as kept.

use std::io::Read;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rusty_s3::actions::{CreateMultipartUpload, ListObjectsV2};
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use ureq::http::Response;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::{Agent, Body};

use super::key::{ContentHash, Hasher, Key};
use super::reading::{Opened, within};
use super::settings::Place;
use super::staged::Staged;
use super::{Entry, trouble};
use crate::platform::db::types::{Id, Timestamp};
use crate::platform::error::{Code, Problem};

/// Larger files are uploaded in parts of this size, so that one lost connection costs one part.
const PART: u64 = 16 << 20;
/// How long a signed request may be under way.
const SIGNED_FOR: Duration = Duration::from_secs(15 * 60);
/// Most of an answer that is read where no file is meant.
const ANSWER: u64 = 4 << 20;
/// How often a request is tried when the store does not answer.
const TRIES: u32 = 3;
const CHECKSUM: &str = "x-amz-checksum-sha256";

/// The bucket.
pub(super) struct S3 {
    bucket: Bucket,
    credentials: Credentials,
    prefix: String,
    agent: Agent,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3").field("bucket", &self.place()).finish_non_exhaustive()
    }
}

impl S3 {
    pub(super) fn open(place: &Place) -> Result<Self, String> {
        let endpoint = &place.endpoint;
        let wrong = |error: &dyn std::fmt::Display| format!("evidence_s3_endpoint {endpoint:?} is not usable: {error}");
        let style = if place.path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let url = endpoint.parse().map_err(|error| wrong(&error))?;
        let bucket =
            Bucket::new(url, style, place.bucket.clone(), place.region.clone()).map_err(|error| wrong(&error))?;
        let roots = match &place.ca {
            None => RootCerts::WebPki,
            Some(pem) => RootCerts::from(certificates(pem)?),
        };
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            // The store is a part of the installation; a proxy for the way outside is not meant.
            .proxy(None)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .timeout_connect(Some(Duration::from_secs(5)))
            .timeout_per_read(Some(Duration::from_secs(30)))
            .timeout_per_write(Some(Duration::from_secs(30)))
            .timeout_recv_response(Some(Duration::from_secs(60)))
            .user_agent("anxiao")
            .build()
            .new_agent();
        let credentials = Credentials::new(place.key_id.clone(), place.secret.expose_secret());
        Ok(Self { bucket, credentials, prefix: place.prefix.clone(), agent })
    }

    pub(super) fn place(&self) -> String {
        format!("{}/{}", self.bucket.base_url().as_str().trim_end_matches('/'), self.prefix)
    }

    fn object(&self, key: &Key) -> String {
        format!("{}{key}", self.prefix)
    }

    pub(super) fn put(&self, key: &Key, staged: &Staged) -> Result<(), Problem> {
        let object = self.object(key);
        let vouched =
            if staged.bytes() <= PART { self.put_whole(&object, staged)? } else { self.put_parts(&object, staged)? };
        match self.size(key)? {
            Some(bytes) if bytes == staged.bytes() => {}
            other => return Err(contradiction(format!("{key}: sent {} bytes, kept {other:?}", staged.bytes()))),
        }
        if vouched { Ok(()) } else { self.read_back(key, staged.hash()) }
    }

    /// Whether the store repeated the checksum.
    fn put_whole(&self, object: &str, staged: &Staged) -> Result<bool, Problem> {
        let checksum = STANDARD.encode(staged.hash().as_bytes());
        let answer = again(|| {
            let mut action = self.bucket.put_object(Some(&self.credentials), object);
            action.headers_mut().insert(CHECKSUM, checksum.as_str());
            let file = staged.open_at(0).map_err(|error| trouble("a temporary file", &error))?;
            let url = action.sign(SIGNED_FOR);
            let request = self.agent.put(url.as_str()).header(CHECKSUM, checksum.as_str());
            self.settled(request.header("content-length", staged.bytes().to_string()).send(file))
        })?;
        vouched(&answer, &checksum)
    }

    /// The same in parts. An upload that fails is given up, so that the store does not keep its parts.
    fn put_parts(&self, object: &str, staged: &Staged) -> Result<bool, Problem> {
        let created = again(|| {
            let mut action = self.bucket.create_multipart_upload(Some(&self.credentials), object);
            action.headers_mut().insert("x-amz-checksum-algorithm", "SHA256");
            let request = self.agent.post(action.sign(SIGNED_FOR).as_str());
            self.settled(request.header("x-amz-checksum-algorithm", "SHA256").send_empty())
        })?;
        let created = CreateMultipartUpload::parse_response(&text(created)?).map_err(contradiction)?;
        let upload = created.upload_id();
        let sent = self.send_parts(object, upload, staged);
        if sent.is_err() {
            let action = self.bucket.abort_multipart_upload(Some(&self.credentials), object, upload);
            if let Err(problem) = self.settled(self.agent.delete(action.sign(SIGNED_FOR).as_str()).call()) {
                tracing::warn!(object, %problem, "an upload to the evidence store could not be given up");
            }
        }
        sent
    }

    fn send_parts(&self, object: &str, upload: &str, staged: &Staged) -> Result<bool, Problem> {
        let (mut done, mut all_vouched) = (String::from("<CompleteMultipartUpload>"), true);
        let (mut from, mut number) = (0, 0_u16);
        while from < staged.bytes() {
            number = number.saturating_add(1);
            let length = PART.min(staged.bytes().saturating_sub(from));
            let say = |error| trouble("a temporary file", &error);
            let mut bytes = Vec::new();
            staged.open_at(from).map_err(say)?.take(length).read_to_end(&mut bytes).map_err(say)?;
            let checksum = STANDARD.encode(Sha256::digest(&bytes));
            let answer = again(|| {
                let mut action = self.bucket.upload_part(Some(&self.credentials), object, number, upload);
                action.headers_mut().insert(CHECKSUM, checksum.as_str());
                let request = self.agent.put(action.sign(SIGNED_FOR).as_str()).header(CHECKSUM, checksum.as_str());
                self.settled(request.send(bytes.as_slice()))
            })?;
            let etag = header(&answer, "etag").ok_or_else(|| contradiction("a part without an ETag"))?;
            let part = vouched(&answer, &checksum)?;
            let named = if part { format!("<ChecksumSHA256>{checksum}</ChecksumSHA256>") } else { String::new() };
            let etag = etag.replace('&', "&amp;").replace('<', "&lt;");
            done.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag>{named}</Part>"));
            all_vouched &= part;
            from = from.saturating_add(length);
        }
        done.push_str("</CompleteMultipartUpload>");
        let action =
            self.bucket.complete_multipart_upload(Some(&self.credentials), object, upload, std::iter::empty::<&str>());
        // Not tried again: a store that did it and whose answer was lost does not know the upload any more. The whole
        // is then sent anew by whoever asked.
        let answer = self.settled(self.agent.post(action.sign(SIGNED_FOR).as_str()).send(done.as_str()))?;
        // A store may say 200 while it works, and then that it failed.
        let said = text(answer)?;
        if said.contains("<Error>") || !said.contains("CompleteMultipartUploadResult") {
            return Err(contradiction(format!("an upload was not completed: {}", short(&said))));
        }
        Ok(all_vouched)
    }

    fn read_back(&self, key: &Key, hash: ContentHash) -> Result<(), Problem> {
        let mut opened = self.read(key, None)?.ok_or_else(|| contradiction(format!("{key} is not there")))?;
        let (mut hasher, mut piece) = (Hasher::default(), vec![0; 64 * 1024]);
        loop {
            let length = opened.source.read(&mut piece).map_err(|error| trouble("the evidence store", &error))?;
            if length == 0 {
                break;
            }
            hasher.update(piece.get(..length).unwrap_or_default());
        }
        if hasher.finish() == hash { Ok(()) } else { Err(contradiction(format!("{key} holds other bytes than sent"))) }
    }

    pub(super) fn size(&self, key: &Key) -> Result<Option<u64>, Problem> {
        let object = self.object(key);
        let answer = again(|| {
            let action = self.bucket.head_object(Some(&self.credentials), &object);
            self.found(self.agent.head(action.sign(SIGNED_FOR).as_str()).call())
        })?;
        answer.map(|answer| length(&answer)).transpose()
    }

    pub(super) fn read(&self, key: &Key, range: Option<(u64, u64)>) -> Result<Option<Opened>, Problem> {
        let Some((first, last)) = range else {
            let Some(answer) = self.get(key, None)? else { return Ok(None) };
            let total = length(&answer)?;
            return Ok(Some(Opened { total, first: 0, length: total, source: source(answer, total) }));
        };
        // A range is asked for only once it is known to be there: stores differ in what they say of others.
        let Some(total) = self.size(key)? else { return Ok(None) };
        let (first, length) = within(Some((first, last)), total);
        if length == 0 {
            return Ok(Some(Opened { total, first, length, source: Box::new(std::io::empty()) }));
        }
        let end = first.saturating_add(length).saturating_sub(1);
        let Some(answer) = self.get(key, Some((first, end)))? else { return Ok(None) };
        if answer.status() != 206 && length != total {
            return Err(contradiction("the evidence store does not answer ranges"));
        }
        Ok(Some(Opened { total, first, length, source: source(answer, length) }))
    }

    fn get(&self, key: &Key, range: Option<(u64, u64)>) -> Result<Option<Response<Body>>, Problem> {
        let object = self.object(key);
        again(|| {
            let action = self.bucket.get_object(Some(&self.credentials), &object);
            let mut request = self.agent.get(action.sign(SIGNED_FOR).as_str());
            if let Some((first, last)) = range {
                request = request.header("range", format!("bytes={first}-{last}"));
            }
            self.found(request.call())
        })
    }

    pub(super) fn delete(&self, key: &Key) -> Result<(), Problem> {
        let object = self.object(key);
        again(|| {
            let action = self.bucket.delete_object(Some(&self.credentials), &object);
            self.found(self.agent.delete(action.sign(SIGNED_FOR).as_str()).call())
        })
        .map(drop)
    }

    pub(super) fn namespaces(&self) -> Result<Vec<Id>, Problem> {
        let mut all = Vec::new();
        self.pages(|action| {
            action.with_prefix(self.prefix.as_str());
            action.with_delimiter("/");
        })?
        .iter()
        .flat_map(|page| &page.common_prefixes)
        .for_each(|common| {
            let name = common.prefix.strip_prefix(&self.prefix).unwrap_or_default().trim_end_matches('/');
            all.extend(name.parse::<Id>());
        });
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    pub(super) fn list(&self, namespace: Id, first: u8) -> Result<Vec<Entry>, Problem> {
        let shelf = format!("{}{}/", self.prefix, Key::shelf(namespace, first));
        let pages = self.pages(|action| action.with_prefix(shelf.as_str()))?;
        let mut entries = Vec::new();
        for object in pages.into_iter().flat_map(|page| page.contents) {
            let Some(name) = object.key.strip_prefix(&shelf) else { continue };
            let Some(key) = Key::from_name(namespace, name) else { continue };
            let modified = object.last_modified.as_deref().and_then(Timestamp::parse);
            let modified = modified.ok_or_else(|| contradiction(format!("{key} was listed without its time")))?;
            let bytes = object.size.ok_or_else(|| contradiction(format!("{key} was listed without its size")))?;
            entries.push(Entry { key, bytes, modified });
        }
        entries.sort_unstable_by_key(|entry| entry.key);
        Ok(entries)
    }

    fn pages<'a>(
        &'a self,
        shape: impl Fn(&mut ListObjectsV2<'a>),
    ) -> Result<Vec<rusty_s3::actions::ListObjectsV2Response>, Problem> {
        let (mut pages, mut token) = (Vec::new(), None::<String>);
        loop {
            let answer = again(|| {
                let mut action = self.bucket.list_objects_v2(Some(&self.credentials));
                shape(&mut action);
                if let Some(token) = &token {
                    action.with_continuation_token(token.clone());
                }
                self.settled(self.agent.get(action.sign(SIGNED_FOR).as_str()).call())
            })?;
            let page = ListObjectsV2::parse_response(&text(answer)?).map_err(contradiction)?;
            token.clone_from(&page.next_continuation_token);
            pages.push(page);
            if token.is_none() {
                return Ok(pages);
            }
        }
    }

    /// An answer that says it was done.
    fn settled(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Response<Body>, Problem> {
        self.found(answer)?.ok_or_else(|| {
            Problem::new(Code::Unavailable)
                .cause(format!("{}: the store answers 404; is the bucket there?", self.place()))
        })
    }

    /// The same, where 404 says that a file is not there.
    fn found(&self, answer: Result<Response<Body>, ureq::Error>) -> Result<Option<Response<Body>>, Problem> {
        let answer = answer.map_err(|error| {
            Problem::new(Code::Unavailable).cause(format!("the evidence store {}: {error}", self.place()))
        })?;
        let status = answer.status();
        if status.is_success() {
            return Ok(Some(answer));
        }
        let said = text(answer).unwrap_or_default();
        // A bucket that is not there must not pass for a file that is not there.
        if status == 404 && !said.contains("NoSuchBucket") {
            return Ok(None);
        }
        let full =
            status == 507 || ["QuotaExceeded", "StorageFull", "NoSpaceLeft"].iter().any(|word| said.contains(word));
        let code = if full { Code::NoSpace } else { Code::Unavailable };
        Err(Problem::new(code).cause(format!("the evidence store {} answers {status}: {}", self.place(), short(&said))))
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<Certificate<'static>>, String> {
    let mut all = Vec::new();
    for item in parse_pem(pem) {
        if let PemItem::Certificate(certificate) =
            item.map_err(|error| format!("evidence_s3_ca_file is not PEM: {error}"))?
        {
            all.push(certificate);
        }
    }
    if all.is_empty() { Err("evidence_s3_ca_file holds no certificate".to_owned()) } else { Ok(all) }
}

/// Tries again at once where the store did not answer or had no time: whatever is asked here may be asked twice.
fn again<T>(mut ask: impl FnMut() -> Result<T, Problem>) -> Result<T, Problem> {
    let mut tries = 1;
    loop {
        match ask() {
            Err(problem) if problem.code == Code::Unavailable && tries < TRIES => tries += 1,
            other => return other,
        }
    }
}

fn contradiction(cause: impl std::fmt::Display) -> Problem {
    Problem::new(Code::Unavailable).cause(format!("the evidence store: {cause}"))
}

fn header<'a>(answer: &'a Response<Body>, name: &str) -> Option<&'a str> {
    answer.headers().get(name).and_then(|value| value.to_str().ok())
}

/// Whether the store repeats the checksum.
fn vouched(answer: &Response<Body>, checksum: &str) -> Result<bool, Problem> {
    match header(answer, CHECKSUM) {
        None => Ok(false),
        Some(said) if said == checksum => Ok(true),
        Some(said) => Err(contradiction(format!("sent {checksum}, received {said}"))),
    }
}

fn length(answer: &Response<Body>) -> Result<u64, Problem> {
    header(answer, "content-length")
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| contradiction("an answer without Content-Length"))
}

fn source(answer: Response<Body>, length: u64) -> Box<dyn Read + Send> {
    Box::new(answer.into_body().into_with_config().limit(length.saturating_add(1)).reader().take(length))
}

fn text(mut answer: Response<Body>) -> Result<String, Problem> {
    answer.body_mut().with_config().limit(ANSWER).lossy_utf8(true).read_to_string().map_err(contradiction)
}

fn short(text: &str) -> String {
    text.chars().take(300).map(|c| if c.is_control() { ' ' } else { c }).collect()
}
