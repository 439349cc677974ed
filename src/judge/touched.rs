//! Findings that have new occurrences, where somebody asks.

/// Which findings were touched, each once: a list, and whether each is in it.
#[derive(Default)]
pub(super) struct Touched(Option<(Vec<usize>, Vec<bool>)>);

impl Touched {
    /// Nothing yet; from now on it is kept.
    pub(super) fn watching() -> Self {
        Self(Some((Vec::new(), Vec::new())))
    }

    pub(super) fn add(&mut self, at: usize) {
        let Some((list, is)) = &mut self.0 else { return };
        if is.len() <= at {
            is.resize(at + 1, false);
        }
        if !std::mem::replace(&mut is[at], true) {
            list.push(at);
        }
    }

    /// All of them, in order; none is left.
    pub(super) fn take(&mut self) -> Vec<usize> {
        let Some((list, is)) = &mut self.0 else { return Vec::new() };
        is.clear();
        let mut list = std::mem::take(list);
        list.sort_unstable();
        list
    }
}
