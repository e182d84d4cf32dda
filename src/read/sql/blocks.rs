//! The walk over a statement: one [`Block`] per SELECT, one [`TableRef`] per mention of a table.

use super::conditions::{self, Contents, Surroundings, bare, conjuncts, contents, local_key};
use super::names::{Scope, Source, Tables, fold, split};
use crate::model::index_def::KeyExpr;
use crate::model::query::{Amount, Block, Condition, Op, OrderKey, ParameterUse, Rhs, Shape, StatementKind, TableRef};
use sqlparser::ast::*;

/// Functions that make a block an aggregate.
const AGGREGATES: [&str; 24] = [
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "array_agg",
    "string_agg",
    "json_agg",
    "jsonb_agg",
    "json_object_agg",
    "jsonb_object_agg",
    "bool_and",
    "bool_or",
    "every",
    "bit_and",
    "bit_or",
    "stddev",
    "stddev_pop",
    "stddev_samp",
    "variance",
    "var_pop",
    "var_samp",
    "percentile_cont",
    "percentile_disc",
];

/// Builds one statement's shape.
pub struct Builder<'a> {
    /// Tables by name.
    pub tables: &'a Tables<'a>,
    /// search_path of the query's role.
    pub search_path: &'a [String],
    /// What is built.
    pub shape: Shape,
}

