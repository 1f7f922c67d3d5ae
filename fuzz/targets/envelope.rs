//! See `mvchat_fuzz_laws::envelope`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mvchat_fuzz_laws::envelope(data));
