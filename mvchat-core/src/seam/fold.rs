//! How texts are compared without regard to case.

/// Folds the case of a text: two texts that differ in case only fold to the same.
///
/// Every character is raised and then lowered by Unicode's full mappings, without regard to its neighbours, so
/// that `ς` meets `Σ` and `ß` meets `SS`; nothing is normalised or trimmed. Stores fold display names and
/// search texts with it.
///
/// ```
/// use mvchat_core::seam::fold;
/// assert_eq!(fold("STRASSE"), fold("Straße"));
/// assert_ne!(fold("Ana"), fold("Aná"));
/// ```
pub fn fold(text: &str) -> String {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}
