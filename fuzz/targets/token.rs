//! See `mvchat_fuzz_laws::token`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mvchat_fuzz_laws::token(data));
