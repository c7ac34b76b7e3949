//! The paths of the document, for 405 and for `/docs`.

use actix_web::dev::ResourceDef;
use utoipa::openapi::OpenApi;

/// The document, ready to be asked.
pub struct Paths {
    /// As JSON.
    pub json: String,
    /// As a page for people.
    pub page: String,
    patterns: Vec<(ResourceDef, Vec<&'static str>)>,
}

impl Paths {
    /// From the document.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn of(api: OpenApi) -> Result<Self, String> {
        let json = api.to_json().map_err(|error| error.to_string())?;
        let page = super::docs::render(&api);
        let patterns = api
            .paths
            .paths
            .iter()
            .map(|(path, item)| {
                let methods = [
                    ("OPTIONS", item.options.is_some()),
                    ("HEAD", item.head.is_some()),
                    ("GET", item.get.is_some()),
                    ("POST", item.post.is_some()),
                    ("PUT", item.put.is_some()),
                    ("PATCH", item.patch.is_some()),
                    ("DELETE", item.delete.is_some()),
                ];
                let methods = methods.into_iter().filter(|(_, there)| *there).map(|(method, _)| method).collect();
                (crate::server::pattern(path), methods)
            })
            .collect();
        Ok(Self { json, page, patterns })
    }

    /// The methods that the path knows; none where the path is unknown.
    #[must_use]
    pub fn methods(&self, path: &str) -> Vec<&'static str> {
        self.patterns.iter().filter(|(one, _)| one.is_match(path)).flat_map(|(_, methods)| methods.clone()).collect()
    }
}
