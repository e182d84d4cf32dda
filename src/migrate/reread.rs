//! The recipe of a partitioned table, read back from the files that were written of it: nothing in them is believed that
//! writing them again does not yield.

use super::partition::recipe;
use crate::model::ddl::{CreateIndex, Ddl, IndexName};
use crate::model::report::AdvisedIndex;
use crate::model::step::Member;
use crate::read::index_ddl;

/// The index for which exactly these files are written; each is its statements. `None` where some are missing, edited, or
/// of something else.
pub fn reread(files: &[Vec<&str>]) -> Option<CreateIndex> {
    let statements = || files.iter().flatten();
    let parents: Vec<CreateIndex> = statements().filter_map(|sql| index_ddl::parent(sql)).collect();
    let attached: Vec<(IndexName, IndexName)> = statements().filter_map(|sql| index_ddl::attach(sql)).collect();
    let leaf = |sql: &&str| if let Ok(Ddl::Create(create)) = index_ddl::statement(sql) { Some(create) } else { None };
    let leaves: Vec<CreateIndex> = statements().filter_map(leaf).collect();
    let above = |index: &IndexName| attached.iter().find(|(_, child)| child == index).map(|(above, _)| above);
    let top = parents.iter().find(|parent| above(&parent.index()).is_none())?;
    let level = |create: &CreateIndex| {
        // A bound, so that files that were edited into a circle end.
        std::iter::successors(above(&create.index()), |index| above(index)).take(parents.len() + 1).count()
    };
    let member = |create: &CreateIndex, leaf: bool| {
        let parent = parents.iter().find(|parent| Some(&parent.index()) == above(&create.index()))?;
        let level = i32::try_from(level(create)).ok()?;
        Some(Member { oid: 0, table: create.table.clone(), parent: parent.table.clone(), level, leaf })
    };
    let inner = parents.iter().filter(|parent| *parent != top).map(|parent| member(parent, false));
    let members: Vec<Member> = inner.chain(leaves.iter().map(|leaf| member(leaf, true))).collect::<Option<_>>()?;
    let mut written: Vec<Vec<String>> = recipe(&AdvisedIndex::default(), top, &members).into_iter().map(|step| step.sql).collect();
    let mut given: Vec<Vec<String>> = files.iter().map(|file| file.iter().map(|sql| (*sql).to_owned()).collect()).collect();
    written.sort();
    given.sort();
    (written == given).then(|| top.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::index_def::TableName;

    fn written() -> (CreateIndex, Vec<Vec<String>>) {
        let (top, sub) = (TableName::new("s", "p"), TableName::new("s", "sub"));
        let member = |name: &str, parent: &TableName, level, leaf| {
            let table = TableName::new("s", name);
            Member { oid: 0, table, parent: parent.clone(), level, leaf }
        };
        let members = [member("p1", &top, 1, true), member("sub", &top, 1, false), member("sub1", &sub, 2, true)];
        let create =
            CreateIndex { name: "i".into(), table: top, unique: false, body: "USING btree (a)".into(), tablespace: None, predicate: None };
        let files = recipe(&AdvisedIndex::default(), &create, &members).into_iter().map(|step| step.sql).collect();
        (create, files)
    }

    fn read(files: &[Vec<String>]) -> Option<CreateIndex> {
        reread(&files.iter().map(|file| file.iter().map(String::as_str).collect()).collect::<Vec<_>>())
    }

    #[test]
    fn what_was_written_is_read_and_nothing_else() {
        let (create, files) = written();
        assert_eq!(read(&files), Some(create));
        for at in 0..files.len() {
            let mut some = files.clone();
            some.remove(at);
            assert_eq!(read(&some), None, "without {:?}", files[at]);
            let mut edited = files.clone();
            edited[at].push("DROP TABLE s.p".into());
            assert_eq!(read(&edited), None);
            let mut other = files.clone();
            other[at].iter_mut().for_each(|sql| *sql = sql.replace("sub", "p"));
            assert_eq!(read(&other).is_none(), other != files, "{other:?}");
        }
        assert_eq!(read(&[]), None);
    }
}
