//! How far the clone plans as the server does: real data on one server, its clone on another. Every
//! query with no more indexes than the keys, with ten more that exist, and with the same ten as
//! candidates; HypoPG and a redacted clone beside it. Nothing here fails for being wrong: it prints.

use advisor::flow::analyse::{Analysis, analyse};
use advisor::flow::snapshot::{TakeOptions, take};
use advisor::model::blueprint::Blueprint;
use advisor::model::candidate::{Candidate, CandidateSet, View};
use advisor::model::failure::Failure;
use advisor::model::index_def::IndexSpec;
use advisor::model::plan::Plan;
use advisor::model::snapshot::Snapshot;
use advisor::model::snapshot_file::NodeNumbers;
use advisor::model::text::quote_literal;
use advisor::pg::blueprint;
use advisor::pg::clone::CloneDb;
use advisor::pg::collect::{CollectOptions, collect};
use advisor::pg::explain::{self, Call, Ground};
use advisor::pg::hypopg::Hypopg;
use advisor::pg::server::{Server, ServerOptions, find};
use advisor::pg::session::{Purpose, Session};
use advisor::read::snapshot_file;
use advisor::read::split::statements;
use advisor::redact::Keep;
use advisor::term;

const SHOP: &str = include_str!("shop.sql");
const QUERIES: &str = include_str!("queries.sql");
const INDEXES: &str = include_str!("indexes.sql");

type Outcome<T> = Result<T, Failure>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with('-')).collect();
    if !words.is_empty() && !words.iter().any(|w| "fidelity".contains(w.as_str())) {
        return Ok(());
    }
    let options = ServerOptions { preload: vec!["pg_stat_statements".into()], label: "advisor bench".into(), ..ServerOptions::default() };
    let server = Server::start(&find(None)?, &options).await?;
    let shop = Shop::build(&server).await?;
    row("no more indexes than the keys", "clone", &compare(&shop.plans().await?, &shop.cloned(&server, &[]).await?));

    // Candidates are offered to a clone of the bare database; their truth is the database once they are built.
    let (specs, sizes) = shop.indexes().await?;
    let subsets: Vec<CandidateSet> = (0..26u32).map(|n| subset(n, specs.len())).collect();
    let mut clone = shop.clone_of(&server, &sizes_of(&specs, &sizes)).await?;
    let candidates = plans_with(&mut clone, (0..specs.len()).collect()).await?;
    let mut cloned_totals = Vec::new();
    for subset in &subsets {
        cloned_totals.push(total(&plans_with(&mut clone, subset.clone()).await?));
    }
    drop(clone);
    let estimated = shop.cloned(&server, &estimates(&specs, &shop.snapshot().await?)).await?;
    let hypothetical = shop.hypothetical(&specs, &subsets).await;

    shop.build_indexes().await?;
    let indexed = shop.plans().await?;
    row("ten more, existing", "clone", &compare(&indexed, &shop.cloned(&server, &[]).await?));
    shop.snapshot_file("ten more, existing, with values", Keep::Everything).await?;
    shop.snapshot_file("ten more, existing, redacted", Keep::Nothing).await?;
    row("ten more, as candidates of the real size", "clone", &compare(&indexed, &candidates));
    row("ten more, as candidates of estimated size", "clone", &compare(&indexed, &estimated));
    let totals = shop.totals(&specs, &subsets).await?;
    order("clone", &totals, &cloned_totals);
    match hypothetical {
        Ok((plans, hypothetical_totals)) => {
            row("ten more, as candidates", "HypoPG", &compare(&indexed, &plans));
            order("HypoPG", &totals, &hypothetical_totals);
        }
        Err(failure) => term::print(&format!("skipped: HypoPG, {}\n", failure.message)),
    }
    Ok(())
}

/// The database with its data.
struct Shop {
    session: Session,
    url: String,
}

impl Shop {
    async fn build(server: &Server) -> Outcome<Shop> {
        run(&server.url("postgres"), "create database shop").await?;
        let url = server.url("shop");
        run(&url, SHOP).await?;
        run(&url, "vacuum analyze").await?;
        run(&url, "create extension pg_stat_statements").await?;
        for piece in statements(QUERIES) {
            run(&url, &piece.text).await?;
        }
        Ok(Shop { session: Session::open(Some(&url), &Purpose::reading("bench")).await?, url })
    }

