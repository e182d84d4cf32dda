//! No literal of a query, no sampled value and no line of data reaches a report, but for the constant that an
//! advised partial index is about: its definition holds it.

mod support;

use std::path::Path;
use std::process::Command;

/// Values stand out: texts hold "hush", numbers 471108.
const TABLE: &str = "
    create table people (id bigserial primary key, email text, ssn text, status text, born date, n int, doc jsonb, ip inet, tag text[]);
    insert into people (email, ssn, status, born, n, doc, ip, tag)
    select 'hush' || g % 5000, 'hush' || g % 7, case when g % 9 = 0 then 'hush-on' else 'hush-off' end, date '1947-11-04' + g % 90,
           47110800 + g % 50, jsonb_build_object('k', 'hush' || g % 4), ('10.247.11.' || g % 3)::inet, array['hush' || g % 6]
    from generate_series(1, 30000) g;
    analyze people";

/// One statement each, in every form a literal can have, good and broken.
const QUERIES: &str = r#"
select * from people where email = 'hush1' and ssn = E'hush\'2' order by born limit 47110815;
select id from people where ssn = U&'\0068ush3' and n = 047110803;
select id from people where ssn = $q$hush4$q$ and n = -47110804 or n between 47110800. and 471108e2;
select id from people where status = 'hush-on' and doc @> '{"k": "hush1"}' and doc ->> 'k' = 'hush2';
select id from people where n = 'hush5';
select id from people where born = date 'hush6';
select id from people where born > date '1947-11-04' and ip = '10.247.11.2' and 'hush1' = any(tag) and tag && '{hush2}';
select id from people where ssn 'hush7';
select id from people whre ssn = 'hush8';
select id from people where ip = 'hush9'::inet and ssn in ('hush1', 'hush2', 'hush3');
select id from people where n = 99999999999471108000;
do $$ begin perform 'hush10'; end $$;
create role r password 'hush11';
/* hush12 */ select id from people -- hush13
 where ssn = 'hush1' offset 47110815;
insert into people (email) values ('hush14'), ('hush15');
update people set ssn = 'hush16' where n = 47110805;
copy people from stdin;
1	hush17 it's
\.
select id from people where ssn = 'hush18' and b = B'1' and c = X'471108' and n = 471_108;
select id from people where ssn = 'hush19
"#;

const PLAN: &str = "explain (analyze, verbose) select * from people where email = 'hush20' and n > 47110806";

/// What stands out, as it would appear.
const SECRETS: [&str; 5] = ["hush", "471108", "471_108", "1947-", "10.247.11"];
/// Every kind of index that holds no constant of a query.
const WITHOUT_PARTIAL: &str = "btree,expression,include,gin,gist,spgist,brin,hash,vector,statistics";

/// The definition of a partial index.
fn holds_predicate(line: &str) -> bool {
    line.split_once("CREATE INDEX CONCURRENTLY ").is_some_and(|(_, rest)| rest.contains(" WHERE "))
}

fn analyse(url: &str, folder: &Path, more: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_advisor"));
    command.args(["analyze", url, "--explain-analyze", "--fail-on", "never", "--what-if", "clone", "--queries"]);
    command.arg(folder.join("q.sql")).arg("--plans").arg(folder.join("p.txt")).args(more);
    let output = command.output().expect("run");
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    text
}

#[tokio::test]
async fn reports_hold_no_value() {
    for (number, server) in support::servers().into_iter().enumerate() {
        let url = server.database("secrets");
        let client = support::connect(&url).await;
        client.batch_execute(TABLE).await.expect("table");
        let plan: Vec<String> = client.query(PLAN, &[]).await.expect("plan").iter().map(|row| row.get(0)).collect();
        let folder = tempfile::tempdir().expect("folder");
        std::fs::write(folder.path().join("q.sql"), QUERIES).expect("write");
        std::fs::write(folder.path().join("p.txt"), plan.join("\n")).expect("write");
        // The text is written alike for every server.
        let runs = [&["--format", "json", "--kinds", WITHOUT_PARTIAL][..], &["--verbose", "--kinds", WITHOUT_PARTIAL]];
        for more in &runs[..if number == 0 { 2 } else { 1 }] {
            let text = analyse(&url, folder.path(), more);
            assert!(text.contains("people where status = $1"), "the queries are in it: {text}");
            for secret in SECRETS {
                let line = text.lines().find(|line| line.contains(secret));
                assert_eq!(line, None, "{secret} with {more:?} on {}", server.binaries.dir.display());
            }
        }
        if number == 0 {
            let text = analyse(&url, folder.path(), &["--format", "json"]);
            let telling: Vec<&str> = text.lines().filter(|line| SECRETS.iter().any(|secret| line.contains(secret))).collect();
            assert!(telling.iter().all(|line| holds_predicate(line)), "{telling:#?}");
        }
    }
}
