//! Numbers side by side from one run: reading, trials on both engines, the choice of indexes, and
//! building the clone. Nothing here fails for being slow. `cargo bench -- trials` runs what holds the word.

use advisor::flow::analyse::{Advice, Analysis, WhatIfChoice, analyse};
use advisor::model::blueprint::Blueprint;
use advisor::model::candidate::{Candidate, CandidateSet, View};
use advisor::model::failure::Failure;
use advisor::model::index_def::{IndexSpec, KeySpec, TableName};
use advisor::model::query::{Query, QuerySource};
use advisor::model::report::Report;
use advisor::model::snapshot::Snapshot;
use advisor::pg::blueprint;
use advisor::pg::clone::{CloneDb, Question};
use advisor::pg::collect::{CollectOptions, collect};
use advisor::pg::demo;
use advisor::pg::explain::{self, Call, Ground};
use advisor::pg::hypopg::Hypopg;
use advisor::pg::server::{Server, ServerOptions, find};
use advisor::pg::session::{Purpose, Session};
use advisor::read::sql::{normalize, read_workload, tokens};
use advisor::rules::Thresholds;
use advisor::term;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long each engine plans.
const SPAN: Duration = Duration::from_secs(2);
const STATEMENTS: usize = 10_000;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    // Cargo hands over flags of its own.
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|w| name.contains(w.as_str()));
    let start = Instant::now();
    let mut bench = Bench { rows: Vec::new(), server: None };
    if wanted("reading") {
        bench.reading();
    }
    if wanted("trials") || wanted("selection") {
        bench.on_the_demo(wanted("trials"), wanted("selection")).await?;
    }
    if wanted("clone") {
        bench.clone(100).await?;
        bench.clone(1000).await?;
        bench.huge().await?;
    }
    let line = |[what, how, figure]: &[String; 3]| format!("{what:<10} {how:<38} {figure}\n");
    let lines: String = bench.rows.iter().map(line).collect();
    term::print(&format!("\n{lines}\n{:.0} s in all\n", start.elapsed().as_secs_f64()));
    Ok(())
}

struct Bench {
    /// What, how, figure.
    rows: Vec<[String; 3]>,
    server: Option<Server>,
}

impl Bench {
    fn row(&mut self, what: &str, how: &str, figure: String) {
        term::note(&format!("{what}, {how}: {figure}"));
        self.rows.push([what.to_owned(), how.to_owned(), figure]);
    }

    /// (a) Statements per second through each stage of reading.
    fn reading(&mut self) {
        let corpus: Vec<String> = (0..STATEMENTS).map(statement).collect();
        self.stage("tokens", &corpus, |sql| drop(tokens::tokens(sql)));
        self.stage("normalised", &corpus, |sql| drop(normalize::normalize(sql)));
        let mut snapshot = Snapshot { workload: corpus.into_iter().map(query).collect(), ..Snapshot::default() };
        let start = Instant::now();
        read_workload(&mut snapshot);
        self.row("reading", "normalised, parsed, merged", rate(STATEMENTS, start.elapsed(), "statements"));
        self.row("reading", "fingerprints among them", snapshot.workload.len().to_string());
    }

    fn stage(&mut self, how: &str, corpus: &[String], stage: impl Fn(&str)) {
        let start = Instant::now();
        corpus.iter().for_each(|sql| stage(sql));
        self.row("reading", how, rate(corpus.len(), start.elapsed(), "statements"));
    }

    async fn server(&mut self) -> Result<&Server, Failure> {
        if self.server.is_none() {
            let options =
                ServerOptions { preload: vec!["pg_stat_statements".into()], label: "advisor bench".into(), ..ServerOptions::default() };
            self.server = Some(Server::start(&find(None)?, &options).await?);
        }
        self.server.as_ref().ok_or_else(|| Failure::usage("no server"))
    }

    /// An empty database; its URL.
    async fn database(&mut self, name: &str) -> Result<String, Failure> {
        let server = self.server().await?;
        run(&server.url("postgres"), &format!("create database {name}")).await?;
        Ok(server.url(name))
    }

    async fn on_the_demo(&mut self, trials: bool, selection: bool) -> Result<(), Failure> {
        let url = self.database("app").await?;
        let built = demo::build(&url, &|_, _, _| ()).await?;
        self.row("demo", "built", format!("{:.1} s", built.took.as_secs_f64()));
        let has_hypopg = run(&url, "create extension hypopg").await.is_ok();
        if trials {
            self.trials(&url, has_hypopg).await?;
        }
        if selection {
            demo::run_workload(&url, 1, demo::Pace::Concurrent, &|_, _, _| ()).await?;
            self.selection(&url, has_hypopg).await?;
        }
        Ok(())
    }

