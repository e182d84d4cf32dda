//! What is compared: the two settings of "Magic mirror in my hand, which is the best in the land?"
//! (Kossmann et al., VLDB 2020), and the best that published algorithms reach in them.

/// One benchmark at scale factor 1, with primary keys alone at the start.
pub struct Setting {
    /// Its name, as of the database and the folder.
    pub name: &'static str,
    pub tables: &'static str,
    pub keys: &'static str,
    /// Queries that the publications leave out: some cost more than all others together.
    pub left_out: &'static [u32],
    pub best: [Published; 4],
}

/// The lowest relative cost that a published algorithm reaches with this much space: about 10, 25, 50 and 100 % of the heap.
pub struct Published {
    pub budget_mb: f64,
    pub cost: f64,
    pub algorithm: &'static str,
    /// EXPLAINs for this one budget.
    pub calls: u64,
}

pub const SETTINGS: [Setting; 2] = [
    Setting {
        name: "tpch",
        tables: include_str!("tpch/tables.sql"),
        keys: include_str!("tpch/keys.sql"),
        left_out: &[2, 17, 20],
        best: [
            Published { budget_mb: 134.0, cost: 0.9332, algorithm: "Extend, width 2", calls: 1_358 },
            Published { budget_mb: 336.0, cost: 0.8153, algorithm: "DTA, width 2", calls: 7_461 },
            Published { budget_mb: 672.0, cost: 0.7229, algorithm: "Extend, width 3", calls: 4_545 },
            Published { budget_mb: 1343.0, cost: 0.6715, algorithm: "Extend, width 3", calls: 8_803 },
        ],
    },
    Setting {
        name: "tpcds",
        tables: include_str!("tpcds/tables.sql"),
        keys: include_str!("tpcds/keys.sql"),
        left_out: &[4, 6, 9, 10, 11, 32, 35, 41, 95],
        best: [
            Published { budget_mb: 172.0, cost: 0.8562, algorithm: "Extend, width 2", calls: 56_639 },
            Published { budget_mb: 431.0, cost: 0.7959, algorithm: "DTA, width 2", calls: 50_795 },
            Published { budget_mb: 863.0, cost: 0.7866, algorithm: "DB2Advis", calls: 180 },
            Published { budget_mb: 1725.0, cost: 0.7168, algorithm: "DB2Advis", calls: 180 },
        ],
    },
];
