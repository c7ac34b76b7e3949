//! Database URLs: `sqlite:PATH` or `postgres://…`; anything else is refused.

/// Where the records are kept.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// The path of the embedded file.
    Sqlite(String),
    /// A libpq connection string.
    Postgres(String),
}

impl DatabaseUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// One sentence that says what is accepted.
    pub fn parse(url: &str) -> Result<Self, String> {
        if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err("the database URL sqlite: names no file; write sqlite:PATH".into());
            }
            return Ok(Self::Sqlite(path.to_owned()));
        }
        if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            return Ok(Self::Postgres(url.to_owned()));
        }
        Err("the database URL must start with sqlite: or postgres://".into())
    }

    /// The engine's name.
    #[must_use]
    pub const fn engine(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }
}

/// Without the password.
impl std::fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{path}"),
            Self::Postgres(url) => {
                let (head, tail) = url.split_once("://").unwrap_or(("postgres", url));
                let (authority, path) = tail.split_once('/').unwrap_or((tail, ""));
                let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                let path = path.split_once('?').map_or(path, |(path, _)| path);
                write!(f, "{head}://{host}/{path}")
            }
        }
    }
}

impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::DatabaseUrl;

    #[test]
    fn a_mistyped_scheme_is_refused_and_passwords_are_never_shown() {
        assert!(DatabaseUrl::parse("postgre://x").is_err());
        assert!(DatabaseUrl::parse("sqlite:").is_err());
        let url = DatabaseUrl::parse("postgres://u:geheim@host:5432/db?sslmode=require&password=geheim").unwrap();
        assert_eq!(format!("{url} {url:?}"), "postgres://host:5432/db postgres://host:5432/db");
    }
}
