//! What the rows themselves refuse, found only while the index is built.

use crate::harness::{failed_and_left_nothing, fresh};
use crate::scratch::Scratch;
use crate::scratch::bench::{Bench, on_t, unique};
use advisor::model::index_def::KeySpec;

#[test]
fn a_build_that_the_data_refuses_leaves_nothing_and_says_why() {
    let server = Scratch::start();
    let long = "update t set b = (select string_agg(md5(g::text), '') from generate_series(1, 120) g) where id = 7";
    let shorter = "update t set b = 'short' where id = 7";
    for (advice, spoil, said, cure) in [
        (unique(), "select 1", "(a)=(1) is duplicated", "update t set a = id"),
        (vec![on_t("t_b", KeySpec::column("b"))], long, "exceeds btree version 4 maximum 2704", shorter),
        (vec![on_t("t_e", KeySpec::expression("1 / (a - 5)"))], "select 1", "division by zero", "update t set a = 6 where a = 5"),
    ] {
        let bench = Bench::new(&server, &fresh(), advice);
        bench.database.sql(spoil);
        failed_and_left_nothing(&bench, said, || bench.database.sql(cure));
    }
}
