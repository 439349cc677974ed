//! libpcap, loaded on first use.
//!
//! The `pcap` crate links to `pcap_*` symbols. `build.rs` satisfies its `-lpcap` with an empty archive, and
//! this module exports the symbols: each loads the shared library and passes the call on. So wirelint builds
//! without libpcap's development files and reads captures without libpcap.
#![allow(unsafe_code, reason = "exports C symbols and calls a shared library; nothing else may")]

use std::ffi::{c_char, c_int, c_uchar, c_uint, c_void};
use std::sync::OnceLock;

use libloading::Library;

use super::CaptureError;

/// Names of the shared library: upstream's, Debian's, a development link's, and macOS'.
const NAMES: [&str; 4] = ["libpcap.so.1", "libpcap.so.0.8", "libpcap.so", "libpcap.A.dylib"];

/// Whether libpcap can be used here.
///
/// # Errors
/// [`CaptureError::Live`] that says what to install, or which symbol an old library lacks.
pub fn available() -> Result<(), CaptureError> {
    let Some(library) = library() else {
        return Err(CaptureError::Live(
            "libpcap is not installed: apt install libpcap0.8 (Fedora: dnf install libpcap)".to_owned(),
        ));
    };
    // SAFETY: the symbol is only looked up, never called.
    let lacks = |name: &&&str| unsafe { library.get::<*const c_void>(name.as_bytes()).is_err() };
    match NEEDED.iter().find(lacks) {
        Some(name) => Err(CaptureError::Live(format!(
            "the installed libpcap is too old: it lacks {name}; libpcap 1.9 or later is needed"
        ))),
        None => Ok(()),
    }
}

/// Whether an open capture gives its fractions of a second in nanoseconds.
pub(super) fn nanoseconds(capture: &pcap::Capture<pcap::Active>) -> bool {
    let Some(library) = library() else { return false };
    // SAFETY: the signature is that of pcap.h (since 1.5.0), and the handle is open while it is borrowed.
    unsafe {
        library
            .get::<unsafe extern "C" fn(*mut c_void) -> c_int>(b"pcap_get_tstamp_precision")
            .is_ok_and(|precision| precision(capture.as_ptr().cast()) == 1)
    }
}

fn library() -> Option<&'static Library> {
    static LIBRARY: OnceLock<Option<Library>> = OnceLock::new();
    // SAFETY: libpcap's initialisers do nothing but set up its own state.
    LIBRARY.get_or_init(|| NAMES.iter().find_map(|name| unsafe { Library::new(*name).ok() })).as_ref()
}

/// What a call gives when the library or the symbol is missing. `available` is asked first, so that a user
/// sees a better message than these make; they only must not crash.
trait Missing {
    fn missing() -> Self;
}

impl Missing for c_int {
    /// `PCAP_ERROR`.
    fn missing() -> Self {
        -1
    }
}

impl<T> Missing for *mut T {
    fn missing() -> Self {
        std::ptr::null_mut()
    }
}

impl<T> Missing for *const T {
    fn missing() -> Self {
        std::ptr::null()
    }
}

impl Missing for () {
    fn missing() {}
}

macro_rules! forward {
    ($(fn $name:ident($($arg:ident: $type:ty),*) -> $result:ty;)*) => {$(
        /// Passed on to libpcap's function of this name.
        ///
        /// # Safety
        /// As libpcap's own.
        #[unsafe(no_mangle)]
        unsafe extern "C" fn $name($($arg: $type),*) -> $result {
            type Function = unsafe extern "C" fn($($type),*) -> $result;
            static FUNCTION: OnceLock<Option<Function>> = OnceLock::new();
            // SAFETY: the signature is that of pcap.h, as the `pcap` crate declares it; the library is never
            // unloaded, so the pointer stays valid.
            let function = FUNCTION.get_or_init(|| unsafe {
                library()?.get::<Function>(stringify!($name).as_bytes()).ok().map(|symbol| *symbol)
            });
            match function {
                // SAFETY: the caller keeps libpcap's contract.
                Some(function) => unsafe { function($($arg),*) },
                None => Missing::missing(),
            }
        }
    )*};
}

/// An opaque pointer of libpcap, or one to a structure that is only passed on.
type Ptr = *mut c_void;
type Text = *const c_char;

