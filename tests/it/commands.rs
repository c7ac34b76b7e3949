//! What the command line does to a folder that is not there.

use std::process::Command;

fn anxiao(folder: &std::path::Path, words: &[&str]) -> (Option<i32>, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_anxiao"))
        .args(words)
        .arg("--data-dir")
        .arg(folder)
        .env_remove("ANXIAO_DATABASE_URL")
        .output()
        .unwrap();
    (out.status.code(), String::from_utf8(out.stderr).unwrap())
}

#[test]
fn a_mistyped_folder_is_told_and_no_empty_database_is_made() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("dta");
    let admin = ["admin", "create", "--role", "system_admin", "--username", "someone", "--org", "某区教育局"];
    for words in [&["warn"][..], &["warn", "--anyway"], &admin] {
        let (code, said) = anxiao(&folder, words);
        assert_eq!((code, said.lines().count()), (Some(1), 1), "{words:?}: {said}");
        assert!(said.contains("there is no database") && said.contains("dta"), "{said}");
        assert!(!folder.exists(), "{words:?} made the folder");
    }
    assert_eq!(anxiao(&folder, &["migrate"]).0, Some(0));
    assert_eq!(anxiao(&folder, &["warn"]).0, Some(0));
}
