//! How large a hash index would be: buckets made for the rows at the start, and pages behind those that overflow.

use super::rows;
use crate::model::catalog::Table;
use crate::model::index_def::IndexSpec;

const PAGE: f64 = 8192.0;
/// Entries that a bucket is made for: three quarters of a page, twenty bytes each.
const FILL: f64 = 307.0;
/// Entries that a page holds.
const CAPACITY: f64 = 407.0;
/// Up to this power the buckets double; beyond, they grow by a quarter of the power below.
const ONE_PHASE: u32 = 10;
/// Entries of a page of the bitmap: one bit per overflow page.
const BITMAP: f64 = 32_768.0;

/// Estimated size, bytes: within a few pages where distinct values are known.
pub fn bytes(spec: &IndexSpec, table: &Table) -> Option<f64> {
    let stats = spec.keys.first()?.column_name().and_then(|c| table.column(c)?.stats.as_ref())?;
    let rows = rows(spec, table)? * (1.0 - stats.null_frac);
    let buckets = buckets((rows / FILL).floor().max(2.0));
    let mut rest = (rows, stats.distinct(rows).max(1.0));
    let mut overflow = 0.0;
    for share in &stats.common_freqs {
        let of_value = share * rows;
        if of_value > CAPACITY {
            overflow += (of_value / CAPACITY).ceil() - 1.0;
            rest = (rest.0 - of_value, rest.1 - 1.0);
        }
    }
    if rest.0 > 0.0 && rest.1 >= 1.0 {
        overflow += buckets * overflow_of_bucket(rest.1 / buckets, rest.0 / rest.1);
    }
    Some((1.0 + buckets + overflow.ceil() + (overflow / BITMAP).ceil().max(1.0)) * PAGE)
}

/// The number of buckets at which the server begins for as many as are wanted.
fn buckets(wanted: f64) -> f64 {
    let group = (wanted.log2().ceil() as u32).max(1);
    if group < ONE_PHASE {
        return 2f64.powi(group as i32);
    }
    let below = 2f64.powi(group as i32 - 1);
    below + ((wanted - below) / (below / 4.0)).ceil() * below / 4.0
}

/// Pages behind a bucket's first, where values fall into buckets by chance.
fn overflow_of_bucket(values: f64, rows_each: f64) -> f64 {
    // Many values even out.
    if values > 500.0 {
        return ((values * rows_each / CAPACITY).ceil() - 1.0).max(0.0);
    }
    let (mut chance, mut pages) = ((-values).exp(), 0.0);
    for n in 1..=(values + 10.0 * values.sqrt() + 10.0) as u32 {
        chance *= values / f64::from(n);
        pages += chance * ((f64::from(n) * rows_each / CAPACITY).ceil() - 1.0);
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::catalog::{Column, ColumnStats};
    use crate::model::index_def::{KeySpec, TableName};

    /// Pages of indexes built on PostgreSQL 15.
    #[test]
    fn buckets_and_what_overflows() {
        let size = |rows: f64, n_distinct: f64, common: usize| {
            let common_freqs = vec![1.0 / n_distinct.abs(); common];
            let stats = ColumnStats { n_distinct, common_freqs, ..ColumnStats::default() };
            let column = Column { name: "a".into(), stats: Some(stats), ..Column::default() };
            let table = Table { rows: Some(rows), columns: vec![column], ..Table::default() };
            bytes(&IndexSpec::btree(TableName::default(), vec![KeySpec::column("a")]), &table).unwrap_or_default() / PAGE
        };
        for (guess, built) in [
            (size(3e5, -1.0, 0), 1026.0),
            (size(3e6, -1.0, 0), 10_349.0),
            (size(3e5, 60_000.0, 0), 1028.0),
            (size(3e5, 500.0, 0), 1533.0),
            (size(3e6, 7.0, 7), 17_609.0),
        ] {
            assert!((guess / built - 1.0).abs() < 0.05, "{guess} for {built}");
        }
    }
}
