//! The bytes of extended statistics, as `pg_ndistinct`, `pg_dependencies` and `pg_mcv_list` keep
//! them (PostgreSQL 13 to 18). Read from a live server, so every length is checked; written for the
//! clone by ourselves, never copied.

/// What begins `pg_ndistinct`.
const DISTINCT: u32 = 0xA352_BFA4;
/// What begins `pg_dependencies`.
const DEPENDENCIES: u32 = 0xB454_9A2C;
/// What begins `pg_mcv_list`.
const LIST: u32 = 0xE1A6_51C2;
/// All three are of the first and only version.
const VERSION: u32 = 1;
/// A statistics object has two to eight dimensions.
const DIMENSIONS: std::ops::RangeInclusive<usize> = 2..=8;
/// Every combination of eight dimensions, in every order of what depends on what.
const MOST_ITEMS: u32 = 2048;

/// Numbers of attributes (negative: expressions, counted from -1) with a number that holds for them.
pub(crate) type Items = Vec<(Vec<i16>, f64)>;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `pg_ndistinct`.
    Distinct,
    /// `pg_dependencies`.
    Dependencies,
}

impl Form {
    fn magic(self) -> u32 {
        match self {
            Form::Distinct => DISTINCT,
            Form::Dependencies => DEPENDENCIES,
        }
    }
}

/// Reads bytes in the order of the machine that wrote them.
struct Reader<'a> {
    rest: &'a [u8],
    swapped: bool,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>()?;
        self.rest = rest;
        let mut bytes = *bytes;
        if self.swapped {
            bytes.reverse();
        }
        Some(bytes)
    }
}

/// What the bytes say; `None` when they are not what `form` is, or end too early or too late.
pub(crate) fn parse(form: Form, bytes: &[u8]) -> Option<Items> {
    let mut reader = Reader { rest: bytes, swapped: false };
    let magic = u32::from_ne_bytes(reader.take()?);
    reader.swapped = magic == form.magic().swap_bytes();
    if magic != form.magic() && !reader.swapped || u32::from_ne_bytes(reader.take()?) != VERSION {
        return None;
    }
    let count = u32::from_ne_bytes(reader.take()?);
    if count > MOST_ITEMS {
        return None;
    }
    let mut items = Vec::new();
    for _ in 0..count {
        let number = f64::from_ne_bytes(reader.take()?);
        let width = match form {
            Form::Distinct => usize::try_from(i32::from_ne_bytes(reader.take()?)).ok()?,
            Form::Dependencies => usize::try_from(i16::from_ne_bytes(reader.take()?)).ok()?,
        };
        if !DIMENSIONS.contains(&width) {
            return None;
        }
        let keys = (0..width).map(|_| reader.take().map(i16::from_ne_bytes)).collect::<Option<Vec<i16>>>()?;
        items.push((keys, number));
    }
    reader.rest.is_empty().then_some(items)
}

/// The bytes of these items on this machine.
pub(crate) fn write(form: Form, items: &Items) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in [form.magic(), VERSION, items.len() as u32] {
        bytes.extend(word.to_ne_bytes());
    }
    for (keys, number) in items {
        bytes.extend(number.to_ne_bytes());
        match form {
            Form::Distinct => bytes.extend((keys.len() as i32).to_ne_bytes()),
            Form::Dependencies => bytes.extend((keys.len() as i16).to_ne_bytes()),
        }
        keys.iter().for_each(|key| bytes.extend(key.to_ne_bytes()));
    }
    bytes
}

