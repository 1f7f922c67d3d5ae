//! See `mvchat_fuzz_laws::config`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mvchat_fuzz_laws::config(data));
