//! Labels to print and to put up: one for each point with a code.

use diesel::prelude::*;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use qrcode::render::svg;
use qrcode::{EcLevel, QrCode};

use crate::access::OrgRef;
use crate::orgs::rules::SiteKind;
use crate::platform::db::Conn;
use crate::platform::db::schema::sites;
use crate::platform::db::types::Id;
use crate::platform::error::Problem;

/// Most labels of one sheet.
pub const MAX_LABELS: i64 = 1000;

/// What a label shows.
#[derive(Debug, Clone, Queryable)]
pub struct Point {
    /// Of the place.
    pub id: Id,
    /// Its name.
    pub name: String,
    /// What the label carries.
    pub code: Option<String>,
}

/// The points of a school that have a code, in the order of their codes.
///
/// # Errors
/// Whatever the engine says.
pub fn points(conn: &mut Conn, org_id: Id) -> Result<Vec<Point>, Problem> {
    Ok(sites::table
        .filter(sites::org_id.eq(org_id))
        .filter(sites::kind.eq(SiteKind::Point))
        .filter(sites::code.is_not_null())
        .order((sites::code, sites::id))
        .limit(MAX_LABELS)
        .select((sites::id, sites::name, sites::code))
        .load(conn)?)
}

const STYLE: &str = "@page{size:A4;margin:12mm}body{font-family:sans-serif;margin:0}\
h1{font-size:14pt}ul{list-style:none;margin:0;padding:0;display:flex;flex-wrap:wrap;gap:6mm}\
li{width:56mm;border:.3mm solid #000;padding:3mm;text-align:center;break-inside:avoid}\
svg{width:48mm;height:48mm}p{margin:1mm 0}code{font-size:11pt}";

/// A sheet of labels, A4.
///
/// # Errors
/// 500 for a code too long for a label, which the limit of codes does not let in.
pub fn sheet(school: &OrgRef, points: &[Point]) -> Result<String, Problem> {
    let labels = points.iter().map(label).collect::<Result<Vec<Markup>, Problem>>()?;
    let page = html! {
        (DOCTYPE)
        html lang="zh-CN" {
            head { meta charset="utf-8"; title { (school.name) " 巡查点位标签" } style { (PreEscaped(STYLE)) } }
            body {
                h1 { (school.name) " 巡查点位标签" }
                ul { @for label in &labels { (label) } }
                @if labels.is_empty() { p { "没有带编码的点位" } }
            }
        }
    };
    Ok(page.into_string())
}

fn label(point: &Point) -> Result<Markup, Problem> {
    let code = point.code.as_deref().unwrap_or_default();
    // A quarter of it may be worn off the wall and it still reads.
    let qr = QrCode::with_error_correction_level(code, EcLevel::Q).map_err(Problem::internal)?;
    let drawn = qr.render::<svg::Color<'_>>().min_dimensions(180, 180).build();
    let svg = drawn.split_once("?>").map_or(drawn.as_str(), |(_, svg)| svg);
    Ok(html! { li { (PreEscaped(svg)) p { (point.name) } code { (code) } } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_text_on_a_label_and_never_markup() {
        let point = Point { id: Id(uuid::Uuid::nil()), name: "<b>门</b>".into(), code: Some("A<1".into()) };
        let drawn = label(&point).unwrap().into_string();
        assert!(drawn.contains("&lt;b&gt;门&lt;/b&gt;") && drawn.contains("A&lt;1"), "{drawn}");
        assert!(drawn.starts_with("<li><svg"), "{drawn}");
    }
}
