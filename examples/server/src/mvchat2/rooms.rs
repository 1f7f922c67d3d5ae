//! Conversations, and what their members keep for themselves.

use mvchat_core::{
    builtin::keys::Context,
    policy::{ConvKind, ConvSettings, Member, Pinned, Standing},
    proto::{ConvId, Epoch, Json, Own, Position, Rev, Role, Seq, UserId},
    seam::{DumpPage, Item, KeptConversation, KeptMember, StoreResult},
};
use serde::Deserialize;
use uuid::Uuid;

use super::{
    Mvchat2,
    dump::Plan,
    rows::{Member as Row, Room},
};

/// Those that are brought along: the others have nobody in them, or only one who talks to nobody.
const PLAN: &str = "select jsonb_build_object('id', c.id, 'kind', c.type, 'last', greatest(0, (to_jsonb(c) ->> 'last_seq')::bigint, \
     (select max(m.seq) from messages m where m.conversation_id = c.id)), \
     'active', (select count(*) from members m where m.conversation_id = c.id and m.deleted_at is null), \
     'quiet', coalesce((to_jsonb(c) ->> 'no_screenshots')::boolean, false), 'all', (select count(*) from members m where m.conversation_id = c.id))::text \
     from conversations c order by c.id";
const ROOMS: &str = "select (to_jsonb(c) || jsonb_build_object('newest_at', (select max(m.created_at) from messages m \
     where m.conversation_id = c.id), 'pinned_seq', (select m.seq from messages m \
     where m.id = (to_jsonb(c) ->> 'pinned_message_id')::uuid and m.conversation_id = c.id)))::text \
     from conversations c where c.id = any(string_to_array($1, ',')::uuid[]) order by c.id";
const MEMBERS: &str = "select (to_jsonb(m) || jsonb_build_object('hides', exists (select from message_deletions d \
     join messages x on x.id = d.message_id where x.conversation_id = m.conversation_id and d.user_id = m.user_id) \
     or exists (select from message_reads r join messages x on x.id = r.message_id \
     where x.conversation_id = m.conversation_id and r.user_id = m.user_id and r.expired)))::text \
     from members m where m.conversation_id = $1::uuid order by m.user_id";

#[derive(Deserialize)]
struct Planned {
    id: Uuid,
    kind: Option<String>,
    last: u64,
    active: u64,
    all: u64,
    quiet: bool,
}

impl Mvchat2 {
    pub(super) async fn plan(&mut self) -> StoreResult<()> {
        let mut base = 1;
        for Planned { id, kind, last, active, all, quiet } in self.rows::<Planned>(PLAN, &[]).await? {
            let why = match kind_of(kind.as_deref()) {
                None => Some("conversations of an unknown kind"),
                Some(ConvKind::Dm) if all != 2 => Some("direct conversations without their two members"),
                Some(ConvKind::Group) if active == 0 => Some("groups that everybody has left"),
                Some(_) => None,
            };
            if let Some(why) = why {
                self.remark(why);
                continue;
            }
            self.places.insert(id, self.rooms.len());
            self.rooms.push(Plan { id, last_seq: last, no_screenshots: quiet, base });
            base += last + 2;
        }
        Ok(())
    }

    pub(super) async fn rooms_page(&mut self, after: Option<String>, limit: usize) -> StoreResult<DumpPage> {
        let start: usize = after.and_then(|after| after.parse().ok()).unwrap_or(0);
        let end = start.saturating_add(limit).min(self.rooms.len());
        let ids: Vec<String> = self.rooms[start..end].iter().map(|plan| plan.id.to_string()).collect();
        let mut items = Vec::new();
        for room in self.rows::<Room>(ROOMS, &[&ids.join(",")]).await? {
            let members = self.rows::<Row>(MEMBERS, &[&room.id.to_string()]).await?;
            items.push(Item::Conversation(self.room(room, members).await?));
        }
        Ok(DumpPage { items, next: (end < self.rooms.len()).then(|| end.to_string()) })
    }

