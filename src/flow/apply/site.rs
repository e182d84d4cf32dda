//! Where the changes are made: what they are paid with, and what room there is. Room that one change of the plan takes is
//! gone for the next.

use crate::apply::preflight::space::{self, Room};
use crate::apply::preflight::{self, Surroundings};
use crate::candidates::size;
use crate::disk;
use crate::flow::build_time;
use crate::flow::wanted::Wanted;
use crate::model::catalog::{Catalog, Table};
use crate::model::ddl::Ddl;
use crate::model::failure::Failure;
use crate::model::index_def::IndexSpec;
use crate::model::ledger::{Entry, Motion, State, Target};
use crate::model::preflight::{Cost, Premises, Tablespace, Volume};
use crate::pg::build::Control;
use crate::pg::ledger;
use crate::pg::preflight::spec;
use std::path::Path;

/// Of more partitions than this the cost is not asked: each takes some questions.
const MOST_PRICED: usize = 300;

/// What an index of an empty table costs: no statistics are needed to know it. The partitions of times to come are such.
const EMPTY: Cost = Cost {
    table_bytes: Some(0.0),
    rows: Some(0.0),
    size_bytes: Some(8192.0),
    temp_bytes: Some(0.0),
    wal_bytes: Some(8192.0),
    seconds: Some((0.0, 0.1)),
};

/// The server and its disks.
pub(in crate::flow) struct Site {
    pub(super) premises: Premises,
    /// Free bytes where the data directory is, before anything was planned.
    pub(super) free_bytes: Option<f64>,
    /// Its files are on this machine.
    here: bool,
    /// What a person says is free, bytes.
    told: Option<f64>,
    /// What changes looked at before this one take, bytes, and on which file system.
    taken: Vec<(Option<u64>, f64)>,
}

impl Site {
    /// Asks the server, and this machine if it is the server's.
    pub(super) async fn survey(control: &Control, told: Option<f64>) -> Result<Site, Failure> {
        let here = control.local_backend().is_some_and(|pid| disk::is_postgres(pid).unwrap_or(true));
        let mut site = Site { premises: control.premises().await?, free_bytes: None, here, told, taken: Vec::new() };
        site.premises.data = site.measured(site.premises.data.clone());
        site.premises.temp = site.measured(site.premises.temp.clone());
        site.free_bytes = site.premises.data.free_bytes;
        Ok(site)
    }

    /// With its free space, as far as that can be known.
    fn measured(&self, volume: Volume) -> Volume {
        let folder = volume.folder.as_deref().filter(|_| self.here && self.told.is_none());
        let found = folder.and_then(|folder| disk::free_bytes(Path::new(folder)));
        let device = found.map(|(_, device)| device);
        let free = self.told.or(found.map(|(free, _)| free));
        let taken: f64 = self.taken.iter().filter(|(on, _)| *on == device).map(|(_, bytes)| bytes).sum();
        Volume { free_bytes: free.map(|free| (free - taken).max(0.0)), device, told: self.told.is_some(), ..volume }
    }

    /// All that is known of one change before it is made.
    pub(super) async fn around(&self, control: &Control, wanted: &Wanted) -> Result<Surroundings, Failure> {
        let bare = Surroundings {
            role: control.server.role.clone(),
            relation: control.relation(&wanted.ddl.index()).await?,
            ..Surroundings::default()
        };
        let of_relation = bare.relation.as_ref().and_then(|r| r.definition.as_ref()).map(|d| d.create.table.clone());
        let name = match &wanted.ddl {
            Ddl::Create(create) => Some(create.table.clone()),
            _ => of_relation.or(wanted.table.clone()),
        };
        let Some(name) = name else { return Ok(bare) };
        let Some(target) = control.target(&name).await? else { return Ok(bare) };
        let around = Surroundings { obstacles: control.obstacles(target.oid).await?, target: Some(target), ..bare };
        let Ddl::Create(create) = &wanted.ddl else { return Ok(around) };
        Ok(Surroundings { tablespace: self.tablespace(control, create.tablespace.as_deref()).await?, ..around })
    }

    async fn tablespace(&self, control: &Control, name: Option<&str>) -> Result<Option<Tablespace>, Failure> {
        let found = control.tablespace(name, self.premises.data.folder.as_deref()).await?;
        Ok(found.map(|place| Tablespace { volume: self.measured(place.volume), ..place }))
    }

