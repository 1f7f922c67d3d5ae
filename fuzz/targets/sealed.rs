//! See `mvchat_fuzz_laws::sealed`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| mvchat_fuzz_laws::sealed(data));
