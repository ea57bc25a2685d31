//! The functions of libpam.so.0, found at run time: the program starts on a machine without it, and needs no headers to be
//! built. Signatures: `security/_pam_types.h` and `security/pam_appl.h` of Linux-PAM 1.3 to 1.7.

use std::ffi::{CStr, c_char, c_int, c_void};

use super::PamError;

#[repr(C)]
pub(super) struct Message {
    pub(super) style: c_int,
    pub(super) text: *const c_char,
}

#[repr(C)]
pub(super) struct Response {
    pub(super) text: *mut c_char,
    pub(super) unused: c_int,
}

pub(super) type Converse =
    unsafe extern "C" fn(c_int, *mut *const Message, *mut *mut Response, *mut c_void) -> c_int;

#[repr(C)]
pub(super) struct Conversation {
    pub(super) converse: Converse,
    pub(super) data: *mut c_void,
}

pub(super) type Handle = *mut c_void;
pub(super) type Start =
    unsafe extern "C" fn(*const c_char, *const c_char, *const Conversation, *mut Handle) -> c_int;
pub(super) type Step = unsafe extern "C" fn(Handle, c_int) -> c_int;
pub(super) type SetItem = unsafe extern "C" fn(Handle, c_int, *const c_void) -> c_int;
pub(super) type GetItem = unsafe extern "C" fn(Handle, c_int, *mut *const c_void) -> c_int;
pub(super) type Explain = unsafe extern "C" fn(Handle, c_int) -> *const c_char;

/// The library's functions, valid for the life of the process: it is never closed.
pub(super) struct Library {
    pub(super) start: Start,
    pub(super) end: Step,
    pub(super) authenticate: Step,
    pub(super) account: Step,
    pub(super) change_password: Step,
    pub(super) set_item: SetItem,
    pub(super) get_item: GetItem,
    pub(super) explain: Explain,
}

impl Library {
    pub(super) fn open() -> Result<Self, PamError> {
        // SAFETY: a constant text with its end mark; loading runs the library's initializers, of which it has none.
        let library = unsafe { libc::dlopen(c"libpam.so.0".as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
        let find = |name: &'static CStr| {
            if library.is_null() {
                return Err(PamError::Missing("anything"));
            }
            // SAFETY: the library is open, the name has its end mark.
            let found = unsafe { libc::dlsym(library, name.as_ptr()) };
            let missing = PamError::Missing(name.to_str().unwrap_or_default());
            if found.is_null() { Err(missing) } else { Ok(found) }
        };
        // SAFETY: each is the function of that name, and its type says its C signature.
        unsafe {
            let step = |name| find(name).map(|found| std::mem::transmute::<*mut c_void, Step>(found));
            Ok(Self {
                start: std::mem::transmute::<*mut c_void, Start>(find(c"pam_start")?),
                end: step(c"pam_end")?,
                authenticate: step(c"pam_authenticate")?,
                account: step(c"pam_acct_mgmt")?,
                change_password: step(c"pam_chauthtok")?,
                set_item: std::mem::transmute::<*mut c_void, SetItem>(find(c"pam_set_item")?),
                get_item: std::mem::transmute::<*mut c_void, GetItem>(find(c"pam_get_item")?),
                explain: std::mem::transmute::<*mut c_void, Explain>(find(c"pam_strerror")?),
            })
        }
    }
}
