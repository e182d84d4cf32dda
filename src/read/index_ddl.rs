//! The strict grammar of the index statements that we write ourselves. A report or a migration
//! file may come from anywhere, so nothing in it is run as given: it is read into [`Ddl`] here and
//! written again from there. Whatever else a file holds is refused by statement and line.

use super::lex::{Kind, Token, tokens};
use super::split::statements;
use crate::model::ddl::{CreateIndex, Ddl, IndexName};
use crate::model::index_def::TableName;
use crate::model::text::{ellipsis, quote_ident, squeeze};

/// Why a file was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which statement, from 1.
    pub statement: usize,
    /// Line it starts on, from 1.
    pub line: usize,
    /// What it is, or what about it is not allowed.
    pub what: String,
}

/// What a file may hold, for people.
pub const FORMS: [&str; 2] = [
    "CREATE [UNIQUE] INDEX CONCURRENTLY name ON [schema.]table [USING method] (…) [INCLUDE (…)] [NULLS NOT DISTINCT] [WITH (…)] [TABLESPACE …] [WHERE …]",
    "DROP INDEX CONCURRENTLY [schema.]name",
];

/// Reads a file of CREATE INDEX CONCURRENTLY and DROP INDEX CONCURRENTLY statements, as people write them too: a schema
/// that is left out is empty, and the caller finds it; a method that is left out is btree, as in SQL.
pub fn file(sql: &str) -> Result<Vec<Ddl>, Refused> {
    let one = |(at, piece): (usize, &super::split::Piece)| {
        let refuse = |what: String| Refused { statement: at + 1, line: piece.line(sql), what };
        match Cursor::new(&piece.text).and_then(|cursor| Cursor { by_hand: true, ..cursor }.statement()) {
            Ok(ddl @ (Ddl::Create(_) | Ddl::Drop(_))) => Ok(ddl),
            Ok(_) => Err(refuse(beginning(&piece.text))),
            Err(what) => Err(refuse(what)),
        }
    };
    statements(sql).iter().enumerate().map(one).collect()
}

/// Reads one statement; the error says what it is instead.
pub fn statement(sql: &str) -> Result<Ddl, String> {
    Cursor::new(sql)?.statement()
}

/// Reads what makes the index of a partitioned table on that table alone.
pub fn parent(sql: &str) -> Option<CreateIndex> {
    let mut cursor = Cursor::new(sql).ok()?;
    let only = sql.contains(" ON ONLY ") && cursor.words(&["CREATE"]);
    let create = if only { cursor.create(false).ok()?? } else { return None };
    cursor.at_end().then_some(create)
}

/// Reads the statement by which a partition's index joins another: that one, and the partition's.
pub fn attach(sql: &str) -> Option<(IndexName, IndexName)> {
    let mut cursor = Cursor::new(sql).ok()?;
    let above = if cursor.words(&["ALTER", "INDEX"]) { cursor.index().ok()? } else { return None };
    let index = if cursor.words(&["ATTACH", "PARTITION"]) { cursor.index().ok()? } else { return None };
    cursor.at_end().then_some((above, index))
}

/// Reads what pg_get_indexdef() printed.
pub fn definition(indexdef: &str) -> Option<CreateIndex> {
    let mut cursor = Cursor::new(indexdef).ok()?;
    let create = if cursor.words(&["CREATE"]) { cursor.create(false).ok()?? } else { return None };
    cursor.at_end().then_some(create)
}

/// The first words of a statement, for a message.
pub(super) fn beginning(sql: &str) -> String {
    ellipsis(&squeeze(sql), 60)
}

/// A walk over the tokens of one statement.
pub(super) struct Cursor<'a> {
    sql: &'a str,
    tokens: Vec<Token>,
    at: usize,
    /// Schema and method may be left out.
    by_hand: bool,
}

