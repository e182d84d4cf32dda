//! A report that was saved as JSON, read back: by `apply` and `generate`.

use crate::model::report::{REPORT_VERSION, Report};

/// Reads it; the error says why it is none, or that it is too new for this version to understand all of it.
pub fn read(text: &str) -> Result<Report, String> {
    let json: serde_json::Value = serde_json::from_str(text).map_err(|e| format!("it is no JSON document: {e}"))?;
    let version = json.get("schema_version").and_then(serde_json::Value::as_u64);
    match version {
        None => Err("it is not a report of advisor: there is no schema_version in it".into()),
        Some(newer) if newer > u64::from(REPORT_VERSION) => Err(format!(
            "it has schema_version {newer}, and this version of advisor reads up to {REPORT_VERSION}: use the one that wrote it"
        )),
        Some(_) => serde_json::from_value(json).map_err(|e| format!("it is not a report of advisor: {e}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_and_foreign_documents_are_refused_by_name() {
        let version = |n: u32| serde_json::to_string(&Report { schema_version: n, ..Report::default() }).unwrap_or_default();
        assert!(read(&version(REPORT_VERSION)).is_ok());
        assert!(read(&version(REPORT_VERSION + 1)).is_err_and(|e| e.contains("use the one that wrote it")));
        assert!(read("{}").is_err_and(|e| e.contains("schema_version")));
        assert!(read("not json").is_err_and(|e| e.contains("no JSON")));
    }
}
