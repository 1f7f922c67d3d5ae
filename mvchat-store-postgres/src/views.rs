//! Conversations as their members see them.

use crate::PgStore;
use crate::codes::Code;
use crate::error::internal;
use crate::messages::{SPARE, untied};
use crate::rows::{count, get, limit, number, of_json, unsigned};
use bytes::Bytes;
use mvchat_core::policy::ConvSettings;
use mvchat_core::proto::{ConvId, Own, Position, Rev, Seq, UserId};
use mvchat_core::seam::{StoreResult, View, ViewConv, ViewMember, ViewQuery, Views};
use mvchat_core::time::Timestamp;
use serde::Deserialize;
use sqlx::postgres::PgRow;

/// The first row has the horizon only.
const ONE: &str = "select null::text, @.horizon() union all select @.view_of($1, $2), null::bigint";
const PAGE: &str = "select null::text, @.horizon() union all (\
     select @.view_of($1, p.id), null::bigint from (\
     select c.id, coalesce(c.last_at, c.created_at) as activity \
     from @.members m join @.conversations c on c.id = m.conv \
     where m.user_id = $1 and m.standing = 1 \
     and ($2::bigint is null or (coalesce(c.last_at, c.created_at), c.id) < ($2, $3::uuid)) \
     order by activity desc, c.id desc limit $4) p order by p.activity desc, p.id desc)";
/// What was touched after the horizon is always in the page: later it could be passed over.
const SINCE: &str = "select null::text, @.horizon(), null::bigint union all (\
     select case when p.standing = 1 then @.view_of($1, p.conv) else @.gone_of($1, p.conv) end, null::bigint, \
     p.touched from (\
     select t.*, row_number() over (order by t.touched) as place from (\
     select m.conv, m.standing, case when m.standing = 1 then greatest(c.touched, m.touched) else m.removed end \
     as touched from @.members m join @.conversations c on c.id = m.conv where m.user_id = $1) t \
     where t.touched > $2) p \
     where p.place <= $3 or p.touched > (select @.horizon()) order by p.touched)";
pub(crate) const STATEMENTS: &[&str] = &[ONE, PAGE, SINCE];

impl PgStore {
    pub(crate) async fn read_views(&self, viewer: UserId, query: ViewQuery) -> StoreResult<Views> {
        match query {
            ViewQuery::One(conv) => {
                let read = async || {
                    let rows = self.read(|| sqlx::query(self.sql(ONE)).bind(viewer.0).bind(conv.0)).await?;
                    Ok((views(&rows)?, horizon(&rows)?))
                };
                let (rows, position) = self.settled(read).await?;
                Ok(Views { rows, more: false, position })
            }
            ViewQuery::Page { before, limit: most } => self.page_of_views(viewer, before, most).await,
            ViewQuery::Since { position, limit } => self.views_since(viewer, position, limit).await,
            _ => Err(internal("a query that this store does not know")),
        }
    }

    async fn page_of_views(
        &self,
        viewer: UserId,
        before: Option<(Timestamp, ConvId)>,
        most: usize,
    ) -> StoreResult<Views> {
        let (activity, id) = before.map(|(at, conv)| (at.as_micros(), conv.0)).unzip();
        let read = async || {
            let query = || {
                let query = sqlx::query(self.sql(PAGE)).bind(viewer.0);
                query.bind(activity).bind(id).bind(limit(most.saturating_add(1)))
            };
            let rows = self.read(query).await?;
            Ok((views(&rows)?, horizon(&rows)?))
        };
        let (mut rows, position) = self.settled(read).await?;
        let more = rows.len() > most;
        rows.truncate(most);
        Ok(Views { rows, more, position })
    }

    async fn views_since(&self, viewer: UserId, position: Position, most: usize) -> StoreResult<Views> {
        let read = async || {
            let query = || {
                let query = sqlx::query(self.sql(SINCE)).bind(viewer.0);
                query.bind(number(position.0)).bind(limit(most.saturating_add(SPARE)))
            };
            let rows = self.read(query).await?;
            let touched =
                |row: &PgRow| Ok(get::<Option<i64>>(row, 2)?.map(|touched| Position(unsigned(touched))));
            let places =
                rows.iter().filter_map(|row| touched(row).transpose()).collect::<StoreResult<Vec<_>>>()?;
            Ok(((views(&rows)?, places), horizon(&rows)?))
        };
        let ((mut rows, places), horizon) = self.settled(read).await?;
        let settled = places.iter().filter(|place| **place <= horizon).count();
        let end = untied(&places[..settled], most, |place| *place);
        if end < settled {
            rows.truncate(end);
            let last = end.checked_sub(1).and_then(|last| places.get(last)).copied();
            return Ok(Views { rows, more: true, position: last.unwrap_or(position) });
        }
        Ok(Views { rows, more: false, position: horizon.max(position) })
    }
}

fn horizon(rows: &[PgRow]) -> StoreResult<Position> {
    let row = rows.first().ok_or_else(|| internal("a page without a horizon"))?;
    Ok(Position(count(row, 1)?))
}

fn views(rows: &[PgRow]) -> StoreResult<Vec<View>> {
    let views = rows.iter().map(|row| get::<Option<&str>>(row, 0)?.map(view).transpose());
    views.filter_map(Result::transpose).collect()
}

/// What the functions `view_of` and `gone_of` write.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Columns {
    id: Option<ConvId>,
    kind: i16,
    created_at: i64,
    rev: u64,
    last_seq: u64,
    last_at: Option<i64>,
    settings: Option<String>,
    members: usize,
    role: i16,
    own: u64,
    read: u64,
    recv: u64,
    clear: u64,
    favorite: bool,
    muted: bool,
    archived: bool,
    blocked: bool,
    private: Option<String>,
    unread: u32,
    peer: Option<(UserId, bool)>,
    gone: bool,
}

/// Reads what the functions `view_of` and `gone_of` wrote.
pub(crate) fn view(text: &str) -> StoreResult<View> {
    let view: Columns = of_json(text)?;
    let settings = view.settings.as_deref().map_or(Ok(ConvSettings::default()), of_json)?;
    Ok(View {
        conv: ViewConv {
            id: view.id.ok_or_else(|| internal("a view of nothing"))?,
            kind: Code::of(view.kind)?,
            created_at: Timestamp::from_micros(view.created_at),
            rev: Rev(view.rev),
            last_seq: Seq(view.last_seq),
            last_at: view.last_at.map(Timestamp::from_micros),
            settings,
        },
        me: ViewMember {
            role: Code::of(view.role)?,
            own: Own(view.own),
            read: Seq(view.read),
            recv: Seq(view.recv),
            clear: Seq(view.clear),
            favorite: view.favorite,
            muted: view.muted,
            archived: view.archived,
            blocked: view.blocked,
            private: view.private.as_deref().map(unhex).transpose()?,
        },
        unread: view.unread,
        peer: view.peer,
        members: view.members,
        gone: view.gone,
    })
}

pub(crate) fn unhex(text: &str) -> StoreResult<Bytes> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pairs = text.as_bytes().chunks(2).map(|pair| match pair {
        [high, low] => Some(digit(*high)? << 4 | digit(*low)?),
        _ => None,
    });
    pairs.collect::<Option<Vec<u8>>>().map(Bytes::from).ok_or_else(|| internal("bytes that are not in hex"))
}