    /// (b) Plans per second on each engine, with few and many candidates in view.
    async fn trials(&mut self, url: &str, has_hypopg: bool) -> Result<(), Failure> {
        let live = Session::open(Some(url), &Purpose::reading("bench")).await?;
        let mut clone = build_clone(&live, self.server().await?).await?;
        let candidates = candidates();
        clone.add_candidates(&candidates).await?;
        clone.open_lanes(1, &[]).await?;
        for visible in [0, 5, candidates.len()] {
            let (lanes, turns) = clone.work();
            lanes[0].show(turns, &View::with((0..visible).collect())).await?;
            let figure = plans_per_second(lanes[0].session()).await?;
            self.row("trials", &format!("clone, {visible} candidates visible"), figure);
        }
        let figure = {
            let (lanes, turns) = clone.work();
            toggles_per_second(async |set| lanes[0].show(turns, &View::with(set.clone())).await).await?
        };
        self.row("trials", "clone, sets shown", figure);
        for (what, sql, values) in TIMED {
            self.overhead(&mut clone, what, sql, values).await?;
        }
        if !has_hypopg {
            self.row("trials", "HypoPG", "skipped: not installed".into());
            return Ok(());
        }
        let mut hypopg = Hypopg::enter(live, "public").await?;
        hypopg.add_candidates(&candidates).await?;
        for visible in [0, 5, candidates.len()] {
            hypopg.show(&(0..visible).collect()).await?;
            let figure = plans_per_second(hypopg.planner()).await?;
            self.row("trials", &format!("HypoPG, {visible} candidates visible"), figure);
        }
        let figure = toggles_per_second(async |set| hypopg.show(set).await).await?;
        self.row("trials", "HypoPG, sets shown", figure);
        Ok(())
    }

    /// What turning indexes round, the transaction and the search_path cost beside the planning itself.
    async fn overhead(&mut self, clone: &mut CloneDb, what: &str, sql: &str, value: &str) -> Result<(), Failure> {
        let ground = Ground { search_path: vec!["public".into()], ..Ground::default() };
        let (lanes, turns) = clone.work();
        let lane = lanes.first_mut().ok_or_else(|| Failure::usage("no lane"))?;
        let values = [Some(value.to_owned())];
        let prepared = explain::prepare_on(lane.session(), &ground, sql).await.map_err(Failure::usage)?;
        lane.show(turns, &View::default()).await?;
        let backend = lane.session().backend_pid;
        let (mut figures, mut walls) = (Vec::new(), Vec::new());
        // One after the other, several times over: the machine's mood hits both alike.
        for turned in [false, true, false, true] {
            let (start, cpu, mut plans) = (Instant::now(), cpu_seconds(backend), 0);
            while start.elapsed() < SPAN {
                if turned {
                    let view = View::with([plans % 20, 20 + plans % 3].into());
                    let calls = vec![Call::Custom(&prepared, &values)];
                    let question = Question { view: &view, ground: &ground, calls };
                    let plans = lane.explain(turns, &[question]).await?;
                    plans.into_iter().collect::<Result<Vec<_>, _>>().map_err(Failure::usage)?;
                } else {
                    explain::explain_custom(&lane.session().client, &prepared, &values).await.map_err(Failure::usage)?;
                }
                plans += 1;
            }
            walls.push(start.elapsed().as_secs_f64() * 1000.0 / plans as f64);
            figures.push((cpu_seconds(backend) - cpu) * 1000.0 / plans as f64);
        }
        let mean = |list: &[f64], first: usize| (list[first] + list[first + 2]) / 2.0;
        for (n, how) in ["bare EXPLAIN", "trial with another view each time"].iter().enumerate() {
            self.row(
                "trials",
                &format!("{what}: {how}"),
                format!("{:.3} ms wall, {:.3} ms backend CPU", mean(&walls, n), mean(&figures, n)),
            );
        }
        Ok(())
    }

    /// (c) A whole analysis of the demo's workload without and with each engine.
    async fn selection(&mut self, url: &str, has_hypopg: bool) -> Result<(), Failure> {
        let engines = [("no trials", WhatIfChoice::None), ("clone", WhatIfChoice::Clone), ("HypoPG", WhatIfChoice::Hypopg)];
        for (how, what_if) in engines {
            if what_if == WhatIfChoice::Hypopg && !has_hypopg {
                self.row("selection", how, "skipped: not installed".into());
                continue;
            }
            let start = Instant::now();
            let report = analyse(&analysis(url, what_if)).await?;
            self.row("selection", how, selected(&report, start.elapsed()));
        }
        Ok(())
    }

