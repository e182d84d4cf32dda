//! Queries that one connection keeps parsed.

use super::plans::{Planned, Texts};
use crate::model::candidate::QueryId;
use crate::pg::session::Session;
use std::collections::{HashMap, VecDeque};

/// Queries parsed on a connection, text by text; the oldest go when there are too many.
#[derive(Default)]
pub(super) struct Parsed {
    texts: HashMap<QueryId, Texts>,
    /// In the order of parsing.
    order: VecDeque<QueryId>,
}

/// Most queries kept parsed on a connection. Each index that is turned round makes the server look through all that are, so
/// that trials of thousands of kept queries would take a time that grows with the square of their number.
pub(super) const MOST_PARSED: usize = 200;

impl Parsed {
    /// The query as this connection parsed it, now or before. The error is the query's own, or the connection's.
    pub(super) async fn of(&mut self, session: &Session, query: QueryId, planned: &Planned) -> Result<&Texts, String> {
        if !self.texts.contains_key(&query) {
            let texts = planned.parse(session).await?;
            if self.order.len() >= MOST_PARSED {
                self.order.pop_front().and_then(|oldest| self.texts.remove(&oldest));
            }
            self.order.push_back(query);
            self.texts.insert(query, texts);
        }
        self.texts.get(&query).ok_or_else(|| "it is not parsed".to_owned())
    }
}
