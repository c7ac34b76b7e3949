//! Downloads: their headers, and the stream of a file.

use std::fs::File;
use std::io::Read;

use actix_web::http::header::{
    CONTENT_ENCODING, Charset, ContentDisposition, DispositionParam, DispositionType, ExtendedValue,
};
use actix_web::web::{Bytes, block};
use actix_web::{HttpResponse, HttpResponseBuilder};
use futures_util::{Stream, stream};

use crate::platform::error::Problem;

/// Bytes of a file in one piece of the answer.
const PIECE: usize = 64 * 1024;

/// 200 with the headers of a download: its name by RFC 6266, in full for those who read UTF-8 and in ASCII for the
/// others. `no-store` and `nosniff` come with every answer.
#[must_use]
pub fn download(media: &str, name: &str, ascii: &str) -> HttpResponseBuilder {
    let full = ExtendedValue { charset: Charset::Ext("UTF-8".to_owned()), language_tag: None, value: name.into() };
    let mut response = HttpResponse::Ok();
    response.content_type(media).insert_header(ContentDisposition {
        disposition: DispositionType::Attachment,
        parameters: vec![DispositionParam::Filename(ascii.to_owned()), DispositionParam::FilenameExt(full)],
    });
    response
}

/// The download of a file that stands at its beginning. It is compressed already where it is worth it.
///
/// # Errors
/// When its length cannot be read.
pub fn file(mut response: HttpResponseBuilder, file: File) -> Result<HttpResponse, Problem> {
    let length = file.metadata().map_err(Problem::internal)?.len();
    response.insert_header((CONTENT_ENCODING, "identity"));
    Ok(response.no_chunking(length).streaming(pieces(file)))
}

fn pieces(file: File) -> impl Stream<Item = Result<Bytes, Problem>> {
    stream::try_unfold(file, |mut file| async move {
        let read = block(move || {
            let mut piece = vec![0; PIECE];
            let length = file.read(&mut piece)?;
            piece.truncate(length);
            Ok::<_, std::io::Error>((piece, file))
        });
        let (piece, file) = read.await.map_err(Problem::internal)?.map_err(Problem::internal)?;
        Ok(if piece.is_empty() { None } else { Some((Bytes::from(piece), file)) })
    })
}
