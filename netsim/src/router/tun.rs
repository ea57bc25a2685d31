//! A TUN device: IP packets to and from the kernel, through a file.

use std::ffi::c_int;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::ioctl::{Setter, opcode};

/// Bare IP packets, without a header of the device's own (linux/if_tun.h).
const IFF_TUN: u16 = 0x0001;
const IFF_NO_PI: u16 = 0x1000;
const TUNSETIFF: u32 = opcode::write::<c_int>(b'T', 202);

/// The kernel's `struct ifreq`: a name that ends in 0, and a union of 24 bytes of which we set the first two.
#[repr(C)]
struct InterfaceRequest {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

/// A TUN device, which exists as long as this does. It may be moved to another network namespace meanwhile.
#[derive(Debug)]
pub struct Tun(OwnedFd);

impl Tun {
    /// Makes a device in this thread's network namespace. `name` has 1 to 15 bytes.
    ///
    /// # Errors
    /// Without `/dev/net/tun` or `CAP_NET_ADMIN`, or when the name is in use.
    pub fn make(name: &str) -> io::Result<Self> {
        let mut request = InterfaceRequest { name: [0; 16], flags: IFF_TUN | IFF_NO_PI, rest: [0; 22] };
        if name.is_empty() || name.len() > 15 {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "a device's name has 1 to 15 bytes"));
        }
        request.name[..name.len()].copy_from_slice(name.as_bytes());
        let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open("/dev/net/tun", flags, Mode::empty())?;
        attach(&file, request)?;
        Ok(Self(file))
    }

    /// The next packet that the kernel sends; `None` when there is none now.
    pub(super) fn read(&self, packet: &mut [u8]) -> io::Result<Option<usize>> {
        match rustix::io::read(&self.0, packet) {
            Ok(length) => Ok(Some(length)),
            Err(Errno::AGAIN | Errno::INTR) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Hands a packet to the kernel; false when it does not take it: the device is down, or memory is short.
    pub(super) fn write(&self, packet: &[u8]) -> io::Result<bool> {
        match rustix::io::write(&self.0, packet) {
            Ok(_) => Ok(true),
            Err(Errno::AGAIN | Errno::INTR | Errno::IO | Errno::NOBUFS | Errno::NOMEM | Errno::INVAL) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Tun {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[expect(unsafe_code, reason = "no library of ours makes a TUN device, and it is one ioctl")]
fn attach(file: &OwnedFd, request: InterfaceRequest) -> rustix::io::Result<()> {
    // SAFETY: TUNSETIFF reads and writes one `struct ifreq`, 40 bytes on 64-bit Linux, which `InterfaceRequest` is to the
    // byte; the pointer to it lives for the call. `file` is a descriptor of /dev/net/tun, which gives TUNSETIFF this
    // meaning. The kernel keeps no reference.
    unsafe { rustix::ioctl::ioctl(file, Setter::<TUNSETIFF, _>::new(request)) }
}

const _: () = assert!(size_of::<InterfaceRequest>() == 40);
