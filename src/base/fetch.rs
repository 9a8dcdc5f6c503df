//! Memory that will be needed soon.

/// Brings places in memory into the cache, so that whoever reads them later need not wait. Nothing depends on it but time.
pub trait Fetch {
    /// Begins to bring the line of the cache that a thing begins in, and does not wait for it.
    fn fetch<T>(&self, thing: &T);
}

/// Brings nothing.
impl Fetch for () {
    fn fetch<T>(&self, _: &T) {}
}
