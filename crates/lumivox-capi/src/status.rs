//! How calls end.

use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::NonNull;

use lumivox::Error;
use lumivox::store::StoreError;

/// How a call ended.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LumivoxStatus {
    /// It did what was asked.
    Ok = 0,
    /// All of the speech was handed over; not an error.
    End = 1,
    /// A pointer is null that must not be, a string is not UTF-8, or a number is none that there is.
    Argument = 2,
    /// The model can't be fetched, or its file not be used.
    Model = 3,
    /// What is to be said, or how, does not suit the model: an unknown voice, a speed out of range, a text without words.
    Request = 4,
    /// The speech was cancelled.
    Cancelled = 5,
    /// The computation failed.
    Compute = 6,
    /// A file could not be written.
    Write = 7,
    /// A fault of the library itself.
    Internal = 8,
}

/// Why a call fails.
pub(crate) struct Failure {
    status: LumivoxStatus,
    message: String,
}

impl Failure {
    pub(crate) fn argument(message: impl Into<String>) -> Self {
        Self { status: LumivoxStatus::Argument, message: message.into() }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = match error {
            Error::ModelFile(_) | Error::Config { .. } | Error::Device { .. } | Error::Precision { .. } => {
                LumivoxStatus::Model
            }
            Error::Cancelled => LumivoxStatus::Cancelled,
            Error::Compute(_) | Error::Threads(_) => LumivoxStatus::Compute,
            Error::Write { .. } | Error::WavTooLong => LumivoxStatus::Write,
            _ => LumivoxStatus::Request,
        };
        Self { status, message: error.to_string() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self { status: LumivoxStatus::Model, message: error.to_string() }
    }
}

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

/// What went wrong in the last call of this thread that failed, as a sentence; empty before the first. The string is valid until the next failing call of
/// the same thread.
#[unsafe(no_mangle)]
pub extern "C" fn lumivox_last_error() -> *const c_char {
    LAST_ERROR.with_borrow(|message| message.as_ptr())
}

/// The library's version, such as `0.1.0`.
#[unsafe(no_mangle)]
pub extern "C" fn lumivox_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Runs a call: keeps what went wrong for [`lumivox_last_error`], a panic, too.
pub(crate) fn call(run: impl FnOnce() -> Result<LumivoxStatus, Failure>) -> LumivoxStatus {
    let outcome = catch_unwind(AssertUnwindSafe(run))
        .unwrap_or_else(|panic| Err(Failure { status: LumivoxStatus::Internal, message: message(&*panic) }));
    outcome.unwrap_or_else(|Failure { status, message }| {
        LAST_ERROR.set(to_c(&message));
        status
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a fault of lumivox, please report it: {}", text.unwrap_or("no more is known"))
}

/// A C string; zero bytes, which it can't hold, are left out.
pub(crate) fn to_c(text: &str) -> CString {
    CString::new(text.replace('\0', "")).unwrap_or_default()
}

/// # Safety
/// `text` is null or a string that ends with a zero byte and lives as long as the result.
pub(crate) unsafe fn from_c<'a>(text: *const c_char, name: &str) -> Result<&'a str, Failure> {
    if text.is_null() {
        return Err(Failure::argument(format!("{name} is null")));
    }
    // SAFETY: not null; the rest is the caller's.
    let text = unsafe { CStr::from_ptr(text) };
    text.to_str().map_err(|_| Failure::argument(format!("{name} is not UTF-8")))
}

/// # Safety
/// `object` is null or points to a `T` that lives as long as the result.
pub(crate) unsafe fn object<'a, T>(object: *const T, name: &str) -> Result<&'a T, Failure> {
    // SAFETY: the caller's.
    unsafe { object.as_ref() }.ok_or_else(|| Failure::argument(format!("{name} is null")))
}

/// Where a result goes. It is asked for before the work is done, so that nothing is computed and lost.
pub(crate) struct Place<T>(NonNull<T>);

impl<T> Place<T> {
    /// # Safety
    /// `place` is null or can be written to until [`Place::give`].
    pub(crate) unsafe fn new(place: *mut T) -> Result<Self, Failure> {
        NonNull::new(place).map(Self).ok_or_else(|| Failure::argument("the place for the result is null"))
    }

    /// Hands a value over.
    pub(crate) fn give(self, value: T) -> LumivoxStatus {
        // SAFETY: `new` was promised so.
        unsafe { self.0.write(value) };
        LumivoxStatus::Ok
    }
}

/// Frees what `Box::into_raw` gave; null is nothing.
///
/// # Safety
/// `object` is null or from `Box::into_raw`, and not used again.
pub(crate) unsafe fn free<T>(object: *mut T) {
    if !object.is_null() {
        // SAFETY: the caller's.
        let object = unsafe { Box::from_raw(object) };
        // Nothing here panics by design; if it does, that ends here.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(object)));
    }
}
