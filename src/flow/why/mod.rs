//! "Why not this index?": what the user asks about is tried beside the workload's own candidates, and never chosen: the
//! question does not change the advice.

mod answer;

use super::limits::near;
use super::wording::ddl_of;
use crate::candidates;
use crate::candidates::writes::Load;
use crate::model::candidate::{Candidate, CandidateId};
use crate::model::catalog::{Catalog, Index, Table, TableKind};
use crate::model::failure::Failure;
use crate::model::index_def::{IndexSpec, KeyExpr, KeySpec, TableName};
use crate::model::report::WhyNot;
use crate::model::snapshot::Snapshot;
use crate::model::text::{one_line, quote_ident};
use crate::read::asked_index::{self, AskedIndex};
use std::collections::BTreeSet;

/// Indexes that begin with a column and are tried to answer for it, besides the plain one.
const MOST_TRIED: usize = 12;

/// The questions of one run.
pub(super) struct Questions {
    asked: Vec<Question>,
    /// Candidates of the list that the workload gave rise to; those behind them were asked for.
    own: usize,
}

/// One of them.
enum Question {
    /// Nothing to try.
    Answered(WhyNot),
    /// These candidates, the one meant first.
    Open { asked: String, candidates: Vec<CandidateId> },
}

/// A failure where a question cannot be read at all: better at once than after a long run.
pub(super) fn check(questions: &[String]) -> Result<(), Failure> {
    let unread = |what: String| {
        Failure::usage(format!("--why: {what}")).hint("write --why orders.customer_id, or --why 'CREATE INDEX ON orders (customer_id)'")
    };
    questions.iter().try_for_each(|text| asked_index::read(text).map(|_| ()).map_err(unread))
}

impl Questions {
    /// Reads the questions and puts the indexes that they name behind the candidates.
    pub(super) fn put(questions: &[String], snapshot: &Snapshot, list: &mut Vec<Candidate>) -> Questions {
        let own = list.len();
        let asked = questions.iter().map(|text| question(text, snapshot, list, own)).collect();
        Questions { asked, own }
    }

    /// How many candidates the selector may choose from.
    pub(super) fn own(&self) -> usize {
        self.own
    }

    /// What can be said without a trial.
    pub(super) fn untried(&self, list: &[Candidate]) -> Vec<WhyNot> {
        let answer = |question: &Question| match question {
            Question::Answered(answer) => answer.clone(),
            Question::Open { asked, candidates } => WhyNot {
                ddl: candidates.first().and_then(|id| list.get(*id)).map(ddl_of),
                ..plain(asked, "not_tried", "no index was tried: see the problems".to_owned())
            },
        };
        self.asked.iter().map(answer).collect()
    }
}

/// An answer without numbers.
fn plain(asked: &str, code: &str, reason: String) -> WhyNot {
    WhyNot { asked: asked.to_owned(), reason_code: code.to_owned(), reason, ..WhyNot::default() }
}

fn question(text: &str, snapshot: &Snapshot, list: &mut Vec<Candidate>, own: usize) -> Question {
    let asked = one_line(text.trim());
    let catalog = &snapshot.catalog;
    let (named, column) = match asked_index::read(text) {
        Ok(AskedIndex::Column(table, column)) => (IndexSpec::btree(table, vec![KeySpec::column(&column)]), Some(column)),
        Ok(AskedIndex::Index(spec)) => (*spec, None),
        Err(reason) => return Question::Answered(plain(&asked, "not_tried", reason)),
    };
    match resolve(named, catalog) {
        Err((code, reason)) => Question::Answered(plain(&asked, code, reason)),
        Ok(spec) => {
            let starting = column.map_or_else(Vec::new, |column| starting_with(&spec.table, &column, &list[..own]));
            let candidates = match (same(&spec, catalog), starting.is_empty()) {
                (Some(index), true) => {
                    let answer = plain(&asked, "exists", exists(&spec, index));
                    return Question::Answered(WhyNot { ddl: Some(one_line(&index.definition)), ..answer });
                }
                // The plain one is there; wider ones are not.
                (Some(_), false) => starting,
                (None, _) => {
                    let plain = place(spec, snapshot, list);
                    std::iter::once(plain).chain(starting.into_iter().filter(|id| *id != plain)).collect()
                }
            };
            Question::Open { asked, candidates }
        }
    }
}

/// The workload's own candidates that begin with the column, in the order of offering.
fn starting_with(table: &TableName, column: &str, own: &[Candidate]) -> Vec<CandidateId> {
    let begins = |c: &Candidate| {
        c.existing.is_none() && c.spec.table == *table && c.spec.keys.first().and_then(KeySpec::column_name) == Some(column)
    };
    own.iter().enumerate().filter(|(_, c)| begins(c)).map(|(id, _)| id).take(MOST_TRIED).collect()
}