    async fn plans(&self) -> Outcome<Vec<Plan>> {
        plans(&self.session).await
    }

    async fn snapshot(&self) -> Outcome<Snapshot> {
        collect(&self.session, &CollectOptions::default()).await
    }

    /// The ten indexes as definitions, and bytes and rows of each: built and dropped again.
    async fn indexes(&self) -> Outcome<(Vec<IndexSpec>, Vec<(f64, f64)>)> {
        self.build_indexes().await?;
        let built = self.snapshot().await?;
        let wanted: Vec<_> = built.catalog.indexes.iter().filter(|i| i.constraint.is_none() && !i.partition).collect();
        let (mut specs, mut sizes) = (Vec::new(), Vec::new());
        for index in wanted {
            let row = self
                .session
                .client
                .query_one(
                    "select coalesce(sum(pg_relation_size(c.oid)), 0)::float8, coalesce(sum(c.reltuples), 0)::float8
                     from pg_partition_tree($1::oid::regclass) p join pg_class c on c.oid = p.relid where p.isleaf
                     union all select pg_relation_size($1::oid)::float8, (select reltuples::float8 from pg_class where oid = $1) order by 1 desc limit 1",
                    &[&index.oid],
                )
                .await
                .map_err(broken)?;
            specs.push(index.spec.clone());
            sizes.push((row.get(0), row.get(1)));
            run(&self.url, &format!("drop index {}", advisor::model::text::quote_ident(&index.name))).await?;
        }
        Ok((specs, sizes))
    }

    async fn build_indexes(&self) -> Outcome<()> {
        run(&self.url, INDEXES).await
    }

    /// A clone with candidates, ready to plan.
    async fn clone_of(&self, server: &Server, candidates: &[(IndexSpec, f64, f64)]) -> Outcome<CloneDb> {
        let (blueprint, _) = blueprint::read(&self.session, &blueprint::Options::default()).await?;
        build(server, blueprint, &self.snapshot().await?, candidates).await
    }

    /// Plans of a clone that sees all candidates.
    async fn cloned(&self, server: &Server, candidates: &[(IndexSpec, f64, f64)]) -> Outcome<Vec<Plan>> {
        plans_with(&mut self.clone_of(server, candidates).await?, (0..candidates.len()).collect()).await
    }

    /// What an analysis of a snapshot says of itself: values sampled from the file against the server's own plans.
    async fn snapshot_file(&self, what: &str, keep: Keep) -> Outcome<()> {
        let file = take(&TakeOptions { target: Some(self.url.clone()), endpoints: true, max_queries: 500, keep }).await?;
        let folder = tempfile::tempdir().map_err(|e| Failure::usage(e.to_string()))?;
        let path = folder.path().join("snapshot");
        let bytes = snapshot_file::write(&file).map_err(Failure::usage)?;
        advisor::disk::write_bytes(&path, &bytes)?;
        let analysis = Analysis { snapshot: Some(path), ..Analysis::of(None) };
        let f = analyse(&analysis).await?.recommendation.fidelity.unwrap_or_default();
        term::print(&format!(
            "fidelity   {what:<44} {:<8} exact {:>2}/{}  same steps {:>2}/{}  cost error median {:.2} %  worst {:.2} %  ({:.0} kB)\n",
            "file",
            f.equal,
            f.compared,
            f.same_shape,
            f.compared,
            100.0 * f.median_cost_error,
            100.0 * f.worst_cost_error,
            bytes.len() as f64 / 1e3
        ));
        Ok(())
    }

