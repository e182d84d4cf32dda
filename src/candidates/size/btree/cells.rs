//! Rows told apart by how common their keys are: common values, the others, NULL, and each combination of those.

use super::attribute::{Attribute, Values};
use super::sampled;
use super::together::{self, Together};
use crate::model::catalog::Table;
use crate::model::index_def::IndexSpec;

/// Most combinations looked at.
const MOST_CELLS: f64 = 2000.0;

/// Rows whose keys are alike in kind.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    /// Rows.
    pub(super) rows: f64,
    /// Distinct keys among them.
    pub(super) keys: f64,
    /// By attribute.
    pub(super) values: Vec<Values>,
}

/// A part of one column's values.
#[derive(Debug, Clone, Copy)]
struct Class {
    /// Of the rows in the index.
    share: f64,
    /// Of the rows of the table.
    of_table: f64,
    distinct: f64,
    values: Values,
}

/// The rows of an index in cells. Where equal keys do not share a tuple, only NULLs are told apart.
pub(super) fn cells(spec: &IndexSpec, table: &Table, attributes: &[Attribute], rows: f64, shares: bool, together: Together) -> Vec<Cell> {
    let all = table.rows.unwrap_or(rows).max(1.0);
    let most = (MOST_CELLS.powf(1.0 / attributes.len() as f64) - 2.0).max(0.0) as usize;
    let by_column: Vec<Vec<Class>> =
        attributes.iter().enumerate().map(|(place, a)| classes(a, all, if shares { most } else { 0 }, held(spec, place))).collect();
    let mut combined: Vec<Vec<Class>> = vec![Vec::new()];
    for list in &by_column {
        combined = combined.iter().flat_map(|left| list.iter().map(move |c| left.iter().copied().chain([*c]).collect())).collect();
    }
    let mut cells: Vec<Cell> = combined
        .iter()
        .map(|parts| {
            let rows = rows * parts.iter().map(|c| c.share).product::<f64>();
            let keys = if shares { keys(parts, rows, all) } else { rows };
            Cell { rows, keys, values: parts.iter().map(|c| c.values).collect() }
        })
        .filter(|cell| cell.rows > 0.0)
        .collect();
    if shares {
        let sum: f64 = cells.iter().map(|c| c.keys).sum();
        let keys = match together {
            Together::Unrelated => together::most(spec, table, sum, rows),
            Together::Related => {
                // Of part of the rows the same part of the values: the predicate may well tell them apart.
                let of_one = |list: &Vec<Class>| {
                    let part = |c: &Class| (c.distinct * rows * c.share / (all * c.of_table)).clamp(1.0, c.distinct);
                    list.iter().map(part).sum::<f64>()
                };
                let widest = by_column.iter().map(of_one).fold(1.0, f64::max);
                together::least(spec, table, widest).min(together::most(spec, table, sum, rows))
            }
        };
        cells.iter_mut().for_each(|c| c.keys = (c.keys * keys / sum.max(1.0)).clamp(1.0, c.rows.max(1.0)));
    }
    cells
}

/// Common values one by one, as far as they are to be told apart; the others together; NULL.
fn classes(attribute: &Attribute, rows: f64, most: usize, held: Held) -> Vec<Class> {
    if held == Held::ToOneValue {
        let values = if attribute.null_frac >= 1.0 { Values::Null } else { Values::Any };
        return vec![Class { share: 1.0, of_table: 1.0, distinct: 1.0, values }];
    }
    let class = |of_table: f64, distinct: f64, values: Values| Class { share: of_table, of_table, distinct, values };
    let common = || attribute.common.iter().take(most);
    let rest = (1.0 - attribute.null_frac - common().map(|(share, _)| share).sum::<f64>()).max(0.0);
    let listed: f64 = attribute.common.iter().map(|(share, _)| share).sum();
    let unlisted = attribute.distinct - attribute.common.len() as f64;
    let unlisted = sampled::distinct(unlisted, rows, (1.0 - attribute.null_frac - listed).max(0.0));
    let others = (unlisted + (attribute.common.len() - common().count()) as f64).max(1.0);
    let mut classes: Vec<Class> = common().map(|(share, width)| class(*share, 1.0, width.map_or(Values::Any, Values::One))).collect();
    classes.push(class(rest, others, if most == 0 { Values::Any } else { Values::Rare }));
    if held == Held::ToValues {
        classes.iter_mut().for_each(|c| c.share = c.of_table / (1.0 - attribute.null_frac).max(f64::MIN_POSITIVE));
    } else {
        classes.push(class(attribute.null_frac, 1.0, Values::Null));
    }
    classes.retain(|c| c.share > 0.0);
    classes
}

/// Distinct keys among `rows` rows that have values of these classes, columns taken to be independent: those of the most
/// distinct column that a choice of rows at random meets, each with as many values of the others as its rows have room for.
fn keys(parts: &[Class], rows: f64, all: f64) -> f64 {
    let Some((first, widest)) = parts.iter().enumerate().max_by(|a, b| a.1.distinct.total_cmp(&b.1.distinct)) else { return 1.0 };
    let of_widest = (all * widest.of_table).max(1.0);
    let alike = (of_widest / widest.distinct).max(1.0);
    let met = widest.distinct * (1.0 - (1.0 - (rows / of_widest).min(1.0)).powf(alike));
    let met = met.clamp(1.0, rows.max(1.0));
    let others: f64 = parts.iter().enumerate().filter(|(n, _)| *n != first).map(|(_, c)| c.distinct).product();
    let each = others * (1.0 - (1.0 - 1.0 / others).powf(rows / met));
    (met * each.max(1.0)).min(rows)
}

/// What the predicate leaves of a column.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Held {
    /// All.
    No,
    /// What is not NULL.
    ToValues,
    /// One value, or NULL: `status = 'open'`, `deleted_at IS NULL`.
    ToOneValue,
}

fn held(spec: &IndexSpec, place: usize) -> Held {
    let (Some(predicate), Some(name)) = (&spec.predicate, spec.keys.get(place).and_then(|k| k.column_name())) else { return Held::No };
    let bare = predicate.replace(['"', '(', ')'], "");
    let of_part = |part: &str| match part.strip_prefix("NOT ").unwrap_or(part).strip_prefix(name)?.trim() {
        "IS NOT NULL" => Some(Held::ToValues),
        "" | "IS NULL" => Some(Held::ToOneValue),
        rest => rest.starts_with("= ").then_some(Held::ToOneValue),
    };
    bare.split(" AND ").find_map(|part| of_part(part.trim())).unwrap_or(Held::No)
}
