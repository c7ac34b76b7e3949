//! A piece is written behind those before it; the last one makes the file whole.

use actix_web::dev::Payload;

use super::sweep;
use crate::access::Allowed;
use crate::access::actions::evidence;
use crate::evidence::store;
use crate::platform::db::types::Id;
use crate::platform::error::{Code, Problem};
use crate::platform::files::{Files, Staged};
use crate::platform::uploads::headers::Checksum;
use crate::platform::uploads::part::{self, Part, Taken};
use crate::platform::uploads::receive::{self, Expected};
use crate::platform::uploads::store::{self as rows, Upload};

/// The caller's upload, whose evidence the caller may still send.
///
/// # Errors
/// 404, 403, 410.
pub async fn own(allowed: &Allowed<evidence::Send>, id: Id) -> Result<Upload, Problem> {
    allowed
        .read(move |conn, rights| {
            let upload = rows::find(conn, id, rights.user_id(), rights.now)?;
            store::awaited(conn, rights, upload.evidence_id)?;
            Ok(upload)
        })
        .await
}

/// An upload that can go on here. Its pieces may lie on another machine: then whoever asks has to begin anew, and hears so
/// before anything is sent.
///
/// # Errors
/// 410 where they do.
pub async fn here(allowed: &Allowed<evidence::Send>, upload: Upload) -> Result<Upload, Problem> {
    if upload.done || upload.received == 0 {
        return Ok(upload);
    }
    let files = &allowed.app().files;
    let (folder, id, at) = (files.parts().to_owned(), upload.id, upload.at());
    let length = files.disk(move || part::length(&folder, id)).await?;
    if length.is_some_and(|length| length >= at) {
        return Ok(upload);
    }
    // Unless it was handed over between the two looks.
    let now = allowed.read(move |conn, rights| rows::find(conn, id, rights.user_id(), rights.now)).await?;
    if now.done { Ok(now) } else { Err(Problem::new(Code::UploadGone)) }
}

/// What a request brings.
pub struct Piece {
    /// Where the client thinks the upload is.
    pub at: u64,
    /// How long the body says it is.
    pub length: Option<u64>,
    /// Of the body.
    pub checksum: Option<Checksum>,
    /// The body.
    pub body: Payload,
}

impl std::fmt::Debug for Piece {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Piece").field("at", &self.at).field("length", &self.length).finish_non_exhaustive()
    }
}

/// Writes a piece, and hands the file over once it is whole. Returns how far the upload is. What is begun here goes on
/// when the client has gone away.
///
/// # Errors
/// 409 for another place, 410, 413, 423, 460; what handing over says; 503, 507.
pub async fn add(allowed: Allowed<evidence::Send>, upload: Upload, piece: Piece) -> Result<Upload, Problem> {
    let work = actix_web::rt::spawn(async move { write(&allowed, upload, piece).await });
    work.await.map_err(Problem::internal)?
}

async fn write(allowed: &Allowed<evidence::Send>, upload: Upload, piece: Piece) -> Result<Upload, Problem> {
    let (part, upload) = taken(allowed, upload).await?;
    let id = upload.id;
    if upload.done {
        return if piece.at == upload.end() { Ok(upload) } else { Err(upload.elsewhere()) };
    }
    let Some(part) = part else { return Err(Problem::new(Code::UploadGone)) };
    if piece.at != upload.at() {
        return Err(upload.elsewhere());
    }
    if piece.length.is_some_and(|length| piece.at.saturating_add(length) > upload.end()) {
        return Err(Problem::new(Code::BodyTooLarge)
            .detail("超出 Upload-Length", "there would be more than Upload-Length says"));
    }
    let limits = allowed.app().uploads;
    let expected = Expected { from: upload.at(), end: upload.end(), checksum: piece.checksum, pace: limits.pace };
    let acknowledge = async |from: u64, to: u64| {
        allowed.write_unkept(move |tx, _| rows::advance(tx, id, (from, to), &limits)).await.map(drop)
    };
    let files = &allowed.app().files;
    let (part, at) = match receive::receive(files, part, piece.body, expected, acknowledge).await {
        Ok(received) => received,
        Err(problem) => {
            if problem.code == Code::UploadGone {
                // Ended while this was writing: whoever ended it left the file to us.
                sweep::remove(files, id).await?;
            }
            return Err(problem);
        }
    };
    let received = i64::try_from(at).map_err(Problem::internal)?;
    let expires_at = allowed.app().clock.now() + limits.keep;
    let upload = Upload { received, expires_at, ..upload };
    if upload.is_whole() { hand_over(allowed, upload, part).await } else { Ok(upload) }
}

