//! What the index advice may be and may cost: flags under a heading of their own.

use super::amounts::{Space, duration, percent, space};
use crate::flow::analyse::{Advice, WhatIfChoice};
use crate::model::restrictions::{Kind, Restrictions};
use crate::select::Limits;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

// A doc comment here would become the help text of the verb.
#[allow(missing_docs, reason = "the flags' help says it")]
#[derive(Debug, Clone, Args)]
pub struct AdviceArgs {
    /// Space for new indexes: 1GB, 500MB, 64MiB, or 10% of the heap of the advised tables. Several, with commas: the largest
    /// is the advice, the others show what less space buys
    #[arg(long, value_name = "SIZE", value_delimiter = ',', value_parser = space)]
    budget: Vec<Space>,
    /// Most indexes to create
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    max_indexes: Option<usize>,
    /// Most key columns of an index
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    max_width: Option<usize>,
    /// Let no query get dearer by more than this [default: 10; the drop of an index that another covers may cost 100]
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    max_regression: Option<f64>,
    /// Only these kinds of advice, with commas; without an access method among them B-trees are meant
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_enum)]
    kinds: Vec<Kind>,
    /// Only indexes on these tables, with commas: table or schema.table
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = name)]
    tables: Vec<String>,
    /// No indexes on these tables, with commas
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = name)]
    exclude: Vec<String>,
    /// Advise this schema although it belongs to a platform or extension
    #[arg(long = "schema", value_name = "NAME")]
    schemas: Vec<String>,
    /// Ask why an index is not advised, as table.column or 'CREATE INDEX …': it is tried beside the others
    #[arg(long, value_name = "TEXT")]
    why: Vec<String>,
    /// Stop looking for a better set after this time (30s, 2m) and answer with the best so far
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    time_limit: Option<Duration>,
    /// Engine for index trials
    #[arg(long, value_enum, default_value_t = WhatIfChoice::Auto)]
    what_if: WhatIfChoice,
    /// PostgreSQL server binaries for the clone
    #[arg(long, value_name = "DIR")]
    pg_bindir: Option<PathBuf>,
}

impl AdviceArgs {
    /// The engine that the user named.
    pub fn what_if(&self) -> WhatIfChoice {
        self.what_if
    }

    /// What the flags ask for.
    pub fn advice(&self) -> Advice {
        let bytes = |s: &Space| if let Space::Bytes(bytes) = s { Some(*bytes) } else { None };
        let share = |s: &Space| if let Space::OfHeap(share) = s { Some(*share) } else { None };
        Advice {
            what_if: self.what_if,
            pg_bindir: self.pg_bindir.clone(),
            allowed: Restrictions {
                kinds: (!self.kinds.is_empty()).then(|| self.kinds.iter().copied().collect()),
                max_width: self.max_width,
                tables: self.tables.clone(),
                exclude: self.exclude.clone(),
                schemas: self.schemas.clone(),
                ..Restrictions::default()
            },
            limits: Limits {
                regression: self.max_regression.unwrap_or(Limits::default().regression),
                max_indexes: self.max_indexes,
                ..Limits::default()
            },
            max_regression: self.max_regression,
            budgets: self.budget.iter().filter_map(bytes).collect(),
            budget_shares: self.budget.iter().filter_map(share).collect(),
            time_limit: self.time_limit,
            why: self.why.clone(),
            ..Advice::default()
        }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.trim().parse() {
        Ok(0) => Err("at least 1; for no index advice at all there is --what-if none".to_owned()),
        Ok(n) => Ok(n),
        Err(_) => Err("not a whole number: write 5".to_owned()),
    }
}

fn name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("an empty name: write orders or shop.orders, several with commas".to_owned()),
        name => Ok(name.to_owned()),
    }
}
