use super::*;
use crate::model::catalog::Column;

fn catalog() -> Catalog {
    let column = |name: &str| Column { name: name.into(), ..Column::default() };
    let table = |schema: &str, name: &str, kind| Table {
        schema: schema.into(),
        name: name.into(),
        kind,
        rows: Some(1e6),
        columns: vec![column("id"), column("customer_id"), column("created_at"), column("Note")],
        ..Table::default()
    };
    let index = |name: &str, keys: &[&str], valid| Index {
        name: name.into(),
        spec: IndexSpec::btree(TableName::new("public", "orders"), keys.iter().map(|k| KeySpec::column(*k)).collect()),
        definition: format!("CREATE INDEX {name} …"),
        valid,
        ..Index::default()
    };
    let mut lower = index("orders_lower_idx", &["id"], true);
    lower.spec.keys = vec![KeySpec::expression("lower((\"Note\")::text)")];
    lower.spec.predicate = Some("(created_at IS NULL)".into());
    Catalog {
        tables: vec![
            table("public", "orders", TableKind::Table),
            table("shop", "orders", TableKind::Table),
            table("shop", "carts", TableKind::Table),
            table("a", "twins", TableKind::Table),
            table("b", "twins", TableKind::Table),
            table("public", "report", TableKind::View),
        ],
        indexes: vec![
            index("orders_id_created_idx", &["id", "created_at"], true),
            index("orders_broken_idx", &["created_at"], false),
            lower,
        ],
        ..Catalog::default()
    }
}

fn own() -> Vec<Candidate> {
    let spec = |keys: &[&str]| IndexSpec::btree(TableName::new("public", "orders"), keys.iter().map(|k| KeySpec::column(*k)).collect());
    vec![Candidate::new(spec(&["customer_id", "created_at"])), Candidate::new(spec(&["created_at", "customer_id"]))]
}

/// Code and words where there is nothing to try, else the definitions that are tried.
fn asked(text: &str) -> Result<Vec<String>, (String, String)> {
    let snapshot = Snapshot { catalog: catalog(), ..Snapshot::default() };
    let mut list = own();
    let questions = Questions::put(&[text.to_owned()], &snapshot, &mut list);
    assert_eq!(questions.own(), 2, "the selector's own candidates stay what they are");
    match &questions.asked[0] {
        Question::Answered(answer) => Err((answer.reason_code.clone(), answer.reason.clone())),
        Question::Open { candidates, .. } => {
            let of = |id: &CandidateId| format!("{}{}", list[*id].spec.table, list[*id].spec.tail_sql());
            Ok(candidates.iter().map(of).collect())
        }
    }
}

#[test]
fn a_column_means_the_plain_index_and_the_candidates_that_begin_with_it() {
    assert_eq!(
        asked("orders.customer_id").unwrap(),
        ["orders USING btree (\"customer_id\")", "orders USING btree (\"customer_id\", \"created_at\")"]
    );
    // What exists is not built again; what begins with the same column is tried.
    assert_eq!(asked("orders.created_at").unwrap(), ["orders USING btree (\"created_at\", \"customer_id\")"]);
    assert_eq!(asked("carts.id").unwrap(), ["shop.carts USING btree (\"id\")"], "the only table of that name");
    assert_eq!(asked("shop.orders.\"Note\"").unwrap(), ["shop.orders USING btree (\"Note\")"]);
}

#[test]
fn a_candidate_of_the_workload_is_not_put_twice() {
    let snapshot = Snapshot { catalog: catalog(), ..Snapshot::default() };
    let mut list = own();
    Questions::put(&["create index on orders (customer_id, created_at)".into()], &snapshot, &mut list);
    assert_eq!(list.len(), 2);
}

#[test]
fn what_exists_is_told_by_name_and_state() {
    for (text, words) in [
        ("orders.id", "orders_id_created_idx is there already and begins with the same keys"),
        ("create index on orders (id, created_at)", "orders_id_created_idx is there already"),
        (
            "create index on orders (created_at)",
            "orders_broken_idx is there already, but it is INVALID: no query can use it; drop it and build it again",
        ),
        ("create index on orders (lower(\"Note\")) where created_at is null", "orders_lower_idx is there already"),
    ] {
        assert_eq!(asked(text), Err(("exists".into(), words.into())), "{text}");
    }
    assert!(asked("create index on orders (lower(\"Note\"))").is_ok(), "a partial index is not the full one");
}

#[test]
fn wrong_names_are_told_with_near_ones() {
    for (text, code, words) in [
        ("ordres.id", "unknown_table", "there is no table ordres; did you mean orders?"),
        ("orders.custmer_id", "unknown_column", "orders has no column custmer_id; did you mean customer_id?"),
        ("orders.note", "unknown_column", "orders has no column note; did you mean \"Note\"?"),
        ("create index on orders (id) include (nothing_like_it)", "unknown_column", "orders has no column nothing_like_it"),
        ("twins.id", "unknown_table", "there are several: a.twins, b.twins; name the schema"),
        ("report.id", "not_indexable", "report is a view, which cannot have an index"),
        ("\"x\u{1b}[2J\".\"y\n\"", "unknown_table", "there is no table x\\u{1b}[2J"),
    ] {
        assert_eq!(asked(text), Err((code.into(), words.into())), "{text}");
    }
}

#[test]
fn what_cannot_be_read_is_a_failure_before_the_run() {
    assert!(check(&["orders.id".into(), "create index on orders (id)".into()]).is_ok());
    for wrong in ["orders", "drop table orders", "create index on orders (id); drop table orders", ""] {
        let failure = check(&[wrong.into()]).unwrap_err();
        assert!(failure.message.starts_with("--why: ") && failure.hints[0].contains("--why orders.customer_id"), "{failure:?}");
    }
}

#[test]
fn without_trials_the_answer_says_so() {
    let snapshot = Snapshot { catalog: catalog(), ..Snapshot::default() };
    let mut list = own();
    let questions = Questions::put(&["orders.customer_id".into(), "orders.id".into()], &snapshot, &mut list);
    let answers = questions.untried(&list);
    assert_eq!(answers.iter().map(|a| a.reason_code.as_str()).collect::<Vec<_>>(), ["not_tried", "exists"]);
    assert!(answers[0].ddl.as_ref().is_some_and(|ddl| ddl.contains("\"customer_id\"")));
}