impl<'a> Cursor<'a> {
    /// Refuses what could end the statement early or hide text: comments, `;`, psql's backslash, open quotes.
    pub(super) fn new(sql: &'a str) -> Result<Self, String> {
        let tokens = tokens(sql.trim());
        for token in &tokens {
            match token.kind {
                Kind::LineComment | Kind::BlockComment => return Err(format!("{} (a comment inside a statement)", beginning(sql))),
                Kind::Symbol(';') => return Err(format!("{} (more than one statement)", beginning(sql))),
                Kind::Symbol('\\') => return Err(format!("{} (a psql command)", beginning(sql))),
                _ if !token.closed => return Err(format!("{} (a quote is not closed)", beginning(sql))),
                _ => {}
            }
        }
        Ok(Cursor { sql: sql.trim(), tokens, at: 0, by_hand: false })
    }

    fn statement(mut self) -> Result<Ddl, String> {
        let found = if self.words(&["CREATE"]) {
            self.create(true)?.map(Ddl::Create)
        } else if self.words(&["DROP", "INDEX"]) {
            self.must("CONCURRENTLY", "without CONCURRENTLY it would stop reads and writes")?;
            self.not("IF", "leave IF EXISTS out: an index that is not there is no error")?;
            Some(Ddl::Drop(self.index()?))
        } else if self.words(&["COMMENT", "ON", "INDEX"]) {
            self.comment()?
        } else if self.words(&["ALTER", "INDEX"]) {
            self.statistics()?
        } else {
            None
        };
        match found {
            Some(ddl) if self.at_end() => Ok(ddl),
            _ => Err(beginning(self.sql)),
        }
    }

    fn peek(&mut self) -> Option<Token> {
        while self.tokens.get(self.at).is_some_and(Token::is_blank) {
            self.at += 1;
        }
        self.tokens.get(self.at).copied()
    }

    pub(super) fn at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    pub(super) fn symbol(&mut self, wanted: char) -> bool {
        let found = self.peek().is_some_and(|t| t.kind == Kind::Symbol(wanted));
        self.at += usize::from(found);
        found
    }

    /// Takes these keywords, all or none.
    pub(super) fn words(&mut self, wanted: &[&str]) -> bool {
        let start = self.at;
        for word in wanted {
            match self.peek() {
                Some(t) if t.kind == Kind::Word && t.text(self.sql).eq_ignore_ascii_case(word) => self.at += 1,
                _ => {
                    self.at = start;
                    return false;
                }
            }
        }
        true
    }

    fn not(&mut self, word: &str, what: &str) -> Result<(), String> {
        if self.words(&[word]) { Err(format!("{} ({what})", beginning(self.sql))) } else { Ok(()) }
    }

    fn must(&mut self, word: &str, else_what: &str) -> Result<(), String> {
        if self.words(&[word]) { Ok(()) } else { Err(format!("{} ({else_what})", beginning(self.sql))) }
    }

    pub(super) fn name(&mut self) -> Option<String> {
        let token = self.peek()?;
        let text = token.text(self.sql);
        let name = match token.kind {
            Kind::QuotedName if text.starts_with('"') => text[1..text.len() - 1].replace("\"\"", "\""),
            Kind::Word => text.to_ascii_lowercase(),
            _ => return None,
        };
        self.at += 1;
        Some(name)
    }

    pub(super) fn qualified(&mut self, what: &str) -> Result<(String, String), String> {
        let schema = self.name();
        let dotted = self.symbol('.');
        if let Some(bare) = schema.as_ref().filter(|_| self.by_hand && !dotted) {
            return Ok((String::new(), bare.clone()));
        }
        let name = if dotted { self.name() } else { None };
        schema.zip(name).ok_or_else(|| format!("{} (the {what} needs its schema: \"schema\".\"name\")", beginning(self.sql)))
    }

    fn index(&mut self) -> Result<IndexName, String> {
        self.qualified("index").map(|(schema, name)| IndexName { schema, name })
    }

