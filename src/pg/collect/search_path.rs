//! A search_path setting, as text, into schemas.

/// The schemas of a setting such as `"$user", public`, `$user` replaced by the role, pg_catalog left out.
pub(super) fn schemas(setting: &str, role: &str) -> Vec<String> {
    let mut schemas = Vec::new();
    let mut rest = setting.chars().peekable();
    let mut name = String::new();
    while let Some(c) = rest.next() {
        match c {
            '"' => {
                while let Some(c) = rest.next() {
                    if c == '"' && rest.next_if_eq(&'"').is_none() {
                        break;
                    }
                    name.push(c);
                }
            }
            ',' => push(&mut schemas, &mut name, role),
            c if c.is_whitespace() => {}
            // An unquoted name folds to lower case, as the server folds it.
            c => name.extend(c.to_lowercase()),
        }
    }
    push(&mut schemas, &mut name, role);
    schemas
}

fn push(schemas: &mut Vec<String>, name: &mut String, role: &str) {
    let name = std::mem::take(name);
    let name = if name == "$user" { role.to_owned() } else { name };
    if !name.is_empty() && name != "pg_catalog" && !schemas.contains(&name) {
        schemas.push(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_commas_and_the_user_are_read_as_the_server_reads_them() {
        assert_eq!(schemas("\"$user\", public", "App"), ["App", "public"]);
        assert_eq!(schemas("Tenant, \"a,\"\"b\", pg_catalog,public , public", "x"), ["tenant", "a,\"b", "public"]);
        assert!(schemas("\"\"", "x").is_empty());
        assert!(schemas("", "x").is_empty());
        assert_eq!(schemas("\"never closed", "x"), ["never closed"]);
    }
}