    /// Cost of all queries with each subset: the database with the other indexes made invisible to the planner.
    async fn totals(&self, specs: &[IndexSpec], subsets: &[CandidateSet]) -> Outcome<Vec<f64>> {
        let built = self.snapshot().await?.catalog.indexes;
        let name = |spec: &IndexSpec| built.iter().find(|i| i.spec == *spec).map(|i| quote_literal(&i.name)).unwrap_or_default();
        let names: Vec<String> = specs.iter().map(name).collect();
        let show = |seen: &str| {
            format!(
                "update pg_index x set indisvalid = r.relname in ({seen}'') from pg_class r
                 where r.relname in ({}) and (x.indexrelid = r.oid or x.indexrelid in (select relid from pg_partition_tree(r.oid)))",
                names.join(", ")
            )
        };
        let mut totals = Vec::new();
        for subset in subsets {
            run(&self.url, &show(&subset.iter().map(|i| format!("{}, ", names[*i])).collect::<String>())).await?;
            totals.push(total(&self.plans().await?));
        }
        run(&self.url, &show(&names.iter().map(|n| format!("{n}, ")).collect::<String>())).await?;
        Ok(totals)
    }

    /// Plans of the database itself with all of HypoPG's indexes, and the cost of all queries with each subset.
    async fn hypothetical(&self, specs: &[IndexSpec], subsets: &[CandidateSet]) -> Outcome<(Vec<Plan>, Vec<f64>)> {
        run(&self.url, "create schema hypo; create extension hypopg schema hypo").await?;
        let session = Session::open(Some(&self.url), &Purpose::reading("bench")).await?;
        let mut hypopg = Hypopg::enter(session, "hypo").await?;
        let list: Vec<Candidate> = specs.iter().map(|spec| candidate(spec, None)).collect();
        let refused: Vec<usize> = hypopg.add_candidates(&list).await?.into_iter().map(|(id, _)| id).collect();
        let offered = |set: &CandidateSet| set.iter().copied().filter(|id| !refused.contains(id)).collect::<CandidateSet>();
        let mut totals = Vec::new();
        for subset in subsets {
            hypopg.show(&offered(subset)).await?;
            totals.push(total(&plans(hypopg.planner()).await?));
        }
        hypopg.show(&offered(&(0..list.len()).collect())).await?;
        Ok((plans(hypopg.planner()).await?, totals))
    }
}

async fn build(server: &Server, blueprint: Blueprint, snapshot: &Snapshot, candidates: &[(IndexSpec, f64, f64)]) -> Outcome<CloneDb> {
    let mut clone = CloneDb::build(server.binaries(), blueprint, &snapshot.settings).await?;
    let list: Vec<Candidate> = candidates.iter().map(|(spec, bytes, _)| candidate(spec, Some(*bytes))).collect();
    let refused = clone.add_candidates(&list).await?;
    let sizes: Vec<_> = candidates.iter().enumerate().map(|(id, (_, bytes, rows))| (id, *bytes, *rows)).collect();
    clone.open_lanes(1, &sizes).await?;
    let first = clone.problems.first().map_or(String::new(), |p| format!(": {}", p.message));
    term::note(&format!("clone with {} candidates, {} refused, {} problems{first}", list.len(), refused.len(), clone.problems.len()));
    Ok(clone)
}

fn candidate(spec: &IndexSpec, size_bytes: Option<f64>) -> Candidate {
    Candidate { spec: spec.clone(), size_bytes, ..Candidate::new(spec.clone()) }
}

async fn plans_with(clone: &mut CloneDb, present: CandidateSet) -> Outcome<Vec<Plan>> {
    let (lanes, turns) = clone.work();
    let lane = lanes.first_mut().ok_or_else(|| Failure::usage("no lane"))?;
    lane.show(turns, &View::with(present)).await?;
    plans(lane.session()).await
}

/// The n-th of many subsets: a scattering of bits.
fn subset(n: u32, of: usize) -> CandidateSet {
    (0..of).filter(|i| (n.wrapping_add(1).wrapping_mul(2_654_435_761) >> (i + 9)) & 1 == 1).collect()
}

fn total(plans: &[Plan]) -> f64 {
    plans.iter().map(|p| p.root.total_cost.unwrap_or_default()).sum()
}

