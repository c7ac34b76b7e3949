//! A body that is written while it comes.

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::Pace;
use super::headers::{Checksum, Sum};
use super::part::Part;
use crate::platform::error::{Code, Problem};
use crate::platform::files::Files;

/// Bytes gathered before they are written.
const GATHER: usize = 256 * 1024;
/// Bytes after which what has come is synced and acknowledged, though more is coming.
const ACKNOWLEDGE: u64 = 8 << 20;

/// What is to come, and from where on.
#[derive(Debug)]
pub struct Expected {
    /// The first byte.
    pub from: u64,
    /// Where the file ends.
    pub end: u64,
    /// Of what comes, if the client said one: then it counts as a whole or not at all.
    pub checksum: Option<Checksum>,
    /// How slow it may come.
    pub pace: Pace,
}

/// Writes a body behind what is there. `acknowledge` makes known from where to where the file has become durable; it is
/// called as the body grows, and at its end however it ends, so that what came of a broken body is kept. Returns the file
/// and how far it is.
///
/// # Errors
/// 413 for bytes beyond the end, 460 for a wrong checksum, 408 and 400 for a body that did not come to its end; 503, 507.
pub async fn receive(
    files: &Files,
    part: Part,
    body: Payload,
    expected: Expected,
    mut acknowledge: impl AsyncFnMut(u64, u64) -> Result<(), Problem>,
) -> Result<(Part, u64), Problem> {
    let sum = expected.checksum.as_ref().map(Checksum::sum);
    let mut writing = Writing { part: Some(part), sum, at: expected.from, gathered: Vec::new() };
    let mut acknowledged = expected.from;
    let mut flow = Flow::new(body, expected.pace);
    let broken = loop {
        match flow.next().await {
            Ok(None) => break None,
            Err(problem) => break Some(problem),
            Ok(Some(piece)) => {
                writing.gathered.extend_from_slice(&piece);
                if writing.will_be_at() > expected.end {
                    return Err(Problem::new(Code::BodyTooLarge)
                        .detail("超出 Upload-Length", "there is more than Upload-Length says"));
                }
                if writing.gathered.len() >= GATHER {
                    let began = Instant::now();
                    let due = expected.checksum.is_none() && writing.will_be_at() - acknowledged >= ACKNOWLEDGE;
                    writing.write(files, due).await?;
                    if due {
                        acknowledge(acknowledged, writing.at).await?;
                        acknowledged = writing.at;
                    }
                    flow.rest(began);
                }
            }
        }
    };
    let whole = broken.is_none();
    writing.write(files, whole || expected.checksum.is_none()).await?;
    match (broken, expected.checksum) {
        // What came of it cannot be told from what a bad line made of it.
        (Some(problem), Some(_)) => return Err(problem),
        (Some(problem), None) => {
            acknowledge(acknowledged, writing.at).await?;
            return Err(problem);
        }
        (None, Some(checksum)) if !writing.sum.take().is_some_and(|sum| checksum.fits(sum)) => {
            return Err(Problem::new(Code::ChecksumMismatch));
        }
        (None, _) => acknowledge(acknowledged, writing.at).await?,
    }
    let at = writing.at;
    let part = writing.part.ok_or_else(lost)?;
    Ok((part, at))
}

fn lost() -> Problem {
    Problem::new(Code::Unavailable).cause("a part was given up after a failed write")
}

struct Writing {
    part: Option<Part>,
    sum: Option<Sum>,
    at: u64,
    gathered: Vec<u8>,
}

impl Writing {
    fn will_be_at(&self) -> u64 {
        self.at.saturating_add(u64::try_from(self.gathered.len()).unwrap_or(u64::MAX))
    }

    async fn write(&mut self, files: &Files, sync: bool) -> Result<(), Problem> {
        let at = self.will_be_at();
        let gathered = std::mem::take(&mut self.gathered);
        let (mut part, mut sum) = (self.part.take().ok_or_else(lost)?, self.sum.take());
        let written = files.disk(move || {
            if let Some(sum) = &mut sum {
                sum.add(&gathered);
            }
            part.add(&gathered)?;
            if sync {
                part.sync()?;
            }
            Ok((part, sum))
        });
        let (part, sum) = written.await?;
        (self.part, self.sum, self.at) = (Some(part), sum, at);
        Ok(())
    }
}

/// A body, as long as it comes fast enough.
struct Flow<S> {
    body: S,
    pace: Pace,
    since: Instant,
    came: u64,
}

impl<S: Stream<Item = Result<Bytes, PayloadError>> + Unpin> Flow<S> {
    fn new(body: S, pace: Pace) -> Self {
        Self { body, pace, since: Instant::now(), came: 0 }
    }

    async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let end = self.since + self.pace.span;
            let came =
                if Instant::now() >= end { Err(()) } else { timeout_at(end, self.body.next()).await.map_err(drop) };
            match came {
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(Problem::new(Code::MalformedBody).cause(error)),
                Ok(Some(Ok(piece))) => {
                    self.came = self.came.saturating_add(u64::try_from(piece.len()).unwrap_or(u64::MAX));
                    return Ok(Some(piece));
                }
                Err(()) if self.came < self.pace.least => {
                    return Err(Problem::new(Code::RequestTimeout)
                        .detail("上传过慢，已保存收到的部分", "too slow; what arrived is kept"));
                }
                Err(()) => (self.since, self.came) = (Instant::now(), 0),
            }
        }
    }

    /// What this side did meanwhile is not the sender's slowness.
    fn rest(&mut self, began: Instant) {
        self.since += began.elapsed();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::stream;

    use super::*;

    fn dripping(pause: Duration, size: usize) -> impl Stream<Item = Result<Bytes, PayloadError>> + Unpin {
        Box::pin(stream::unfold((), move |()| async move {
            tokio::time::sleep(pause).await;
            Some((Ok(Bytes::from(vec![0; size])), ()))
        }))
    }

    const PACE: Pace = Pace { span: Duration::from_millis(100), least: 1000 };

    #[tokio::test]
    async fn who_drips_is_cut_off_and_who_flows_is_not_however_long_it_takes() {
        let mut slow = Flow::new(dripping(Duration::from_millis(20), 10), PACE);
        let mut came = 0;
        let problem = loop {
            match slow.next().await {
                Ok(piece) => came += piece.unwrap().len(),
                Err(problem) => break problem,
            }
        };
        assert_eq!(problem.code, Code::RequestTimeout);
        assert!((10..=100).contains(&came), "{came}");

        let mut steady = Flow::new(dripping(Duration::from_millis(10), 1000), PACE);
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(500) {
            steady.next().await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn who_is_silent_is_cut_off() {
        let mut silent = Flow::new(stream::pending(), PACE);
        assert_eq!(silent.next().await.unwrap_err().code, Code::RequestTimeout);
    }
}
