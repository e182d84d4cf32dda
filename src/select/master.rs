//! The choice among plans that are already known: which indexes to have so that the best known plan of
//! each query that they allow is cheapest in sum, within the space and the number allowed. No planner is
//! asked here: a solution costs at most what it says, and the search around it finds what is still unknown.
//!
//! The solver is a local search with restarts from disturbed solutions. Its steps are facts: "have what this plan
//! needs, and let go what is then missed least for its space". Everything is in a fixed order and the
//! disturbances come from a fixed sequence, so that the same facts give the same answer.

use super::set::Set;

/// Space and number allowed.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Bytes.
    pub bytes: f64,
    /// Indexes.
    pub indexes: usize,
}

impl Room {
    /// True where there is a limit.
    pub fn is_tight(&self) -> bool {
        self.bytes.is_finite() || self.indexes < usize::MAX
    }
}

/// A plan: weighted cost, and the members of the pool that it needs.
struct Known {
    cost: f64,
    needs: Vec<u32>,
    /// The same as bits, one for each member that any plan of the query needs.
    bits: Vec<u64>,
}

/// A bit of a query's members: word and mask.
type Bit = (usize, u64);

/// The known plans of a workload over a pool of indexes.
pub struct Master {
    /// Candidate of each member of the pool.
    ids: Vec<usize>,
    size: Vec<f64>,
    /// Counts against [`Room::indexes`].
    counts: Vec<bool>,
    write: Vec<f64>,
    /// By query, cheapest first, without plans that another one beats with no more indexes.
    known: Vec<Vec<Known>>,
    /// Queries with a plan that needs the member, and its bit there.
    queries: Vec<Vec<(u32, Bit)>>,
    /// By query: words of bits.
    words: Vec<usize>,
}

/// What the master must know of one member of the pool.
pub struct Member {
    /// Candidate.
    pub id: usize,
    /// Bytes.
    pub size: f64,
    /// What writes pay.
    pub write: f64,
    /// False for an index that exists: it does not count against the number of new ones.
    pub is_new: bool,
}

/// Steps tried without success before a local search gives up, in disturbed rounds.
const PATIENCE: usize = 60;

impl Master {
    /// `plans` by query: weighted cost and the candidates needed.
    pub fn new<'p>(members: Vec<Member>, plans: impl Iterator<Item = Vec<(f64, &'p Set)>>) -> Master {
        let place: std::collections::HashMap<usize, u32> = members.iter().enumerate().map(|(n, m)| (m.id, n as u32)).collect();
        let mut queries = vec![Vec::new(); members.len()];
        let (mut known, mut words) = (Vec::new(), Vec::new());
        for (query, plans) in plans.enumerate() {
            let inside = |(cost, used): (f64, &Set)| {
                let needs: Option<Vec<u32>> = used.iter().map(|id| place.get(&id).copied()).collect();
                Some(Known { cost, needs: needs?, bits: Vec::new() })
            };
            let mut plans = undominated(plans.into_iter().filter_map(inside).collect());
            let mut local: Vec<u32> = plans.iter().flat_map(|p| p.needs.iter().copied()).collect();
            local.sort_unstable();
            local.dedup();
            let bit = |n: usize| (n / 64, 1u64 << (n % 64));
            for (n, member) in local.iter().enumerate() {
                queries[*member as usize].push((query as u32, bit(n)));
            }
            for plan in &mut plans {
                plan.bits = vec![0; local.len().div_ceil(64)];
                for (word, mask) in plan.needs.iter().filter_map(|m| local.binary_search(m).ok()).map(bit) {
                    plan.bits[word] |= mask;
                }
            }
            known.push(plans);
            words.push(local.len().div_ceil(64));
        }
        Master {
            ids: members.iter().map(|m| m.id).collect(),
            size: members.iter().map(|m| m.size).collect(),
            counts: members.iter().map(|m| m.is_new).collect(),
            write: members.iter().map(|m| m.write).collect(),
            known,
            queries,
            words,
        }
    }

    /// The best set found from `start`, and its cost. `effort` is the number of disturbed rounds.
    pub fn solve(&self, start: &Set, room: Room, effort: usize) -> (Set, f64) {
        let mut state = State::new(self, start);
        state.trim(room, &[], 1.0);
        state.climb(room, usize::MAX);
        let mut best = (state.set(), state.objective());
        let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
        let mut rounds_without = 0;
        for _ in 0..effort {
            state.disturb(&mut dice, 2 + rounds_without % 4, room);
            state.climb(room, PATIENCE);
            if state.objective() < best.1 - EPSILON * best.1.abs() {
                best = (state.set(), state.objective());
                rounds_without = 0;
            } else {
                rounds_without += 1;
                state = State::new(self, &best.0);
            }
        }
        state = State::new(self, &best.0);
        state.climb(room, usize::MAX);
        (state.set(), state.objective())
    }
}

