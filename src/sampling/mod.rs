//! Values for parameters, sampled from the planner's statistics (pure): a plan made with a typical
//! value shows what really runs, a generic plan hides the best indexes, and one value alone hides
//! that another would have another plan.
//!
//! How often an execution asks for which value is in no statistics. Assumed: half of the executions
//! ask for values as often as rows have them, the other half for each value alike, and at least a
//! tenth for the most common value where it is an execution of its own. For ranges,
//! patterns, lists and LIMIT the shares are assumed outright, beside the cases.
//!
//! A query that is run with its constants in the text has an execution per text, with the share that was counted.
//!
//! Values leave this module only as bound parameters of an EXPLAIN on the server they came from
//! (or on its clone); they never enter a report. Labels do: they hold names and plain words alone.

mod amounts;
mod constants;
mod equal;
mod fallback;
mod merge;
mod patterns;
mod ranges;
mod spread;

pub use constants::of_text;
pub use merge::merge_equal;

use crate::model::catalog::{Catalog, Column, ColumnStats, Table};
use crate::model::index_def::TableName;
use crate::model::query::{NullAsks, Op, ParameterType, ParameterUse, Shape};

/// A parameter's value, as text; `None` is NULL.
pub type Value = Option<String>;

/// One execution: a value per parameter, and its share of all executions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Binding {
    /// Which of the query's texts it runs; 0 where there is but one.
    pub text: usize,
    /// `$1`, `$2`…
    pub values: Vec<Value>,
    /// Share, all bindings of a query together 1.
    pub weight: f64,
    /// What it asks for, in plain words without any value: `a rare value of orders.status`.
    pub label: String,
    /// Columns with skew that are asked for their most common value.
    pub most_common_of: Vec<(TableName, String)>,
    /// True where it asks in another form than the typical execution (the prefix of a pattern): even if both cost the same
    /// today, an index may serve only one of them.
    pub other_form: bool,
}

/// What executions ask of parameters that belong together (one parameter, the two ends of a range, a row).
#[derive(Debug, Clone, Default, PartialEq)]
struct Case {
    /// Parameter numbers and their values.
    values: Vec<(u32, Value)>,
    /// Share of executions, all cases of a knob together 1.
    share: f64,
    /// Share of the rows that pass (of a LIMIT: rows): only the proportion between cases counts.
    passes: f64,
    label: String,
    most_common_of: Option<(TableName, String)>,
    other_form: bool,
}

/// The cases of parameters that belong together, the typical one first; never empty.
type Knob = Vec<Case>;

/// A parameter with the column that it is compared with.
#[derive(Clone, Copy)]
struct Place<'a> {
    usage: &'a ParameterUse,
    kind: &'a ParameterType,
    catalog: &'a Catalog,
    table: &'a Table,
    column: &'a Column,
}

impl Place<'_> {
    /// `orders.status`
    fn name(&self) -> String {
        format!("{}.{}", self.usage.table, crate::model::text::one_line(&self.usage.column))
    }

    fn stats(&self) -> Option<&ColumnStats> {
        self.column.stats.as_ref()
    }

    /// A sampled value in the form that the comparison has it.
    fn folded(&self, value: String) -> String {
        match self.usage.wrapped_in.as_deref() {
            None => value,
            Some("upper") => value.to_uppercase(),
            Some(_) => value.to_lowercase(),
        }
    }
}

/// The executions to plan for, at most `spread::MOST_BINDINGS`, the typical one first. `None` when some parameter has
/// no value to offer (then only a generic plan is honest: a NULL would prune everything).
pub fn bindings(shape: Option<&Shape>, catalog: &Catalog, types: &[ParameterType]) -> Option<Vec<Binding>> {
    let knobs = shape.map_or_else(Vec::new, |shape| knobs(shape, catalog, types));
    let known = |number: u32| knobs.iter().filter_map(|k| k.first()).flat_map(|c| &c.values).find(|(n, _)| *n == number);
    let value = |(number, kind): (u32, &ParameterType)| match known(number) {
        Some((_, value)) => Some(value.clone()),
        None => fallback::value(kind).map(Some),
    };
    let typical = (1..).zip(types).map(value).collect::<Option<Vec<Value>>>()?;
    Some(spread::around(typical, knobs))
}

/// Everything that can be turned: amounts first, then comparisons by the number of their first parameter.
fn knobs(shape: &Shape, catalog: &Catalog, types: &[ParameterType]) -> Vec<Knob> {
    let mut knobs = amounts::knobs(shape);
    let taken: Vec<u32> = knobs.iter().flatten().flat_map(|c| &c.values).map(|(n, _)| *n).collect();
    let place = |usage| place(usage, catalog, types);
    let places: Vec<Place> = shape.parameter_uses.iter().filter(|u| !taken.contains(&u.number)).filter_map(place).collect();
    let mut done: Vec<u32> = Vec::new();
    for place in &places {
        if done.contains(&place.usage.number) {
            continue;
        }
        let group = ranges::group(*place, &places);
        done.extend(group.iter().map(|p| p.usage.number));
        knobs.extend(cases(&group, &places).filter(|cases| !cases.is_empty()));
    }
    knobs
}

fn place<'a>(usage: &'a ParameterUse, catalog: &'a Catalog, types: &'a [ParameterType]) -> Option<Place<'a>> {
    let kind = types.get((usage.number as usize).checked_sub(1)?)?;
    let table = catalog.table(&usage.table)?;
    let place = Place { usage, kind, catalog, table, column: table.column(&usage.column)? };
    fallback::fits(kind, place.column).then_some(place)
}

/// The cases of one group; `None` where no statistics tell any.
fn cases(group: &[Place], all: &[Place]) -> Option<Knob> {
    let [place] = group else { return ranges::together(group) };
    let cases = match place.usage.op {
        Op::Eq => equal::cases(*place),
        Op::In if place.kind.array => amounts::list(*place),
        Op::In => equal::member(*place, all),
        Op::Range => ranges::one_end(*place),
        Op::Like | Op::Pattern => patterns::cases(*place),
        _ => equal::only_typical(*place),
    };
    with_null(*place, cases)
}

/// Adds the execution that gives NULL, where that means something.
fn with_null(place: Place, cases: Option<Knob>) -> Option<Knob> {
    let Some(asks) = place.usage.null else { return cases };
    let number = place.usage.number;
    let typical = || Case {
        values: vec![(number, fallback::value(place.kind))],
        share: 1.0,
        passes: 0.01,
        label: format!("a value of {}", place.name()),
        ..Case::default()
    };
    let mut cases = cases.unwrap_or_else(|| vec![typical()]);
    let nulls = place.stats().map_or(0.0, |s| s.null_frac);
    let (share, passes, label) = match asks {
        NullAsks::Everything => (0.5, 1.0, format!("{} left open", place.name())),
        NullAsks::Nulls if nulls == 0.0 => return Some(cases),
        NullAsks::Nulls => (equal::asked_for(nulls, place), nulls, format!("rows without a value of {}", place.name())),
    };
    cases.iter_mut().for_each(|c| c.share *= 1.0 - share);
    cases.push(Case { values: vec![(number, None)], share, passes, label, other_form: true, ..Case::default() });
    Some(cases)
}

#[cfg(test)]
mod tests;
