//! A parameter in text format: bound to whatever type the server inferred.

use bytes::BytesMut;
use postgres_types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};
use std::error::Error;

/// A value as text, as a literal would be written; `None` is NULL. Fits every type: the server's
/// own input function reads it, so a bad value is the server's error (22P02), not the driver's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextValue(pub Option<String>);

impl ToSql for TextValue {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        Ok(match &self.0 {
            Some(text) => {
                out.extend_from_slice(text.as_bytes());
                IsNull::No
            }
            None => IsNull::Yes,
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// A json value as the server wrote it, not parsed.
#[derive(Debug)]
pub struct JsonText<'a>(pub &'a str);

impl<'a> FromSql<'a> for JsonText<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        Ok(JsonText(std::str::from_utf8(raw)?))
    }

    fn accepts(ty: &Type) -> bool {
        *ty == Type::JSON
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_type_is_written_as_its_text() {
        let mut out = BytesMut::new();
        for ty in [Type::INT8, Type::TIMESTAMPTZ, Type::UNKNOWN, Type::TEXT_ARRAY] {
            out.clear();
            let value = TextValue(Some("{a,\"b\"}".to_owned()));
            assert!(matches!(value.to_sql_checked(&ty, &mut out), Ok(IsNull::No)));
            assert_eq!(&out[..], b"{a,\"b\"}");
            assert!(matches!(value.encode_format(&ty), Format::Text));
        }
        out.clear();
        assert!(matches!(TextValue(None).to_sql_checked(&Type::INT8, &mut out), Ok(IsNull::Yes)));
        assert!(out.is_empty());
    }
}
