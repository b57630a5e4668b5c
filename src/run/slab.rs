//! A table whose ids are reused, in an order that depends on nothing but the order of use.

/// Values by small ids; the id a new value gets is known beforehand.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Slab<T> {
    entries: Vec<Option<T>>,
    free: Vec<u32>,
}

impl<T> Default for Slab<T> {
    fn default() -> Slab<T> {
        Slab {
            entries: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slab<T> {
    /// The id the next value has to get.
    pub fn vacant(&self) -> u32 {
        self.free.last().copied().unwrap_or(self.entries.len() as u32)
    }

    /// Puts a value at the vacant id; false if `id` is another one, as in a damaged journal.
    #[must_use]
    pub fn put(&mut self, id: u32, value: T) -> bool {
        if id != self.vacant() {
            return false;
        }
        match self.free.pop() {
            Some(_) => self.entries[id as usize] = Some(value),
            None => self.entries.push(Some(value)),
        }
        true
    }

    /// The ids in use.
    pub fn ids(&self) -> impl Iterator<Item = u32> {
        let used = self.entries.iter().enumerate().filter(|(_, entry)| entry.is_some());
        used.map(|(id, _)| id as u32)
    }

    pub fn get(&self, id: u32) -> Option<&T> {
        self.entries.get(id as usize)?.as_ref()
    }

    pub fn get_mut(&mut self, id: u32) -> Option<&mut T> {
        self.entries.get_mut(id as usize)?.as_mut()
    }

    pub fn remove(&mut self, id: u32) -> Option<T> {
        let value = self.entries.get_mut(id as usize)?.take();
        if value.is_some() {
            self.free.push(id);
        }
        value
    }
}

impl<T: PartialEq> PartialEq for Slab<T> {
    fn eq(&self, other: &Slab<T>) -> bool {
        self.entries == other.entries && self.free == other.free
    }
}