    /// (d) Seconds and disk to copy a schema into a server of our own: three indexes and ten columns a table.
    async fn clone(&mut self, tables: usize) -> Result<(), Failure> {
        let url = self.database(&format!("tables_{tables}")).await?;
        let create = format!(
            "do $$ begin for n in 1..{tables} loop
               execute format('create table t%s (id int primary key, a int, b text, c timestamptz, d int, e int, f text, g int, h date, i int)', n);
               execute format('insert into t%s select g, g %% 10, g::text, now(), g, g %% 7, md5(g::text), g %% 3, now(), g from generate_series(1, 200) g', n);
               execute format('create index on t%s (a, c)', n);
               execute format('create index on t%s (lower(b)) where d > 5', n);
               if n % 100 = 0 then commit; end if;
             end loop; end $$"
        );
        run(&url, &create).await?;
        run(&url, "analyze").await?;
        let live = Session::open(Some(&url), &Purpose::reading("bench")).await?;
        let start = Instant::now();
        collect(&live, &CollectOptions::default()).await?;
        self.row("clone", &format!("catalog of {tables} tables read"), seconds(start));
        let start = Instant::now();
        let (blueprint, taking) = blueprint::read(&live, &blueprint::Options::default()).await?;
        self.row("clone", "schema and statistics read", format!("{}, {} statements", seconds(start), taking.statements));
        self.copy(blueprint, &format!("{tables} tables, {} indexes copied, server included", 3 * tables)).await
    }

    /// (e) A database that claims a table of 1 TiB with two indexes.
    async fn huge(&mut self) -> Result<(), Failure> {
        let url = self.database("huge").await?;
        run(
            &url,
            "create table t (id bigint primary key, at timestamptz); create index on t (at); insert into t values (1, now()); analyze",
        )
        .await?;
        let live = Session::open(Some(&url), &Purpose::reading("bench")).await?;
        let (mut blueprint, _) = blueprint::read(&live, &blueprint::Options::default()).await?;
        for relation in &mut blueprint.relations {
            relation.blocks = if relation.name == "t" { 1 << 27 } else { 205 << 17 };
            (relation.pages, relation.rows) = (relation.blocks as i32, 1e10);
        }
        self.copy(blueprint, "a table of 1 TiB with two indexes").await
    }

    async fn copy(&mut self, blueprint: Blueprint, what: &str) -> Result<(), Failure> {
        let start = Instant::now();
        let mut clone = CloneDb::build(self.server().await?.binaries(), blueprint, &BTreeMap::new()).await?;
        self.row("clone", what, seconds(start));
        let start = Instant::now();
        clone.open_lanes(1, &[]).await?;
        let figure = format!("{}, {:.0} MB of disk with all", seconds(start), disk_bytes(&clone.folder()) / 1e6);
        self.row("clone", "a lane to plan in", figure);
        if let Some(problem) = clone.problems.first() {
            self.row("clone", &format!("{} problems", clone.problems.len()), problem.message.clone());
        }
        Ok(())
    }
}

/// What a folder really takes, holes not counted.
fn disk_bytes(folder: &Path) -> f64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let one = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(meta) if meta.is_dir() => disk_bytes(&entry.path()),
        Ok(meta) => meta.blocks() as f64 * 512.0,
        Err(_) => 0.0,
    };
    entries.map(one).sum()
}

