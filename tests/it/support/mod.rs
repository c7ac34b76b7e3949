//! What every test stands on: a throw-away PostgreSQL cluster, migrated templates with a small district, and a real
//! server for each test.

mod app;
mod cluster;
pub mod dice;
pub mod district;
mod engine;
pub mod handset;
pub mod program;

pub use app::{Answer, SEED, TestApp};
pub use cluster::{as_postgres, programs};
pub use engine::Engine;

/// Declares tests that run on both engines: `both_engines! { async fn a_sentence(app) { … } }`.
macro_rules! both_engines {
    ($($(#[$meta:meta])* async fn $name:ident($app:ident) $body:block)+) => {
        mod sqlite {
            #[allow(unused_imports)]
            use super::*;
            $($(#[$meta])* #[test] fn $name() {
                $crate::support::TestApp::run($crate::support::Engine::Sqlite, async move |$app: &$crate::support::TestApp| $body);
            })+
        }
        mod postgres {
            #[allow(unused_imports)]
            use super::*;
            $($(#[$meta])* #[test] fn $name() {
                $crate::support::TestApp::run($crate::support::Engine::Postgres, async move |$app: &$crate::support::TestApp| $body);
            })+
        }
    };
}
