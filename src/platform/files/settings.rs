//! Where files are kept, as an operator says it.

use std::path::{Path, PathBuf};

use secrecy::SecretString;

/// The store, and the folder of what is still arriving.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store.
    pub place: Where,
    /// The folder, on this machine, of what is still arriving.
    pub parts: PathBuf,
}

/// One store.
#[derive(Debug, Clone)]
pub enum Where {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket.
    S3(Place),
}

/// A bucket of an S3-compatible store.
#[derive(Debug, Clone)]
pub struct Place {
    /// `https://HOST[:PORT]`
    pub endpoint: String,
    /// The bucket.
    pub bucket: String,
    /// What the keys of all files begin with; empty, or ends in `/`.
    pub prefix: String,
    /// The region that signatures name.
    pub region: String,
    /// Who signs.
    pub key_id: String,
    /// With what.
    pub secret: SecretString,
    /// `ENDPOINT/BUCKET/KEY` instead of `BUCKET.ENDPOINT/KEY`.
    pub path_style: bool,
    /// Certificates, in PEM, that are trusted instead of the public ones.
    pub ca: Option<Vec<u8>>,
    /// The file they came from.
    pub ca_file: Option<PathBuf>,
}

/// What was given.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// A folder, or `s3://BUCKET[/PREFIX]`.
    pub store: Option<String>,
    /// The folder of uploads in progress.
    pub parts: Option<PathBuf>,
    /// `https://HOST[:PORT]`
    pub endpoint: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The access key id.
    pub key_id: Option<String>,
    /// The secret itself.
    pub secret: Option<String>,
    /// A file that holds the secret.
    pub secret_file: Option<PathBuf>,
    /// Path style; the default.
    pub path_style: Option<bool>,
    /// A file of certificates in PEM.
    pub ca_file: Option<PathBuf>,
}

impl Given {
    /// The settings in force.
    ///
    /// # Errors
    /// One sentence that names what is wrong.
    pub fn settle(self, data_dir: &Path) -> Result<Settings, String> {
        let store = self.store.clone().unwrap_or_else(|| data_dir.join("evidence").display().to_string());
        let Some(bucket) = store.strip_prefix("s3://") else {
            if store.is_empty() || store.contains("://") {
                return Err(format!("evidence_store {store:?} must be a folder or s3://BUCKET"));
            }
            let given = [
                ("evidence_s3_endpoint", self.endpoint.is_some()),
                ("evidence_s3_region", self.region.is_some()),
                ("evidence_s3_key_id", self.key_id.is_some()),
                ("evidence_s3_secret", self.secret.is_some()),
                ("evidence_s3_secret_file", self.secret_file.is_some()),
                ("evidence_s3_path_style", self.path_style.is_some()),
                ("evidence_s3_ca_file", self.ca_file.is_some()),
            ];
            if let Some((name, _)) = given.iter().find(|(_, given)| *given) {
                return Err(format!("{name} is set, but evidence_store is the folder {store}, not s3://BUCKET"));
            }
            let folder = PathBuf::from(&store);
            let parts = self.parts.unwrap_or_else(|| folder.join(".parts"));
            return Ok(Settings { place: Where::Folder(folder), parts });
        };
        let bucket = bucket.to_owned();
        let parts = self.parts.clone().unwrap_or_else(|| data_dir.join("parts"));
        Ok(Settings { place: Where::S3(self.bucket(&bucket)?), parts })
    }

