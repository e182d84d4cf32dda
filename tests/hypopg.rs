//! HypoPG as the engine of an analysis.

mod support;

use advisor::flow::analyse::{Advice, Analysis, WhatIfChoice, analyse};
use advisor::model::report::WhatIf;

const TABLE: &str = "create table t (id int primary key, a int, b int, filler text);
    insert into t select n, n * 7919 % 20011, n * 10007 % 20021, repeat('x', 100) from generate_series(1, 60000) n;
    create schema hypo; create extension hypopg schema hypo";

/// Questions are asked many at a time, each with other candidates: the answers must not be mixed up.
#[tokio::test]
async fn each_query_gets_the_index_that_its_own_plan_used() {
    for shared in support::servers() {
        let url = shared.database("hypopg_engine");
        let client = support::connect(&url).await;
        let offered = client.query_opt("select from pg_available_extensions where name = 'hypopg'", &[]).await.unwrap();
        if offered.is_none() {
            eprintln!("skipped: HypoPG as the engine, {} has no hypopg", shared.binaries.dir.display());
            continue;
        }
        client.batch_execute(TABLE).await.unwrap();
        client.batch_execute("vacuum analyze").await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let queries = folder.path().join("queries.sql");
        std::fs::write(&queries, "select id from t where a = 42; select id from t where b = 42; select max(b) from t where a = 7;")
            .unwrap();

        let advice = Advice { what_if: WhatIfChoice::Hypopg, ..Advice::default() };
        let report = analyse(&Analysis { queries: vec![queries], advice, ..Analysis::of(Some(url)) }).await.unwrap();
        let advised = report.recommendation;
        assert_eq!(advised.what_if, WhatIf::Hypopg);
        for leading in ["(\"a\"", "(\"b\""] {
            assert!(advised.indexes.iter().any(|i| i.ddl.contains(leading)), "{leading}: {:?}", advised.indexes);
        }
        assert!(advised.cost_after.unwrap() < 0.1 * advised.cost_before.unwrap(), "{:?} of {:?}", advised.cost_after, advised.cost_before);
    }
}
