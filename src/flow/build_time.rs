//! How long a build would take, as a range: the machine, its disks and what else it does are not known.

use crate::model::catalog::{Catalog, Table, TableKind};
use crate::model::index_def::{IndexSpec, TableName};

/// Seconds per byte of heap, fast and slow. CREATE INDEX CONCURRENTLY reads the table twice: 2.5 GB/s
/// from memory, 150 MB/s from a disk that others use too.
const SCANS: (f64, f64) = (2.0 / 2.5e9, 2.0 / 150e6);

/// Seconds per byte of the finished index, fast and slow, by access method. Measured on PostgreSQL 15 with its default
/// settings (64 MB maintenance_work_mem), a cached table and two cores. 2 million rows, 512 MB: B-trees of bigint, md5 text
/// and three columns (41–155 MB) took 0.9–2.8 s with two workers and 1.3–6.0 s with none, i.e. 8–47 ns a byte behind the
/// scans; GIN of int[], jsonb and jsonb_path_ops (26–31 MB) 2.6–9.8 s, i.e. 80–300 ns; hash (67 MB) 5.3 s, i.e. 70 ns.
/// 1 million rows, 248 MB: GiST of points (sorted build, 65 MB) 2.5 s, i.e. 34 ns, of int8range (94 MB) 54 s, i.e. 570 ns;
/// SP-GiST of points and inet (46 and 53 MB) 5.3–5.9 s, i.e. 95–125 ns. The slow ends leave room for a slower machine. A
/// BRIN index is next to nothing behind its scans.
const ENTRIES: &[(&str, f64, f64)] = &[
    ("btree", 8e-9, 60e-9),
    ("gin", 60e-9, 500e-9),
    ("gist", 30e-9, 1000e-9),
    ("spgist", 60e-9, 250e-9),
    ("hash", 40e-9, 150e-9),
    ("brin", 0.0, 0.0),
];

/// Seconds, shortest and longest, without waiting for old transactions; `None` where the size or the method is not known.
pub(super) fn seconds(spec: &IndexSpec, size_bytes: Option<f64>, catalog: &Catalog) -> Option<(f64, f64)> {
    let (_, fast, slow) = ENTRIES.iter().find(|(method, ..)| *method == spec.method)?;
    let (size, heap) = (size_bytes?, heap_bytes(catalog.table(&spec.table)?, catalog, 0));
    Some((heap * SCANS.0 + size * fast, heap * SCANS.1 + size * slow))
}

/// Partitions below partitions end here, whatever a broken catalog says.
const DEEPEST: usize = 16;

/// Bytes of the table, or of all its partitions.
fn heap_bytes(table: &Table, catalog: &Catalog, depth: usize) -> f64 {
    if table.kind != TableKind::Partitioned || depth > DEEPEST {
        return table.size_bytes as f64;
    }
    let name: TableName = table.table_name();
    catalog.tables.iter().filter(|t| t.partition_of.as_ref() == Some(&name)).map(|t| heap_bytes(t, catalog, depth + 1)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::index_def::KeySpec;

    #[test]
    fn what_was_measured_lies_in_the_range() {
        let catalog = |heap| {
            let table = Table { schema: "public".into(), name: "b".into(), size_bytes: heap, ..Table::default() };
            Catalog { tables: vec![table], ..Catalog::default() }
        };
        let spec = IndexSpec::btree(TableName::new("public", "b"), vec![KeySpec::column("t")]);
        for (method, heap, size, measured) in [
            ("btree", 512_000_000, 45e6, 0.87),
            ("btree", 512_000_000, 118e6, 6.03),
            ("gin", 512_000_000, 30.9e6, 9.84),
            ("hash", 512_000_000, 67.1e6, 5.28),
            ("brin", 512_000_000, 0.03e6, 2.15),
            ("gist", 248_000_000, 93.7e6, 54.0),
            ("gist", 248_000_000, 65.0e6, 2.49),
            ("spgist", 248_000_000, 45.9e6, 5.9),
        ] {
            let spec = IndexSpec { method: method.into(), ..spec.clone() };
            let (fast, slow) = seconds(&spec, Some(size), &catalog(heap)).unwrap();
            assert!(fast <= measured && measured <= slow, "{method}: {fast} {measured} {slow}");
        }
        let catalog = catalog(1);
        assert_eq!(seconds(&spec, None, &catalog), None);
        assert_eq!(seconds(&IndexSpec { method: "hnsw".into(), ..spec }, Some(1.0), &catalog), None);
    }

    #[test]
    fn a_partitioned_table_is_as_large_as_its_partitions() {
        let parent = TableName::new("public", "p");
        let table = |name: &str, kind, size_bytes, partition_of| Table {
            schema: "public".into(),
            name: name.into(),
            kind,
            size_bytes,
            partition_of,
            ..Table::default()
        };
        let part = |name| table(name, TableKind::Table, 1_000_000_000, Some(parent.clone()));
        let catalog = Catalog { tables: vec![table("p", TableKind::Partitioned, 0, None), part("p1"), part("p2")], ..Catalog::default() };
        let spec = IndexSpec { method: "brin".into(), ..IndexSpec::btree(parent, Vec::new()) };
        assert_eq!(seconds(&spec, Some(0.0), &catalog).map(|(fast, _)| fast), Some(1.6));
    }
}
