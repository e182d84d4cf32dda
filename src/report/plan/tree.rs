//! A plan with what each node costs by itself. EXPLAIN's times include the children, are per loop,
//! and below a Gather are means over the processes; costs include the children.

use crate::model::plan::{Plan, PlanNode};

/// A node, in EXPLAIN's order.
#[derive(Debug, Clone)]
pub(super) struct Seen<'a> {
    pub node: &'a PlanNode,
    pub depth: usize,
    pub parent: Option<usize>,
    /// With all below it: wall-clock milliseconds, or cost units.
    pub whole: f64,
    /// Without what is below it, same unit.
    pub own: f64,
    /// `own` as a share of the run, 0–1.
    pub share: f64,
}

impl Seen<'_> {
    /// True when it ran at least once.
    pub fn ran(&self) -> bool {
        self.loops() > 0.0
    }

    /// How often it ran; 0 without ANALYZE.
    pub fn loops(&self) -> f64 {
        self.node.actual.as_ref().map_or(0.0, |a| a.loops)
    }

    /// Rows of all loops.
    pub fn rows(&self) -> Option<f64> {
        self.node.actual_rows_total()
    }

    /// Estimated rows of as many loops.
    pub fn expected_rows(&self) -> Option<f64> {
        Some(self.node.plan_rows? * self.loops().max(1.0))
    }
}

/// All nodes of a plan.
#[derive(Debug, Clone)]
pub(super) struct Tree<'a> {
    pub plan: &'a Plan,
    pub seen: Vec<Seen<'a>>,
}

impl<'a> Tree<'a> {
    pub fn of(plan: &'a Plan) -> Self {
        let mut tree = Tree { plan, seen: Vec::new() };
        tree.add(&plan.root, 0, None);
        if tree.timed() {
            tree.put_times();
        } else {
            tree.put_costs(0, plan.root.total_cost.unwrap_or_default());
        }
        let all = if tree.timed() { tree.run_ms() } else { tree.seen[0].whole };
        for seen in &mut tree.seen {
            seen.share = if all > 0.0 { (seen.own / all).min(1.0) } else { 0.0 };
        }
        tree
    }

    fn add(&mut self, node: &'a PlanNode, depth: usize, parent: Option<usize>) {
        let at = self.seen.len();
        self.seen.push(Seen { node, depth, parent, whole: 0.0, own: 0.0, share: 0.0 });
        for child in &node.children {
            self.add(child, depth + 1, Some(at));
        }
    }

    /// True when times were measured.
    pub fn timed(&self) -> bool {
        self.plan.root.actual.as_ref().is_some_and(|a| a.total_ms.is_some())
    }

    /// The whole run, milliseconds; without `Execution Time` the root's time.
    pub fn run_ms(&self) -> f64 {
        let root = self.plan.root.actual.as_ref().and_then(|a| a.total_ms).unwrap_or_default();
        self.plan.execution_ms.unwrap_or(root).max(root)
    }

    /// Share of the run that a node takes with all below it, 0–1; subqueries that hang on it left out.
    pub fn whole_share(&self, at: usize) -> f64 {
        let all = if self.timed() { self.run_ms() } else { self.seen[0].whole };
        let hung: f64 = self.children(at).filter(|&c| self.seen[c].node.subplan_name.is_some()).map(|c| self.seen[c].whole).sum();
        if all > 0.0 { ((self.seen[at].whole - hung) / all).clamp(0.0, 1.0) } else { 0.0 }
    }

    pub fn children(&self, at: usize) -> impl Iterator<Item = usize> {
        (at + 1..self.seen.len()).filter(move |&i| self.seen[i].parent == Some(at))
    }

    /// Parents, nearest first.
    pub fn ancestors(&self, at: usize) -> impl Iterator<Item = usize> {
        std::iter::successors(self.seen[at].parent, |&i| self.seen[i].parent)
    }

    /// The node and all below it.
    pub fn below(&self, at: usize) -> std::ops::Range<usize> {
        let depth = self.seen[at].depth;
        let end = (at + 1..self.seen.len()).find(|&i| self.seen[i].depth <= depth).unwrap_or(self.seen.len());
        at..end
    }

    fn put_times(&mut self) {
        for at in 0..self.seen.len() {
            let seen = &self.seen[at];
            let sum = seen.node.actual.as_ref().map_or(0.0, |a| a.total_ms.unwrap_or_default() * a.loops);
            self.seen[at].whole = sum / self.processes(at);
        }
        // A part run on behalf of another node is paid where it is used, which is where its time shows.
        let mut paid = vec![0.0; self.seen.len()];
        for at in 1..self.seen.len() {
            for payer in self.payers(at) {
                paid[payer] += self.seen[at].whole;
            }
        }
        for (seen, paid) in self.seen.iter_mut().zip(paid) {
            seen.own = (seen.whole - paid).max(0.0);
        }
    }

