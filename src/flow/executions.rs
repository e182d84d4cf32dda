//! Which executions of a query an advised index serves: one value may want it and another not.

use super::plans::Planned;
use crate::model::candidate::{Candidate, CandidateId, CandidateSet, QueryId};
use crate::model::index_def::IndexSpec;
use crate::model::report::{Execution, Recommendation};
use crate::sampling::Binding;
use crate::select::{Chosen, Selection};

/// Says of each advised index and each query that it serves which executions use it, where not all do. `used`: per
/// planned query and execution, the candidates in its plan with all advice in place.
pub(super) fn tell(
    recommendation: &mut Recommendation,
    list: &[Candidate],
    selection: &Selection,
    planned: &[Planned],
    used: &[Vec<CandidateSet>],
) {
    // The advice to create is in the order of the selection; a served query in that of `serves`.
    for (index, chosen) in recommendation.indexes.iter_mut().zip(&selection.chosen) {
        let divisions: Vec<Division> = chosen.serves.iter().map(|q| division(planned, used, *q, chosen.id)).collect();
        let partial_may_do = partial_may_do(&divisions, &list[chosen.id].spec, chosen);
        for (query, division) in index.queries.iter_mut().zip(&divisions).filter(|(_, d)| d.is_one()) {
            query.used_for = division.with.iter().map(|b| execution(b)).collect();
            query.not_used_for = division.without.iter().map(|b| execution(b)).collect();
            query.partial_may_do = partial_may_do;
        }
    }
}

/// The executions of one query, by whether their plan uses one index.
#[derive(Default)]
struct Division<'a> {
    with: Vec<&'a Binding>,
    without: Vec<&'a Binding>,
}

impl Division<'_> {
    fn is_one(&self) -> bool {
        !self.with.is_empty() && !self.without.is_empty()
    }
}

fn division<'a>(planned: &'a [Planned], used: &[Vec<CandidateSet>], query: QueryId, index: CandidateId) -> Division<'a> {
    let (Some(planned), Some(used)) = (planned.get(query), used.get(query)) else { return Division::default() };
    let (with, without) = planned.executions().iter().zip(used).partition::<Vec<_>, _>(|(_, candidates)| candidates.contains(&index));
    let bindings = |half: Vec<(&'a Binding, &CandidateSet)>| half.into_iter().map(|(binding, _)| binding).collect();
    Division { with: bindings(with), without: bindings(without) }
}

/// True where all queries are divided by the most common value of one column of the index's table.
fn partial_may_do(divisions: &[Division], spec: &IndexSpec, chosen: &Chosen) -> bool {
    if spec.predicate.is_some() || chosen.serves.is_empty() {
        return false;
    }
    let Some(first) = divisions.first().and_then(|d| d.without.first()) else { return false };
    let divides = |column| {
        let asks = |b: &&Binding| b.most_common_of.contains(column);
        divisions.iter().all(|d| d.is_one() && d.without.iter().all(asks) && !d.with.iter().any(asks))
    };
    first.most_common_of.iter().filter(|(table, _)| *table == spec.table).any(divides)
}

fn execution(binding: &Binding) -> Execution {
    Execution { asks_for: binding.label.clone(), share: binding.weight }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::index_def::{KeySpec, TableName};

    fn binding(common: &[&str]) -> Binding {
        let column = |c: &&str| (TableName::new("public", "t"), (*c).to_owned());
        Binding { most_common_of: common.iter().map(column).collect(), ..Binding::default() }
    }

    #[test]
    fn a_partial_index_may_do_where_one_columns_common_value_divides_all_queries() {
        let (rare, common, both, other) = (binding(&[]), binding(&["a"]), binding(&["a", "b"]), binding(&["b"]));
        let mut spec = IndexSpec::btree(TableName::new("public", "t"), vec![KeySpec::column("a")]);
        let chosen = Chosen { id: 0, benefit: 1.0, write_cost: 0.0, serves: [0].into() };
        let one = Division { with: vec![&rare], without: vec![&common] };
        assert!(partial_may_do(&[one], &spec, &chosen));
        let also_b = Division { with: vec![&other], without: vec![&both, &common] };
        assert!(partial_may_do(&[also_b], &spec, &chosen), "b is common on both sides");
        let needs_all = Division { with: vec![&rare, &common], without: vec![] };
        let one = Division { with: vec![&rare], without: vec![&common] };
        assert!(!partial_may_do(&[one, needs_all], &spec, &chosen), "another query reads the common rows by it");
        let by_time = Division { with: vec![&rare], without: vec![&rare] };
        assert!(!partial_may_do(&[by_time], &spec, &chosen), "no common value divides");
        spec.predicate = Some("a > 1".into());
        let one = Division { with: vec![&rare], without: vec![&common] };
        assert!(!partial_may_do(&[one], &spec, &chosen), "it is one already");
    }
}
