use super::*;
use std::time::Duration;

/// Resolves with the given variables and a user `os`; HOME is empty unless given.
fn resolve_in(target: Option<&str>, variables: &[(&str, &str)]) -> Result<ConnInfo, Failure> {
    let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
    resolve(target, &Surroundings { variable: &variable, os_user: Some("os".to_owned()) })
}

/// `user@host:port/database password`, hosts joined by commas.
fn shown(info: &ConnInfo) -> String {
    let hosts: Vec<String> = info.endpoints.iter().map(|e| format!("{}:{}", e.host(), e.port)).collect();
    let password = info.endpoints[0].password.as_ref().map_or("-", |p| p.reveal());
    format!("{}@{}/{} {password}", info.user, hosts.join(","), info.database)
}

fn check(target: &str, expected: &str) {
    let info = resolve_in(Some(target), &[]).unwrap_or_else(|failure| panic!("{target}: {failure}"));
    assert_eq!(shown(&info), expected, "{target}");
}

#[test]
fn urls_and_key_value_strings_mean_what_libpq_says() {
    for (target, expected) in [
        ("postgresql://u:p@h:1234/d", "u@h:1234/d p"),
        ("postgres://h", "os@h:5432/os -"),
        ("postgresql://h/", "os@h:5432/os -"),
        ("postgresql://u@h", "u@h:5432/u -"),
        ("postgresql://u:@h/d", "u@h:5432/d -"),
        ("postgresql://h1,h2:7/d", "os@h1:5432,h2:7/d -"),
        ("postgresql://h1:1,h2:2,h3:3/d?target_session_attrs=primary", "os@h1:1,h2:2,h3:3/d -"),
        ("postgresql://[::1]:5433/d", "os@::1:5433/d -"),
        ("postgresql://[fe80::1],h/d", "os@fe80::1:5432,h:5432/d -"),
        ("postgresql:///d?host=/run/x&port=6", "os@/run/x:6/d -"),
        ("postgresql://%2Frun%2Fx/d", "os@/run/x:5432/d -"),
        ("postgresql:///?host=a,b&port=1,2&user=me&dbname=x", "me@a:1,b:2/x -"),
        ("postgresql://h/d?port=9", "os@h:9/d -"),
        ("postgresql://u%40corp:p%3A%2f%25@h/d%20b", "u@corp@h:5432/d b p:/%"),
        ("postgresql://u:p@ss@h/d", "u@h:5432/d p@ss"),
        ("postgresql://h/d?user=me@server", "me@server@h:5432/d -"),
        ("postgresql+psycopg2://u:p@h/d", "u@h:5432/d p"),
        ("jdbc:postgresql://h:1/d?user=u&password=p&ssl=true", "u@h:1/d p"),
        ("host=h port=1 user=u password=p dbname=d", "u@h:1/d p"),
        ("  host = h  dbname='a b'  ", "os@h:5432/a b -"),
        (r"host=h password='it\'s \\ ' user=a\ b", r"a b@h:5432/a b it's \ "),
        ("host='' hostaddr=::1 user=''", "os@::1:5432/os -"),
        ("host=h hostaddr=10.0.0.1", "os@h:5432/os -"),
        ("host=a,b port=1", "os@a:1,b:1/os -"),
        ("host=a,b port=,2", "os@a:5432,b:2/os -"),
        ("host=a host=b", "os@b:5432/os -"),
        ("host=h password=", "os@h:5432/os -"),
    ] {
        check(target, expected);
    }
    let named = resolve_in(Some("mydb"), &[("PGHOST", "h")]).unwrap();
    assert_eq!(shown(&named), "os@h:5432/mydb -", "a bare word is a database, as in psql");
}

