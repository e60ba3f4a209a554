//! Sharing one output buffer among the threads of the current rayon pool.

use std::marker::PhantomData;

/// A mutable slice that several threads write disjoint parts of.
#[derive(Debug)]
pub(crate) struct SharedMut<'a, T = f32> {
    data: *mut T,
    len: usize,
    _slice: PhantomData<&'a mut [T]>,
}

impl<T> Clone for SharedMut<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for SharedMut<'_, T> {}

// SAFETY: access goes through the `unsafe` methods, whose callers promise that the parts are disjoint.
unsafe impl<T: Send> Send for SharedMut<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for SharedMut<'_, T> {}

impl<'a, T> SharedMut<'a, T> {
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { data: slice.as_mut_ptr(), len: slice.len(), _slice: PhantomData }
    }

    /// Where it begins.
    pub(crate) fn as_ptr(self) -> *const T {
        self.data
    }

    /// The part `start..start + len`.
    ///
    /// # Safety
    /// No other live slice from this buffer may overlap it.
    pub(crate) unsafe fn slice(self, start: usize, len: usize) -> &'a mut [T] {
        assert!(start <= self.len && len <= self.len - start, "part outside the buffer");
        // SAFETY: in bounds by the assertion, disjoint by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(start), len) }
    }

    /// Writes one value.
    ///
    /// # Safety
    /// No other thread may access the same index at the same time.
    #[inline(always)]
    pub(crate) unsafe fn write(self, index: usize, x: T) {
        assert!(index < self.len, "index outside the buffer");
        // SAFETY: in bounds by the assertion, alone by the caller's promise.
        unsafe { *self.data.add(index) = x }
    }
}
