//! Sharing one output buffer among the threads of the current rayon pool.

use std::marker::PhantomData;

/// A mutable slice that several threads write disjoint parts of.
#[derive(Clone, Copy)]
pub(crate) struct SharedMut<'a> {
    data: *mut f32,
    len: usize,
    _slice: PhantomData<&'a mut [f32]>,
}

// SAFETY: access goes through the `unsafe` methods, whose callers promise that the parts are disjoint.
unsafe impl Send for SharedMut<'_> {}
// SAFETY: as above.
unsafe impl Sync for SharedMut<'_> {}

impl<'a> SharedMut<'a> {
    pub(crate) fn new(slice: &'a mut [f32]) -> Self {
        Self { data: slice.as_mut_ptr(), len: slice.len(), _slice: PhantomData }
    }

    /// The part `start..start + len`.
    ///
    /// # Safety
    /// No other live slice from this buffer may overlap it.
    pub(crate) unsafe fn slice(self, start: usize, len: usize) -> &'a mut [f32] {
        assert!(start <= self.len && len <= self.len - start, "part outside the buffer");
        // SAFETY: in bounds by the assertion, disjoint by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(start), len) }
    }

    /// Writes one value.
    ///
    /// # Safety
    /// No other thread may access the same index at the same time.
    #[inline(always)]
    pub(crate) unsafe fn write(self, index: usize, x: f32) {
        assert!(index < self.len, "index outside the buffer");
        // SAFETY: in bounds by the assertion, alone by the caller's promise.
        unsafe { *self.data.add(index) = x }
    }
}
