//! The command itself, killed while it notes.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anxiao_client::phone::Phone;
use serde_json::Value;
use tempfile::TempDir;

#[test]
fn what_was_said_to_be_kept_is_there_after_a_kill_at_any_moment() {
    let store = TempDir::new().unwrap();
    let mut promised: BTreeMap<i64, String> = BTreeMap::new();
    for round in 0..8 {
        let mut command = Command::new(env!("CARGO_BIN_EXE_anxiao-client"));
        command.arg("--store").arg(store.path()).arg("note").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for number in 0..10_000 {
                let line = format!("{{\"kind\":\"comment.add\",\"set\":{{\"text\":\"第 {round} 轮 {number}\"}}}}\n");
                if input.write_all(line.as_bytes()).is_err() {
                    return;
                }
            }
        });
        for (count, line) in output.lines().enumerate() {
            let Ok(line) = line else { break };
            let Ok(said) = serde_json::from_str::<Value>(&line) else { break };
            let before = promised.insert(said["seq"].as_i64().unwrap(), said["op_id"].as_str().unwrap().to_owned());
            assert_eq!(before, None, "a number was given twice");
            if count == 7 + round * 5 {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let phone = Phone::open(store.path(), "unused").unwrap();
        let kept: BTreeMap<i64, String> = phone.outbox.waiting().map(|op| (op.seq, op.op_id.to_string())).collect();
        assert!(kept.keys().copied().eq(1..=i64::try_from(kept.len()).unwrap()), "numbers without a gap");
        for (seq, op_id) in &promised {
            assert_eq!(kept.get(seq), Some(op_id), "round {round}: {seq} was promised");
        }
    }
    assert!(promised.len() > 100);
}