/// CPU time of a process so far, seconds; 0 where there is no /proc.
fn cpu_seconds(pid: i32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Behind the name in parentheses: state is field 3, user and system ticks (1/100 s) are 14 and 15.
    let ticks = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    ticks.filter_map(|t| t.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Queries whose trials are timed, with a value.
const TIMED: [(&str, &str, &str); 3] = [
    ("one table", "select id, body from messages where conversation_id = $1 order by created_at desc limit 20", "42"),
    ("two tables", "select m.id, u.name from messages m join users u on u.id = m.sender_id where m.conversation_id = $1", "42"),
    (
        "four tables",
        "select c.id, u.name, count(*) from comments c join posts p on p.id = c.post_id join users u on u.id = p.author_id
         left join likes l on l.post_id = p.id where c.user_id = $1 group by 1, 2",
        "42",
    ),
];

/// Texts of many shapes; no two are equal, few differ in more than their literals.
fn statement(n: usize) -> String {
    let table = ["users", "posts", "messages", "documents"][n % 4];
    match n % 5 {
        0 => format!("SELECT * FROM {table} t WHERE t.id = {n} AND lower(t.name) = 'name{n}' ORDER BY t.created_at DESC LIMIT {}", n % 50),
        1 => {
            let ids: Vec<String> = (0..n % 40 + 1).map(|id| (id * n).to_string()).collect();
            format!("select a.id, b.name from {table} a join users b on b.id = a.user_id where a.id in ({}) -- {n}", ids.join(", "))
        }
        2 => format!(
            "with x as (select user_id, count(*) from {table} where created_at > now() - interval '{n} days' group by 1) select * from x where count > {n}"
        ),
        3 => format!(
            "insert into {table} (id, name, note) values ({n}, $q$it's {n}$q$, E'a\\'b{n}') on conflict (id) do update set name = excluded.name"
        ),
        _ => format!("UPDATE {table} SET name = 'n{n}', seen = true WHERE id = {n} AND (status = 'open' OR deleted_at IS NULL) /* {n} */"),
    }
}

fn query(text: String) -> Query {
    Query::new(QuerySource::File, text, &[])
}

/// Indexes that the demo's app could use, and some that it could not.
fn candidates() -> Vec<Candidate> {
    const COLUMNS: [(&str, &[&str]); 7] = [
        ("messages", &["conversation_id", "created_at", "sender_id", "id"]),
        ("posts", &["author_id", "created_at", "id"]),
        ("likes", &["post_id", "user_id"]),
        ("documents", &["file_hash", "owner_id", "created_at"]),
        ("sessions", &["user_id", "expires_at"]),
        ("followers", &["followee_id", "follower_id"]),
        ("users", &["name", "created_at"]),
    ];
    let mut all = Vec::new();
    for (table, columns) in COLUMNS {
        for (n, first) in columns.iter().enumerate() {
            let second = columns[(n + 1) % columns.len()];
            for keys in [vec![*first], vec![*first, second]] {
                let spec = IndexSpec::btree(TableName::new("public", table), keys.into_iter().map(KeySpec::column).collect());
                all.push(Candidate { size_bytes: Some(8e6), ..Candidate::new(spec) });
            }
        }
    }
    all
}

async fn build_clone(live: &Session, server: &Server) -> Result<CloneDb, Failure> {
    let (copied, _) = blueprint::read(live, &blueprint::Options::default()).await?;
    CloneDb::build(server.binaries(), copied, &BTreeMap::new()).await
}

async fn plans_per_second(session: &Session) -> Result<String, Failure> {
    const SQL: &str = "select m.id, m.body, u.name from messages m join users u on u.id = m.sender_id
        where m.conversation_id = $1 order by m.created_at desc limit 20";
    let ground = Ground { search_path: vec!["public".into()], ..Ground::default() };
    let prepared = explain::prepare_on(session, &ground, SQL).await.map_err(Failure::usage)?;
    let start = Instant::now();
    let mut plans = 0;
    while start.elapsed() < SPAN {
        explain::explain(session, &ground, &[Call::Custom(&prepared, &[Some("42".into())])]).await.map_err(Failure::usage)?;
        plans += 1;
    }
    Ok(rate(plans, start.elapsed(), "plans"))
}

/// One candidate more, one less, as the selector does.
async fn toggles_per_second(mut show: impl AsyncFnMut(&CandidateSet) -> Result<(), Failure>) -> Result<String, Failure> {
    let start = Instant::now();
    let mut shown = 0;
    while start.elapsed() < SPAN {
        show(&[shown % 20, shown / 20 % 20].into()).await?;
        shown += 1;
    }
    Ok(rate(shown, start.elapsed(), "sets"))
}

fn analysis(url: &str, what_if: WhatIfChoice) -> Analysis {
    Analysis {
        target: Some(url.to_owned()),
        queries: Vec::new(),
        plans: Vec::new(),
        snapshot: None,
        only_new: false,
        explain_analyze: false,
        max_queries: 500,
        thresholds: Thresholds::default(),
        advice: Advice { what_if, ..Advice::default() },
    }
}

fn selected(report: &Report, took: Duration) -> String {
    let advice = &report.recommendation;
    let fall = match (advice.cost_before, advice.cost_after) {
        (Some(before), Some(after)) if before > 0.0 => format!(", cost -{:.1} %", 100.0 * (1.0 - after / before)),
        _ => String::new(),
    };
    format!("{:.1} s, {} plans, {} indexes{fall}", took.as_secs_f64(), advice.optimizer_calls, advice.indexes.len())
}

async fn run(url: &str, sql: &str) -> Result<(), Failure> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.map_err(broken)?;
    tokio::spawn(connection);
    client.batch_execute(sql).await.map_err(broken)
}

fn broken(error: tokio_postgres::Error) -> Failure {
    Failure::usage(advisor::pg::error::describe(&error))
}

fn rate(count: usize, took: Duration, unit: &str) -> String {
    format!("{:.0} {unit}/s", count as f64 / took.as_secs_f64())
}

fn seconds(since: Instant) -> String {
    format!("{:.2} s", since.elapsed().as_secs_f64())
}