forward! {
    fn pcap_activate(p: Ptr) -> c_int;
    fn pcap_breakloop(p: Ptr) -> ();
    fn pcap_close(p: Ptr) -> ();
    fn pcap_compile(p: Ptr, program: Ptr, text: Text, optimize: c_int, mask: c_uint) -> c_int;
    fn pcap_create(source: Text, error: *mut c_char) -> Ptr;
    fn pcap_datalink(p: Ptr) -> c_int;
    fn pcap_datalink_name_to_val(name: Text) -> c_int;
    fn pcap_datalink_val_to_description(link: c_int) -> Text;
    fn pcap_datalink_val_to_name(link: c_int) -> Text;
    fn pcap_dispatch(p: Ptr, count: c_int, callback: Ptr, user: *mut c_uchar) -> c_int;
    fn pcap_dump(user: *mut c_uchar, header: Ptr, data: *const c_uchar) -> ();
    fn pcap_dump_close(dumper: Ptr) -> ();
    fn pcap_dump_flush(dumper: Ptr) -> c_int;
    fn pcap_dump_fopen(p: Ptr, file: Ptr) -> Ptr;
    fn pcap_dump_open(p: Ptr, path: Text) -> Ptr;
    fn pcap_dump_open_append(p: Ptr, path: Text) -> Ptr;
    fn pcap_fileno(p: Ptr) -> c_int;
    fn pcap_findalldevs(devices: Ptr, error: *mut c_char) -> c_int;
    fn pcap_fopen_offline(file: Ptr, error: *mut c_char) -> Ptr;
    fn pcap_fopen_offline_with_tstamp_precision(file: Ptr, precision: c_uint, error: *mut c_char) -> Ptr;
    fn pcap_free_datalinks(links: *mut c_int) -> ();
    fn pcap_freealldevs(devices: Ptr) -> ();
    fn pcap_freecode(program: Ptr) -> ();
    fn pcap_get_selectable_fd(p: Ptr) -> c_int;
    fn pcap_geterr(p: Ptr) -> *mut c_char;
    fn pcap_list_datalinks(p: Ptr, links: Ptr) -> c_int;
    fn pcap_loop(p: Ptr, count: c_int, callback: Ptr, user: *mut c_uchar) -> c_int;
    fn pcap_major_version(p: Ptr) -> c_int;
    fn pcap_minor_version(p: Ptr) -> c_int;
    fn pcap_next_ex(p: Ptr, header: Ptr, data: Ptr) -> c_int;
    fn pcap_offline_filter(program: *const c_void, header: *const c_void, data: *const c_uchar) -> c_int;
    fn pcap_open_dead(link: c_int, snaplen: c_int) -> Ptr;
    fn pcap_open_dead_with_tstamp_precision(link: c_int, snaplen: c_int, precision: c_uint) -> Ptr;
    fn pcap_open_offline(path: Text, error: *mut c_char) -> Ptr;
    fn pcap_open_offline_with_tstamp_precision(path: Text, precision: c_uint, error: *mut c_char) -> Ptr;
    fn pcap_sendpacket(p: Ptr, data: *const c_uchar, size: c_int) -> c_int;
    fn pcap_set_buffer_size(p: Ptr, size: c_int) -> c_int;
    fn pcap_set_datalink(p: Ptr, link: c_int) -> c_int;
    fn pcap_set_immediate_mode(p: Ptr, on: c_int) -> c_int;
    fn pcap_set_promisc(p: Ptr, on: c_int) -> c_int;
    fn pcap_set_rfmon(p: Ptr, on: c_int) -> c_int;
    fn pcap_set_snaplen(p: Ptr, snaplen: c_int) -> c_int;
    fn pcap_set_timeout(p: Ptr, milliseconds: c_int) -> c_int;
    fn pcap_set_tstamp_precision(p: Ptr, precision: c_int) -> c_int;
    fn pcap_set_tstamp_type(p: Ptr, kind: c_int) -> c_int;
    fn pcap_set_want_pktap(p: Ptr, on: c_int) -> c_int;
    fn pcap_setdirection(p: Ptr, direction: c_uint) -> c_int;
    fn pcap_setfilter(p: Ptr, program: Ptr) -> c_int;
    fn pcap_setnonblock(p: Ptr, on: c_int, error: *mut c_char) -> c_int;
    fn pcap_stats(p: Ptr, stats: Ptr) -> c_int;
}

/// The functions that wirelint itself reaches.
const NEEDED: &[&str] = &[
    "pcap_activate",
    "pcap_close",
    "pcap_compile",
    "pcap_create",
    "pcap_datalink",
    "pcap_findalldevs",
    "pcap_freealldevs",
    "pcap_freecode",
    "pcap_geterr",
    "pcap_next_ex",
    "pcap_offline_filter",
    "pcap_open_dead",
    "pcap_set_buffer_size",
    "pcap_set_promisc",
    "pcap_set_snaplen",
    "pcap_set_timeout",
    "pcap_set_tstamp_precision",
    "pcap_setfilter",
    "pcap_setnonblock",
    "pcap_stats",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_gives_a_message_and_a_present_one_loads() {
        match available() {
            Ok(()) => assert!(library().is_some()),
            Err(CaptureError::Live(text)) => assert!(text.contains("libpcap"), "{text}"),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn missing_functions_say_no() {
        assert_eq!(<c_int as Missing>::missing(), -1);
        assert!(<Ptr as Missing>::missing().is_null());
        assert!(<Text as Missing>::missing().is_null());
        // SAFETY: this symbol exists only in libpcap of macOS; elsewhere the call must fall through.
        #[cfg(target_os = "linux")]
        assert_eq!(unsafe { pcap_set_want_pktap(std::ptr::null_mut(), 0) }, -1);
    }
}
