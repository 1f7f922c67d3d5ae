-- What members change for themselves. The member's row is locked first: what is read after that includes every
-- message whose sender's marks it concerns.

create function @.mark(
    p_viewer uuid, p_conv uuid, p_read bigint, p_recv bigint, p_clear bigint, p_at bigint,
    out read bigint, out recv bigint, out clear bigint, out own bigint, out moved boolean, out pos bigint,
    out due bigint
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
        due := @.start(p_conv, p_viewer, m.read_seq, read, p_at);
        if clear > m.clear_seq then
            perform @.look_again(p_conv);
        end if;
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
    perform @.look_again(p_conv);
end
$$;

-- Opens a session and ends those that are too many; status 0 no such active user, 1 done, 2 the id is taken.
create function @.open_session(
    p_id uuid, p_user uuid, p_used_at bigint, p_expires_at bigint, p_row text, p_max bigint,
    out status smallint, out ended uuid[]
) language plpgsql volatile as $$
begin
    perform from @.users u where u.id = p_user and u.state = 1 for no key update;
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

-- Writes an account that was read at a version; status 0 it is of another by now, 1 done, 2 no such credential.
create function @.update_user(
    p_id uuid, p_version bigint, p_state smallint, p_name bytea, p_private bytea, p_email bytea, p_email_hash bytea,
    p_must_change boolean, p_row text, p_scheme text, p_new_name bytea, p_folded bytea, out status smallint
) language plpgsql volatile as $$
begin
    perform from @.users u where u.id = p_id and u.version = p_version for no key update;
    if not found then
        status := 0; return;
    end if;
    if p_scheme is not null then
        update @.credentials c set name = p_new_name, folded = p_folded
            where c.user_id = p_id and c.scheme = p_scheme;
        if not found then
            status := 2; return;
        end if;
    end if;
    update @.users u
        set version = u.version + 1, state = p_state, name = p_name, private = p_private, email = p_email,
            email_hash = p_email_hash, must_change_password = p_must_change, row = p_row
        where u.id = p_id;
    if p_state <> 1 then
        delete from @.sessions s where s.user_id = p_id;
    end if;
    if p_state = 3 then
        update @.credentials c set secret = '' where c.user_id = p_id;
    end if;
    status := 1;
end
$$;