/// Ways of making room: by what is missed for its space, by what is missed at all, and between.
const TRIMS: [f64; 3] = [1.0, 0.5, 0.0];
/// Relative differences below this are rounding.
const EPSILON: f64 = 1e-9;

/// Cheapest first; a plan goes where another costs no more and needs nothing that it does not need.
fn undominated(mut plans: Vec<Known>) -> Vec<Known> {
    plans.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(a.needs.len().cmp(&b.needs.len())).then(a.needs.cmp(&b.needs)));
    let mut kept: Vec<Known> = Vec::new();
    for plan in plans {
        if !kept.iter().any(|k| k.needs.iter().all(|n| plan.needs.binary_search(n).is_ok())) {
            kept.push(plan);
        }
    }
    kept
}

/// A set, with the best plan of each query under it.
struct State<'m> {
    master: &'m Master,
    on: Vec<bool>,
    /// The same by query, as bits.
    bits: Vec<Vec<u64>>,
    /// By query: position of the best plan that the set allows; `None` where no known plan is possible.
    best: Vec<Option<u32>>,
    cost: f64,
    impossible: usize,
    size: f64,
    number: usize,
    /// Members turned on or off, in order: a step that fails is walked back.
    log: Vec<u32>,
    /// By query: by how much it gets dearer without each member that its best plan needs; `None` for impossible.
    needed: Vec<Vec<(u32, Option<f64>)>>,
    /// By member: sum over the queries that are possible without it, less what writes pay for it.
    losses: Vec<f64>,
    /// By member: queries that have no plan without it.
    vital: Vec<u32>,
}

impl<'m> State<'m> {
    fn new(master: &'m Master, start: &Set) -> State<'m> {
        let mut state = State {
            master,
            on: master.ids.iter().map(|id| start.contains(*id)).collect(),
            bits: master.words.iter().map(|words| vec![0; *words]).collect(),
            best: vec![None; master.known.len()],
            cost: 0.0,
            impossible: master.known.len(),
            size: 0.0,
            number: 0,
            log: Vec::new(),
            needed: vec![Vec::new(); master.known.len()],
            losses: master.write.iter().map(|w| -w).collect(),
            vital: vec![0; master.ids.len()],
        };
        for member in state.members().collect::<Vec<_>>() {
            state.size += master.size[member];
            state.cost += master.write[member];
            state.number += usize::from(master.counts[member]);
            state.flip(member);
        }
        (0..master.known.len()).for_each(|query| state.look_up(query, 0));
        state
    }

    fn members(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.on.len()).filter(|m| self.on[*m])
    }

    fn set(&self) -> Set {
        self.members().map(|m| self.master.ids[m]).collect()
    }

    fn objective(&self) -> f64 {
        if self.impossible > 0 { f64::INFINITY } else { self.cost }
    }

    /// The first plan of a query at or behind `from` that the set allows without `absent`; they stand cheapest first.
    fn first_possible(&self, query: usize, from: usize, absent: Option<u32>) -> Option<u32> {
        let on = &self.bits[query];
        let possible =
            |k: &Known| k.bits.iter().zip(on).all(|(needs, on)| needs & !on == 0) && absent.is_none_or(|m| !k.needs.contains(&m));
        let behind = self.master.known[query].get(from..)?;
        behind.iter().position(possible).map(|n| (from + n) as u32)
    }

    fn flip(&mut self, member: usize) {
        for (query, (word, mask)) in &self.master.queries[member] {
            self.bits[*query as usize][*word] ^= mask;
        }
    }

    fn turn(&mut self, member: usize, on: bool) {
        if self.on[member] == on {
            return;
        }
        self.log.push(member as u32);
        let sign = if on { 1.0 } else { -1.0 };
        self.on[member] = on;
        self.flip(member);
        self.size += sign * self.master.size[member];
        self.cost += sign * self.master.write[member];
        self.number = self.number + usize::from(on && self.master.counts[member]) - usize::from(!on && self.master.counts[member]);
        let master = self.master;
        for (query, _) in &master.queries[member] {
            let query = *query as usize;
            // With less, no plan in front of the best one becomes possible.
            let from = if on { 0 } else { self.best[query].map_or(0, |n| n as usize) };
            self.look_up(query, from);
        }
    }