    fn bucket(self, text: &str) -> Result<Place, String> {
        let (bucket, prefix) = text.split_once('/').unwrap_or((text, ""));
        let prefix = prefix.trim_matches('/');
        if bucket.is_empty() {
            return Err("evidence_store names no bucket: s3://BUCKET".to_owned());
        }
        let need = |name: &str, given: Option<String>| {
            given.filter(|text| !text.is_empty()).ok_or_else(|| format!("evidence_store is s3://{bucket}: set {name}"))
        };
        let secret = match (self.secret, self.secret_file) {
            (Some(_), Some(_)) => {
                return Err("both evidence_s3_secret and evidence_s3_secret_file are set: keep one".to_owned());
            }
            (None, Some(path)) => {
                let read = std::fs::read_to_string(&path);
                let text = read
                    .map_err(|error| format!("evidence_s3_secret_file {} cannot be read: {error}", path.display()))?;
                Some(text.trim().to_owned())
            }
            (given, None) => given,
        };
        let ca = match &self.ca_file {
            None => None,
            Some(path) => Some(
                std::fs::read(path)
                    .map_err(|error| format!("evidence_s3_ca_file {} cannot be read: {error}", path.display()))?,
            ),
        };
        Ok(Place {
            endpoint: need("evidence_s3_endpoint", self.endpoint)?,
            prefix: if prefix.is_empty() { String::new() } else { format!("{prefix}/") },
            region: self.region.unwrap_or_else(|| "us-east-1".to_owned()),
            key_id: need("evidence_s3_key_id", self.key_id)?,
            secret: SecretString::from(need("evidence_s3_secret or evidence_s3_secret_file", secret)?),
            path_style: self.path_style.unwrap_or(true),
            bucket: bucket.to_owned(),
            ca,
            ca_file: self.ca_file,
        })
    }
}

impl Where {
    /// The bucket, where it is one.
    #[must_use]
    pub const fn bucket(&self) -> Option<&Place> {
        match self {
            Self::Folder(_) => None,
            Self::S3(place) => Some(place),
        }
    }

    /// As `evidence_store` says it.
    #[must_use]
    pub fn print(&self) -> String {
        match self {
            Self::Folder(path) => path.display().to_string(),
            Self::S3(place) if place.prefix.is_empty() => format!("s3://{}", place.bucket),
            Self::S3(place) => format!("s3://{}/{}", place.bucket, place.prefix.trim_end_matches('/')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settle(given: Given) -> Result<Settings, String> {
        given.settle(Path::new("/data"))
    }

    fn s3() -> Given {
        Given {
            store: Some("s3://photos/anxiao/".into()),
            endpoint: Some("https://s3.example".into()),
            key_id: Some("id".into()),
            secret: Some("geheim".into()),
            ..Given::default()
        }
    }

    #[test]
    fn a_folder_under_the_data_folder_is_the_default_and_parts_lie_in_it() {
        let settings = settle(Given::default()).unwrap();
        assert!(matches!(&settings.place, Where::Folder(path) if path == Path::new("/data/evidence")));
        assert_eq!(settings.parts, Path::new("/data/evidence/.parts"));
    }

    #[test]
    fn a_bucket_needs_its_settings_and_each_sentence_names_what_is_missing() {
        let settings = settle(s3()).unwrap();
        assert_eq!(settings.place.print(), "s3://photos/anxiao");
        assert_eq!(settings.parts, Path::new("/data/parts"));
        assert!(!format!("{settings:?}").contains("geheim"));
        let missing = [
            (Given { endpoint: None, ..s3() }, "evidence_s3_endpoint"),
            (Given { key_id: None, ..s3() }, "evidence_s3_key_id"),
            (Given { secret: None, ..s3() }, "evidence_s3_secret"),
            (Given { secret: Some(String::new()), ..s3() }, "evidence_s3_secret"),
            (Given { secret_file: Some("/nowhere".into()), ..s3() }, "keep one"),
            (Given { secret: None, secret_file: Some("/nowhere".into()), ..s3() }, "cannot be read"),
            (Given { store: Some("s3:///x".into()), ..s3() }, "names no bucket"),
            (Given { store: Some("ftp://x".into()), ..s3() }, "must be a folder"),
            (Given { store: Some("/data/evidence".into()), ..s3() }, "not s3://BUCKET"),
        ];
        for (given, words) in missing {
            let sentence = settle(given).unwrap_err();
            assert!(sentence.contains(words), "{sentence}");
        }
    }
}
