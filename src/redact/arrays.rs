//! Array and list texts as PostgreSQL writes them, element by element.

/// `{a,"b c",NULL,{…}}` with every element mapped; `None` when one has no image or the text is no
/// such array (bounds written out, say).
pub(super) fn map(text: &str, mut element: impl FnMut(&str) -> Option<String>) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    let mut depth = 0usize;
    while let Some(c) = chars.next() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.checked_sub(1)?,
            ',' => {}
            _ if depth == 0 => return None,
            '"' => {
                let value = quoted(&mut chars)?;
                out.push_str(&quote(&element(&value)?));
                continue;
            }
            first => {
                let mut value = String::from(first);
                while let Some(more) = chars.next_if(|c| !matches!(c, ',' | '{' | '}' | '"')) {
                    value.push(more);
                }
                if value.eq_ignore_ascii_case("null") {
                    out.push_str("NULL")
                } else {
                    out.push_str(&quote(&element(&value)?))
                }
                continue;
            }
        }
        out.push(c);
    }
    (depth == 0 && text.starts_with('{')).then_some(out)
}

fn quoted(chars: &mut impl Iterator<Item = char>) -> Option<String> {
    let mut value = String::new();
    loop {
        match chars.next()? {
            '"' => return Some(value),
            '\\' => value.push(chars.next()?),
            c => value.push(c),
        }
    }
}

/// Bare where the server would write it so.
fn quote(value: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_' | '+' | ':' | '$');
    if !value.is_empty() && value.chars().all(bare) && !value.eq_ignore_ascii_case("null") {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn elements_are_mapped_and_the_shape_stays() {
        let upper = |text: &str| map(text, |e| Some(e.to_uppercase()));
        assert_eq!(upper("{a,\"b c\",NULL,\"null\"}").as_deref(), Some("{A,\"B C\",NULL,\"NULL\"}"));
        assert_eq!(upper("{{a,b},{c,\"\"}}").as_deref(), Some("{{A,B},{C,\"\"}}"));
        assert_eq!(upper("{}").as_deref(), Some("{}"));
        for none in ["a", "[0:1]={a,b}", "{a", "{\"a", "a}", ""] {
            assert_eq!(upper(none), None, "{none}");
        }
        assert_eq!(map("{a,b}", |e| (e == "a").then(|| e.to_owned())), None);
    }

    proptest! {
        #[test]
        fn any_elements_survive(values in prop::collection::vec(any::<String>(), 1..5)) {
            let text = format!("{{{}}}", values.iter().map(|v| quote(v)).collect::<Vec<_>>().join(","));
            let mut seen = Vec::new();
            prop_assert_eq!(map(&text, |e| { seen.push(e.to_owned()); Some(e.to_owned()) }), Some(text.clone()));
            prop_assert_eq!(seen, values);
        }
    }
}