impl Builder<'_> {
    /// Reads a whole statement.
    pub fn statement(&mut self, statement: &Statement) {
        self.shape.kind = kind_of(statement);
        self.any(statement, &Scope::default(), 0);
        self.parameter_uses();
    }

    fn any(&mut self, statement: &Statement, scope: &Scope, depth: u32) {
        match statement {
            Statement::Query(query) => {
                self.query(query, scope, depth);
            }
            Statement::Insert(insert) => self.insert(insert, scope, depth),
            Statement::Update(update) => self.update(update, scope, depth),
            Statement::Delete(delete) => self.delete(delete, scope, depth),
            Statement::Merge(merge) => self.merge(merge, scope, depth),
            _ => {}
        }
    }

    /// A query with its CTEs; returns the index of its outermost block.
    fn query(&mut self, query: &Query, outer: &Scope, depth: u32) -> usize {
        let mut scope = outer.clone();
        for cte in query.with.iter().flat_map(|w| &w.cte_tables) {
            if query.with.as_ref().is_some_and(|w| w.recursive) {
                scope.ctes.push((fold(&cte.alias.name), None));
            }
            self.query(&cte.query, &scope, depth + 1);
            scope.ctes.push((fold(&cte.alias.name), output_columns(&cte.query, &cte.alias)));
        }
        self.shape.locking |= !query.locks.is_empty();
        self.shape.skip_locked |= query.locks.iter().any(|l| matches!(l.nonblock, Some(NonBlock::SkipLocked)));
        let (block, inner) = self.set_expr(&query.body, &scope, depth);
        self.limits(query, block);
        if let Some(OrderBy { kind: OrderByKind::Expressions(keys), .. }) = &query.order_by {
            self.order(keys, &query.body, block, &inner);
        }
        block
    }

    fn set_expr(&mut self, body: &SetExpr, scope: &Scope, depth: u32) -> (usize, Scope) {
        match body {
            SetExpr::Select(select) => self.select(select, scope, depth),
            SetExpr::Query(query) => (self.query(query, scope, depth), scope.nested()),
            SetExpr::SetOperation { left, right, .. } => {
                let block = self.new_block(depth);
                self.shape.blocks[block].set_operation = true;
                self.shape.blocks[block].derived_tables = true;
                self.set_expr(left, scope, depth + 1);
                self.set_expr(right, scope, depth + 1);
                (block, scope.nested())
            }
            SetExpr::Insert(s) | SetExpr::Update(s) | SetExpr::Delete(s) | SetExpr::Merge(s) => {
                let block = self.new_block(depth);
                // A data-changing CTE makes the whole statement a writing one.
                self.shape.kind = kind_of(s);
                self.any(s, scope, depth);
                (block, scope.nested())
            }
            SetExpr::Values(values) => {
                let block = self.new_block(depth);
                let inner = scope.nested();
                for expr in values.rows.iter().flat_map(|row| row.iter()) {
                    self.mention(expr, block, &inner);
                }
                self.shape.blocks[block].derived_tables = true;
                (block, inner)
            }
            SetExpr::Table(table) => {
                let block = self.new_block(depth);
                let mut inner = scope.nested();
                if let Some(name) = &table.table_name {
                    self.relation(
                        table.schema_name.as_ref().map(|s| s.to_lowercase()),
                        name.to_lowercase(),
                        None,
                        false,
                        block,
                        &mut inner,
                    );
                }
                self.shape.blocks[block].star = true;
                self.need_all(block, None, &inner);
                (block, inner)
            }
        }
    }

    fn new_block(&mut self, depth: u32) -> usize {
        self.shape.blocks.push(Block { depth, ..Block::default() });
        self.shape.blocks.len() - 1
    }

    fn select(&mut self, select: &Select, outer: &Scope, depth: u32) -> (usize, Scope) {
        let block = self.new_block(depth);
        let mut scope = outer.nested();
        for item in &select.from {
            self.list_item(item, block, &mut scope);
        }
        if let Some(filter) = &select.selection {
            self.filter(filter, block, &scope, None);
        }
        for item in &select.projection {
            self.target(item, block, &scope);
        }
        self.constant_target(&select.projection, block, &scope);
        if let GroupByExpr::Expressions(keys, _) = &select.group_by {
            self.shape.blocks[block].aggregate |= !keys.is_empty();
            self.group(keys, &select.projection, block, &scope);
        }
        if let Some(having) = &select.having {
            self.shape.blocks[block].aggregate = true;
            self.mention(having, block, &scope);
        }
        if let Some(distinct) = &select.distinct
            && !matches!(distinct, Distinct::All)
        {
            self.shape.blocks[block].distinct = true;
            let keys: Vec<Expr> = match distinct {
                Distinct::On(keys) => keys.clone(),
                _ => select.projection.iter().filter_map(target_expr).cloned().collect(),
            };
            self.group(&keys, &select.projection, block, &scope);
        }
        (block, scope)
    }

    // ---- FROM -------------------------------------------------------------------------------

    fn list_item(&mut self, item: &TableWithJoins, block: usize, scope: &mut Scope) {
        let first = self.shape.tables.len();
        self.factor(&item.relation, block, scope);
        for join in &item.joins {
            let before = self.shape.tables.len();
            self.factor(&join.relation, block, scope);
            self.join(&join.join_operator, first, before, block, scope);
        }
    }

    /// ON and USING; on an outer join only the nullable side gets conditions (the other is read whole).
    fn join(&mut self, operator: &JoinOperator, first: usize, before: usize, block: usize, scope: &Scope) {
        use JoinOperator as J;
        let after = self.shape.tables.len();
        let (constraint, nullable) = match operator {
            J::Join(c) | J::Inner(c) | J::CrossJoin(c) | J::StraightJoin(c) => (c, None),
            J::Left(c) | J::LeftOuter(c) => (c, Some(before..after)),
            J::Right(c) | J::RightOuter(c) => (c, Some(first..before)),
            J::FullOuter(c) => (c, Some(0..0)),
            _ => return,
        };
        if let Some(side) = &nullable {
            self.shape.tables[side.clone()].iter_mut().for_each(|t| t.nullable = true);
        }
        match constraint {
            JoinConstraint::On(on) => self.filter(on, block, scope, nullable),
            JoinConstraint::Using(columns) => {
                columns.iter().for_each(|c| self.using(&split(c).1, first..before, before..after, nullable.clone()));
            }
            _ => {}
        }
    }

    fn using(&mut self, column: &str, left: std::ops::Range<usize>, right: std::ops::Range<usize>, only: Option<std::ops::Range<usize>>) {
        let has = |this: &Self, r: usize| this.has_column(r, column);
        let (Some(a), Some(b)) = (left.clone().find(|r| has(self, *r)), right.clone().find(|r| has(self, *r))) else { return };
        for (this, other) in [(a, b), (b, a)] {
            self.need(this, column);
            if only.as_ref().is_none_or(|o| o.contains(&this)) {
                let rhs = Rhs::Column { table_ref: other, column: column.to_owned() };
                let condition = Condition { key: KeyExpr::Column(column.to_owned()), columns: vec![column.to_owned()], op: Op::Eq, rhs };
                self.shape.tables[this].conditions.push(condition);
            }
        }
    }

    fn factor(&mut self, factor: &TableFactor, block: usize, scope: &mut Scope) {
        match factor {
            TableFactor::Table { name, alias, args: None, .. } => {
                let (schema, table) = split(name);
                self.relation(schema, table, alias.as_ref(), false, block, scope);
            }
            TableFactor::Derived { subquery, alias, .. } => {
                // A plain derived table sees no siblings, but seeing them harms nobody: names would not resolve to them.
                self.query(subquery, scope, self.shape.blocks[block].depth + 1);
                let columns = alias.as_ref().map_or_else(|| None, |a| output_columns(subquery, a));
                self.derived(alias.as_ref(), columns, block, scope);
            }
            TableFactor::NestedJoin { table_with_joins, .. } => self.list_item(table_with_joins, block, scope),
            other => {
                let alias = match other {
                    TableFactor::Table { alias, .. }
                    | TableFactor::Function { alias, .. }
                    | TableFactor::TableFunction { alias, .. }
                    | TableFactor::UNNEST { alias, .. } => alias.as_ref(),
                    _ => None,
                };
                self.derived(alias, None, block, scope);
            }
        }
    }

    fn derived(&mut self, alias: Option<&TableAlias>, columns: Option<Vec<String>>, block: usize, scope: &mut Scope) {
        self.shape.blocks[block].derived_tables = true;
        scope.add(Source::Derived { alias: alias.map(|a| fold(&a.name)).unwrap_or_default(), columns });
    }

    /// A named relation: CTE, base table, or something the catalog does not hold.
    fn relation(
        &mut self,
        schema: Option<String>,
        name: String,
        alias: Option<&TableAlias>,
        written: bool,
        block: usize,
        scope: &mut Scope,
    ) {
        let shown = alias.map_or_else(|| name.clone(), |a| fold(&a.name));
        let cte = schema.is_none().then(|| scope.ctes.iter().rev().find(|(n, _)| *n == name)).flatten().cloned();
        if let Some((_, columns)) = cte {
            self.shape.blocks[block].derived_tables = true;
            return scope.add(Source::Derived { alias: shown, columns });
        }
        let Some(table) = self.tables.find(schema.as_deref(), &name, self.search_path) else {
            self.shape.blocks[block].derived_tables = true;
            return scope.add(Source::Derived { alias: shown, columns: None });
        };
        let table_ref = self.shape.tables.len();
        self.shape.tables.push(TableRef {
            table: table.table_name(),
            alias: shown.clone(),
            block,
            written,
            conditions: Vec::new(),
            or_arms: Vec::new(),
            needed: Vec::new(),
            needs_all: false,
            assigned: Vec::new(),
            nullable: false,
        });
        self.shape.blocks[block].table_refs.push(table_ref);
        scope.add(Source::Table { alias: shown, table_ref });
    }

    // ---- expressions ------------------------------------------------------------------------

    fn has_column(&self, table_ref: usize, column: &str) -> bool {
        self.shape.tables.get(table_ref).and_then(|t| self.tables.get(&t.table)).is_some_and(|t| t.column(column).is_some())
    }

    fn within<T>(&self, block: usize, scope: &Scope, work: impl FnOnce(&Surroundings) -> T) -> T {
        let has_column = |r: usize, c: &str| self.has_column(r, c);
        let is_local = |r: usize| self.shape.tables.get(r).is_some_and(|t| t.block == block);
        work(&Surroundings { scope, has_column: &has_column, is_local: &is_local })
    }

    /// Notes the columns, functions and parameters of an expression and reads its subqueries.
    fn mention(&mut self, expr: &Expr, block: usize, scope: &Scope) -> Contents {
        let mut found = self.within(block, scope, |around| contents(expr, around));
        for (table_ref, column) in &found.columns {
            self.need(*table_ref, column);
        }
        let most = found.parameters.iter().copied().max().unwrap_or(0);
        self.shape.parameters = self.shape.parameters.max(most);
        let this = &mut self.shape.blocks[block];
        this.count_over |= found.count_over;
        this.subqueries |= !found.subqueries.is_empty();
        for subquery in std::mem::take(&mut found.subqueries) {
            self.query(&subquery, scope, self.shape.blocks[block].depth + 1);
            found.unresolved = true;
        }
        found
    }

    fn need(&mut self, table_ref: usize, column: &str) {
        let needed = &mut self.shape.tables[table_ref].needed;
        if let Err(at) = needed.binary_search_by(|c| c.as_str().cmp(column)) {
            needed.insert(at, column.to_owned());
        }
    }

    /// `*` or `alias.*`.
    fn need_all(&mut self, block: usize, alias: Option<&str>, scope: &Scope) {
        for table_ref in scope.local_tables() {
            let table = &mut self.shape.tables[table_ref];
            if table.block == block && alias.is_none_or(|a| table.alias == a) {
                table.needs_all = true;
            }
        }
    }

    /// WHERE or ON: conditions of its AND chain, kept only for the references in `only`, where given.
    fn filter(&mut self, expr: &Expr, block: usize, scope: &Scope, only: Option<std::ops::Range<usize>>) {
        for conjunct in conjuncts(expr) {
            if let Expr::InSubquery { expr: key, subquery, negated } = bare(conjunct) {
                self.in_subquery(key, subquery, *negated, block, scope);
            } else {
                self.mention(conjunct, block, scope);
            }
            let kept = |r: usize| only.as_ref().is_none_or(|o| o.contains(&r));
            let found = self.within(block, scope, |around| conditions::conditions(conjunct, around));
            for (table_ref, condition) in found.into_iter().filter(|(r, _)| kept(*r)) {
                self.shape.tables[table_ref].conditions.push(condition);
            }
            let arms = self.within(block, scope, |around| conditions::or_arms(conjunct, around));
            if let Some((table_ref, arms)) = arms.filter(|(r, _)| kept(*r)) {
                self.shape.tables[table_ref].or_arms.extend(arms);
            }
        }
    }

    /// `x IN (SELECT y …)` is a semi join: y is looked up by x.
    fn in_subquery(&mut self, key: &Expr, subquery: &Query, negated: bool, block: usize, scope: &Scope) {
        self.mention(key, block, scope);
        self.shape.blocks[block].subqueries = true;
        let outer = self.within(block, scope, |around| local_key(key, around));
        let inner = self.query(subquery, scope, self.shape.blocks[block].depth + 1);
        let SetExpr::Select(select) = subquery.body.as_ref() else { return };
        let (Some((table_ref, KeyExpr::Column(column), _)), [item], false) = (outer, select.projection.as_slice(), negated) else { return };
        let Some(Expr::Identifier(_) | Expr::CompoundIdentifier(_)) = target_expr(item) else { return };
        let mut inside = scope.nested();
        for r in self.shape.blocks[inner].table_refs.clone() {
            inside.add(Source::Table { alias: self.shape.tables[r].alias.clone(), table_ref: r });
        }
        let found = target_expr(item).and_then(|e| self.within(inner, &inside, |around| local_key(e, around)));
        if let Some((target, key, columns)) = found {
            let rhs = Rhs::Column { table_ref, column };
            self.shape.tables[target].conditions.push(Condition { key, columns, op: Op::Eq, rhs });
        }
    }

    fn target(&mut self, item: &SelectItem, block: usize, scope: &Scope) {
        match item {
            SelectItem::Wildcard(_) => {
                self.shape.blocks[block].star = true;
                self.need_all(block, None, scope);
            }
            SelectItem::QualifiedWildcard(SelectItemQualifiedWildcardKind::ObjectName(name), _) => {
                self.shape.blocks[block].star = true;
                self.need_all(block, Some(&split(name).1), scope);
            }
            other => {
                if let Some(expr) = target_expr(other) {
                    let found = self.mention(expr, block, scope);
                    let aggregates = found.functions.iter().any(|(name, over)| !over && AGGREGATES.contains(&name.as_str()));
                    self.shape.blocks[block].aggregate |= aggregates;
                }
            }
        }
    }

    fn constant_target(&mut self, items: &[SelectItem], block: usize, scope: &Scope) {
        let constant = |item: &SelectItem| {
            target_expr(item).is_some_and(|e| {
                let found = self.within(block, scope, |around| contents(e, around));
                found.columns.is_empty() && found.subqueries.is_empty() && found.functions.is_empty() && !found.unresolved
            })
        };
        self.shape.blocks[block].constant_target = !items.is_empty() && items.iter().all(constant);
    }

    fn limits(&mut self, query: &Query, block: usize) {
        let (limit, offset) = match &query.limit_clause {
            Some(LimitClause::LimitOffset { limit, offset, .. }) => (limit.as_ref(), offset.as_ref().map(|o| &o.value)),
            Some(LimitClause::OffsetCommaLimit { offset, limit }) => (Some(limit), Some(offset)),
            None => (None, None),
        };
        let fetch = query.fetch.as_ref().map(|f| f.quantity.as_ref().map_or(Some(Amount::Literal(1.0)), amount));
        let parts = [limit, offset];
        for expr in parts.into_iter().flatten() {
            self.mention(expr, block, &Scope::default());
        }
        let this = &mut self.shape.blocks[block];
        this.limit = limit.and_then(amount).or(fetch.flatten());
        this.offset = offset.and_then(amount);
    }

    fn order(&mut self, keys: &[OrderByExpr], body: &SetExpr, block: usize, scope: &Scope) {
        let projection: &[SelectItem] = if let SetExpr::Select(select) = body { &select.projection } else { &[] };
        for key in keys {
            let expr = behind_alias(&key.expr, projection);
            self.mention(expr, block, scope);
            let descending = matches!(key.options.sort, Some(OrderBySort::Desc));
            let nulls_first = key.options.nulls_first.unwrap_or(descending);
            match self.within(block, scope, |around| local_key(expr, around)) {
                Some((table_ref, key, _)) => self.shape.blocks[block].order.push(OrderKey { table_ref, key, descending, nulls_first }),
                None => {
                    self.shape.blocks[block].order_opaque = true;
                    return;
                }
            }
        }
    }

    fn group(&mut self, keys: &[Expr], projection: &[SelectItem], block: usize, scope: &Scope) {
        for key in keys {
            let expr = behind_alias(key, projection);
            self.mention(expr, block, scope);
            if let Some((table_ref, key, _)) = self.within(block, scope, |around| local_key(expr, around)) {
                self.shape.blocks[block].group.push(OrderKey { table_ref, key, descending: false, nulls_first: false });
            }
        }
    }

    // ---- data-changing statements -----------------------------------------------------------

    fn insert(&mut self, insert: &Insert, outer: &Scope, depth: u32) {
        let block = self.new_block(depth);
        let mut scope = outer.nested();
        if let TableObject::TableName(name) = &insert.table {
            let (schema, table) = split(name);
            self.relation(schema, table, None, true, block, &mut scope);
        }
        if let Some(source) = &insert.source {
            self.query(source, outer, depth + 1);
        }
    }

    fn update(&mut self, update: &Update, outer: &Scope, depth: u32) {
        let block = self.new_block(depth);
        let mut scope = outer.nested();
        self.list_item(&update.table, block, &mut scope);
        self.mark_written(block);
        if let Some(UpdateTableFromKind::BeforeSet(from) | UpdateTableFromKind::AfterSet(from)) = &update.from {
            from.iter().for_each(|item| self.list_item(item, block, &mut scope));
        }
        if let Some(filter) = &update.selection {
            self.filter(filter, block, &scope, None);
        }
        for assignment in &update.assignments {
            self.mention(&assignment.value, block, &scope);
            self.assign(&assignment.target, block);
        }
    }

    fn delete(&mut self, delete: &Delete, outer: &Scope, depth: u32) {
        let block = self.new_block(depth);
        let mut scope = outer.nested();
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        from.iter().for_each(|item| self.list_item(item, block, &mut scope));
        self.mark_written(block);
        delete.using.iter().flatten().for_each(|item| self.list_item(item, block, &mut scope));
        if let Some(filter) = &delete.selection {
            self.filter(filter, block, &scope, None);
        }
    }

    fn merge(&mut self, merge: &Merge, outer: &Scope, depth: u32) {
        let block = self.new_block(depth);
        let mut scope = outer.nested();
        self.factor(&merge.table, block, &mut scope);
        self.mark_written(block);
        self.factor(&merge.source, block, &mut scope);
        self.filter(&merge.on, block, &scope, None);
    }

    fn assign(&mut self, target: &AssignmentTarget, block: usize) {
        let names = match target {
            AssignmentTarget::ColumnName(name) => std::slice::from_ref(name),
            AssignmentTarget::Tuple(names) => names.as_slice(),
        };
        if let Some(first) = self.shape.blocks[block].table_refs.first().copied() {
            self.shape.tables[first].assigned.extend(names.iter().map(|n| split(n).1));
        }
    }

    fn mark_written(&mut self, block: usize) {
        if let Some(first) = self.shape.blocks[block].table_refs.first() {
            self.shape.tables[*first].written = true;
        }
    }

    /// Which column's statistics a parameter's value can be sampled from.
    fn parameter_uses(&mut self) {
        let mut uses: Vec<ParameterUse> = Vec::new();
        for table in &self.shape.tables {
            for condition in table.conditions.iter().chain(table.or_arms.iter().flatten()) {
                let (Rhs::Parameter(number), Some(column)) = (&condition.rhs, condition.columns.first()) else { continue };
                let wrapped_in = match &condition.key {
                    KeyExpr::Expression(sql) => sql.split_once('(').map(|(f, _)| f.trim().to_lowercase()),
                    KeyExpr::Column(_) => None,
                };
                if uses.iter().all(|u| u.number != *number) {
                    uses.push(ParameterUse {
                        number: *number,
                        table: table.table.clone(),
                        column: column.clone(),
                        op: condition.op.clone(),
                        wrapped_in,
                    });
                }
            }
        }
        uses.sort_by_key(|u| u.number);
        self.shape.parameter_uses = uses;
    }
}

