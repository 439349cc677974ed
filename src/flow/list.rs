//! Doubly linked lists through the slots of a slab: moving and removing cost nothing that grows.

use super::slab::Slab;

/// No slot.
const NONE: u32 = u32::MAX;

/// The neighbours of a value in its list.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    prev: u32,
    next: u32,
}

impl Default for Links {
    fn default() -> Self {
        Self { prev: NONE, next: NONE }
    }
}

/// A value that can be in one list at a time.
pub(super) trait Linked {
    fn links(&mut self) -> &mut Links;
}

#[derive(Debug)]
pub(super) struct List {
    head: u32,
    tail: u32,
    len: usize,
}

impl Default for List {
    fn default() -> Self {
        Self { head: NONE, tail: NONE, len: 0 }
    }
}

impl List {
    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn front(&self) -> Option<u32> {
        (self.head != NONE).then_some(self.head)
    }

    pub(super) fn push<T: Linked>(&mut self, slab: &mut Slab<T>, slot: u32) {
        if let Some(value) = slab.get_mut(slot) {
            *value.links() = Links { prev: self.tail, next: NONE };
            match slab.get_mut(self.tail) {
                Some(tail) => tail.links().next = slot,
                None => self.head = slot,
            }
            self.tail = slot;
            self.len += 1;
        }
    }

    pub(super) fn remove<T: Linked>(&mut self, slab: &mut Slab<T>, slot: u32) {
        let Some(value) = slab.get_mut(slot) else { return };
        let links = std::mem::take(value.links());
        match slab.get_mut(links.prev) {
            Some(prev) => prev.links().next = links.next,
            None => self.head = links.next,
        }
        match slab.get_mut(links.next) {
            Some(next) => next.links().prev = links.prev,
            None => self.tail = links.prev,
        }
        self.len -= 1;
    }
}
