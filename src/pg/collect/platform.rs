//! Schemas that belong to a platform or an extension: read, not advised.

/// Schemas by their whole name.
const NAMES: &[&str] = &[
    // Ours.
    "advisor",
    // Supabase, Neon and others.
    "auth",
    "storage",
    "extensions",
    "realtime",
    "_realtime",
    "vault",
    "pgsodium",
    "pgsodium_masks",
    "neon",
    "neon_auth",
    "pgbouncer",
    // Extensions.
    "cron",
    "net",
    "tiger",
    "tiger_data",
    "topology",
    "partman",
    "repack",
    "pglogical",
    "hint_plan",
    "hdb_catalog",
    "hdb_views",
    // Managed services.
    "rdsadmin",
    "cloudsqladmin",
    "azure",
    "aiven_extras",
    "oci_extras",
];

/// Schemas by the beginning of their name.
const PREFIXES: &[&str] =
    &["supabase_", "_supabase", "graphql", "_timescaledb_", "timescaledb_", "google_", "azure_", "apg_plan_mgmt", "aws_"];

/// True for a schema of a platform that the user did not name.
pub(super) fn is_platform(schema: &str, named: &[String]) -> bool {
    !named.iter().any(|n| n == schema) && (NAMES.contains(&schema) || PREFIXES.iter().any(|p| schema.starts_with(p)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_schema_is_the_users() {
        assert!(is_platform("auth", &[]) && is_platform("_timescaledb_internal", &[]));
        assert!(!is_platform("auth", &["auth".to_owned()]));
        assert!(!is_platform("author", &[]) && !is_platform("public", &[]));
    }
}
