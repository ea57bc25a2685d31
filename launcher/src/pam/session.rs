//! One conversation with the library, from pam_start(3) to pam_end(3).

use std::cell::UnsafeCell;
use std::ffi::{CString, c_int};
use std::ptr::{null, null_mut};

use super::converse::{Talk, converse, text};
use super::library::{Conversation, Handle, Library, Step};
use super::{Ask, PamError};

const SUCCESS: c_int = 0;
const NEW_PASSWORD_WANTED: c_int = 12;
const ITEM_USER: c_int = 2;
const ITEM_REMOTE_HOST: c_int = 4;
const NO_EMPTY_PASSWORD: c_int = 0x1;
const ONLY_EXPIRED: c_int = 0x20;

/// One conversation with PAM. Fields are dropped after `Drop` has ended the handle.
struct Pam<'a> {
    library: Library,
    handle: Handle,
    last: c_int,
    /// PAM has the only pointer to it while the handle lives.
    _talk: Box<UnsafeCell<Talk<'a>>>,
}

impl Drop for Pam<'_> {
    fn drop(&mut self) {
        // SAFETY: the handle is from pam_start, and ended once.
        unsafe { (self.library.end)(self.handle, self.last) };
    }
}

/// Authenticates `user` and asks whether the account may come in; an expired password is changed. Returns the account's
/// name as PAM has it. Blocks for as long as the modules and the person take.
pub(crate) fn sign_in(
    service: &str,
    user: &str,
    from: Option<&str>,
    asker: &mut dyn Ask,
) -> Result<String, PamError> {
    let mut pam = Pam::start(service, user, asker)?;
    if let Some(from) = from {
        pam.set_remote_host(from)?;
    }
    pam.step("authentication", |library| library.authenticate, NO_EMPTY_PASSWORD)?;
    match pam.step("account", |library| library.account, NO_EMPTY_PASSWORD) {
        Err(PamError::Refused { code: NEW_PASSWORD_WANTED, .. }) => {
            pam.step("a new password", |library| library.change_password, ONLY_EXPIRED)?;
        }
        other => other?,
    }
    pam.user()
}

impl<'a> Pam<'a> {
    fn start(service: &str, user: &str, asker: &'a mut dyn Ask) -> Result<Self, PamError> {
        let library = Library::open()?;
        let (service, user) = (c_string(service)?, c_string(user)?);
        let talk = Box::new(UnsafeCell::new(Talk::new(asker)));
        let conversation = Conversation { converse, data: talk.get().cast() };
        let mut handle = null_mut();
        // SAFETY: PAM copies the texts and the structure; `talk` is boxed and outlives the handle.
        let last = unsafe {
            (library.start)(service.as_ptr(), user.as_ptr(), &raw const conversation, &raw mut handle)
        };
        if last != SUCCESS || handle.is_null() {
            let text = "libpam does not start".to_owned();
            return Err(PamError::Refused { during: "start", text, code: last });
        }
        Ok(Self { library, handle, last, _talk: talk })
    }

    fn set_remote_host(&mut self, from: &str) -> Result<(), PamError> {
        let from = c_string(from)?;
        // SAFETY: the handle lives; PAM copies the text.
        self.last = unsafe { (self.library.set_item)(self.handle, ITEM_REMOTE_HOST, from.as_ptr().cast()) };
        self.check("remote host")
    }

    fn step(&mut self, during: &'static str, of: fn(&Library) -> Step, flags: c_int) -> Result<(), PamError> {
        // SAFETY: the handle lives, and so does what `converse` is handed.
        self.last = unsafe { of(&self.library)(self.handle, flags) };
        self.check(during)
    }

    fn check(&self, during: &'static str) -> Result<(), PamError> {
        if self.last == SUCCESS {
            return Ok(());
        }
        // SAFETY: the handle lives; the text is the library's own, and constant.
        let text = unsafe { text((self.library.explain)(self.handle, self.last)) };
        Err(PamError::Refused { during, text, code: self.last })
    }

    fn user(&mut self) -> Result<String, PamError> {
        let mut user = null();
        // SAFETY: the handle lives; the text is read before anything changes it.
        self.last = unsafe { (self.library.get_item)(self.handle, ITEM_USER, &raw mut user) };
        self.check("name")?;
        // SAFETY: as above; this item is a text.
        let user = unsafe { text(user.cast()) };
        if user.is_empty() { Err(PamError::Nobody) } else { Ok(user) }
    }
}

fn c_string(text: &str) -> Result<CString, PamError> {
    CString::new(text).map_err(|_| PamError::Name)
}