    fn create(&mut self, concurrently: bool) -> Result<Option<CreateIndex>, String> {
        let unique = self.words(&["UNIQUE"]);
        if !self.words(&["INDEX"]) {
            return Ok(None);
        }
        if concurrently {
            self.must("CONCURRENTLY", "without CONCURRENTLY it would stop writes")?;
        }
        self.not("IF", "leave IF NOT EXISTS out: an equal index that is there is left as it is, and another of that name is told")?;
        if self.words(&["ON"]) {
            return Err(format!("{} (the index needs a name)", beginning(self.sql)));
        }
        let Some(name) = self.name() else { return Ok(None) };
        if !self.words(&["ON"]) {
            return Ok(None);
        }
        // pg_get_indexdef writes ONLY for partitioned indexes; a statement of ours never does.
        if !concurrently {
            self.words(&["ONLY"]);
        }
        let (schema, table) = self.qualified("table")?;
        let Some(body) = self.body() else { return Ok(None) };
        let tablespace = if self.words(&["TABLESPACE"]) { Some(self.name().ok_or_else(|| beginning(self.sql))?) } else { None };
        let predicate = if self.words(&["WHERE"]) { Some(self.rest().ok_or_else(|| beginning(self.sql))?) } else { None };
        Ok(Some(CreateIndex { name, table: TableName { schema, name: table }, unique, body, tablespace, predicate }))
    }

    /// `USING method (keys) [INCLUDE (…)] [NULLS [NOT] DISTINCT] [WITH (…)]`, spaces squeezed.
    fn body(&mut self) -> Option<String> {
        let method = match self.words(&["USING"]) {
            true => self.name()?,
            false if self.by_hand => "btree".to_owned(),
            false => return None,
        };
        // Access methods have plain names; another would be a stranger's, and is quoted.
        let plain = method.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let method = if plain { method } else { quote_ident(&method) };
        let mut body = format!("USING {method} {}", self.group()?);
        if self.words(&["INCLUDE"]) {
            body.push_str(&format!(" INCLUDE {}", self.group()?));
        }
        if self.words(&["NULLS", "NOT", "DISTINCT"]) {
            body.push_str(" NULLS NOT DISTINCT");
        }
        if self.words(&["WITH"]) {
            body.push_str(&format!(" WITH {}", self.group()?));
        }
        Some(body)
    }

    /// A balanced `( … )`.
    fn group(&mut self) -> Option<String> {
        self.peek().filter(|t| t.kind == Kind::Symbol('('))?;
        let (start, mut depth) = (self.at, 0usize);
        while let Some(token) = self.tokens.get(self.at) {
            self.at += 1;
            match token.kind {
                Kind::Symbol('(') => depth += 1,
                Kind::Symbol(')') if depth == 1 => return Some(self.squeezed(start, self.at)),
                Kind::Symbol(')') => depth -= 1,
                _ => {}
            }
        }
        None
    }

    /// All that is left, parentheses balanced.
    fn rest(&mut self) -> Option<String> {
        self.peek()?;
        let (start, mut depth) = (self.at, 0i64);
        for token in &self.tokens[start..] {
            match token.kind {
                Kind::Symbol('(') => depth += 1,
                Kind::Symbol(')') => depth -= 1,
                _ => {}
            }
            if depth < 0 {
                return None;
            }
        }
        self.at = self.tokens.len();
        (depth == 0).then(|| self.squeezed(start, self.at))
    }

    fn squeezed(&self, start: usize, end: usize) -> String {
        let text = |t: &Token| if t.kind == Kind::Space { " " } else { t.text(self.sql) };
        self.tokens[start..end].iter().map(text).collect()
    }

    fn comment(&mut self) -> Result<Option<Ddl>, String> {
        let index = self.index()?;
        if !self.words(&["IS"]) {
            return Ok(None);
        }
        Ok(self.literal().map(|text| Ddl::Comment(index, text)))
    }

