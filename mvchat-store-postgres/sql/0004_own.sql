-- What members change for themselves. The member's row is locked first: what is read after that includes every
-- message whose sender's marks it concerns.

create function @.mark(
    p_viewer uuid, p_conv uuid, p_read bigint, p_recv bigint, p_clear bigint,
    out read bigint, out recv bigint, out clear bigint, out own bigint, out moved boolean, out pos bigint
) language plpgsql volatile as $$
#variable_conflict use_column
declare
    m record;
    v_last bigint;
begin
    select * into m from @.members m
        where m.conv = p_conv and m.user_id = p_viewer and m.standing = 1 for no key update;
    if not found then
        return;
    end if;
    select c.last_seq into v_last from @.conversations c where c.id = p_conv;
    read := greatest(m.read_seq, least(coalesce(p_read, 0), v_last));
    -- Over the member's own messages that follow.
    if read < v_last then
        select x.seq - 1 into read from @.messages x
            where x.conv = p_conv and x.seq > read and x.sender is distinct from p_viewer order by x.seq limit 1;
        read := coalesce(read, v_last);
    end if;
    recv := greatest(m.recv_seq, least(coalesce(p_recv, 0), v_last), read);
    clear := greatest(m.clear_seq, least(coalesce(p_clear, 0), v_last));
    own := m.own;
    moved := (read, recv, clear) is distinct from (m.read_seq, m.recv_seq, m.clear_seq);
    if moved then
        own := own + 1;
        pos := @.first_place(false);
        update @.members m set read_seq = read, recv_seq = recv, clear_seq = clear, own = m.own + 1, touched = pos
            where m.conv = p_conv and m.user_id = p_viewer;
    end if;
end
$$;

create function @.configure(
    p_viewer uuid, p_conv uuid, p_favorite boolean, p_muted boolean, p_archived boolean, p_blocked boolean,
    p_set_private boolean, p_private bytea, out own bigint, out moved boolean, out conv text, out pos bigint
) language plpgsql volatile as $$
#variable_conflict use_column
declare
    m record;
    v_kind smallint;
    v_block boolean := false;
begin
    if p_blocked is not null then
        select c.kind into v_kind from @.conversations c where c.id = p_conv for no key update;
    end if;
    select * into m from @.members m
        where m.conv = p_conv and m.user_id = p_viewer and m.standing = 1 for no key update;
    if not found then
        return;
    end if;
    v_block := v_kind = 1 and p_blocked <> m.blocks;
    own := m.own;
    moved := coalesce(v_block, false)
        or coalesce(p_favorite <> m.favorite, false)
        or coalesce(p_muted <> m.muted, false)
        or coalesce(p_archived <> m.archived, false)
        or (p_set_private and p_private is distinct from m.private);
    if not moved then
        return;
    end if;
    own := own + 1;
    pos := @.first_place(false);
    update @.members m
        set favorite = coalesce(p_favorite, m.favorite), muted = coalesce(p_muted, m.muted),
            archived = coalesce(p_archived, m.archived),
            private = case when p_set_private then p_private else m.private end,
            blocks = case when v_block then p_blocked else m.blocks end, own = m.own + 1, touched = pos
        where m.conv = p_conv and m.user_id = p_viewer;
    if v_block then
        update @.conversations c set epoch = c.epoch + 1 where c.id = p_conv;
        conv := @.whole(p_conv);
    end if;
end
$$;

create function @.hide(
    p_viewer uuid, p_conv uuid, p_seq bigint, out own bigint, out moved boolean, out pos bigint
) language plpgsql volatile as $$
#variable_conflict use_column
declare
    m record;
begin
    select * into m from @.members m
        where m.conv = p_conv and m.user_id = p_viewer and m.standing = 1 for no key update;
    if not found then
        return;
    end if;
    if exists (select from @.hidden h where h.conv = p_conv and h.user_id = p_viewer and h.seq = p_seq) then
        own := m.own; moved := false;
        return;
    end if;
    if p_seq <= m.clear_seq or not exists (select from @.messages x where x.conv = p_conv and x.seq = p_seq) then
        return;
    end if;
    own := m.own + 1;
    moved := true;
    pos := @.first_place(false);
    update @.members m set own = m.own + 1, touched = pos where m.conv = p_conv and m.user_id = p_viewer;
    insert into @.hidden (conv, user_id, seq, own) values (p_conv, p_viewer, p_seq, own);
end
$$;

-- Opens a session and ends those that are too many; status 0 no such user, 1 done, 2 the id is taken.
create function @.open_session(
    p_id uuid, p_user uuid, p_used_at bigint, p_expires_at bigint, p_row text, p_max bigint,
    out status smallint, out ended uuid[]
) language plpgsql volatile as $$
begin
    perform from @.users u where u.id = p_user for no key update;
    if not found then
        status := 0; return;
    end if;
    if exists (select from @.sessions s where s.id = p_id) then
        status := 2; return;
    end if;
    with gone as (
        delete from @.sessions s where s.id in (
            select o.id from @.sessions o where o.user_id = p_user order by o.used_at desc, o.id desc
            offset greatest(p_max, 1) - 1)
        returning s.id
    )
    select coalesce(array_agg(g.id order by g.id), '{}') into ended from gone g;
    insert into @.sessions (id, user_id, used_at, expires_at, row)
        values (p_id, p_user, p_used_at, p_expires_at, p_row);
    status := 1;
end
$$;
