//! What is told of the damage of one capture: a file of noise must not make a report of noise.

use super::{Damage, FileId};

/// Places that are told one by one.
pub(super) const DAMAGES: u64 = 100;
/// Places with the same cause, one after the other, that are told one by one.
pub(super) const ALIKE: u64 = 3;

/// The damage of a capture so far.
#[derive(Default)]
pub(super) struct Damages {
    told: u64,
    /// The cause of the last place, and how many with that cause came one after the other.
    last: String,
    alike: u64,
    /// Places and bytes that were not told, and where they begin.
    untold: (u64, u64),
    untold_at: u64,
}

impl Damages {
    /// One more place; `out` gets what is told.
    pub(super) fn add(&mut self, damage: Damage, out: &mut Vec<Damage>) {
        let tells = self.told < DAMAGES;
        if self.last == damage.cause {
            self.alike += 1;
        } else {
            if tells {
                self.sum_up(damage.file, out);
            }
            self.last.clone_from(&damage.cause);
            self.alike = 1;
        }
        if tells && self.alike <= ALIKE {
            self.told += 1;
            out.push(damage);
            return;
        }
        if self.untold.0 == 0 {
            self.untold_at = damage.offset;
        }
        self.untold.0 += 1;
        self.untold.1 = self.untold.1.saturating_add(damage.lost.unwrap_or(0));
    }

    /// Tells of the places that were not told one by one.
    pub(super) fn sum_up(&mut self, file: FileId, out: &mut Vec<Damage>) {
        let (places, lost) = std::mem::take(&mut self.untold);
        if places > 0 {
            let what = if self.alike == ALIKE + places { &*self.last } else { "damaged places" };
            let cause = format!("{places} more: {what}");
            out.push(Damage { file, offset: self.untold_at, cause, lost: Some(lost) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_again_is_summed_up() {
        let (mut damages, mut out) = (Damages::default(), Vec::new());
        let place =
            |cause: &str, offset| Damage { file: FileId(7), offset, cause: cause.to_owned(), lost: Some(2) };
        let causes = ["a"; 10].into_iter().chain(["b"]).chain(["a"; 3]).chain(["c"; 4]);
        for (i, cause) in causes.enumerate() {
            damages.add(place(cause, i as u64), &mut out);
        }
        damages.sum_up(FileId(7), &mut out);
        let told: Vec<_> = out.iter().map(|d| (&*d.cause, d.offset, d.lost)).collect();
        let one = |cause, offset| (cause, offset, Some(2));
        let expected = [
            &[one("a", 0), one("a", 1), one("a", 2), ("7 more: a", 3, Some(14)), one("b", 10)][..],
            &[one("a", 11), one("a", 12), one("a", 13), one("c", 14), one("c", 15), one("c", 16)],
            &[("1 more: c", 17, Some(2))],
        ];
        assert_eq!(told, expected.concat());
    }

    #[test]
    fn what_is_always_new_is_summed_up_at_the_end() {
        let (mut damages, mut out) = (Damages::default(), Vec::new());
        for i in 0..300 {
            let damage = Damage { file: FileId(0), offset: i, cause: i.to_string(), lost: None };
            damages.add(damage, &mut out);
        }
        damages.sum_up(FileId(0), &mut out);
        assert_eq!(out.len() as u64, DAMAGES + 1);
        let last = out.last().unwrap();
        assert_eq!((&*last.cause, last.offset, last.lost), ("200 more: damaged places", DAMAGES, Some(0)));
    }
}
