//! Links to groups, and the index of them by group.

use crate::SledStore;
use crate::batch::Batch;
use crate::error::{already_exists, not_found};
use crate::keys::{CONV, Key, LINK, LINK_OF};
use crate::read::Rows;
use async_trait::async_trait;
use mvchat_core::proto::ConvId;
use mvchat_core::seam::{LinkRow, LinkStore, StoreResult};
use mvchat_core::time::Timestamp;

#[async_trait]
impl LinkStore for SledStore {
    async fn create_link(&self, row: LinkRow) -> StoreResult<()> {
        self.write(move |batch| {
            let key = link_key(&row.code);
            if batch.has(&key)? {
                return Err(already_exists("the link's code is taken"));
            }
            if !batch.has(&Key::conv(CONV, row.conv))? {
                return Err(not_found("there is no such conversation"));
            }
            batch.put(&key, &row)?;
            batch.put(&Key::conv(LINK_OF, row.conv).text(&row.code), &row.code)
        })
        .await
    }

    async fn link(&self, code: &str) -> StoreResult<Option<LinkRow>> {
        let key = link_key(code);
        self.read(move |rows| rows.row(&key)).await
    }

    async fn links_of(&self, conv: ConvId) -> StoreResult<Vec<LinkRow>> {
        self.read(move |rows| {
            let mut links = Vec::new();
            for item in rows.up(Key::conv(LINK_OF, conv).all()) {
                let (key, stored) = item?;
                let code: String = rows.decoded(&key, &stored)?;
                links.extend(rows.row::<LinkRow>(&link_key(&code))?);
            }
            links.sort_by(|a, b| (a.created_at, &a.code).cmp(&(b.created_at, &b.code)));
            Ok(links)
        })
        .await
    }

    async fn revoke_link(&self, conv: ConvId, code: &str) -> StoreResult<bool> {
        let code = code.to_owned();
        self.write(move |batch| {
            let key = link_key(&code);
            if batch.row::<LinkRow>(&key)?.is_none_or(|link| link.conv != conv) {
                return Ok(false);
            }
            batch.remove(&key)?;
            batch.remove(&Key::conv(LINK_OF, conv).text(&code))?;
            Ok(true)
        })
        .await
    }
}

/// Removes the links of a conversation that ends.
pub(crate) fn remove_all(batch: &mut Batch, conv: ConvId) -> StoreResult<()> {
    let all = batch.up(Key::conv(LINK_OF, conv).all()).collect::<StoreResult<Vec<_>>>()?;
    for (key, stored) in all {
        let code: String = batch.decoded(&key, &stored)?;
        batch.remove(&link_key(&code))?;
        batch.remove(&Key::exactly(&key))?;
    }
    Ok(())
}

pub(crate) fn link_key(code: &str) -> Key {
    Key::of(LINK).text(code)
}

/// Uses a link once. Errors: `NotFound` if it opens nothing.
pub(crate) fn use_link(batch: &mut Batch, conv: ConvId, code: &str, at: Timestamp) -> StoreResult<()> {
    let key = link_key(code);
    let link: Option<LinkRow> = batch.row(&key)?;
    match link.filter(|link| link.conv == conv && link.opens(at)) {
        Some(link) => batch.put(&key, &LinkRow { uses: link.uses + 1, ..link }),
        None => Err(not_found("the link opens nothing")),
    }
}
