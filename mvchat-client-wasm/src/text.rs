//! Text as the protocol measures it; browsers' own segmenters follow other versions of Unicode.

use mvchat_core::irido::grapheme;
use wasm_bindgen::prelude::wasm_bindgen;

/// Counts the grapheme clusters of a text.
#[wasm_bindgen]
pub fn graphemes(text: &str) -> usize {
    grapheme::count_up_to(text, usize::MAX).unwrap_or(usize::MAX)
}

/// Returns the first `count` grapheme clusters of a text.
#[wasm_bindgen(js_name = firstGraphemes)]
pub fn first_graphemes(text: &str, count: usize) -> String {
    grapheme::head(text, count).0.to_owned()
}

/// Tells whether a text is exactly one grapheme cluster, as a reaction has to be.
#[wasm_bindgen(js_name = isSingleGrapheme)]
pub fn is_single_grapheme(text: &str) -> bool {
    grapheme::is_single(text)
}
