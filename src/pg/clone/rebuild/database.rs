//! The clone's database, in the live one's encoding and locale where this machine has them.

use super::problem;
use crate::model::blueprint::Locale;
use crate::model::failure::Failure;
use crate::model::snapshot::Problem;
use crate::model::text::quote_literal;
use crate::pg::clone::{DATABASE, OWNER, broken, open};
use crate::pg::error::describe;
use crate::pg::server::Server;

/// One way to create the database; `instead` says how texts are compared when it is not the live database's.
struct Way {
    clauses: String,
    instead: Option<String>,
}

/// The role that owns everything, and the database.
pub(in crate::pg::clone) async fn create_database(server: &Server, locale: &Locale) -> Result<Vec<Problem>, Failure> {
    let admin = open(server, "postgres", "postgres").await?;
    // NOINHERIT: it may become any copied role, but has no right of one. Row-level security holds it back only as such a role.
    admin.client.batch_execute(&format!("CREATE ROLE {OWNER} LOGIN NOINHERIT BYPASSRLS")).await.map_err(broken)?;
    let create = format!("CREATE DATABASE {DATABASE} OWNER {OWNER} TEMPLATE template0");
    let mut refusal = None;
    for Way { clauses, instead } in ways(locale) {
        match admin.client.batch_execute(&format!("{create} {clauses}")).await {
            Ok(()) => return Ok(lost(instead, refusal)),
            Err(error) => refusal = refusal.or(Some(describe(&error))),
        }
    }
    admin.client.batch_execute(&create).await.map_err(broken)?;
    Ok(lost(Some("text comparison is planned as in this machine's default locale and encoding".into()), refusal))
}

fn lost(instead: Option<String>, refusal: Option<String>) -> Vec<Problem> {
    let why = refusal.unwrap_or_default();
    instead.map(|i| problem(format!("this machine lacks the database's locale ({why}): {i}"))).into_iter().collect()
}

/// From the same to the least alike. What matters most to the planner is whether texts are in
/// byte order: only then can LIKE use a plain index.
fn ways(locale: &Locale) -> Vec<Way> {
    let Locale { encoding, collate, ctype, provider, .. } = locale;
    let libc = |collate: &str, ctype: &str| {
        format!("ENCODING {} LC_COLLATE {} LC_CTYPE {}", quote_literal(encoding), quote_literal(collate), quote_literal(ctype))
    };
    let way = |clauses: String, instead: Option<&str>| Way { clauses, instead: instead.map(str::to_owned) };
    let by_bytes = way(libc("C", "C"), Some("text comparison is planned as in locale C"));
    let name = locale.locale.as_deref().unwrap_or_default();
    match provider.as_str() {
        "i" => {
            let icu = icu(name, locale.icu_rules.as_deref());
            vec![
                way(format!("{} {icu}", libc(collate, ctype)), None),
                way(format!("{} {icu}", libc("C", "C")), Some("ICU's is there, so texts are compared as there")),
                way(libc(collate, ctype), Some("text is compared by the C library instead of ICU")),
                by_bytes,
            ]
        }
        "b" => {
            let builtin = format!("LOCALE_PROVIDER builtin BUILTIN_LOCALE {}", quote_literal(name));
            let bytes = Some("its built-in locale is in byte order, and so is locale C, which is taken");
            vec![
                way(format!("{} {builtin}", libc(collate, ctype)), None),
                way(format!("{} {builtin}", libc("C", "C")), Some("the built-in one is there, so texts are compared as there")),
                way(libc("C", "C"), bytes),
            ]
        }
        _ => {
            let mut ways = vec![way(libc(collate, ctype), None)];
            if let Some(tag) = language_tag(collate) {
                let instead = format!("text is compared by ICU's {tag} instead of the C library's {collate}");
                ways.push(way(format!("{} {}", libc("C", "C"), icu(&tag, None)), Some(&instead)));
            }
            ways.push(by_bytes);
            ways
        }
    }
}

fn icu(name: &str, rules: Option<&str>) -> String {
    let rules = rules.map(|r| format!(" ICU_RULES {}", quote_literal(r))).unwrap_or_default();
    format!("LOCALE_PROVIDER icu ICU_LOCALE {}{rules}", quote_literal(name))
}

/// `en-US` for `en_US.UTF-8`; none for locales in byte order.
fn language_tag(name: &str) -> Option<String> {
    let language = name.split(['.', '@']).next().unwrap_or_default();
    (!matches!(language, "" | "C" | "POSIX")).then(|| language.replace('_', "-"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_locale_falls_back_to_the_most_alike() {
        let locale = Locale {
            encoding: "UTF8".into(),
            collate: "de_AT.UTF-8".into(),
            ctype: "de_AT.UTF-8".into(),
            provider: "c".into(),
            ..Locale::default()
        };
        let clauses: Vec<String> = ways(&locale).into_iter().map(|w| w.clauses).collect();
        assert_eq!(
            clauses,
            [
                "ENCODING 'UTF8' LC_COLLATE 'de_AT.UTF-8' LC_CTYPE 'de_AT.UTF-8'",
                "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER icu ICU_LOCALE 'de-AT'",
                "ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'",
            ]
        );
        assert_eq!(language_tag("C.UTF-8"), None);
    }
}
