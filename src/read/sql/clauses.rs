//! Target list, ORDER BY, GROUP BY, DISTINCT, LIMIT and OFFSET.

use super::blocks::Builder;
use super::conditions::{bare, contents};
use super::keys::local_key;
use super::names::{Output, Scope, fold, split};
use super::outputs::Read;
use crate::model::index_def::KeyExpr;
use crate::model::query::{Amount, OrderKey};
use sqlparser::ast::*;

/// Functions that make a block an aggregate.
pub(super) const AGGREGATES: [&str; 24] = [
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

impl Builder<'_> {
    pub(super) fn target(&mut self, item: &SelectItem, block: usize, scope: &Scope) {
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
                    let grouped = !self.shape.blocks[block].group.is_empty();
                    self.shape.blocks[block].aggregate |= aggregates;
                    found.windows.iter().for_each(|w| self.window(w, block, scope));
                    found.extremes.iter().filter(|_| !grouped).for_each(|e| self.extreme(e, block, scope));
                }
            }
        }
    }

    pub(super) fn constant_target(&mut self, items: &[SelectItem], block: usize, scope: &Scope) {
        let constant = |item: &SelectItem| {
            target_expr(item).is_some_and(|e| {
                let found = self.within(block, scope, |around| contents(e, around));
                found.columns.is_empty() && found.subqueries.is_empty() && found.functions.is_empty() && !found.unresolved
            })
        };
        self.shape.blocks[block].constant_target = !items.is_empty() && items.iter().all(constant);
    }

    pub(super) fn limits(&mut self, query: &Query, block: usize) {
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

    pub(super) fn order(&mut self, keys: &[OrderByExpr], body: &SetExpr, read: &Read) {
        let (block, scope) = (read.block, &read.scope);
        let projection: &[SelectItem] = if let SetExpr::Select(select) = body { &select.projection } else { &[] };
        if let (SetExpr::SetOperation { .. }, Some(outputs)) = (body, &read.outputs) {
            self.shape.blocks[block].order_opaque = true;
            return self.order_of_arms(keys, outputs, block);
        }
        for (place, key) in keys.iter().enumerate() {
            let expr = behind_alias(&key.expr, projection);
            self.mention(expr, block, scope);
            if place == 0 && self.nearest(key, expr, block, scope) {
                self.shape.blocks[block].order_opaque = true;
                return;
            }
            match self.order_key(expr, &key.options, block, scope) {
                Some(key) => self.shape.blocks[block].order.push(key),
                None => {
                    self.shape.blocks[block].order_opaque = true;
                    return;
                }
            }
        }
    }

    fn order_key(&self, expr: &Expr, options: &OrderByOptions, block: usize, scope: &Scope) -> Option<OrderKey> {
        let descending = matches!(options.sort, Some(OrderBySort::Desc));
        let nulls_first = options.nulls_first.unwrap_or(descending);
        let (table_ref, key, _) = self.within(block, scope, |around| local_key(expr, around))?;
        Some(OrderKey { table_ref, key, descending, nulls_first })
    }

    /// The rows of a UNION ALL come in order when those of each arm do.
    fn order_of_arms(&mut self, keys: &[OrderByExpr], outputs: &[Output], block: usize) {
        let arms = outputs.iter().map(|o| o.origins.len()).max().unwrap_or(0);
        for arm in 0..arms {
            let of = |key: &OrderByExpr| {
                let output = match bare(&key.expr) {
                    Expr::Identifier(ident) => outputs.iter().find(|o| o.name.as_ref() == Some(&fold(ident))),
                    Expr::Value(v) => v.value.to_string().parse::<usize>().ok().and_then(|n| outputs.get(n.checked_sub(1)?)),
                    _ => None,
                };
                let (table_ref, column) = output?.origins.get(arm)?.clone();
                let descending = matches!(key.options.sort, Some(OrderBySort::Desc));
                let nulls_first = key.options.nulls_first.unwrap_or(descending);
                Some(OrderKey { table_ref, key: KeyExpr::Column(column), descending, nulls_first })
            };
            let keys: Vec<OrderKey> = keys.iter().map_while(of).collect();
            if !keys.is_empty() {
                self.shape.blocks[block].orders.push(keys);
            }
        }
    }

    /// PARTITION BY and ORDER BY of a window, as far as one index can give them.
    pub(super) fn window(&mut self, window: &WindowSpec, block: usize, scope: &Scope) {
        let plain = OrderByOptions { sort: None, nulls_first: None };
        let partition = window.partition_by.iter().map(|e| (e, &plain));
        let order = window.order_by.iter().map(|o| (&o.expr, &o.options));
        let keys: Vec<OrderKey> = partition.chain(order).map_while(|(e, o)| self.order_key(e, o, block, scope)).collect();
        if !keys.is_empty() && !self.shape.blocks[block].orders.contains(&keys) {
            self.shape.blocks[block].orders.push(keys);
        }
    }

    /// `min(x)` and `max(x)` are the ends of an order.
    pub(super) fn extreme(&mut self, expr: &Expr, block: usize, scope: &Scope) {
        let key = self.order_key(expr, &OrderByOptions { sort: None, nulls_first: None }, block, scope);
        if let Some(keys) = key.map(|k| vec![k]).filter(|keys| !self.shape.blocks[block].orders.contains(keys)) {
            self.shape.blocks[block].orders.push(keys);
        }
    }

    pub(super) fn group(&mut self, keys: &[Expr], projection: &[SelectItem], block: usize, scope: &Scope) {
        for key in keys {
            let expr = behind_alias(key, projection);
            self.mention(expr, block, scope);
            if let Some((table_ref, key, _)) = self.within(block, scope, |around| local_key(expr, around)) {
                self.shape.blocks[block].group.push(OrderKey { table_ref, key, descending: false, nulls_first: false });
            }
        }
    }
}

pub(super) fn target_expr(item: &SelectItem) -> Option<&Expr> {
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