fn kind_of(statement: &Statement) -> StatementKind {
    match statement {
        Statement::Query(_) => StatementKind::Select,
        Statement::Insert(_) => StatementKind::Insert,
        Statement::Update(_) => StatementKind::Update,
        Statement::Delete(_) => StatementKind::Delete,
        Statement::Merge(_) => StatementKind::Merge,
        _ => StatementKind::Other,
    }
}

fn target_expr(item: &SelectItem) -> Option<&Expr> {
    match item {
        SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr),
        _ => None,
    }
}

/// ORDER BY and GROUP BY may name an output column or its position.
fn behind_alias<'e>(expr: &'e Expr, projection: &'e [SelectItem]) -> &'e Expr {
    match bare(expr) {
        Expr::Identifier(ident) => {
            let named = projection.iter().find_map(|item| match item {
                SelectItem::ExprWithAlias { expr, alias } if fold(alias) == fold(ident) => Some(expr),
                _ => None,
            });
            named.unwrap_or(expr)
        }
        Expr::Value(ValueWithSpan { value: Value::Number(n, _), .. }) => {
            n.parse::<usize>().ok().and_then(|n| projection.get(n.checked_sub(1)?)).and_then(target_expr).unwrap_or(expr)
        }
        other => other,
    }
}

fn amount(expr: &Expr) -> Option<Amount> {
    match bare(expr) {
        Expr::Value(v) => match &v.value {
            Value::Number(n, _) => n.parse().ok().map(Amount::Literal),
            Value::Placeholder(p) => p.strip_prefix('$').and_then(|p| p.parse().ok()).map(Amount::Parameter),
            Value::Null => None,
            _ => Some(Amount::Expression),
        },
        Expr::Cast { expr, .. } => amount(expr),
        _ => Some(Amount::Expression),
    }
}

/// Output column names of a subquery, where each can be told.
fn output_columns(query: &Query, alias: &TableAlias) -> Option<Vec<String>> {
    if !alias.columns.is_empty() {
        return Some(alias.columns.iter().map(|c| fold(&c.name)).collect());
    }
    let SetExpr::Select(select) = query.body.as_ref() else { return None };
    let name = |item: &SelectItem| match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(fold(alias)),
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(fold(ident)),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => parts.last().map(fold),
        SelectItem::UnnamedExpr(Expr::Function(f)) => Some(split(&f.name).1),
        _ => None,
    };
    select.projection.iter().map(name).collect()
}