#[test]
fn malformed_settings_name_the_parameter_and_never_the_password() {
    for (target, expected) in [
        ("host=h port=abc password=hunter2", "port"),
        ("host=h port=0 password=hunter2", "port"),
        ("host=h port=65536 password=hunter2", "port"),
        ("host=a,b,c port=1,2 password=hunter2", "port"),
        ("postgresql://u:hunter2@h/d?port=abc", "port"),
        ("host=h sslmode=foo password=hunter2", "sslmode"),
        ("host=h channel_binding=maybe password=hunter2", "channel_binding"),
        ("host=h target_session_attrs=leader password=hunter2", "target_session_attrs"),
        ("host=h connect_timeout=soon password=hunter2", "connect_timeout"),
        ("host=h keepalives_idle=x password=hunter2", "keepalives_idle"),
        ("hostaddr=h password=hunter2", "hostaddr"),
        ("host=a,b hostaddr=::1 password=hunter2", "hostaddr"),
        ("host=h sslrootcert=system sslmode=require password=hunter2", "sslrootcert"),
        ("host=h sslmode=prefer sslnegotiation=direct password=hunter2", "sslnegotiation"),
        ("host=h sslmode=verify-full password=hunter2", "sslmode=verify-full"),
        ("host=h sslcert=/no/such/file password=hunter2", "sslcert"),
        ("host=h ssl_max_protocol_version=TLSv1.1 password=hunter2", "ssl_max_protocol_version"),
        ("host=h require_auth=scram-sha-256 password=hunter2", "require_auth"),
        ("host=h gssencmode=require password=hunter2", "gssencmode"),
        ("postgresql://u:hunter2@h:12x/d", "port"),
        ("postgresql://u:hun/hunter2@h/d", "malformed"),
        ("postgresql://u:12/hunter2@h/d", "malformed"),
        ("postgresql://u:hunter2%@h/d", "malformed"),
        ("postgresql://u:hunter2%0@h/d", "malformed"),
        ("postgresql://u:hunter2%00@h/d", "malformed"),
        ("postgresql://u:hunter2%ff@h/d", "malformed"),
        ("postgresql://u:hunter2@[::1/d", "malformed"),
        ("postgresql://u:hunter2@[::1]x/d", "malformed"),
        ("postgresql://u:hunter2@h/d?sslmode", "malformed"),
        ("mysql://u:hunter2@h/d", "not a PostgreSQL URL"),
        ("host=h password='hunter2", "malformed"),
        ("host=h password=correct hunter2", "malformed"),
        ("=hunter2", "malformed"),
    ] {
        let failure = resolve_in(Some(target), &[]).err().unwrap_or_else(|| panic!("accepted: {target}"));
        assert_eq!(failure.kind, crate::model::failure::FailureKind::Usage, "{target}");
        assert!(failure.message.contains(expected), "{target}: {}", failure.message);
        assert!(!format!("{failure:?}").contains("hunter2"), "{target}: {failure:?}");
    }
    let info = resolve_in(Some("postgresql://u:hunter2@h/d"), &[]).unwrap();
    assert!(!format!("{info:?}").contains("hunter2"));
}

#[test]
fn unknown_and_orm_parameters_are_noted_and_libpqs_needless_ones_are_not() {
    let target = "postgresql://h/d?schema=public&pgbouncer=true&foo=bar&client_encoding=latin1&sslcompression=1";
    let info = resolve_in(Some(target), &[]).unwrap();
    assert_eq!(
        info.notes,
        [
            "the connection string: unknown parameter foo is ignored",
            "the connection string: parameter pgbouncer belongs to an ORM or a pool and is ignored",
            "the connection string: parameter schema belongs to an ORM or a pool and is ignored",
        ]
    );
}

#[test]
fn the_first_source_that_speaks_wins() {
    let folder = tempfile::tempdir().unwrap();
    let service = folder.path().join("service.conf");
    std::fs::write(&service, "# ours\n[other]\nhost=no\n\n[prod]\nhost=service\nport=2\nuser=su\ndbname=sd\n[prod]\nhost=second\n")
        .unwrap();
    let service = service.to_str().unwrap();
    let env = [
        ("DATABASE_URL", "postgresql://durl:1/dd"),
        ("PGSERVICEFILE", service),
        ("PGHOST", "env"),
        ("PGPORT", "3"),
        ("PGUSER", "eu"),
        ("PGDATABASE", "ed"),
        ("PGPASSWORD", "ep"),
        ("PGAPPNAME", ""),
    ];
    let with_service = [&env[..], &[("PGSERVICE", "prod")]].concat();
    for (target, variables, expected) in [
        (Some("host=flag"), &env[..], "eu@flag:3/ed ep"),
        (Some("host=flag"), &with_service[..], "su@flag:2/sd ep"),
        (None, &env[..], "eu@durl:1/dd ep"),
        (None, &with_service[..], "su@durl:1/dd ep"),
        (None, &env[1..], "eu@env:3/ed ep"),
        (None, &with_service[1..], "su@service:2/sd ep"),
        (Some("service=prod user=flag"), &env[..], "flag@service:2/sd ep"),
        (Some("postgresql://?service=prod"), &env[..], "su@service:2/sd ep"),
        (Some("password=fp host=x"), &env[1..], "eu@x:3/ed fp"),
    ] {
        assert_eq!(shown(&resolve_in(target, variables).unwrap()), expected, "{target:?}");
    }
    let missing = resolve_in(Some("service=none"), &env).unwrap_err();
    assert!(missing.message.contains("\"none\" is not defined") && missing.message.contains(service), "{missing:?}");
}

