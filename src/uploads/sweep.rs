//! What nobody goes on with is removed: uploads that have expired, and files that no upload knows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::platform::db::types::Id;
use crate::platform::db::{Db, Work};
use crate::platform::error::Problem;
use crate::platform::files::{Files, trouble};
use crate::platform::uploads::arrivals;
use crate::platform::uploads::part::{self, Taken};
use crate::platform::uploads::store;

/// Files without an upload are left alone so long: they may belong to one that is just beginning.
const YOUNG: Duration = Duration::from_secs(24 * 3600);

/// Sweeps once; returns how many uploads ended. Any number of nodes may do it at the same time.
///
/// # Errors
/// 503.
pub async fn sweep(db: &Db, files: &Files) -> Result<usize, Problem> {
    let mut ended = 0;
    loop {
        let gone = db.write(Work::default(), store::expire).await?;
        if gone.is_empty() {
            break;
        }
        ended += gone.len();
        for id in gone {
            remove(files, id).await?;
        }
    }
    db.write(Work::default(), arrivals::forget).await?;
    let folder = files.parts().to_owned();
    let old = files.disk(move || old_files(&folder)).await?;
    for (path, id) in old {
        let Some(id) = id else {
            // What a power loss left of a file that was arriving.
            files
                .disk(move || {
                    drop(std::fs::remove_file(path));
                    Ok(())
                })
                .await?;
            continue;
        };
        if db.read(move |conn| store::known(conn, &[id])).await?.is_empty() {
            remove(files, id).await?;
        }
    }
    Ok(ended)
}

/// Removes the file of an upload that is no more. Somebody who is writing it finds that out, and removes it then.
pub async fn remove(files: &Files, id: Id) -> Result<(), Problem> {
    let folder = files.parts().to_owned();
    files
        .disk(move || {
            if let Taken::Here(part) = part::take(&folder, id, false)? {
                part.remove();
            }
            Ok(())
        })
        .await
}

/// Files that nobody has touched for long: of uploads, and temporary ones.
fn old_files(folder: &Path) -> Result<Vec<(PathBuf, Option<Id>)>, Problem> {
    let say = |error| trouble("the folder of uploads", &error);
    let mut old = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(say)? {
        let entry = entry.map_err(say)?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let id = name.parse::<Id>().ok();
        if id.is_none() && !name.starts_with("incoming-") {
            continue;
        }
        let age = entry.metadata().and_then(|metadata| metadata.modified()).ok().and_then(|at| at.elapsed().ok());
        if age.is_some_and(|age| age > YOUNG) {
            old.push((entry.path(), id));
        }
    }
    Ok(old)
}