    /// A string literal as `quote_literal` writes it.
    fn literal(&mut self) -> Option<String> {
        let token = self.peek().filter(|t| t.kind == Kind::Literal)?;
        let text = token.text(self.sql);
        self.at += 1;
        let plain = |inner: &str| inner.replace("''", "'");
        match text.strip_prefix("E'").or_else(|| text.strip_prefix("e'")) {
            // quote_literal doubles every backslash; any other escape is not ours.
            Some(inner) if inner.replace("\\\\", "").contains('\\') => None,
            Some(inner) => Some(plain(inner.strip_suffix('\'')?).replace("\\\\", "\\")),
            None => Some(plain(text.strip_prefix('\'')?.strip_suffix('\'')?)),
        }
    }

    fn statistics(&mut self) -> Result<Option<Ddl>, String> {
        let index = self.index()?;
        let column = if self.words(&["ALTER", "COLUMN"]) { self.number::<i16>() } else { None };
        let target = if self.words(&["SET", "STATISTICS"]) { self.number::<i32>() } else { None };
        Ok(column.zip(target).map(|(column, target)| Ddl::Statistics(index, column, target)))
    }

    fn number<T: std::str::FromStr>(&mut self) -> Option<T> {
        let token = self.peek().filter(|t| t.kind == Kind::Word)?;
        self.at += 1;
        token.text(self.sql).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::index_def::{IndexSpec, KeySpec};
    use proptest::prelude::*;

    fn create(sql: &str) -> CreateIndex {
        match statement(sql) {
            Ok(Ddl::Create(create)) => create,
            other => panic!("{sql}: {other:?}"),
        }
    }

    #[test]
    fn our_own_statements_are_read_and_written_again() {
        let sql = "CREATE UNIQUE INDEX CONCURRENTLY \"a\"\"b\" ON \"S x\".\"t\" USING btree (\"c\" DESC, (lower(d))) INCLUDE (\"e\") NULLS NOT DISTINCT WITH (fillfactor='70') TABLESPACE \"fast\" WHERE a > ';' AND (b)";
        assert_eq!(create(sql).sql(), sql);
        assert_eq!(create(sql).tablespace.as_deref(), Some("fast"));
        for sql in [
            "DROP INDEX CONCURRENTLY \"s\".\"i\"",
            "COMMENT ON INDEX \"s\".\"i\" IS E'it''s \\\\ ; here'",
            "COMMENT ON INDEX \"s\".\"i\" IS 'plain; ''x'''",
            "ALTER INDEX \"s\".\"i\" ALTER COLUMN 2 SET STATISTICS 500",
        ] {
            assert_eq!(statement(sql).map(|d| d.sql()), Ok(sql.to_owned()));
        }
    }

    #[test]
    fn what_the_server_prints_is_read_too() {
        let made = definition("CREATE INDEX i ON ONLY s.\"T\" USING gin (a gin_trgm_ops, lower((b)::text)) WHERE (c IS NOT NULL)").unwrap();
        assert_eq!((made.table.name.as_str(), made.predicate.as_deref()), ("T", Some("(c IS NOT NULL)")));
        assert_eq!(made.shape(), "USING gin (a gin_trgm_ops, lower((b)::text)) WHERE (c IS NOT NULL)");
    }

    #[test]
    fn anything_else_is_refused_by_statement_and_line() {
        for bad in [
            "drop table t",
            "create index i on s.t using btree (a)",
            "create index concurrently if not exists i on s.t using btree (a)",
            "create index concurrently on s.t using btree (a)",
            "create index concurrently i on t using btree (a)",
            "create index concurrently i on s.t (a)",
            "create index concurrently i on s.t using btree (a) garbage",
            "create index concurrently i on s.t using btree (a) where a) or (b",
            "create index concurrently i on s.t using btree (a /* x */)",
            "create index concurrently i on s.t using btree (a) where a = 'x",
            "drop index concurrently i",
            "drop index concurrently s.i cascade",
            "drop index concurrently s.i, s.j",
            "drop index concurrently if exists s.i",
            "drop index s.i",
            "comment on index s.i is E'\\n'",
            "select 1\\gexec",
            "",
        ] {
            assert!(statement(bad).is_err(), "{bad}");
        }
        let refused = file("drop index concurrently s.i;\n\ndrop table t;").unwrap_err();
        assert_eq!((refused.statement, refused.line, refused.what.as_str()), (2, 3, "drop table t"));
        assert!(file("comment on index s.i is 'x'").is_err());
        assert_eq!(file("-- nothing\n"), Ok(vec![]));
        for (bad, why) in [
            ("create index i on t (a)", "without CONCURRENTLY it would stop writes"),
            ("drop index i", "without CONCURRENTLY it would stop reads and writes"),
            ("create index concurrently if not exists i on t (a)", "leave IF NOT EXISTS out"),
            ("drop index concurrently if exists i", "leave IF EXISTS out"),
            ("create index concurrently on t (a)", "needs a name"),
        ] {
            let what = file(bad).unwrap_err().what;
            assert!(what.starts_with(bad) && what.contains(why), "{what}");
        }
    }

    #[test]
    fn people_may_leave_schema_and_method_out() {
        let read = |sql: &str| file(sql).map(|all| all.into_iter().map(|ddl| ddl.sql()).collect::<Vec<_>>());
        assert_eq!(
            read("create index concurrently i on T (a, lower(b) desc) include (c) where a > 1;\ndrop index concurrently \"J\";"),
            Ok(vec![
                "CREATE INDEX CONCURRENTLY \"i\" ON \"\".\"t\" USING btree (a, lower(b) desc) INCLUDE (c) WHERE a > 1".into(),
                "DROP INDEX CONCURRENTLY \"\".\"J\"".into()
            ])
        );
        assert_eq!(
            read("create index concurrently i on s.t (a)"),
            Ok(vec!["CREATE INDEX CONCURRENTLY \"i\" ON \"s\".\"t\" USING btree (a)".into()])
        );
        assert!(read("create index concurrently i on s. (a)").is_err() && read("drop index concurrently s.i.j").is_err());
    }

    #[test]
    fn the_recipe_of_a_partitioned_table_is_read() {
        let top = create("create index concurrently i on s.t using btree (a)");
        assert_eq!(parent(&top.sql_on_only()), Some(top.clone()));
        assert_eq!(parent(&top.sql()), None);
        let child = IndexName::new("s", "c");
        assert_eq!(attach(&top.index().attach_sql(&child)), Some((top.index(), child)));
        assert_eq!(attach("alter index s.i attach partition s.c, s.d"), None);
    }

    proptest! {
        #[test]
        fn any_name_survives(name in ".{1,20}", table in ".{1,20}", column in ".{1,20}") {
            prop_assume!(![&name, &table, &column].iter().any(|n| n.contains('\0')));
            let spec = IndexSpec::btree(TableName::new("s", &table), vec![KeySpec::column(&column)]);
            let read = create(&spec.create_sql(&name, true));
            prop_assert_eq!((&read.name, &read.table.name), (&name, &table));
            prop_assert_eq!(create(&read.sql()), read);
            let index = IndexName::new("s", name);
            prop_assert_eq!(statement(&index.drop_sql()), Ok(Ddl::Drop(index.clone())));
            let comment = Ddl::Comment(index, column);
            prop_assert_eq!(statement(&comment.sql()), Ok(comment));
        }

        #[test]
        fn no_text_panics(sql in "(create |index |concurrently |drop |on |s\\.t |using |btree |\\(|\\)|a|\"|'|;|where |\\\\|ü){0,20}") {
            let _ = (statement(&sql), file(&sql), definition(&sql));
        }
    }
}