#[test]
fn a_broken_service_section_names_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("pg_service.conf"), "[x]\nhost=h\npassword hunter2\n").unwrap();
    let failure = resolve_in(Some("service=x"), &[("PGSYSCONFDIR", folder.path().to_str().unwrap())]).unwrap_err();
    assert!(failure.message.contains("pg_service.conf, line 3"), "{failure:?}");
    assert!(!failure.message.contains("hunter2"));
}

#[test]
fn the_password_file_matches_with_wildcards_and_escapes() {
    let text = "# comment:*:*:*:no\nh:1:d:u:first\nh:*:d:u:any\\:port\n*:5432:d\\:x:u:colon\nlocalhost:*:*:*:socket\n*:*:*:back\\\\slash:bs\nshort:1\n*:*:*:e:\n*:*:*:e:tail:rest\n::1:5:*:*:no\n\\:\\:1:5:*:*:six\n";
    for (wanted, expected) in [
        (["h", "1", "d", "u"], Some("first")),
        (["h", "2", "d", "u"], Some("any:port")),
        (["g", "5432", "d:x", "u"], Some("colon")),
        (["localhost", "9", "z", "z"], Some("socket")),
        (["g", "9", "z", r"back\slash"], Some("bs")),
        (["short", "1", "z", "z"], None),
        (["g", "1", "z", "e"], Some("tail")),
        (["::1", "5", "z", "z"], Some("six")),
        (["g", "1", "d", "u"], None),
    ] {
        assert_eq!(passfile::find(text, wanted).as_ref().map(|s| s.reveal()), expected, "{wanted:?}");
    }
}

#[cfg(unix)]
#[test]
fn the_password_file_is_used_only_when_nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join(".pgpass");
    std::fs::write(&file, "a:5432:d:u:pa\nb:7:d:u:pb\nlocalhost:5432:d:u:pl\n").unwrap();
    let env = [("HOME", home.path().to_str().unwrap())];
    let mode = |bits| std::fs::set_permissions(&file, std::fs::Permissions::from_mode(bits)).unwrap();
    let passwords = |target: &str| -> Vec<Option<String>> {
        let info = resolve_in(Some(target), &env).unwrap();
        info.endpoints.iter().map(|e| e.password.as_ref().map(|p| p.reveal().to_owned())).collect()
    };
    mode(0o600);
    assert_eq!(passwords("host=a,b,c port=5432,7,7 user=u dbname=d"), [Some("pa".to_owned()), Some("pb".to_owned()), None]);
    assert_eq!(passwords("host=/var/run/postgresql user=u dbname=d"), [Some("pl".to_owned())], "a default socket counts as localhost");
    assert_eq!(passwords("host=a user=u dbname=d password=given"), [Some("given".to_owned())]);
    mode(0o640);
    let info = resolve_in(Some("host=a user=u dbname=d"), &env).unwrap();
    assert_eq!(info.endpoints[0].password, None);
    assert!(info.notes[0].contains("chmod 0600"), "{:?}", info.notes);
    let named = resolve_in(Some("host=a passfile=/no/such/file"), &env).unwrap();
    assert!(named.notes[0].contains("/no/such/file"), "{:?}", named.notes);
}