    /// What the builds of a partitioned table's indexes cost together, into its surroundings.
    pub(super) async fn price_all(&self, control: &Control, leaves: &[Entry], around: &mut Surroundings) -> Result<(), Failure> {
        if leaves.len() > MOST_PRICED {
            return Ok(());
        }
        let mut costs = Vec::new();
        for leaf in leaves {
            let mut alone = Surroundings { target: control.target(&leaf.table).await?, ..Surroundings::default() };
            self.price(control, leaf, None, &mut alone).await?;
            costs.push(alone.cost);
        }
        around.cost = Cost::together(&costs);
        Ok(())
    }

    /// What the build of an entry costs, into its surroundings; `told` is the size that the report gave it.
    pub(super) async fn price(
        &self,
        control: &Control,
        entry: &Entry,
        told: Option<f64>,
        around: &mut Surroundings,
    ) -> Result<(), Failure> {
        let Some(target) = &around.target else { return Ok(()) };
        // As the server printed it, so that it compares with the others.
        let mut create = entry.definition.create.clone();
        if let Some(shape) = &entry.shape {
            (create.body, create.predicate) = (shape.trim_start_matches("UNIQUE ").to_owned(), None);
        }
        around.spec = spec(&create);
        around.siblings = control.siblings(target.oid).await?;
        around.table = control.table_statistics(&entry.table, target.oid).await?;
        around.cost = self.cost(around.spec.as_ref(), around.table.as_ref(), target, told);
        Ok(())
    }

    fn cost(&self, spec: Option<&IndexSpec>, table: Option<&Table>, target: &Target, told: Option<f64>) -> Cost {
        let size_bytes = spec.zip(table).and_then(|(spec, table)| size::bytes(spec, table)).or(told);
        let Some(table) = table else { return Cost { size_bytes, ..Cost::default() } };
        if table.size_bytes == 0 {
            return EMPTY;
        }
        let rows = table.rows;
        let entries = spec.and_then(|spec| size::rows(spec, table)).or(rows);
        let work_mem = self.premises.work_mem_bytes as f64;
        let catalog = Catalog { tables: vec![table.clone()], ..Catalog::default() };
        Cost {
            table_bytes: Some(table.size_bytes as f64),
            rows,
            size_bytes,
            temp_bytes: spec
                .zip(size_bytes)
                .zip(entries)
                .map(|((spec, size), entries)| space::temp_bytes(&spec.method, size, entries, work_mem)),
            wal_bytes: size_bytes.map(|size| space::wal_bytes(size, target.persistence == "u")),
            seconds: spec.and_then(|spec| build_time::seconds(spec, size_bytes, &catalog)),
        }
    }

    /// Whether a build has room; what it takes is gone for the next one.
    pub(super) fn occupy(&mut self, around: &Surroundings) -> Room {
        let index = around.tablespace.as_ref().map(|t| t.volume.clone()).unwrap_or_default();
        let room = space::room(&around.cost, &index, &self.premises);
        if let (false, Some(size)) = (matches!(room, Room::None(..)), around.cost.size_bytes) {
            self.taken.push((index.device, size));
            self.premises.data = self.measured(self.premises.data.clone());
            self.premises.temp = self.measured(self.premises.temp.clone());
        }
        room
    }
}

/// Looks once more, just before an entry's first statement: why it cannot be begun after all. What was begun is carried to
/// its end.
pub(in crate::flow) async fn stopped(control: &Control, entry: &Entry, told: Option<f64>) -> Result<Option<String>, Failure> {
    let known = ledger::entries(control, Some(&entry.id)).await?.pop();
    if known.is_some_and(|e| !matches!(e.state, State::Planned | State::Failed | State::RolledBack)) {
        return Ok(None);
    }
    if entry.motion == Motion::Drop
        && let Some(new) = &entry.part_of
        && !ledger::entries(control, Some(new)).await?.pop().is_some_and(|e| e.owned && e.state == State::Done)
    {
        return Ok(Some("what was to take its place was taken back meanwhile".into()));
    }
    let ddl = if entry.motion == Motion::Create { Ddl::Create(entry.definition.create.clone()) } else { Ddl::Drop(entry.index.clone()) };
    let wanted = Wanted {
        id: entry.id.clone(),
        ddl,
        table: Some(entry.table.clone()),
        reason: String::new(),
        targets: Vec::new(),
        instead_of: None,
        size_bytes: None,
        source: None,
        remarks: Vec::new(),
    };
    let mut site = Site::survey(control, told).await?;
    let mut around = site.around(control, &wanted).await?;
    if let Some(why) = preflight::refuse_step(&wanted.ddl, &around) {
        return Ok(Some(why));
    }
    // What a person told was true before this run built anything.
    if entry.motion != Motion::Create || told.is_some() {
        return Ok(None);
    }
    site.price(control, entry, None, &mut around).await?;
    Ok(super::words::no_room(&site.occupy(&around)))
}
