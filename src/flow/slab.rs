//! Values in numbered slots that do not move: no copying and no doubling when there are millions.

const CHUNK: usize = 32;

#[derive(Debug)]
pub(super) struct Slab<T> {
    chunks: Vec<Box<[Option<T>; CHUNK]>>,
    free: Vec<u32>,
    len: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { chunks: Vec::new(), free: Vec::new(), len: 0 }
    }
}

impl<T> Slab<T> {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, slot: u32) -> Option<&T> {
        self.chunks.get(slot as usize / CHUNK)?[slot as usize % CHUNK].as_ref()
    }

    #[inline]
    pub(super) fn get_mut(&mut self, slot: u32) -> Option<&mut T> {
        self.chunks.get_mut(slot as usize / CHUNK)?[slot as usize % CHUNK].as_mut()
    }

    pub(super) fn insert(&mut self, value: T) -> u32 {
        self.len += 1;
        let slot = self.free.pop().unwrap_or_else(|| self.grow());
        if let Some(chunk) = self.chunks.get_mut(slot as usize / CHUNK) {
            chunk[slot as usize % CHUNK] = Some(value);
        }
        slot
    }

    /// Adds a chunk, of which the first slot is taken and the others are free.
    #[cold]
    fn grow(&mut self) -> u32 {
        let first = (self.chunks.len() * CHUNK) as u32;
        self.chunks.push(Box::new([const { None }; CHUNK]));
        self.free.extend((first + 1..first + CHUNK as u32).rev());
        first
    }

    /// Drops the value of a slot, where it stands: values are large.
    pub(super) fn remove(&mut self, slot: u32) {
        if let Some(chunk) = self.chunks.get_mut(slot as usize / CHUNK)
            && let place @ Some(_) = &mut chunk[slot as usize % CHUNK]
        {
            *place = None;
            self.free.push(slot);
            self.len -= 1;
        }
    }

    /// Occupied slots with their values.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        let all = self.chunks.iter().flat_map(|chunk| chunk.iter()).zip(0..);
        all.filter_map(|(value, slot)| value.as_ref().map(|value| (slot, value)))
    }
}