/// How far the costs of all queries are off, and how many pairs of subsets stand in the wrong order.
fn order(engine: &str, truth: &[f64], guess: &[f64]) {
    let pairs = (0..truth.len()).flat_map(|a| (0..a).map(move |b| (a, b)));
    let (mut all, mut wrong) = (0, 0);
    for (a, b) in pairs.filter(|(a, b)| truth[*a] != truth[*b]) {
        all += 1;
        wrong += usize::from((truth[a] < truth[b]) != (guess[a] < guess[b]));
    }
    let worst = truth.iter().zip(guess).map(|(t, g)| (g - t).abs() / t).fold(0.0, f64::max);
    term::print(&format!(
        "fidelity   {} subsets of the ten                           {engine:<8} {wrong} of {all} pairs in the wrong order; workload cost off by {:.2} % at most\n",
        truth.len(),
        100.0 * worst
    ));
}

fn sizes_of(specs: &[IndexSpec], sizes: &[(f64, f64)]) -> Vec<(IndexSpec, f64, f64)> {
    specs.iter().zip(sizes).map(|(spec, (bytes, rows))| (spec.clone(), *bytes, *rows)).collect()
}

fn estimates(specs: &[IndexSpec], snapshot: &Snapshot) -> Vec<(IndexSpec, f64, f64)> {
    use advisor::candidates::size;
    let estimate = |spec: &IndexSpec| {
        let table = snapshot.catalog.table(&spec.table)?;
        Some((spec.clone(), size::bytes(spec, table)?, size::rows(spec, table)?))
    };
    specs.iter().filter_map(estimate).collect()
}

async fn plans(session: &Session) -> Outcome<Vec<Plan>> {
    let ground = Ground { search_path: vec!["public".into()], ..Ground::default() };
    let mut all = Vec::new();
    for piece in statements(QUERIES) {
        let prepared = explain::prepare_on(session, &ground, &piece.text).await.map_err(Failure::usage)?;
        all.extend(explain::explain(session, &ground, &[Call::Custom(&prepared, &[])]).await.map_err(Failure::usage)?);
    }
    Ok(all)
}

/// Exact plans, plans with the same steps, and the distance of total costs.
struct Comparison {
    all: usize,
    exact: usize,
    same_steps: usize,
    errors: Vec<f64>,
}

/// Index names differ between a candidate and the built index: they are left out of the comparison.
fn compare(truth: &[Plan], guess: &[Plan]) -> Comparison {
    let nodes = |plan: &Plan| {
        NodeNumbers::of(plan).into_iter().map(|n| NodeNumbers { index: n.index.map(|_| String::new()), ..n }).collect::<Vec<_>>()
    };
    let mut comparison = Comparison { all: truth.len(), exact: 0, same_steps: 0, errors: Vec::new() };
    for (there, here) in truth.iter().map(nodes).zip(guess.iter().map(nodes)) {
        comparison.exact += usize::from(there == here);
        comparison.same_steps += usize::from(there.len() == here.len() && there.iter().zip(&here).all(|(a, b)| a.same_step(b)));
        let cost = |plan: &[NodeNumbers]| plan.first().map_or(0.0, |n| n.total_cost);
        comparison.errors.push((cost(&here) - cost(&there)).abs() / cost(&there).max(f64::MIN_POSITIVE));
    }
    comparison.errors.sort_by(f64::total_cmp);
    comparison
}

fn row(case: &str, engine: &str, c: &Comparison) {
    let share = |n: usize| c.errors.get(n.min(c.errors.len().saturating_sub(1))).copied().unwrap_or(0.0) * 100.0;
    term::print(&format!(
        "fidelity   {case:<44} {engine:<8} exact {:>2}/{}  same steps {:>2}/{}  cost error median {:.2} %  worst {:.2} %\n",
        c.exact,
        c.all,
        c.same_steps,
        c.all,
        share(c.errors.len() / 2),
        share(c.errors.len())
    ));
}

async fn run(url: &str, sql: &str) -> Outcome<()> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.map_err(broken)?;
    tokio::spawn(connection);
    client.batch_execute(sql).await.map_err(broken)
}

fn broken(error: tokio_postgres::Error) -> Failure {
    Failure::usage(advisor::pg::error::describe(&error))
}