#[cfg(unix)]
#[test]
fn tls_settings_follow_libpqs_rules() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(".postgresql").join(name);
    std::fs::create_dir(home.path().join(".postgresql")).unwrap();
    let env = [("HOME", home.path().to_str().unwrap())];
    let tls = |target: &str| resolve_in(Some(&format!("host=h {target}")), &env).map(|info| info.tls);

    assert_eq!(tls("").unwrap().mode, SslMode::Prefer);
    assert_eq!(tls("sslmode=require").unwrap().mode, SslMode::Require);
    assert_eq!(tls("sslmode=require sslrootcert=/no/such").unwrap().mode, SslMode::Require);
    assert!(tls("sslmode=verify-ca").unwrap_err().message.contains("root.crt"));
    let system = tls("sslrootcert=system").unwrap();
    assert_eq!((system.mode, system.system_roots), (SslMode::VerifyFull, true));

    std::fs::write(at("root.crt"), "").unwrap();
    assert_eq!(tls("sslmode=require").unwrap().mode, SslMode::VerifyCa, "a root certificate that is there is used");
    assert_eq!(tls("sslmode=prefer").unwrap().mode, SslMode::Prefer);
    assert_eq!(tls("sslmode=verify-full").unwrap().root_file, Some(at("root.crt")));

    std::fs::write(at("postgresql.crt"), "").unwrap();
    assert!(tls("").unwrap_err().message.contains("has no key"));
    std::fs::write(at("postgresql.key"), "").unwrap();
    std::fs::set_permissions(at("postgresql.key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(tls("").unwrap_err().message.contains("read by others"));
    std::fs::set_permissions(at("postgresql.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(tls("").unwrap().client, Some((at("postgresql.crt"), at("postgresql.key"))));

    let socket = |target: &str| resolve_in(Some(&format!("host=/run/x {target}")), &[]).unwrap().tls.mode;
    assert_eq!(socket("sslmode=verify-full"), SslMode::Disable, "a socket needs no root certificate");
    assert_eq!(socket("sslmode=require sslnegotiation=direct"), SslMode::Disable);

    let bounds = |target: &str| tls(target).map(|t| (t.tls12, t.tls13)).unwrap();
    assert_eq!(bounds(""), (true, true));
    assert_eq!(bounds("ssl_min_protocol_version=TLSv1.3"), (false, true));
    assert_eq!(bounds("ssl_min_protocol_version=TLSv1 ssl_max_protocol_version=TLSv1.2"), (true, false));
}

#[test]
fn timeouts_and_keepalives_have_libpqs_meaning() {
    let info = |target: &str| resolve_in(Some(&format!("host=h {target}")), &[]).unwrap();
    assert_eq!(info("").connect_timeout, Some(Duration::from_secs(10)));
    assert_eq!(info("connect_timeout=0").connect_timeout, None);
    assert_eq!(info("connect_timeout=1").connect_timeout, Some(Duration::from_secs(2)));
    assert_eq!(info("connect_timeout=' 30 '").connect_timeout, Some(Duration::from_secs(30)));
    assert_eq!(info("keepalives=0").keepalives, None);
    let set = info("keepalives_idle=7 keepalives_count=3").keepalives.unwrap();
    assert_eq!(set, Keepalives { idle: Some(Duration::from_secs(7)), interval: None, count: Some(3) });
    assert_eq!(info("tcp_user_timeout=1500").tcp_user_timeout, Some(Duration::from_millis(1500)));
}

mod properties {
    use super::*;
    use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
    use proptest::prelude::*;

    proptest! {
        /// Whatever comes, there are settings or a usage failure.
        #[test]
        fn no_text_is_too_odd(text in "\\PC{0,40}") {
            for target in [text.clone(), format!("postgresql://{text}"), format!("host={text}"), format!("postgresql://h/d?{text}")] {
                if let Err(failure) = resolve_in(Some(&target), &[]) {
                    prop_assert_eq!(failure.kind, crate::model::failure::FailureKind::Usage);
                }
            }
        }

        #[test]
        fn encoded_parts_come_back(user in "[^\0]{1,12}", password in "[^\0]{1,12}", database in "[^\0]{1,12}") {
            let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
            let url = format!("postgresql://{}:{}@h/{}", encode(&user), encode(&password), encode(&database));
            let quote = |text: &str| text.replace('\\', "\\\\").replace('\'', "\\'");
            let pairs = format!("host=h user='{}' password='{}' dbname='{}'", quote(&user), quote(&password), quote(&database));
            for target in [url, pairs] {
                let info = resolve_in(Some(&target), &[]).unwrap();
                prop_assert_eq!(&info.user, &user);
                prop_assert_eq!(&info.database, &database);
                prop_assert_eq!(info.endpoints[0].password.as_ref().map(|p| p.reveal()), Some(password.as_str()));
            }
        }

        #[test]
        fn a_password_with_bare_special_characters_is_in_no_message(before in "[a-z0-9]{3,6}", special in "[@:/?#%&= ]{1,2}") {
            let password = format!("{before}{special}hunter2");
            for target in [format!("postgresql://user:{password}@host.test/db"), format!("host=h port=x password={password}")] {
                if let Err(failure) = resolve_in(Some(&target), &[]) {
                    prop_assert!(!format!("{failure:?}").contains("hunter2"), "{target}: {failure:?}");
                }
            }
        }
    }
}
