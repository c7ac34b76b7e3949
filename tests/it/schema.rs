//! The two migration trees and `schema.rs` describe the same tables.

use std::collections::BTreeMap;

use anxiao::platform::db::{Conn, Purpose, migrations};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};
use diesel_migrations::MigrationHarness;

use crate::support::Engine;

#[derive(QueryableByName, Debug)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Bool)]
    nullable: bool,
}

#[derive(QueryableByName, Debug)]
struct Key {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Nullable<Text>)]
    columns: Option<String>,
}

/// table → columns with their nullability, and the column lists of unique keys.
type Shape = (BTreeMap<String, BTreeMap<String, bool>>, Vec<(String, String)>);

fn shape(conn: &mut Conn) -> Shape {
    let (columns, keys) = if conn.is_sqlite() {
        (
            "SELECT m.name AS table_name, c.name AS column_name, c.\"notnull\" = 0 AND c.pk = 0 AS nullable \
             FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
            "SELECT m.name AS table_name, (SELECT group_concat(name) FROM (SELECT i.name FROM pragma_index_info(l.name) i \
             ORDER BY i.name)) AS columns FROM sqlite_schema m JOIN pragma_index_list(m.name) l \
             WHERE m.type = 'table' AND l.\"unique\" = 1 AND l.origin = 'u'",
        )
    } else {
        (
            "SELECT table_name::text, column_name::text, is_nullable = 'YES' AS nullable FROM information_schema.columns \
             WHERE table_schema = 'public'",
            "SELECT t.relname::text AS table_name, (SELECT string_agg(a.attname::text, ',' ORDER BY a.attname::text COLLATE \"C\") \
             FROM pg_attribute a WHERE a.attrelid = c.conrelid AND a.attnum = ANY (c.conkey)) AS columns \
             FROM pg_constraint c JOIN pg_class t ON t.oid = c.conrelid WHERE c.contype = 'u' AND c.connamespace = 'public'::regnamespace",
        )
    };
    let mut tables: BTreeMap<String, BTreeMap<String, bool>> = BTreeMap::new();
    for column in diesel::sql_query(columns).load::<Column>(conn).unwrap() {
        if !column.table_name.starts_with("__diesel") {
            tables.entry(column.table_name).or_default().insert(column.column_name, column.nullable);
        }
    }
    let mut unique: Vec<_> = diesel::sql_query(keys)
        .load::<Key>(conn)
        .unwrap()
        .into_iter()
        .map(|key| (key.table_name, key.columns.unwrap_or_default()))
        .collect();
    unique.sort();
    (tables, unique)
}

fn up_down_up(engine: Engine) -> Shape {
    let (url, _folder) = engine.empty_database();
    migrations::run(&url).unwrap();
    let mut conn = Conn::open(&url, Purpose::Write).unwrap();
    let first = shape(&mut conn);
    match &mut conn {
        Conn::Sqlite(conn) => drop(conn.revert_all_migrations(migrations::SQLITE).unwrap()),
        Conn::Postgres(conn) => drop(conn.revert_all_migrations(migrations::POSTGRES).unwrap()),
    }
    assert!(shape(&mut conn).0.is_empty(), "a down migration leaves tables behind");
    drop(conn);
    migrations::run(&url).unwrap();
    let mut conn = Conn::open(&url, Purpose::Write).unwrap();
    assert_eq!(first, shape(&mut conn));
    first
}

#[test]
fn both_trees_make_the_same_tables_up_down_and_up_again() {
    let (sqlite, postgres) = (up_down_up(Engine::Sqlite), up_down_up(Engine::Postgres));
    assert_eq!(sqlite.0, postgres.0);
    assert_eq!(sqlite.1, postgres.1);
}

#[test]
fn schema_rs_names_every_column_of_every_table() {
    let (tables, _) = up_down_up(Engine::Sqlite);
    let text = include_str!("../../src/platform/db/schema.rs");
    for (table, columns) in tables {
        let start = text.find(&format!("\n    {table} (")).unwrap_or_else(|| panic!("{table} is not in schema.rs"));
        let body = &text[start..start + text[start..].find("\n}").unwrap()];
        for (column, nullable) in &columns {
            let line = body.lines().find(|line| line.trim().starts_with(&format!("{column} ->")));
            let line = line.unwrap_or_else(|| panic!("{table}.{column} is not in schema.rs"));
            assert_eq!(line.contains("Nullable<"), *nullable, "{table}.{column}");
        }
        assert_eq!(
            body.matches("->").count(),
            columns.len(),
            "schema.rs has columns of {table} that the database has not"
        );
    }
}

#[test]
fn a_schema_newer_than_the_program_is_refused() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let (url, _folder) = engine.empty_database();
        migrations::run(&url).unwrap();
        let mut conn = Conn::open(&url, Purpose::Write).unwrap();
        diesel::sql_query("INSERT INTO __diesel_schema_migrations (version) VALUES ('9999')")
            .execute(&mut conn)
            .unwrap();
        drop(conn);
        let refused = migrations::run(&url).unwrap_err();
        assert!(refused.contains("newer"), "{refused}");
    }
}