    /// Finds the best plan of a query again, none in front of `from` being possible, and what it would lose without each of that plan's indexes.
    fn look_up(&mut self, query: usize, from: usize) {
        let plans = &self.master.known[query];
        match self.best[query] {
            Some(n) => self.cost -= plans[n as usize].cost,
            None => self.impossible -= 1,
        }
        for (member, loss) in std::mem::take(&mut self.needed[query]) {
            match loss {
                Some(loss) => self.losses[member as usize] -= loss,
                None => self.vital[member as usize] -= 1,
            }
        }
        self.best[query] = self.first_possible(query, from, None);
        let Some(here) = self.best[query].map(|n| &plans[n as usize]) else {
            self.impossible += 1;
            return;
        };
        self.cost += here.cost;
        for member in &here.needs {
            let behind = self.best[query].map_or(0, |n| n as usize + 1);
            let loss = self.first_possible(query, behind, Some(*member)).map(|n| plans[n as usize].cost - here.cost);
            match loss {
                Some(loss) => self.losses[*member as usize] += loss,
                None => self.vital[*member as usize] += 1,
            }
            self.needed[query].push((*member, loss));
        }
    }

    /// By how much the objective rises when a member goes.
    fn loss(&self, member: usize) -> f64 {
        if self.vital[member] > 0 { f64::INFINITY } else { self.losses[member] }
    }

    fn fits(&self, room: Room) -> bool {
        self.size <= room.bytes && self.number <= room.indexes
    }

    /// Lets go what is missed least, for its space to this power, until the rest fits; `kept` stay.
    fn trim(&mut self, room: Room, kept: &[u32], power: f64) -> bool {
        while !self.fits(room) {
            let crowded = self.number > room.indexes;
            let excess = self.size - room.bytes;
            let rank = |m: usize| {
                let loss = self.loss(m);
                // More space than is needed is no merit.
                if loss <= 0.0 || crowded { loss } else { loss / self.master.size[m].min(excess).max(1.0).powf(power) }
            };
            let loose = self.members().filter(|m| !kept.contains(&(*m as u32)) && (!crowded || self.master.counts[*m]));
            let Some((_, out)) = loose.map(|m| (rank(m), m)).min_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1))) else {
                return false;
            };
            self.turn(out, false);
        }
        true
    }

    /// Improves until no step helps, or `patience` steps in a row do not.
    fn climb(&mut self, room: Room, patience: usize) {
        loop {
            self.drop_losers();
            let mut failures = 0;
            let mut improved = false;
            for (_, query, plan) in self.steps() {
                let wanted = &self.master.known[query][plan].needs;
                if self.best[query].is_some_and(|n| n as usize <= plan) {
                    continue;
                }
                if self.step(wanted, room) {
                    improved = true;
                    failures = 0;
                } else {
                    failures += 1;
                    if failures >= patience {
                        break;
                    }
                }
            }
            if !improved {
                return;
            }
        }
    }

    fn drop_losers(&mut self) {
        for member in self.members().collect::<Vec<_>>() {
            // A loss that is all rounding is none.
            if self.loss(member) <= EPSILON * self.cost.abs() * 1e-3 && self.master.size[member] > 0.0 {
                self.turn(member, false);
            }
        }
    }

    /// Plans better than the present ones, most gain for their space first.
    fn steps(&self) -> Vec<(f64, usize, usize)> {
        let mut steps = Vec::new();
        for (query, plans) in self.master.known.iter().enumerate() {
            let here = self.best[query].map_or(plans.len(), |n| n as usize);
            let cost = plans.get(here).map_or(f64::MAX, |p| p.cost);
            for (n, plan) in plans.iter().enumerate().take(here) {
                let missing = plan.needs.iter().filter(|m| !self.on[**m as usize]);
                let bytes: f64 = missing.map(|m| self.master.size[*m as usize]).sum();
                steps.push(((cost - plan.cost) / (bytes + 1.0), query, n));
            }
        }
        steps.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
        steps
    }

    /// Makes a plan possible and lets go what no longer fits, in the way that costs least; undone where that is no improvement.
    fn step(&mut self, wanted: &[u32], room: Room) -> bool {
        let before = self.objective();
        let mark = self.log.len();
        wanted.iter().for_each(|m| self.turn(*m as usize, true));
        let gained = self.objective() < before;
        if gained && self.fits(room) {
            self.drop_losers();
            return true;
        }
        let full = self.log.len();
        let mut best: Option<(f64, f64)> = None;
        for power in TRIMS.into_iter().filter(|_| gained) {
            if self.trim(room, wanted, power) && best.is_none_or(|(cost, _)| self.objective() < cost) {
                best = Some((self.objective(), power));
            }
            self.walk_back(full);
        }
        match best.filter(|(cost, _)| *cost < before - EPSILON * before.abs()) {
            Some((_, power)) => {
                self.trim(room, wanted, power);
                self.drop_losers();
                true
            }
            None => {
                self.walk_back(mark);
                false
            }
        }
    }

    /// Undoes what was done since the log had this length.
    fn walk_back(&mut self, mark: usize) {
        for member in self.log.split_off(mark).into_iter().rev() {
            self.turn(member as usize, !self.on[member as usize]);
        }
        self.log.truncate(mark);
    }

    /// Takes some members out, and makes one plan possible that is not, whatever it costs.
    fn disturb(&mut self, dice: &mut Dice, strength: usize, room: Room) {
        let steps = self.steps();
        if let Some((_, query, plan)) = steps.get(dice.roll(steps.len())) {
            let wanted = &self.master.known[*query][*plan].needs;
            wanted.iter().for_each(|m| self.turn(*m as usize, true));
            self.trim(room, wanted, TRIMS[dice.roll(TRIMS.len())]);
        }
        for _ in 0..strength {
            let members: Vec<usize> = self.members().collect();
            if let Some(member) = members.get(dice.roll(members.len())) {
                self.turn(*member, false);
            }
        }
        self.trim(room, &[], 1.0);
    }
}