/// Puts frequency and base frequency into a list that our own server made, whose items stand at its
/// end, and puts its items into the order of `places`: the item now at `places[n]` becomes the nth.
pub(crate) fn set_frequencies(list: &[u8], places: &[usize], frequencies: &[(f64, f64)]) -> Option<Vec<u8>> {
    let mut reader = Reader { rest: list, swapped: false };
    let [magic, version, count] = [reader.take()?, reader.take()?, reader.take()?].map(u32::from_ne_bytes);
    let dimensions = usize::try_from(i16::from_ne_bytes(reader.take()?)).ok()?;
    let count = usize::try_from(count).ok()?;
    if magic != LIST || version != VERSION || !DIMENSIONS.contains(&dimensions) || count != places.len() || count != frequencies.len() {
        return None;
    }
    // An item: a flag per dimension for NULL, the two frequencies, a place in the values per dimension.
    let item_bytes = dimensions + 16 + 2 * dimensions;
    let head = list.len().checked_sub(item_bytes.checked_mul(count)?)?;
    let mut out = list.get(..head)?.to_vec();
    for (place, (frequency, base)) in places.iter().zip(frequencies) {
        let start = head + place.checked_mul(item_bytes)?;
        let item = list.get(start..start + item_bytes)?;
        out.extend(&item[..dimensions]);
        out.extend(frequency.to_ne_bytes());
        out.extend(base.to_ne_bytes());
        out.extend(&item[dimensions + 16..]);
    }
    (out.len() == list.len()).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// pg_ndistinct of two columns and an expression, as PostgreSQL 15 on x86-64 wrote it.
    const WRITTEN: &str = "a4bf52a30100000004000000000000000000344002000000010002000000000000003440020000000100ffff\
                           0000000000003440020000000200ffff00000000000034400300000001000200ffff";

    fn bytes(hex: &str) -> Vec<u8> {
        (0..hex.len() / 2).map(|n| u8::from_str_radix(&hex[2 * n..2 * n + 2], 16).unwrap()).collect()
    }

    #[test]
    fn what_a_server_wrote_is_read_and_written_again() {
        let items = parse(Form::Distinct, &bytes(WRITTEN)).unwrap();
        assert_eq!(items, [(vec![1, 2], 20.0), (vec![1, -1], 20.0), (vec![2, -1], 20.0), (vec![1, 2, -1], 20.0)]);
        if cfg!(target_endian = "little") {
            assert_eq!(write(Form::Distinct, &items), bytes(WRITTEN));
        }
        let dependencies = vec![(vec![2, 1], 1.0), (vec![1, -1, 2], 0.25)];
        assert_eq!(parse(Form::Dependencies, &write(Form::Dependencies, &dependencies)), Some(dependencies));
    }

    #[test]
    fn cut_long_or_foreign_bytes_are_refused() {
        let whole = bytes(WRITTEN);
        for end in 0..whole.len() {
            assert_eq!(parse(Form::Distinct, &whole[..end]), None, "cut at {end}");
        }
        assert_eq!(parse(Form::Distinct, &[&whole[..], &[0]].concat()), None);
        assert_eq!(parse(Form::Dependencies, &whole), None);
        let mut many = whole.clone();
        many[8..12].copy_from_slice(&[0xff; 4]);
        assert_eq!(parse(Form::Distinct, &many), None);
    }

    #[test]
    fn a_list_gets_frequencies_in_the_wanted_order() {
        let mut list: Vec<u8> = [LIST, VERSION, 2].iter().flat_map(|w| w.to_ne_bytes()).collect();
        list.extend(2i16.to_ne_bytes());
        list.extend([9; 30]);
        for item in [1u8, 2] {
            list.extend([0, item]);
            list.extend([0; 16]);
            list.extend([item; 4]);
        }
        let set = set_frequencies(&list, &[1, 0], &[(0.5, 0.25), (0.1, 0.2)]).unwrap();
        let head = list.len() - 44;
        assert_eq!(set[..head], list[..head]);
        assert_eq!(set[head..head + 2], [0, 2]);
        assert_eq!(set[head + 2..head + 10], 0.5f64.to_ne_bytes());
        assert_eq!(set[head + 18..head + 22], [2; 4]);
        assert_eq!(set_frequencies(&list, &[2, 0], &[(0.5, 0.25), (0.1, 0.2)]), None);
        assert_eq!(set_frequencies(&list[..40], &[1, 0], &[(0.5, 0.25), (0.1, 0.2)]), None);
    }
}
