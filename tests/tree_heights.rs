//! How often the formula for a B-tree's height is right: the height that EXPLAIN tells of trees
//! really built, against what it tells of their copies when the clone has to guess.

mod support;

use advisor::pg::blueprint::{self, Options};
use advisor::pg::clone::CloneDb;
use advisor::pg::session::{Purpose, Session};
use std::collections::BTreeMap;

/// The formula may miss the height by this many levels, 0.125 planner units each a descent.
const LEVELS_OFF: u32 = 1;
/// And by so many trees of those below, at most.
const WRONG: usize = 2;

/// One table per tree: the planner, asked for a height, would scan a smaller tree with the same keys.
const SCHEMA: &str = "
create table empty (a bigint); create index t_empty on empty (a);
create table few (a bigint); insert into few select generate_series(1, 300); create index t_few on few (a);
create table thousands (a bigint); insert into thousands select generate_series(1, 5000); create index t_thousands on thousands (a);
create table nearly (a bigint); insert into nearly select generate_series(1, 102000); create index t_just_one_level on nearly (a);
create table barely (a bigint); insert into barely select generate_series(1, 108000); create index t_just_two_levels on barely (a);
create table large (a bigint); insert into large select generate_series(1, 400000); create index t_large on large (a);
create table repeated (a int); insert into repeated select g % 10 from generate_series(1, 300000) g; create index t_repeated on repeated (a);
create table repeated_text (a text); insert into repeated_text select repeat('x', 90) || g % 900 from generate_series(1, 200000) g;
create index t_repeated_text on repeated_text (a);
create table tokens (a uuid); insert into tokens select md5(g::text)::uuid from generate_series(1, 150000) g; create index t_uuid on tokens (a);
create table names (a text); insert into names select 'a name of thirty bytes ' || md5(g::text) from generate_series(1, 60000) g;
create index t_text on names (a);
create table links (a text); insert into links
  select (select string_agg(md5((g * 10 + n)::text), null) from generate_series(1, 7) n) from generate_series(1, 20000) g;
create index t_wide_text on links (a);
create table paths (a text); insert into paths
  select (select string_agg(md5((g * 100 + n)::text), null) from generate_series(1, 20) n) from generate_series(1, 14000) g;
create index t_very_wide_text on paths (a);
create table pairs (a int, b text); insert into pairs select g, repeat(md5(g::text), 6) from generate_series(1, 60000) g;
create index t_int_and_wide_text on pairs (a, b);
create table triples (a int, b int, c timestamptz); insert into triples select g % 500, g % 70, now() + g * interval '1 s' from generate_series(1, 150000) g;
create index t_composite on triples (a, b, c desc);
create table covered (a bigint, b text); insert into covered select g, repeat(md5(g::text), 5) from generate_series(1, 60000) g;
create index t_include on covered (a) include (b);
create table open (a bigint, done bool); insert into open select g, g % 50 > 0 from generate_series(1, 200000) g;
create index t_partial on open (a) where not done;
create table nulls (a text); insert into nulls select case when g % 20 = 0 then 'value ' || g end from generate_series(1, 200000) g;
create index t_nulls on nulls (a);
create table amounts (a numeric); insert into amounts select g * 1.25 from generate_series(1, 120000) g; create index t_numeric on amounts (a);
create table sparse (a bigint); insert into sparse select generate_series(1, 60000); create index t_fillfactor on sparse (a) with (fillfactor = 20);
create table grown (a uuid); create index t_grown on grown (a); insert into grown select md5(g::text)::uuid from generate_series(1, 90000) g;
create table lowered (a text); insert into lowered select 'Name ' || md5(g::text) from generate_series(1, 60000) g; create index t_expression on lowered (lower(a));
";

async fn heights(session: &Session) -> BTreeMap<String, (u32, i64)> {
    let options = Options { endpoints: false, ..Options::default() };
    let (read, _) = blueprint::read(session, &options).await.expect("blueprint");
    let trees = read.relations.into_iter().filter(|r| r.name.starts_with("t_"));
    trees.map(|r| (r.name, (r.height.expect("a height that EXPLAIN tells"), r.blocks))).collect()
}

#[tokio::test]
async fn the_formula_for_a_height_is_nearly_always_right() {
    for shared in support::servers() {
        let url = shared.database("tree_heights");
        let client = support::connect(&url).await;
        client.batch_execute(SCHEMA).await.expect("schema");
        client.batch_execute("vacuum analyze").await.expect("vacuum");
        let session = Session::open(Some(&url), &Purpose::reading("test")).await.expect("session");
        let real = heights(&session).await;

        let (mut copied, _) = blueprint::read(&session, &Options::default()).await.expect("blueprint");
        copied.relations.iter_mut().for_each(|r| r.height = None);
        let mut clone = CloneDb::build(&shared.binaries, copied, &BTreeMap::new()).await.expect("clone");
        clone.open_lanes(1, &[]).await.expect("lanes");
        let guessed = heights(clone.planner(0).expect("a lane")).await;

        assert_eq!(real.keys().collect::<Vec<_>>(), guessed.keys().collect::<Vec<_>>());
        let levels: Vec<u32> = real.values().map(|(height, _)| *height).collect();
        assert!((0..=3).all(|level| levels.contains(&level)), "trees of 0 to 3 levels: {real:?}");
        let wrong: Vec<String> = real
            .iter()
            .filter(|(name, (height, _))| guessed[*name].0 != *height)
            .map(|(name, (height, blocks))| format!("{name} of {blocks} blocks: {} levels for {height}", guessed[name].0))
            .collect();
        eprintln!("{}: {} of {} heights right; {}", shared.binaries.major, real.len() - wrong.len(), real.len(), wrong.join(", "));
        let farthest = real.iter().map(|(name, (height, _))| guessed[name].0.abs_diff(*height)).max();
        assert!(wrong.len() <= WRONG && farthest <= Some(LEVELS_OFF), "PostgreSQL {}: {wrong:?}", shared.binaries.major);
    }
}