/// A fixed sequence of numbers (xorshift): the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % sides.max(1) as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ids: &[usize]) -> Set {
        ids.iter().copied().collect()
    }

    fn members(sizes: &[f64]) -> Vec<Member> {
        sizes.iter().enumerate().map(|(id, size)| Member { id, size: *size, write: 0.0, is_new: true }).collect()
    }

    /// Every subset, for the truth.
    fn truth(sizes: &[f64], plans: &[Vec<(f64, Set)>], room: Room) -> f64 {
        let mut best = f64::INFINITY;
        for mask in 0..1usize << sizes.len() {
            let on = |id: usize| mask >> id & 1 == 1;
            let size: f64 = (0..sizes.len()).filter(|id| on(*id)).map(|id| sizes[id]).sum();
            if size > room.bytes || mask.count_ones() as usize > room.indexes {
                continue;
            }
            let cheapest = |plans: &Vec<(f64, Set)>| {
                plans.iter().filter(|(_, used)| used.iter().all(on)).map(|(c, _)| *c).min_by(f64::total_cmp).unwrap_or(f64::INFINITY)
            };
            best = best.min(plans.iter().map(cheapest).sum());
        }
        best
    }

    #[test]
    fn small_problems_are_solved_exactly() {
        let mut dice = Dice(42);
        for _ in 0..20 {
            let sizes: Vec<f64> = (0..10).map(|_| 1.0 + dice.roll(9) as f64).collect();
            let plans: Vec<Vec<(f64, Set)>> = (0..8)
                .map(|_| {
                    let one = |dice: &mut Dice| {
                        let used: Set = (0..1 + dice.roll(3)).map(|_| dice.roll(10)).collect();
                        (dice.roll(100) as f64, used)
                    };
                    let mut all: Vec<(f64, Set)> = (0..6).map(|_| one(&mut dice)).collect();
                    all.push((100.0, set(&[])));
                    all
                })
                .collect();
            let room = Room { bytes: 4.0 + dice.roll(25) as f64, indexes: 1 + dice.roll(8) };
            let given = plans.iter().map(|p| p.iter().map(|(c, s)| (*c, s)).collect());
            let (found, cost) = Master::new(members(&sizes), given).solve(&Set::default(), room, 100);
            assert_eq!(cost, truth(&sizes, &plans, room), "{found:?} {sizes:?} {room:?}");
        }
    }

    #[test]
    fn both_sides_of_a_join_are_found_together() {
        let (both, none) = (set(&[0, 1]), set(&[]));
        let plans = [vec![(10.0, &both), (1000.0, &none)]];
        let room = Room { bytes: 2.0, indexes: 2 };
        let (found, cost) = Master::new(members(&[1.0, 1.0]), plans.into_iter()).solve(&none, room, 5);
        assert_eq!((found, cost), (both, 10.0));
    }
}
