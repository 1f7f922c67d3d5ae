-- What is read in several places. All are STABLE: they see what the statement sees that calls them.

-- A conversation with everybody who is or was in it.
create function @.whole(p_conv uuid) returns text language sql stable as $$
    select json_build_object(
        'id', c.id, 'kind', c.kind, 'epoch', c.epoch, 'owner', c.owner, 'created_at', c.created_at,
        'settings', c.settings,
        'members', (
            select coalesce(json_agg(json_build_array(
                m.user_id, m.role, m.standing, m.blocks, m.muted_until, m.joined_at, m.rev)), '[]'::json)
            from @.members m where m.conv = c.id
        ))::text
    from @.conversations c where c.id = p_conv
$$;

-- A conversation as one of its active members sees it.
create function @.view_of(p_viewer uuid, p_conv uuid) returns text language sql stable as $$
    select json_build_object(
        'id', c.id, 'kind', c.kind, 'created_at', c.created_at, 'rev', c.rev, 'last_seq', c.last_seq,
        'last_at', c.last_at, 'settings', c.settings, 'members', c.active,
        'role', m.role, 'own', m.own, 'read', m.read_seq, 'recv', m.recv_seq, 'clear', m.clear_seq,
        'favorite', m.favorite, 'muted', m.muted, 'archived', m.archived, 'blocked', m.blocks,
        'private', encode(m.private, 'hex'),
        'unread', case when m.read_seq < c.last_seq then (
            select count(*) from (
                select from @.messages x
                where x.conv = p_conv and x.seq > greatest(m.read_seq, m.clear_seq)
                    and x.state = 1 and x.sender <> p_viewer
                    and not exists (
                        select from @.hidden h
                        where h.conv = p_conv and h.user_id = p_viewer and h.seq = x.seq)
                order by x.seq limit 1000
            ) counted
        ) else 0 end,
        'peer', case when c.kind = 1 then (
            select json_build_array(o.user_id, o.blocks) from @.members o
            where o.conv = p_conv and o.user_id <> p_viewer order by o.user_id limit 1
        ) end)::text
    from @.members m join @.conversations c on c.id = m.conv
    where m.conv = p_conv and m.user_id = p_viewer and m.standing = 1
$$;

-- What is left of a conversation for one who was a member.
create function @.gone_of(p_viewer uuid, p_conv uuid) returns text language sql stable as $$
    select json_build_object(
        'id', c.id, 'kind', c.kind, 'created_at', c.created_at, 'role', m.role, 'gone', true)::text
    from @.members m join @.conversations c on c.id = m.conv
    where m.conv = p_conv and m.user_id = p_viewer
$$;

-- What is added to all places because this store goes on with those of another one: a constant, which only loading
-- replaces.
create function @.base() returns bigint language sql immutable as 'select 0::bigint';

-- Everything at or before this place was committed or never will be.
create function @.horizon() returns bigint language sql stable as $$
    select (pg_snapshot_xmin(pg_current_snapshot())::text::bigint << 10) + @.base() - 1
$$;