/// The candidate's place in the list, where it is put if it is new.
fn place(spec: IndexSpec, snapshot: &Snapshot, list: &mut Vec<Candidate>) -> CandidateId {
    list.iter().position(|c| c.existing.is_none() && alike(&c.spec, &spec)).unwrap_or_else(|| {
        list.push(candidates::candidate(&snapshot.catalog, &Load::of(snapshot), spec, BTreeSet::new()));
        list.len() - 1
    })
}

/// With the table's schema, every column being there; else code and words.
fn resolve(spec: IndexSpec, catalog: &Catalog) -> Result<IndexSpec, (&'static str, String)> {
    let table = table(&spec.table, catalog)?;
    if matches!(table.kind, TableKind::View | TableKind::Foreign) {
        let what = if table.kind == TableKind::View { "view" } else { "foreign table" };
        return Err(("not_indexable", format!("{} is a {what}, which cannot have an index", table.table_name())));
    }
    let keys = spec.keys.iter().filter_map(KeySpec::column_name);
    for column in keys.chain(spec.include.iter().map(String::as_str)) {
        if table.column(column).is_none() {
            let near = near(column, table.columns.iter().map(|c| c.name.as_str()));
            let near = near.map_or(String::new(), |near| format!("; did you mean {}?", as_typed(near)));
            return Err(("unknown_column", format!("{} has no column {}{near}", table.table_name(), one_line(column))));
        }
    }
    Ok(IndexSpec { table: table.table_name(), ..spec })
}

/// A name as one has to type it: what lower case does not keep stands in double quotes.
fn as_typed(name: &str) -> String {
    let plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    one_line(&if plain { name.to_owned() } else { quote_ident(name) })
}

/// The table that a name means: without a schema the one in `public`, else the only one of that name.
fn table<'c>(name: &TableName, catalog: &'c Catalog) -> Result<&'c Table, (&'static str, String)> {
    let fits = |t: &&Table| t.name == name.name && (name.schema.is_empty() || t.schema == name.schema);
    let found: Vec<&Table> = catalog.tables.iter().filter(fits).collect();
    if let Some(table) = found.iter().find(|t| t.schema == "public" || found.len() == 1) {
        return Ok(table);
    }
    let written = |t: &Table| format!("{}.{}", one_line(&t.schema), one_line(&t.name));
    if !found.is_empty() {
        let all: Vec<String> = found.iter().map(|t| written(t)).collect();
        return Err(("unknown_table", format!("there are several: {}; name the schema", all.join(", "))));
    }
    let near = near(&name.name, catalog.tables.iter().map(|t| t.name.as_str()));
    let near = near.and_then(|near| catalog.tables.iter().find(|t| t.name == near));
    let schema = |table: &Table| if table.schema == "public" { String::new() } else { format!("{}.", as_typed(&table.schema)) };
    let near = near.map_or(String::new(), |table| format!("; did you mean {}{}?", schema(table), as_typed(&table.name)));
    let shown = if name.schema.is_empty() { one_line(&name.name) } else { format!("{}.{}", one_line(&name.schema), one_line(&name.name)) };
    Err(("unknown_table", format!("there is no table {shown}{near}")))
}

/// The index that does all that this one could, a valid one before others.
fn same<'c>(spec: &IndexSpec, catalog: &'c Catalog) -> Option<&'c Index> {
    let wanted = normal(spec);
    let mut found: Vec<&Index> =
        catalog.indexes.iter().filter(|i| i.spec.table == wanted.table && wanted.repeats(&normal(&i.spec))).collect();
    found.sort_by_key(|i| (!i.valid, i.spec.keys.len()));
    found.first().copied()
}

fn exists(spec: &IndexSpec, index: &Index) -> String {
    let name = one_line(&index.name);
    match (index.valid, index.spec.keys.len() > spec.keys.len()) {
        (false, _) => format!("{name} is there already, but it is INVALID: no query can use it; drop it and build it again"),
        (true, true) => format!("{name} is there already and begins with the same keys"),
        (true, false) => format!("{name} is there already"),
    }
}

/// True when both are the same index, however their expressions are written.
fn alike(a: &IndexSpec, b: &IndexSpec) -> bool {
    normal(a) == normal(b)
}

/// Expressions and predicate without what the server adds when it prints them: spaces, parentheses, quotes, casts to text.
fn normal(spec: &IndexSpec) -> IndexSpec {
    let text = |sql: &str| sql.replace("::text", "").replace(|c: char| c.is_whitespace() || "()\"".contains(c), "").to_lowercase();
    let mut spec = IndexSpec { predicate: spec.predicate.as_deref().map(text), ..spec.clone() };
    for key in &mut spec.keys {
        if let KeyExpr::Expression(sql) = &key.expr {
            key.expr = KeyExpr::Expression(text(sql));
        }
    }
    spec
}

#[cfg(test)]
mod tests;
