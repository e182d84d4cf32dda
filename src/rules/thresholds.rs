//! Adjustable numbers: the rules define them, `--set rule.key=value` changes them.

use super::{RULES, did_you_mean};
use crate::model::failure::Failure;
use crate::model::text::one_line;
use std::collections::BTreeMap;

/// Values that differ from their default, by `rule.key`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Thresholds(BTreeMap<String, f64>);

impl Thresholds {
    /// Reads `rule.key=value` settings; unknown names are a usage failure with the nearest name.
    pub fn parse(settings: &[String]) -> Result<Thresholds, Failure> {
        let mut thresholds = Thresholds::default();
        for setting in settings {
            let parts = setting.split_once('=').and_then(|(name, value)| Some((name.trim(), value.trim().parse().ok()?)));
            let Some((name, value)) = parts.filter(|(_, value): &(&str, f64)| value.is_finite() && *value >= 0.0) else {
                let message = format!("`--set {}` is not `rule.threshold=number`", one_line(setting));
                return Err(Failure::usage(message).hint("for example `--set slow-query.warning_ms=500`"));
            };
            thresholds.set(name, value)?;
        }
        Ok(thresholds)
    }

    /// Sets one value by `rule.key`.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), Failure> {
        if !names().any(|n| n == name) {
            let failure = Failure::usage(format!("no threshold is called `{}`", one_line(name)));
            let all: Vec<String> = names().collect();
            return Err(match did_you_mean(name, all.iter().map(String::as_str)) {
                Some(near) => failure.hint(format!("did you mean `{near}`?")),
                None => failure.hint("`advisor rule NAME` lists a rule's thresholds"),
            });
        }
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    /// The value in force; `None` for a name that no rule defines.
    pub fn get(&self, rule: &str, key: &str) -> Option<f64> {
        let default = || RULES.iter().find(|r| r.name == rule)?.thresholds.iter().find(|t| t.key == key).map(|t| t.default);
        self.0.get(&format!("{rule}.{key}")).copied().or_else(default)
    }
}

/// Every threshold as `rule.key`.
fn names() -> impl Iterator<Item = String> {
    RULES.iter().flat_map(|r| r.thresholds.iter().map(move |t| format!("{}.{}", r.name, t.key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_mistakes_are_named() {
        let parse = |s: &str| Thresholds::parse(&[s.to_owned()]);
        assert_eq!(parse("slow-query.warning_ms=250").unwrap().get("slow-query", "warning_ms"), Some(250.0));
        assert_eq!(Thresholds::default().get("slow-query", "warning_ms"), Some(1000.0));
        assert_eq!(parse("slow-query.warnin_ms=250").unwrap_err().hints, ["did you mean `slow-query.warning_ms`?"]);
        for wrong in ["slow-query.warning_ms", "slow-query.warning_ms=x", "slow-query.warning_ms=-1", "slow-query.warning_ms=NaN"] {
            assert!(parse(wrong).unwrap_err().message.contains("rule.threshold=number"), "{wrong}");
        }
    }
}
