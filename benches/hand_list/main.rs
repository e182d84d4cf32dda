//! The demo's app with nobody's indexes, an engineer's (`list.sql`, made by a written rule before any advice was looked at), ours,
//! and those of other advisors that are installed here: what does the same workload touch with each? Every set starts from a copy of the same
//! fresh database, has its statistics, and is asked one request at a time, so blocks differ by what the indexes do; nothing here fails
//! for being slow. Ends with 1 when our advice touches as many blocks as the engineer's list, or has an index that the workload
//! does not read.

use advisor::flow::analyse::{Analysis, analyse};
use advisor::model::failure::Failure;
use advisor::model::report::Recommendation;
use advisor::model::text::quote_ident;
use advisor::pg::demo;
use advisor::pg::server::{Server, ServerOptions, find};
use advisor::pg::statements::DEMO_BLOCKS;
use advisor::read::split::statements;
use advisor::rules::Thresholds;
use advisor::term;
use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;
use tokio_postgres::Client;

const HAND_LIST: &str = include_str!("list.sql");
const ADDED: &str = include_str!("added.sql");
const BY_QUERY: &str = include_str!("by_query.sql");
const QUALSTATS: &str = include_str!("qualstats.sql");
const SEED: u64 = 20_260_101;
/// The database as it was built; every set gets a copy.
const FRESH: &str = "fresh";

type Outcome<T> = Result<T, Failure>;

