//! See `mvchat_fuzz_laws::session`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mvchat_fuzz_laws::session(data));