/// The file of an upload, and how far it is now that nobody else writes it. No file where it is not on this machine, and
/// for an upload that is done.
async fn taken(allowed: &Allowed<evidence::Send>, before: Upload) -> Result<(Option<Part>, Upload), Problem> {
    if before.done {
        return Ok((None, before));
    }
    let files = &allowed.app().files;
    let (folder, id, new) = (files.parts().to_owned(), before.id, before.received == 0);
    let part = match files.disk(move || part::take(&folder, id, new)).await? {
        Taken::Here(part) => Some(part),
        Taken::Busy => return Err(Problem::new(Code::UploadBusy)),
        // Not on this machine, or handed over at this moment.
        Taken::Missing => None,
    };
    let now = allowed.read(move |conn, rights| rows::find(conn, id, rights.user_id(), rights.now)).await;
    match (now, part) {
        (Ok(now), None) => Ok((None, now)),
        (Ok(now), Some(part)) if now.done => {
            removed(files, part).await?;
            Err(now.elsewhere())
        }
        // Somebody wrote between looking and taking: the client has to look again.
        (Ok(now), Some(_)) if now.received != before.received => Err(now.elsewhere()),
        (Ok(now), Some(mut part)) => {
            let at = now.at();
            let part = files.disk(move || Ok(part.go_on(at)?.then_some(part))).await?;
            Ok((part, now))
        }
        (Err(problem), Some(part)) if matches!(problem.code, Code::UploadGone | Code::NotFound) => {
            removed(files, part).await?;
            Err(problem)
        }
        (Err(problem), _) => Err(problem),
    }
}

async fn removed(files: &Files, part: Part) -> Result<(), Problem> {
    files
        .disk(move || {
            part.remove();
            Ok(())
        })
        .await
}

/// Hands over a file that is whole but came to nothing: the store was away, or this server ended in between.
///
/// # Errors
/// As [`add`].
pub async fn finish(allowed: Allowed<evidence::Send>, upload: Upload) -> Result<Upload, Problem> {
    let work = actix_web::rt::spawn(async move {
        let (part, upload) = taken(&allowed, upload).await?;
        match part {
            Some(part) if upload.is_whole() => hand_over(&allowed, upload, part).await,
            None if !upload.done => Err(Problem::new(Code::UploadGone)),
            _ => Ok(upload),
        }
    });
    work.await.map_err(Problem::internal)?
}

/// The file is kept and linked before anybody hears that it is whole. What is not what was declared is worth nothing: its
/// upload ends.
async fn hand_over(allowed: &Allowed<evidence::Send>, upload: Upload, part: Part) -> Result<Upload, Problem> {
    let files = &allowed.app().files;
    let (id, path) = (upload.id, part.path().to_owned());
    let staged = files.disk(move || Staged::of_file(path)).await?;
    match store::received(allowed, upload.evidence_id, staged).await {
        Ok(_) => allowed.write_unkept(move |tx, _| rows::done(tx, id)).await?,
        Err(problem) => {
            let worthless = matches!(
                problem.code,
                Code::WrongHash | Code::ContentRefused | Code::BodyTooLarge | Code::UnsupportedMediaType
            );
            if worthless || problem.code == Code::ValidationFailed {
                allowed.write_unkept(move |tx, _| rows::close(tx, id)).await?;
                removed(files, part).await?;
            }
            return Err(problem);
        }
    }
    removed(files, part).await?;
    Ok(Upload { done: true, ..upload })
}
