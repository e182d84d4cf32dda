//! `advisor explain` and `advisor schema` as a user meets them: exit codes, streams, formats.

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn advisor(args: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_advisor"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("advisor starts");
    // A run that fails early may close its input first.
    let _ = child.stdin.take().expect("stdin").write_all(input.as_bytes());
    child.wait_with_output().expect("advisor ends")
}

fn texts(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

const PLAN: &str = include_str!("../fixtures/explain/cases/full-scan.text");

#[test]
fn a_plan_on_standard_input_is_judged_and_exits_0() {
    for args in
        [&["explain"][..], &["explain", "-"], &["explain", concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/explain/cases/full-scan.text")]]
    {
        let (code, out, err) = texts(&advisor(args, PLAN));
        assert_eq!((code, err.as_str()), (Some(0), ""), "{args:?}");
        assert!(out.contains("discarded-rows: messages: 200k rows read to keep 40"), "{out}");
        assert!(!out.contains('\u{1b}'), "no colour without a terminal");
    }
}

#[test]
fn json_is_json_and_colour_can_be_forced() {
    let (code, out, _) = texts(&advisor(&["explain", "--format", "json"], PLAN));
    let value: serde_json::Value = serde_json::from_str(&out).expect("json");
    assert_eq!((code, &value["plans"][0]["remarks"][0]["check"]), (Some(0), &"discarded-rows".into()));
    assert!(texts(&advisor(&["explain", "--color", "always"], PLAN)).1.contains('\u{1b}'));
}

#[test]
fn what_is_no_plan_exits_2_and_says_why() {
    for (args, input, why) in [
        (&["explain"][..], "", "the input is empty"),
        (&["explain", "-"], "hello", "no EXPLAIN output found"),
        (&["explain", "/nonexistent/plan.txt"], "", "cannot read /nonexistent/plan.txt"),
        (&["explain", "--format", "xml"], PLAN, "invalid value 'xml'"),
    ] {
        let (code, out, err) = texts(&advisor(args, input));
        assert_eq!((code, out.as_str()), (Some(2), ""), "{args:?}");
        assert!(err.contains(why), "{args:?}: {err}");
    }
}

#[test]
fn the_schema_is_printed() {
    let (code, out, _) = texts(&advisor(&["schema"], ""));
    let schema: serde_json::Value = serde_json::from_str(&out).expect("json");
    assert_eq!((code, &schema["title"]), (Some(0), &"Report of advisor".into()));
    assert!(schema["$schema"].as_str().is_some_and(|s| s.contains("2020-12")), "{}", schema["$schema"]);
}
