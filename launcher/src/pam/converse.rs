//! What PAM's modules call with questions and news.

use std::ffi::{CStr, CString, c_char, c_int, c_void};

use zeroize::Zeroizing;

use super::Ask;
use super::library::{Message, Response};
use crate::wire::{MOST_PROMPTS, Prompt};

const SUCCESS: c_int = 0;
const CONVERSATION_FAILED: c_int = 19;
const STYLE_HIDDEN: c_int = 1;
const STYLE_SHOWN: c_int = 2;
/// Characters of one text of a module (`PAM_MAX_MSG_SIZE`), and bytes of all that is told before the next question.
const LONGEST_TEXT: usize = 512;
const LONGEST_MESSAGE: usize = 4096;

/// What `converse` finds behind its pointer.
pub(super) struct Talk<'a> {
    asker: &'a mut dyn Ask,
    /// Told since the last question.
    message: String,
}

/// # Safety
/// `text` is null, or has an end mark.
pub(super) unsafe fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: the caller's promise.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    text.chars().take(LONGEST_TEXT).filter(|c| !c.is_control() || *c == '\n').collect()
}

/// What the modules call with questions and news.
///
/// # Safety
/// As PAM promises: `number` messages behind `messages` (an array of pointers, on Linux), room for one pointer behind
/// `responses`, and `data` as it was given to pam_start.
pub(super) unsafe extern "C" fn converse(
    number: c_int,
    messages: *mut *const Message,
    responses: *mut *mut Response,
    data: *mut c_void,
) -> c_int {
    let Some(number) = usize::try_from(number).ok().filter(|n| (1..=MOST_PROMPTS).contains(n)) else {
        return CONVERSATION_FAILED;
    };
    // SAFETY: the caller's promise; nothing else looks at `Talk` while PAM runs.
    let (talk, messages) =
        unsafe { (&mut *data.cast::<Talk<'_>>(), std::slice::from_raw_parts(messages, number)) };
    // SAFETY: each is a message with a text that has its end mark.
    let said: Vec<(c_int, String)> =
        messages.iter().map(|message| unsafe { ((**message).style, text((**message).text)) }).collect();
    // A panic must not pass through C.
    let answered = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| talk.answer(&said)));
    let Ok(Some(answers)) = answered else { return CONVERSATION_FAILED };
    // SAFETY: calloc gives room for `number` responses, all of them null; strdup copies a text with its end mark.
    unsafe {
        let given = libc::calloc(number, size_of::<Response>()).cast::<Response>();
        if given.is_null() {
            return CONVERSATION_FAILED;
        }
        for (at, answer) in answers.iter().enumerate() {
            if let Some(answer) = answer {
                (*given.add(at)).text = libc::strdup(answer.as_ptr());
            }
        }
        *responses = given;
    }
    SUCCESS
}

impl<'a> Talk<'a> {
    pub(super) fn new(asker: &'a mut dyn Ask) -> Self {
        Self { asker, message: String::new() }
    }

    /// An answer for each question, nothing for each piece of news.
    fn answer(&mut self, said: &[(c_int, String)]) -> Option<Vec<Option<Zeroizing<CString>>>> {
        let is_question = |style: c_int| matches!(style, STYLE_HIDDEN | STYLE_SHOWN);
        let mut prompts = Vec::new();
        for (style, text) in said {
            if is_question(*style) {
                prompts.push(Prompt { text: text.clone(), echo: *style == STYLE_SHOWN });
            } else if self.message.len() + text.len() < LONGEST_MESSAGE {
                self.message.push_str(text.trim_end());
                self.message.push('\n');
            }
        }
        let mut answers = Vec::new();
        if !prompts.is_empty() {
            let message = std::mem::take(&mut self.message).trim_end().to_owned();
            answers = self.asker.ask(prompts, message)?;
        }
        let mut answers = answers.into_iter();
        let one = |(style, _): &(c_int, String)| {
            if !is_question(*style) {
                return Some(None);
            }
            let answer = CString::new(answers.next()?.expose()).ok()?;
            Some(Some(Zeroizing::new(answer)))
        };
        said.iter().map(one).collect()
    }
}
