//! The floor: the statements of a call through the same lanes, its rows as JSON, and nothing of sign-in, scope,
//! permitted actions, logs or figures.

use std::sync::Arc;

use actix_web::{App, HttpResponse, HttpServer, web};
use anxiao::hazards::store::{Row, read};
use anxiao::platform::clock::SystemClock;
use anxiao::platform::db::schema::hazards;
use anxiao::platform::db::types::Id;
use anxiao::platform::db::{DatabaseUrl, Db, DbOptions};
use anxiao::platform::error::Problem;
use anxiao::platform::ids::SystemIds;
use anyhow::Result;
use diesel::prelude::*;

/// Serves until it is killed.
pub fn serve(url: &str) -> Result<()> {
    let url = DatabaseUrl::parse(url).map_err(anyhow::Error::msg)?;
    let db = Db::start(&url, &DbOptions::default(), Arc::new(SystemClock), Arc::new(SystemIds), 1)?;
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    actix_web::rt::System::new().block_on(async {
        let server = HttpServer::new(move || {
            App::new()
                .app_data(web::Data::new(db.clone()))
                .route("/ready", web::get().to(HttpResponse::Ok))
                .route("/hazards/{id}", web::get().to(one))
                .route("/schools/{id}", web::get().to(list))
        })
        .workers(cores)
        .bind("127.0.0.1:0")?;
        for address in server.addrs() {
            crate::say(&format!("the floor listens on http://{address}"));
        }
        server.run().await?;
        Ok(())
    })
}

async fn one(db: web::Data<Db>, id: web::Path<uuid::Uuid>) -> Result<HttpResponse, Problem> {
    let id = Id(*id);
    let body = db
        .read(move |conn| {
            let row: Row = hazards::table.find(id).select(Row::as_select()).first(conn)?;
            read::zone_of(conn, row.bureau_id)?;
            if row.submissions > 0 {
                std::hint::black_box(read::rounds(conn, row.id)?);
            }
            serde_json::to_vec(&row).map_err(Problem::internal)
        })
        .await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

async fn list(db: web::Data<Db>, id: web::Path<uuid::Uuid>) -> Result<HttpResponse, Problem> {
    let id = Id(*id);
    let body = db
        .read(move |conn| {
            let rows: Vec<Row> = hazards::table
                .filter(hazards::org_id.eq(id))
                .order((hazards::created_at.desc(), hazards::id.desc()))
                .limit(21)
                .select(Row::as_select())
                .load(conn)?;
            if let Some(row) = rows.first() {
                read::zone_of(conn, row.bureau_id)?;
            }
            serde_json::to_vec(&rows).map_err(Problem::internal)
        })
        .await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}
