//! The planner's settings.

use crate::pg::planner_settings::is_planner_setting;
use crate::pg::session::Session;
use std::collections::BTreeMap;

/// Planner settings of the live server; one that this major does not know is left out.
pub(super) async fn apply(planner: &Session, settings: &BTreeMap<String, String>) {
    for (name, value) in settings.iter().filter(|(name, _)| is_planner_setting(name)) {
        // An unknown or unsettable name is not worth a word: another major's planner has no such knob.
        let _ = planner.client.execute("select pg_catalog.set_config($1, $2, false)", &[name, value]).await;
    }
}