    /// How many processes shared the work: below a Gather its child ran once in each.
    fn processes(&self, at: usize) -> f64 {
        let gather = |&i: &usize| self.seen[i].parent.is_some_and(|p| self.seen[p].node.node_type.starts_with("Gather"));
        let top = std::iter::once(at).chain(self.ancestors(at)).find(gather);
        let processes = top.and_then(|top| Some(self.seen[top].loops() / self.seen[self.seen[top].parent?].loops().max(1.0)));
        processes.unwrap_or(1.0).max(1.0)
    }

    /// The nodes whose time includes this one's: its parent; for a CTE its scans, for an InitPlan
    /// the nodes that use its result.
    fn payers(&self, at: usize) -> Vec<usize> {
        let seen = &self.seen[at];
        let parent = seen.parent.unwrap_or_default();
        let below = self.below(at);
        let others = (0..self.seen.len()).filter(|i| !below.contains(i));
        let found: Vec<usize> = match seen.node.subplan_name.as_deref() {
            Some(label) if label.starts_with("CTE ") => {
                let name = &label["CTE ".len()..];
                others.filter(|&i| self.seen[i].node.extra.get("CTE Name").is_some_and(|n| n == name)).collect()
            }
            Some(label) if label.starts_with("InitPlan") => {
                let marks = init_marks(label);
                others.filter(|&i| self.seen[i].node.conditions.values().any(|c| marks.iter().any(|m| c.contains(m)))).take(1).collect()
            }
            _ => Vec::new(),
        };
        if found.is_empty() { vec![parent] } else { found }
    }

    /// Divides a node's cost among itself and its children. A child can be cheaper than it says
    /// (LIMIT stops it early) or dearer (an inner side runs for each outer row).
    fn put_costs(&mut self, at: usize, budget: f64) {
        let children: Vec<usize> = self.children(at).collect();
        let cost = |c: usize| self.seen[c].node.total_cost.unwrap_or_default();
        let mut asked: Vec<f64> = children.iter().map(|&c| cost(c) * self.expected_runs(at, c)).collect();
        // How often a subquery runs is not printed: what the node costs beyond its other children, it costs for that.
        let rest = cost(at) - asked.iter().sum::<f64>();
        if let Some(sub) = children.iter().position(|&c| self.runs_for_each_row(at, c)).filter(|&sub| rest > asked[sub]) {
            asked[sub] += rest;
        }
        let sum: f64 = asked.iter().sum();
        let whole = self.seen[at].node.total_cost.unwrap_or_default().max(sum);
        let unit = if whole > 0.0 { budget / whole } else { 0.0 };
        self.seen[at].whole = budget;
        self.seen[at].own = (budget - sum * unit).max(0.0);
        for (child, cost) in children.into_iter().zip(asked) {
            self.put_costs(child, cost * unit);
        }
    }

    /// True for a subquery that is run again and again; a hashed one runs once.
    fn runs_for_each_row(&self, parent: usize, child: usize) -> bool {
        let label = self.seen[child].node.subplan_name.as_deref().filter(|l| l.starts_with("SubPlan"));
        label.is_some_and(|label| {
            let hashed = format!("hashed {label}");
            !self.seen[parent].node.conditions.values().any(|c| c.contains(&hashed))
        })
    }

    /// How often the planner expects a child to run for one run of its parent.
    pub fn expected_runs(&self, parent: usize, child: usize) -> f64 {
        let node = self.seen[child].node;
        let inner = self.seen[parent].node.node_type == "Nested Loop" && node.parent_relationship.as_deref() == Some("Inner");
        let remembers = matches!(node.node_type.as_str(), "Materialize" | "Memoize");
        match self.children(parent).find(|&c| self.seen[c].node.parent_relationship.as_deref() == Some("Outer")) {
            Some(outer) if inner && !remembers => self.seen[outer].node.plan_rows.unwrap_or(1.0).max(1.0),
            _ => 1.0,
        }
    }
}

/// How conditions name an InitPlan's result: `$0` up to PostgreSQL 16, `(InitPlan 1).col1` since.
fn init_marks(label: &str) -> Vec<String> {
    match label.split_once(" (returns ") {
        Some((_, names)) => names.trim_end_matches(')').split(',').map(|n| n.trim().to_owned()).collect(),
        None => vec![format!("({label})")],
    }
}