/// What a set of indexes costs and brings.
struct Measured {
    indexes: i64,
    megabytes: f64,
    blocks: f64,
    seconds: f64,
    unread: Vec<String>,
    by_query: BTreeMap<String, f64>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(failure) => {
            term::failure(&failure);
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Outcome<bool> {
    let (server, has_qualstats) = start().await?;
    let bench = Bench { server };
    bench.database(FRESH, "template0").await?;
    demo::build(&bench.server.url(FRESH), &|_, _, _| ()).await?;
    let without = bench.measure("without", &[]).await?;
    print("no further indexes", "", &without, &without);

    let by_hand = bench.measure("by_hand", &split(HAND_LIST)).await?;
    print("an engineer's list", "", &by_hand, &without);

    let start = Instant::now();
    let advice = bench.advice("without").await?;
    let told = format!("advised in {:.1} s", start.elapsed().as_secs_f64());
    let ours = bench.measure("ours", &advice.indexes.iter().map(|i| i.ddl.clone()).collect::<Vec<_>>()).await?;
    print("advisor", &told, &ours, &without);
    term::print(&by_statement(&ours, &by_hand));
    term::print(&advice.indexes.iter().map(|i| format!("  {}\n", i.ddl)).collect::<String>());

    term::print("skipped: postgres-mcp, its package wants Python 3.12 or later and a repair of its pinned versions\n");
    if has_qualstats {
        let start = Instant::now();
        let theirs = bench.qualstats().await?;
        let told = format!("advised in {:.1} s", start.elapsed().as_secs_f64());
        print("pg_qualstats", &told, &bench.measure("qualstats", &theirs).await?, &without);
        term::print(&theirs.iter().map(|ddl| format!("  {ddl}\n")).collect::<String>());
    } else {
        term::print("skipped: pg_qualstats, the extension is not installed\n");
    }
    Ok(ours.blocks < by_hand.blocks && ours.unread.is_empty())
}

/// A server with pg_qualstats where it is installed: it must be preloaded.
async fn start() -> Outcome<(Server, bool)> {
    let binaries = find(None)?;
    let options = |preload: &[&str]| ServerOptions {
        preload: preload.iter().map(|p| (*p).to_owned()).collect(),
        settings: [("shared_buffers", "256MB"), ("jit", "off"), ("pg_qualstats.enabled", "off")]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .into(),
        label: "advisor bench".into(),
        ..ServerOptions::default()
    };
    let server = Server::start(&binaries, &options(&["pg_stat_statements"])).await?;
    let client = connect(&server.url("postgres")).await?;
    let available = "select exists (select from pg_available_extensions where name = 'pg_qualstats')";
    if !client.query_one(available, &[]).await.map_err(broken)?.get::<_, bool>(0) {
        return Ok((server, false));
    }
    drop(server);
    Ok((Server::start(&binaries, &options(&["pg_stat_statements", "pg_qualstats"])).await?, true))
}

struct Bench {
    server: Server,
}

impl Bench {
    async fn client(&self, database: &str) -> Outcome<Client> {
        connect(&self.server.url(database)).await
    }

    async fn database(&self, name: &str, template: &str) -> Outcome<()> {
        let sql = format!("create database {} template {}", quote_ident(name), quote_ident(template));
        run_sql(&self.client("postgres").await?, &sql).await
    }

    /// Makes the changes in a copy of the fresh database and runs the workload there.
    async fn measure(&self, name: &str, changes: &[String]) -> Outcome<Measured> {
        self.database(name, FRESH).await?;
        let client = self.client(name).await?;
        let before = client.query_one(ADDED, &[&i64::MAX]).await.map_err(broken)?.get::<_, i64>("newest");
        let existing: f64 = megabytes(&client).await?;
        for sql in changes {
            run_sql(&client, sql).await?;
        }
        run_sql(&client, "vacuum").await?;
        // Every copy has the statistics of the fresh database, lest ANALYZE's sample decides between the sets; this table's alone are
        // not there yet: of the expression that both index.
        run_sql(&client, "analyze profiles").await?;
        run_sql(&client, "select pg_stat_statements_reset(0, (select oid from pg_database where datname = current_database()), 0)").await?;
        let ran = demo::run_workload(&self.server.url(name), SEED, demo::Pace::InTurn, &|_, _, _| ()).await?;
        let blocks = client.query_one(DEMO_BLOCKS.sql, &[]).await.map_err(broken)?.get("blocks");
        // Counters of the app's sessions arrive as these end.
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        let added = client.query_one(ADDED, &[&before]).await.map_err(broken)?;
        Ok(Measured {
            indexes: added.get("indexes"),
            megabytes: megabytes(&client).await? - existing,
            blocks,
            seconds: ran.wall.as_secs_f64(),
            unread: added.get("unread"),
            by_query: client.query(BY_QUERY, &[]).await.map_err(broken)?.iter().map(|row| (row.get("query"), row.get("blocks"))).collect(),
        })
    }

    /// Our advice for what ran in a database.
    async fn advice(&self, database: &str) -> Outcome<Recommendation> {
        let mut thresholds = Thresholds::default();
        // The counters are a minute old; on production, two weeks are asked for.
        thresholds.set("unused-index.min_stats_age_days", 0.0)?;
        let analysis = Analysis { thresholds, ..Analysis::of(Some(self.server.url(database))) };
        Ok(analyse(&analysis).await?.recommendation)
    }

    /// The advice of pg_qualstats with its defaults, every query sampled.
    async fn qualstats(&self) -> Outcome<Vec<String>> {
        self.database("sampled", FRESH).await?;
        let client = self.client("sampled").await?;
        for sql in [
            "create extension pg_qualstats",
            "alter database sampled set pg_qualstats.enabled = on",
            "alter database sampled set pg_qualstats.sample_rate = 1",
        ] {
            run_sql(&client, sql).await?;
        }
        demo::run_workload(&self.server.url("sampled"), SEED, demo::Pace::InTurn, &|_, _, _| ()).await?;
        let rows = client.query(QUALSTATS, &[]).await.map_err(broken)?;
        Ok(rows.iter().map(|row| row.get("ddl")).collect())
    }
}

/// Space of all indexes of the app.
async fn megabytes(client: &Client) -> Outcome<f64> {
    let sql = "select sum(pg_relation_size(indexrelid))::float8 / 1e6 from pg_stat_user_indexes";
    Ok(client.query_one(sql, &[]).await.map_err(broken)?.get(0))
}

fn print(who: &str, told: &str, measured: &Measured, without: &Measured) {
    let mut text = format!(
        "{who:<20} {:>3} indexes  {:>6.1} MB  {:>9.0} blocks  {:.4} of before  {:>6.1} s  {} not read  {told}\n",
        measured.indexes,
        measured.megabytes,
        measured.blocks,
        measured.blocks / without.blocks,
        measured.seconds,
        measured.unread.len()
    );
    text.extend(measured.unread.iter().map(|name| format!("    not read: {name}\n")));
    term::print(&text);
}

/// The statements that touch most blocks with our advice, beside what they touch with the engineer's list.
fn by_statement(ours: &Measured, by_hand: &Measured) -> String {
    let mut all: Vec<(&String, &f64)> = ours.by_query.iter().collect();
    all.sort_by(|a, b| b.1.total_cmp(a.1));
    let line = |(query, blocks): &(&String, &f64)| {
        let text = query.split_whitespace().collect::<Vec<_>>().join(" ");
        let by_hand = by_hand.by_query.get(*query).copied().unwrap_or_default();
        format!("  {blocks:>8.0} {by_hand:>8.0}  {}\n", text.chars().take(110).collect::<String>())
    };
    format!("      ours  by hand  blocks of\n{}", all.iter().filter(|(_, blocks)| **blocks > 100.0).map(line).collect::<String>())
}

fn split(script: &str) -> Vec<String> {
    statements(script).into_iter().map(|piece| piece.text).collect()
}

async fn connect(url: &str) -> Outcome<Client> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.map_err(broken)?;
    tokio::spawn(connection);
    Ok(client)
}

async fn run_sql(client: &Client, sql: &str) -> Outcome<()> {
    client.batch_execute(sql).await.map_err(|e| Failure::usage(format!("{sql}: {}", advisor::pg::error::describe(&e))))
}

fn broken(error: tokio_postgres::Error) -> Failure {
    Failure::usage(advisor::pg::error::describe(&error))
}