    async fn room(&mut self, room: Room, rows: Vec<Row>) -> StoreResult<KeptConversation> {
        let place = self.places.get(&room.id).and_then(|place| self.rooms.get(*place));
        let (last, base) = place.map_or((0, 0), |plan| (plan.last_seq, plan.base));
        let kind = kind_of(room.kind.as_deref()).unwrap_or(ConvKind::Group);
        let group = kind == ConvKind::Group;
        let created_at = room.created_at.unwrap_or_default();
        let owner = owner(room.owner_id, &rows).filter(|_| group);
        let mut members = Vec::new();
        for row in rows {
            let gone = group && row.deleted_at.is_some();
            let role = match row.role.as_deref() {
                _ if !group => Role::Member,
                _ if owner == Some(row.user_id) => Role::Owner,
                Some("owner" | "admin") => Role::Admin,
                _ => Role::Member,
            };
            let member = Member {
                role,
                standing: if gone { Standing::Left } else { Standing::Active },
                blocks: !group && row.blocked.unwrap_or(false),
                muted_until: None,
                joined_at: row.created_at.unwrap_or(created_at),
                rev: Rev(0),
            };
            let mark = |mark: Option<i64>| Seq(u64::try_from(mark.unwrap_or(0)).unwrap_or(0).min(last));
            let read = mark(row.read_seq);
            let private =
                row.private.filter(|private| private.get() != "null" && Json::parse(private.get()).is_ok());
            let private = match private {
                Some(private) if self.keys.is_some() => {
                    let context = Context::MemberPrivate { user: row.user_id, conv: room.id };
                    Some(self.seal(&context, row.user_id, private.get().as_bytes()).await?)
                }
                _ => None,
            };
            members.push(KeptMember {
                user: UserId(row.user_id),
                member,
                own: Own(u64::from(row.hides)),
                touched: Position(0),
                read,
                recv: mark(row.recv_seq).max(read),
                clear: mark(row.clear_seq),
                favorite: row.favorite.unwrap_or(false),
                muted: row.muted.unwrap_or(false),
                archived: false,
                private,
                removed: gone.then_some(Position(base + last + 1)),
                paced: None,
            });
        }
        let pinned = room.pinned_seq.map(|seq| Pinned {
            seq: Seq(seq),
            at: room.pinned_at.unwrap_or(created_at),
            by: UserId(room.pinned_by.or(owner).unwrap_or_default()),
        });
        let settings = ConvSettings {
            public: room
                .public
                .and_then(|public| Json::parse(public.get()).ok())
                .filter(|public| !public.is_null()),
            ttl: room.disappearing_ttl.and_then(|ttl| u32::try_from(ttl).ok()).filter(|ttl| *ttl > 0),
            no_screenshots: room.no_screenshots.unwrap_or(false),
            pinned,
            ..ConvSettings::default()
        };
        Ok(KeptConversation {
            id: ConvId(room.id),
            kind,
            epoch: Epoch(0),
            owner: owner.map(UserId),
            created_at,
            settings,
            settings_rev: Rev(last + 1),
            made_by: None,
            rev: Rev(last + 1),
            touched: Position(base + last + 1),
            last_seq: Seq(last),
            last_at: room.newest_at.or((last > 0).then_some(created_at)),
            keep: None,
            swept: Seq(0),
            members,
        })
    }
}

/// Groups were called rooms later.
fn kind_of(kind: Option<&str>) -> Option<ConvKind> {
    match kind {
        Some("dm") => Some(ConvKind::Dm),
        Some("group" | "room") => Some(ConvKind::Group),
        _ => None,
    }
}

/// Every group has an owner, who is in it: the one it has, or who comes next.
fn owner(owner: Option<Uuid>, rows: &[Row]) -> Option<Uuid> {
    let active: Vec<&Row> = rows.iter().filter(|row| row.deleted_at.is_none()).collect();
    let with =
        |role: &str| active.iter().find(|row| row.role.as_deref() == Some(role)).map(|row| row.user_id);
    owner
        .filter(|owner| active.iter().any(|row| row.user_id == *owner))
        .or_else(|| with("owner"))
        .or_else(|| with("admin"))
        .or_else(|| active.first().map(|row| row.user_id))
}
