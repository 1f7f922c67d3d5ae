use mvchat_core::irido::{Irido, Rules, grapheme, stored};
use serde_json::{Value, value::RawValue};

/// The content of a message; the first byte chooses between rules as they are, and narrow ones with opaque content.
///
/// * What is accepted is JSON, parses to itself, and is what a client shows before it is accepted.
/// * Every limit is kept: clusters, media, mentions, the stretches of text that they name, and sizes of names.
/// * What is refused names a place in the content.
/// * A preview is no longer than it was asked to be, and the counts of grapheme clusters agree.
pub fn irido(data: &[u8]) {
    let Some((first, data)) = data.split_first() else { return };
    let Ok(raw) = std::str::from_utf8(data) else { return };
    let mut rules = Rules::default();
    if first % 2 == 1 {
        rules.opaque = true;
        (rules.max_graphemes, rules.max_media, rules.max_mentions) = (8, 2, 2);
        (rules.max_name_bytes, rules.max_mime_bytes) = (12, 12);
        (rules.max_username_bytes, rules.max_url_bytes) = (12, 24);
    }
    clusters(raw, usize::from(first / 2));
    let shown = stored(raw);
    let content = match Irido::parse(raw, &rules) {
        Ok(content) => content,
        Err(invalid) => {
            // Of a key that the sender made up it shows 64 characters, and no place is deep.
            let length = invalid.path.chars().count();
            assert!(!invalid.rule.as_str().is_empty() && length <= 96, "{invalid:?}");
            return;
        }
    };
    let trimmed = raw.trim_matches([' ', '\t', '\n', '\r']);
    assert_eq!(content.raw(), shown.as_deref().unwrap_or(trimmed));
    assert_eq!(Irido::parse(content.raw(), &rules).as_ref(), Ok(&content), "{}", content.raw());
    assert_eq!(stored(content.raw()), None);
    serde_json::from_str::<&RawValue>(content.raw()).expect("accepted content is JSON");
    limits(&content, &rules);
    let preview = content.preview(3);
    if !content.text().trim().is_empty() {
        assert!(grapheme::count_up_to(&preview, usize::MAX) <= Some(4), "{preview}");
    }
    assert_eq!(content.plain_text().trim(), content.plain_text());
    let mentions = serde_json::to_value(content.mentions()).unwrap();
    assert_eq!(mentions.as_array().map(Vec::len), Some(content.mentions().len()));
}

fn limits(content: &Irido, rules: &Rules) {
    let length = grapheme::count_up_to(content.text(), usize::MAX).unwrap();
    assert!(length <= rules.max_graphemes);
    assert!(content.mentions().len() <= rules.max_mentions && content.media().len() <= rules.max_media);
    for mention in content.mentions() {
        let end = u64::from(mention.offset) + u64::from(mention.length);
        assert!(mention.length >= 1 && end <= length as u64);
        assert!(mention.username.as_ref().is_none_or(|name| name.len() <= rules.max_username_bytes));
    }
    for media in content.media() {
        assert!(media.name.as_ref().is_none_or(|name| name.len() <= rules.max_name_bytes));
        assert!(media.mime.as_ref().is_none_or(|mime| mime.len() <= rules.max_mime_bytes));
        for measure in [media.width, media.height, media.duration].into_iter().flatten() {
            assert!(measure.is_finite() && measure >= 0.0);
        }
        if let Some(embed) = &media.embed {
            assert!(embed.url.len() <= rules.max_url_bytes);
            let scheme = embed.url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
            assert!(matches!(scheme.as_deref(), Some("http" | "https")), "{}", embed.url);
        }
        if let Some(place) = media.location {
            assert!((-90.0..=90.0).contains(&place.lat) && (-180.0..=180.0).contains(&place.lon));
        }
    }
    assert!(!content.is_opaque() || rules.opaque);
    assert!(content.reply().is_none_or(|seq| seq >= 1));
    let root: Result<Value, _> = serde_json::from_str(content.raw());
    // Lone surrogates are JSON, but no text.
    if let Ok(root) = root {
        assert_eq!(root["v"].as_f64(), Some(1.0));
        assert_eq!(root["text"].as_str().unwrap_or_default(), content.text());
        assert!(root["reply"].get("preview").is_none() && root["reply"].get("from").is_none());
    }
}

fn clusters(text: &str, limit: usize) {
    let count = grapheme::count_up_to(text, usize::MAX).expect("there is no limit");
    assert_eq!(grapheme::count_up_to(text, limit), (count <= limit).then_some(count));
    assert_eq!(grapheme::is_single(text), count == 1);
    let (head, more) = grapheme::head(text, limit);
    assert!(text.starts_with(head));
    assert_eq!(more, count > limit);
    assert_eq!(grapheme::count_up_to(head, usize::MAX), Some(count.min(limit)));
}
