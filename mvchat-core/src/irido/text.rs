//! Content as plain text: for push messages, search and quotes.

use super::{Irido, Media, MediaKind, grapheme};

impl Irido {
    /// Returns the content in words: the text, then each media like `[IMAGE 'cat.jpg']`.
    ///
    /// The parts are joined by spaces and the whole is trimmed. Opaque content gives an empty string, unless
    /// its sender added something readable.
    ///
    /// ```
    /// use mvchat_core::irido::{Irido, Rules};
    ///
    /// let content = Irido::parse(
    ///     r#"{"v":1,"text":"look","media":[{"type":"embed","embed":{"url":"https://example.org/"}}]}"#,
    ///     &Rules::default(),
    /// )?;
    /// assert_eq!(content.plain_text(), "look [LINK 'https://example.org/']");
    /// # Ok::<(), mvchat_core::irido::Invalid>(())
    /// ```
    pub fn plain_text(&self) -> String {
        let mut parts = Vec::with_capacity(1 + self.media().len());
        if !self.text().is_empty() {
            parts.push(self.text().to_owned());
        }
        parts.extend(self.media().iter().map(describe));
        parts.join(" ").trim().to_owned()
    }

    /// Returns the first `graphemes` clusters of the text, with `…` behind them if there is more.
    ///
    /// Without text it describes the first media, uncut.
    ///
    /// ```
    /// use mvchat_core::irido::{Irido, Rules};
    ///
    /// let content = Irido::parse(r#""🇯🇵🇩🇪🇧🇷""#, &Rules::default())?;
    /// assert_eq!(content.preview(2), "🇯🇵🇩🇪…");
    /// # Ok::<(), mvchat_core::irido::Invalid>(())
    /// ```
    pub fn preview(&self, graphemes: usize) -> String {
        if self.text().trim().is_empty() {
            return self.media().first().map(describe).unwrap_or_default();
        }
        match grapheme::head(self.text(), graphemes) {
            (head, true) => format!("{head}…"),
            (whole, false) => whole.to_owned(),
        }
    }
}

/// Names one media: its label in capitals, then the best name it has.
fn describe(media: &Media) -> String {
    let label = match &media.kind {
        MediaKind::Embed => "LINK".to_owned(),
        kind => kind.as_str().to_uppercase(),
    };
    let title = media.embed.as_ref().and_then(|embed| embed.title.as_deref());
    let url = media.embed.as_ref().map(|embed| embed.url.as_str());
    let names = [media.name.as_deref(), title, url];
    let name = names.into_iter().flatten().find(|name| !name.is_empty()).unwrap_or("attachment");
    format!("[{label} '{name}']")
}
