//! What is known of each case beyond its file: sizes and skew that make the published problem real. Columns that are not
//! named here are filled by type (see `data.rs`); `g` is the row's number, from 1.

/// One case's data.
pub struct Facts {
    /// Of the case.
    pub id: &'static str,
    /// Rows of each table; a table that is not named gets [`ROWS`].
    pub rows: &'static [(&'static str, u32)],
    /// `table.column` and the SQL expression that gives its value.
    pub columns: &'static [(&'static str, &'static str)],
    /// What happens after VACUUM ANALYZE.
    pub afterwards: &'static str,
}

/// Rows of a table about which nothing else is said.
pub const ROWS: u32 = 200_000;

const PLAIN: Facts = Facts { id: "", rows: &[], columns: &[], afterwards: "" };

/// The facts of a case; a case that nobody wrote facts for is filled by type alone.
pub fn of(id: &str) -> &'static Facts {
    FACTS.iter().find(|f| f.id == id).unwrap_or(&PLAIN)
}

static FACTS: &[Facts] = &[
    // A few actions for each version.
    Facts {
        id: "crates-vo-actions",
        rows: &[("users", 20_000)],
        columns: &[
            (
                "version_owner_actions.version_id",
                "case when g % 40000 = 0 then (array[331918, 326822, 322376])[1 + g / 40000 % 3] else 1 + (400000 * random())::int end",
            ),
            ("version_owner_actions.action", "(3 * random())::int"),
        ],
        ..PLAIN
    },
    // Big crates whose owners come and go: nine in ten rows are deleted.
    Facts {
        id: "crates-owners-redundant",
        columns: &[
            ("crate_owners.crate_id", "1 + g % 1000"),
            ("crate_owners.owner_id", "1 + g / 1000"),
            ("crate_owners.owner_kind", "(random() < 0.2)::int"),
            ("crate_owners.deleted", "random() < 0.9"),
        ],
        ..PLAIN
    },
    Facts { id: "crates-short-trgm", columns: &[("crates2.name", "'crate-' || md5(g::text)")], ..PLAIN },
    // Four members for each project.
    Facts {
        id: "warehouse-roles",
        rows: &[("users3", 50_000)],
        columns: &[
            (
                "roles.project_id",
                "case when g % 50000 = 7 then '547e3fee-c042-463f-bc6b-ddb7a9667f16'::uuid else md5('project' || g % 50000)::uuid end",
            ),
            ("roles.user_id", "md5((1 + g % 49999)::text)::uuid"),
            ("roles.role_name", "(array['Owner', 'Maintainer'])[1 + g % 2]"),
        ],
        ..PLAIN
    },
    Facts {
        id: "rubygems-lower",
        columns: &[("versions2.full_name", "case g when 4711 then 'Nokogiri-1.8.3' else 'Gem' || g % 20000 || '-1.' || g / 20000 end")],
        ..PLAIN
    },
    // One user, say the shop's till, has many orders and carts; fewer people make orders than have them; carts that were left are rows without completed_at.
    Facts {
        id: "ofn-orders",
        columns: &[
            ("spree_orders.user_id", "case when g % 50 = 0 then 1 else 2 + (20000 * random())::int end"),
            (
                "spree_orders.created_by_id",
                "case when g % 50 = 0 then (array[1, 1, 2])[1 + (2 * random())::int] else 2 + (5000 * random())::int end",
            ),
            ("spree_orders.completed_at", "case when random() < 0.6 then timestamp '2018-01-01' + g * interval '5 minutes' end"),
            ("spree_orders.created_at", "timestamp '2018-01-01' + g * interval '5 minutes' - random() * interval '1 day'"),
        ],
        ..PLAIN
    },
    // Ten kinds of links, in the order of their making.
    Facts {
        id: "govuk-link-changes",
        columns: &[
            (
                "link_changes.link_type",
                "(array['taxons', 'parent', 'organisations', 'people', 'topics', 'roles', 'policies', 'children', 'facets', 'other'])[1 + (9 * random())::int]",
            ),
            ("link_changes.action", "(array['add', 'remove'])[1 + g % 2]"),
        ],
        ..PLAIN
    },
    // The case says: fewer than a thousand rows in a wide, bloated heap.
    Facts {
        id: "codetriage-fullname",
        rows: &[("repos", 60_000)],
        columns: &[
            ("repos.full_name", "case g when 36000 then 'schneems/wicked' else 'owner' || g || '/repo' end"),
            ("repos.notes", "repeat('x', 1900)"),
        ],
        afterwards: "delete from repos where id % 72 <> 0; vacuum analyze repos",
    },
    // Most builds are finished and well.
    Facts {
        id: "hydra-hash",
        columns: &[
            ("builds.finished", "(random() < 0.95)::int"),
            ("builds.buildstatus", "case when random() < 0.8 then 0 else (10 * random())::int end"),
            ("buildoutputs.build", "g"),
            ("buildoutputs.path", "case g when 4711 then '/nix/store/x' else '/nix/store/' || md5(g::text) || '-out' end"),
        ],
        ..PLAIN
    },
    // Third parties beside one large authority; the tests' own is the smallest.
    Facts {
        id: "h-unused",
        columns: &[
            (
                "user.authority",
                "case when g % 40000 = 0 then 'test.foobar.org' when random() < 0.9 then 'hypothes.is' else 'partner' || g % 20 || '.org' end",
            ),
            ("user.username", "'name' || g"),
        ],
        ..PLAIN
    },
    // An account that posted a lot, long ago and lately.
    Facts {
        id: "mastodon-3895",
        rows: &[("statuses", 300_000)],
        columns: &[
            ("statuses.account_id", "case when g % 300 = 0 then 1 else 2 + (20000 * random())::int end"),
            ("statuses.visibility", "case when random() < 0.8 then 0 else (3 * random())::int end"),
        ],
        ..PLAIN
    },
    // Few accounts are local.
    Facts {
        id: "mastodon-20496",
        columns: &[
            ("accounts.domain", "case when g % 200 <> 0 then 'server' || (3000 * random() ^ 2)::int || '.social' end"),
            ("account_stats.account_id", "g"),
        ],
        ..PLAIN
    },
    // Logs arrive in bulk: thousands share the time of their transaction.
    Facts {
        id: "diode-536",
        columns: &[
            ("ingestion_logs.state", "(4 * random())::int"),
            ("ingestion_logs.updated_at", "timestamp '2026-01-01' + g / 20000 * interval '1 hour'"),
        ],
        ..PLAIN
    },
    // One instance, one audience.
    Facts {
        id: "supabase-247",
        columns: &[
            ("auth_users.instance_id", "'00000000-0000-0000-0000-000000000000'::uuid"),
            ("auth_users.aud", "'authenticated'"),
            ("auth_users.email", "case g when 4711 then 'X' else 'User' || g || '@example.com' end"),
        ],
        ..PLAIN
    },
    Facts {
        id: "litellm-18828",
        columns: &[("LiteLLM_UserTable.user_email", "case g when 4711 then 'a@B' else 'User' || g || '@example.com' end")],
        ..PLAIN
    },
    Facts {
        id: "sourcegraph-24798",
        columns: &[
            ("lsif_uploads.repository_id", "1 + (5000 * random())::int"),
            (
                "lsif_uploads.state",
                "(array['completed', 'completed', 'deleted', 'deleted', 'deleting', 'queued', 'errored'])[1 + (6 * random())::int]",
            ),
        ],
        ..PLAIN
    },
    // A month is kept; each run deletes a day.
    Facts {
        id: "sourcegraph-49804",
        columns: &[
            ("cm_trigger_jobs.finished_at", "now() - interval '31 days' * (1 - g / 200000.0)"),
            ("cm_action_jobs.trigger_event", "g"),
        ],
        ..PLAIN
    },
    // A large customer among many; most runs are remediations.
    Facts {
        id: "dispatcher-342",
        columns: &[
            ("runs.org_id", "case when g % 50 = 0 then '5318290' else (1000000 + (2000 * random())::int)::text end"),
            ("runs.service", "(array['remediations', 'remediations', 'config_manager'])[1 + (2 * random())::int]"),
            ("runs.status", "(array['success', 'failure', 'running'])[1 + (2 * random())::int]"),
            ("runs.labels", "jsonb_build_object('playbook-run', case when g % 5000 = 0 then 'x' else md5(g::text) end)"),
        ],
        ..PLAIN
    },
    // Compilations of years, one in a few minutes.
    Facts {
        id: "inmanta-5347",
        columns: &[
            ("compile.environment", "md5('environment' || g % 100)::uuid"),
            ("compile.started", "now() - (200001 - g) * interval '2 minutes'"),
            ("compile.completed", "now() - (200001 - g) * interval '2 minutes' + interval '90 seconds'"),
        ],
        ..PLAIN
    },
    Facts {
        id: "jupiter-3428",
        columns: &[
            ("active_storage_attachments.name", "(array['files', 'files', 'logo'])[1 + (2 * random())::int]"),
            ("active_storage_attachments.record_type", "(array['Item', 'Item', 'Thesis', 'Community'])[1 + (3 * random())::int]"),
            (
                "active_storage_attachments.record_id",
                "case when g % 70000 = 0 then '11111111-1111-1111-1111-111111111111'::uuid else md5('record' || g / 2)::uuid end",
            ),
        ],
        ..PLAIN
    },
    // Three tags each, of two hundred.
    Facts {
        id: "crudbench-260",
        columns: &[(
            "record.tags",
            "jsonb_build_array('tag' || (200 * random())::int, 'tag' || (200 * random())::int, case when g % 400 = 0 then 'omicron' else 'tag' || (200 * random())::int end)",
        )],
        ..PLAIN
    },
    Facts { id: "crates-8242", columns: &[("crate_downloads.downloads", "(1e9 * random() ^ 4)::bigint")], ..PLAIN },
    // Changing the type takes the column's statistics away; nobody analyses again.
    Facts {
        id: "lemmy-5148",
        columns: &[("post.url", "case g when 4711 then 'https://x' else 'https://example.com/' || g end")],
        afterwards: "alter table post alter url type varchar(1999); alter table post alter url type varchar(2000)",
        ..PLAIN
    },
    // A new column without a value, indexed and not analysed.
    Facts {
        id: "strongmig-303",
        rows: &[("activities", 300_000)],
        columns: &[("activities.parent_id", "null")],
        afterwards: "alter table activities alter parent_id type int; alter table activities alter parent_id type bigint",
    },
];
