-- Shared changes. Every statement in these functions sees what was committed before it began, so what is read after
-- the conversations are locked is what is true until the end. Conversations are locked in the order of their ids,
-- members after them.
-- Everything is found by a key: no plan reads a whole table, also while the server's statistics are those of an empty
-- one. And no plan is made anew for how many changes there are: that takes longer than to carry out a few of them.
-- Status: 0 no such conversation, 1 done, 2 replay, 3 cid reused, 4 stale, 5 the link opens nothing, 6 too soon, 7 a user
-- has too many conversations, 8 somebody else holds the conversation, 9 the actor's account or session is another by now.
-- What was decided on about the actor is looked at in the statement that writes: by p_account, twice the account's state
-- and one more if its password has to be changed (null asks for nothing), and by p_session (null if the host asks).
-- Others, such as a host with a transaction of its own, may hold conversations for as long as they like: what they hold
-- is left out, at once or after standing in line for it for a while.

-- Waits for whoever adds one of these users to a conversation, and returns whether one of them has too many.
create function @.is_full(p_users uuid[], p_most bigint) returns boolean language plpgsql volatile as $$
declare
    v_user uuid;
begin
    if p_most is null then
        return false;
    end if;
    for v_user in select u from unnest(p_users) u order by u loop
        perform pg_advisory_xact_lock(hashtextextended('@.' || v_user, 1));
        if (select count(*) from @.members m where m.user_id = v_user and m.standing = 1) >= p_most then
            return true;
        end if;
    end loop;
    return false;
end
$$;

-- The place of a transaction's first entry; in a host's transaction, the place after those that it wrote before.
create function @.first_place(p_nested boolean) returns bigint language plpgsql volatile as $$
declare
    v_first bigint := (pg_current_xact_id()::text::bigint << 10) + @.base();
begin
    if p_nested then
        return greatest(
            v_first,
            (select max(m.pos) + 1 from @.messages m where m.pos >= v_first and m.pos < v_first + 1024),
            (select max(l.pos) + 1 from @.log l where l.pos >= v_first and l.pos < v_first + 1024));
    end if;
    return v_first;
end
$$;

-- Locks the conversations of a batch, and returns those that it has got.
create function @.hold(p_conv uuid[], p_wait boolean) returns uuid[]
language plpgsql volatile set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
begin
    if p_conv[1] = all(p_conv) then
        perform from @.conversations c where c.id = p_conv[1] for no key update skip locked;
        if found then
            return p_conv[1:1];
        end if;
    end if;
    if p_wait then
        begin
            perform set_config('lock_timeout', '1500', true);
            perform from @.conversations c where c.id = any(p_conv) order by c.id for no key update;
            return p_conv;
        exception when lock_not_available then
            -- Takes those that are free.
        end;
    end if;
    return array(
        select c.id from @.conversations c where c.id = any(p_conv) order by c.id for no key update skip locked);
end
$$;

-- One new message: what most commits are while few people write.
create function @.append_one(
    p_wait boolean, p_conv uuid, p_actor uuid, p_epoch bigint, p_at bigint, p_id uuid, p_sender uuid, p_cid bytea,
    p_print bytea, p_content bytea, p_reply_to bigint, p_view_once integer, p_mentions text, p_account smallint,
    p_session uuid, out ord integer, out status smallint, out rev bigint, out pos bigint, out seq bigint,
    out at bigint, out print bytea
) language plpgsql volatile set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    c record;
    k record;
begin
    ord := 1;
    if p_wait then
        perform @.hold(array[p_conv], true);
    end if;
    select c.rev, c.last_seq, c.last_at, c.epoch, c.touched, c.retention is not null and c.keep is null as keeps into c
        from @.conversations c where c.id = p_conv for no key update skip locked;
    if not found then
        status := case when exists (select from @.conversations c where c.id = p_conv) then 8 else 0 end;
        return;
    end if;
    if p_account is not null and not (
        coalesce((select u.state * 2 + u.must_change_password::integer = p_account
            from @.users u where u.id = p_actor), false)
        and (p_session is null
            or coalesce((select s.user_id = p_actor from @.sessions s where s.id = p_session), false)))
    then
        status := 9; return;
    end if;
    if p_cid is not null then
        select m.seq, m.born_rev, m.pos, m.ts, m.print into k from @.messages m
            where m.conv = p_conv and coalesce(m.sender, m.actor) = coalesce(p_sender, p_actor) and m.cid = p_cid;
        if found then
            status := case when k.print is null or k.print = p_print then 2 else 3 end;
            rev := k.born_rev; pos := k.pos; seq := k.seq; at := k.ts; print := k.print;
            return;
        end if;
    end if;
    if c.epoch <> p_epoch then
        status := 4; return;
    end if;
    status := 1;
    rev := c.rev + 1;
    pos := greatest((pg_current_xact_id()::text::bigint << 10) + @.base(), c.touched + 1);
    seq := c.last_seq + 1;
    at := greatest(c.last_at, p_at);
    with bumped as (
        update @.conversations c
        set rev = append_one.rev, last_seq = append_one.seq, last_at = append_one.at, touched = append_one.pos
        where c.id = p_conv
    ), moved as (
        -- Written in any case, so that a mark that moves at the same time comes before or after.
        update @.members m
        set read_seq = case when m.read_seq = append_one.seq - 1 then append_one.seq else m.read_seq end,
            recv_seq = case when m.read_seq = append_one.seq - 1 then append_one.seq else m.recv_seq end
        where m.conv = p_conv and m.user_id = p_sender and m.standing = 1
    )
    insert into @.messages (conv, seq, rev, born_rev, pos, id, sender, actor, ts, content, cid, print, reply_to,
            view_once, mentions)
        values (p_conv, append_one.seq, append_one.rev, append_one.rev, append_one.pos, p_id, p_sender,
            case when p_sender is null then p_actor end, append_one.at, p_content, p_cid, p_print, p_reply_to,
            p_view_once, p_mentions::uuid[]);
    if p_mentions is not null then
        insert into @.mentions (user_id, ts, conv, seq)
            select distinct u, append_one.at, p_conv, append_one.seq from unnest(p_mentions::uuid[]) u;
    end if;
    if c.keeps then
        perform @.keep_new(array[p_conv]);
    end if;
end
$$;

-- New messages only, each cid once for its sender and conversation: one statement for all of them. Retries are rare, so
-- cids are looked up only if p_known says so. Otherwise a cid that is taken fails all of it, or comes back as stale, and
-- the caller looks.
create function @.append_many(
    p_wait boolean, p_known boolean, p_conv uuid[], p_actor uuid[], p_epoch bigint[], p_at bigint[], p_id uuid[], p_sender uuid[], p_cid bytea[],
    p_print bytea[], p_content bytea[], p_reply_to bigint[], p_view_once integer[], p_mentions text[],
    p_account smallint[], p_session uuid[]
) returns table (ord integer, status smallint, rev bigint, pos bigint, seq bigint, at bigint, print bytea)
language plpgsql volatile set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    v_first bigint;
    v_held uuid[];
    v_keep boolean;
begin
    if p_wait then
        perform @.hold(p_conv, true);
    end if;
    -- Those that this transaction holds already are not left out.
    select array_agg(c.id), bool_or(c.keeps),
            greatest((pg_current_xact_id()::text::bigint << 10) + @.base(), max(c.touched) + 1) - 1
        into v_held, v_keep, v_first
        from (
            select c.id, c.touched, c.retention is not null and c.keep is null as keeps from @.conversations c
            where c.id = any(p_conv) order by c.id for no key update skip locked
        ) c;
    return query
    with item as materialized (
        select i.ord, i.conv, i.actor, i.at, i.id, i.sender, i.cid, i.print, i.content, i.reply_to, i.view_once,
            i.mentions, c.rev, c.last_seq, c.last_at, k.born_rev as k_rev, k.pos as k_pos, k.seq as k_seq,
            k.ts as k_ts, k.print as k_print,
            case when c.id is null then 0
                when c.id = any(v_held) is not true then 8
                when i.account is not null and not (
                    coalesce((select u.state * 2 + u.must_change_password::integer = i.account
                        from @.users u where u.id = i.actor), false)
                    and (i.session is null
                        or coalesce((select s.user_id = i.actor from @.sessions s where s.id = i.session), false)))
                    then 9
                when k.seq is not null then case when k.print is null or k.print = i.print then 2 else 3 end
                when c.epoch <> i.epoch then 4
                else 1 end as status
        from unnest(p_conv, p_actor, p_epoch, p_at, p_id, p_sender, p_cid, p_print, p_content, p_reply_to,
                p_view_once, p_mentions, p_account, p_session) with ordinality as i(conv, actor, epoch, at, id,
                sender, cid, print, content, reply_to, view_once, mentions, account, session, ord)
            left join @.conversations c on c.id = i.conv
            left join @.messages k
                on k.conv = i.conv and coalesce(k.sender, k.actor) = coalesce(i.sender, i.actor)
                    and k.cid = case when p_known then i.cid end
    ), fresh as materialized (
        select i.ord, i.conv, i.actor, i.id, i.sender, i.cid, i.print, i.content, i.reply_to, i.view_once, i.mentions,
            v_first + i.ord as pos, i.rev + row_number() over w as rev, i.last_seq + row_number() over w as seq,
            i.last_seq as before, greatest(i.last_at, max(i.at) over w) as ts, first_value(i.sender) over w as starter
        from item i where i.status = 1
        window w as (partition by i.conv order by i.ord)
    ), bumped as (
        update @.conversations c
        set rev = f.rev, last_seq = f.seq, last_at = f.ts, touched = f.pos
        from (
            select f.conv, max(f.rev) as rev, max(f.seq) as seq, max(f.ts) as ts, max(f.pos) as pos
            from fresh f group by f.conv
        ) f
        where c.id = f.conv
    ), written as (
        insert into @.messages (conv, seq, rev, born_rev, pos, id, sender, actor, ts, content, cid, print, reply_to,
            view_once, mentions)
        select f.conv, f.seq, f.rev, f.rev, f.pos, f.id, f.sender, case when f.sender is null then f.actor end, f.ts,
            f.content, f.cid, f.print, f.reply_to, f.view_once, f.mentions::uuid[]
        from fresh f
    ), moved as (
        -- Only who wrote the first of them can have read everything before. The row is written in any case, so that
        -- a mark that moves at the same time comes before or after.
        update @.members m
        set read_seq = case when m.read_seq = r.before then r.upto else m.read_seq end,
            recv_seq = case when m.read_seq = r.before then r.upto else m.recv_seq end
        from (
            select f.conv, f.starter, f.before,
                coalesce(min(f.seq) filter (where f.sender is distinct from f.starter) - 1, max(f.seq)) as upto
            from fresh f group by f.conv, f.starter, f.before
        ) r
        where m.conv = r.conv and m.user_id = r.starter and m.standing = 1
    )
    select i.ord::integer, i.status::smallint, coalesce(f.rev, i.k_rev), coalesce(f.pos, i.k_pos),
        coalesce(f.seq, i.k_seq), coalesce(f.ts, i.k_ts), i.k_print
    from item i left join fresh f on f.ord = i.ord order by i.ord;
    if array_remove(p_mentions, null) <> '{}' then
        insert into @.mentions (user_id, ts, conv, seq)
            select distinct u, m.ts, m.conv, m.seq from @.messages m, unnest(m.mentions) u
            where m.pos > v_first and m.pos <= v_first + cardinality(p_conv) and m.conv = any(v_held)
                and m.id = any(p_id);
    end if;
    if v_keep then
        perform @.keep_new(v_held);
    end if;
end
$$;

-- Changes of every kind, one after the other.
create function @.change(
    p_nested boolean, p_wait boolean, p_kind smallint[], p_conv uuid[], p_actor uuid[], p_epoch bigint[], p_at bigint[], p_id uuid[],
    p_sender uuid[], p_cid bytea[], p_print bytea[], p_content bytea[], p_reply_to bigint[], p_view_once integer[],
    p_mentions text[], p_seq bigint[], p_expect bigint[], p_state smallint[], p_extra text[], p_event text[],
    p_settings text[], p_owner uuid[], p_members text[], p_muted text[], p_link bytea[], p_pace integer[],
    p_expires_in bigint[], p_said text[], p_most bigint[], p_account smallint[], p_session uuid[]
) returns table (
    ord integer, status smallint, rev bigint, pos bigint, seq bigint, at bigint, print bytea, conv text,
    m_seq bigint, m_rev bigint, id uuid, sender uuid, ts bigint, state smallint, content bytea, cid bytea,
    reply_to bigint, view_once integer, mentions uuid[], extra text,
    expires_at bigint, said text
)
language plpgsql volatile set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
    i record;
    c record;
    m record;
    x record;
    v_next bigint;
    v_joined integer;
    v_before smallint;
    v_left boolean;
    v_retention bigint;
    v_held uuid[];
begin
    if not p_nested then
        v_held := @.hold(p_conv, p_wait);
    end if;
    for i in
        select i.*, i.account is null or (
                coalesce((select u.state * 2 + u.must_change_password::integer = i.account
                    from @.users u where u.id = i.actor), false)
                and (i.session is null
                    or coalesce((select s.user_id = i.actor from @.sessions s where s.id = i.session), false))
            ) as holds
        from unnest(p_kind, p_conv, p_actor, p_epoch, p_at, p_id, p_sender, p_cid, p_print, p_content, p_reply_to,
            p_view_once, p_mentions, p_seq, p_expect, p_state, p_extra, p_event, p_settings, p_owner, p_members,
            p_muted, p_link, p_pace, p_expires_in, p_said, p_most, p_account, p_session) with ordinality as i(kind,
            conv, actor, epoch, at, id, sender, cid, print, content, reply_to, view_once, mentions, seq, expect, state,
            extra, event, settings, owner, members, muted, link, pace, expires_in, said, most, account, session, ord)
    loop
        ord := i.ord; status := 1; print := null; conv := null; at := i.at; seq := i.seq;
        m_seq := null; m_rev := null; id := null; sender := null; ts := null; state := null; content := null;
        cid := null; reply_to := null; view_once := null; mentions := null; extra := null;
        expires_at := null; said := null;
        if not p_nested and i.conv <> all(v_held) and exists (select from @.conversations c where c.id = i.conv) then
            status := 8; return next; continue;
        end if;
        select c.rev, c.last_seq, c.last_at, c.epoch, c.touched, c.retention into c
            from @.conversations c where c.id = i.conv for no key update;
        if not found then
            status := 0; return next; continue;
        end if;
        if not i.holds then
            status := 9; return next; continue;
        end if;
        if i.cid is not null then
            select m.seq, m.born_rev, m.pos, m.ts, m.print into m from @.messages m
                where m.conv = i.conv and coalesce(m.sender, m.actor) = coalesce(i.sender, i.actor) and m.cid = i.cid;
            if found then
                status := case when m.print is null or m.print = i.print then 2 else 3 end;
                rev := m.born_rev; pos := m.pos; seq := m.seq; at := m.ts; print := m.print;
                return next; continue;
            end if;
        end if;
        if i.kind = 2 or i.expect is not null then
            select m.* into m from @.messages m where m.conv = i.conv and m.seq = i.seq for no key update;
            if found then
                m_seq := m.seq; m_rev := m.rev; id := m.id; sender := m.sender; ts := m.ts; state := m.state;
                cid := m.cid; reply_to := m.reply_to; view_once := m.view_once; mentions := m.mentions;
                expires_at := m.expires_at; said := m.event;
            end if;
            if not found or m.rev <> i.expect or c.epoch <> i.epoch then
                status := 4; conv := @.whole(i.conv);
                if m_seq is not null then
                    content := m.content; extra := m.extra;
                end if;
                return next; continue;
            end if;
        elsif c.epoch <> i.epoch then
            status := 4; conv := @.whole(i.conv); return next; continue;
        end if;
        if i.pace is not null then
            select m.paced + i.pace::bigint * 1000000 into at from @.members m
                where m.conv = i.conv and m.user_id = i.sender and m.standing = 1 and m.paced is not null;
            if found and i.at < at then
                status := 6; return next; continue;
            end if;
            at := i.at;
            update @.members m set paced = i.at where m.conv = i.conv and m.user_id = i.sender and m.standing = 1;
        end if;
        if i.kind = 3 and i.most is not null and @.is_full(array(
            select x.u from jsonb_to_recordset(i.members::jsonb) as x(u uuid, r smallint, s smallint)
            where x.s = 1 and not exists (
                select from @.members m where m.conv = i.conv and m.user_id = x.u and m.standing = 1)), i.most)
        then
            status := 7; return next; continue;
        end if;
        if i.kind = 3 and i.link is not null then
            update @.links l set uses = l.uses + 1
                where l.code = i.link and l.conv = i.conv and (l.expires_at is null or i.at < l.expires_at)
                    and (l.max_uses is null or l.uses < l.max_uses);
            if not found then
                status := 5; return next; continue;
            end if;
        end if;
        if v_next is null then
            v_next := @.first_place(p_nested);
        end if;
        rev := c.rev + 1;
        pos := greatest(v_next, c.touched + 1);
        v_next := pos + 1;
        if i.kind = 1 then
            seq := c.last_seq + 1;
            at := greatest(c.last_at, i.at);
            update @.conversations c set rev = c.rev + 1, last_seq = c.last_seq + 1, last_at = at, touched = pos
                where c.id = i.conv;
            insert into @.messages (conv, seq, rev, born_rev, pos, id, sender, actor, ts, content, cid, print,
                    reply_to, view_once, mentions, expires_at, event)
                values (i.conv, seq, rev, rev, pos, i.id, i.sender, case when i.sender is null then i.actor end, at,
                    i.content, i.cid, i.print, i.reply_to, i.view_once, i.mentions::uuid[],
                    at + i.expires_in * 1000000, i.said);
            if i.expires_in is not null then
                perform @.note_due(at + i.expires_in * 1000000, i.conv, '00000000-0000-0000-0000-000000000000', seq,
                    2, 0);
            end if;
            perform @.keep_new(array[i.conv]);
            if i.sender is not null then
                -- Written in any case, so that a mark that moves at the same time comes before or after.
                update @.members m
                    set read_seq = case when m.read_seq = seq - 1 then seq else m.read_seq end,
                        recv_seq = case when m.read_seq = seq - 1 then seq else m.recv_seq end
                    where m.conv = i.conv and m.user_id = i.sender and m.standing = 1;
            end if;
            if i.mentions is not null then
                insert into @.mentions (user_id, ts, conv, seq)
                    select distinct u, at, i.conv, seq from unnest(i.mentions::uuid[]) u;
            end if;
        else
            insert into @.log (pos, conv, rev, last_seq, actor, at, seq, event)
                values (pos, i.conv, rev, c.last_seq, i.actor, i.at, case when i.kind = 2 then i.seq end, i.event);
        end if;
        if i.kind = 2 then
            update @.messages m
                set rev = c.rev + 1, state = i.state, content = i.content, extra = i.extra,
                    mentions = i.mentions::uuid[], print = case when i.state = 1 then m.print end
                where m.conv = i.conv and m.seq = i.seq;
            if m.mentions is not null then
                delete from @.mentions x where x.user_id = any(m.mentions) and x.ts = m.ts and x.conv = i.conv
                    and x.seq = i.seq;
            end if;
            if i.mentions is not null then
                insert into @.mentions (user_id, ts, conv, seq)
                    select distinct u, m.ts, i.conv, i.seq from unnest(i.mentions::uuid[]) u;
            end if;
            if i.state <> 1 then
                delete from @.partly p where p.conv = i.conv and p.seq = i.seq;
            end if;
            update @.conversations c set rev = c.rev + 1, touched = pos where c.id = i.conv;
        elsif i.kind = 4 then
            perform @.close(i.conv, i.settings, rev, pos);
            conv := @.whole(i.conv);
        elsif i.kind = 3 then
            v_joined := 0;
            v_left := false;
            for x in select * from jsonb_to_recordset(i.members::jsonb) as x(u uuid, r smallint, s smallint) loop
                select m.standing into v_before from @.members m where m.conv = i.conv and m.user_id = x.u;
                v_joined := v_joined + (x.s = 1)::integer - coalesce((v_before = 1)::integer, 0);
                v_left := v_left or (x.s <> 1 and coalesce(v_before = 1, false));
                insert into @.members as m (conv, user_id, role, standing, joined_at, rev)
                    values (i.conv, x.u, x.r, x.s, i.at, rev)
                    on conflict (conv, user_id) do update set
                        role = excluded.role, standing = excluded.standing, rev = excluded.rev,
                        joined_at = case when m.standing = 1 then m.joined_at else excluded.joined_at end,
                        removed = case when m.standing = 1 and excluded.standing <> 1 then pos else m.removed end;
            end loop;
            for x in select * from jsonb_to_recordset(i.muted::jsonb) as x(u uuid, t bigint) loop
                update @.members m set muted_until = x.t, rev = c.rev + 1 where m.conv = i.conv and m.user_id = x.u;
            end loop;
            update @.conversations c
                set rev = c.rev + 1, touched = pos, epoch = c.epoch + 1, owner = coalesce(i.owner, c.owner),
                    settings = coalesce(i.settings, c.settings), active = c.active + v_joined,
                    settings_rev = case when i.settings is not null or i.owner is not null
                        then c.rev + 1 else c.settings_rev end
                where c.id = i.conv returning c.retention into v_retention;
            if v_retention is distinct from c.retention then
                perform @.keep_anew(i.conv, i.at);
            end if;
            if v_left then
                perform @.look_again(i.conv);
            end if;
            conv := @.whole(i.conv);
        end if;
        return next;
    end loop;
end
$$;

-- Makes a conversation, or finds the one that is there; status 1 new, 2 found, 0 another has the id, 3 a user has too
-- many.
create function @.create_conversation(
    p_id uuid, p_kind smallint, p_owner uuid, p_at bigint, p_settings text, p_found bytea, p_users uuid[],
    p_roles smallint[], p_actor uuid, p_event text, p_most bigint, out status smallint, out conv text, out pos bigint
) language plpgsql volatile as $$
#variable_conflict use_column
declare
    v_known uuid;
begin
    select c.id into v_known from @.conversations c where c.found = p_found;
    if found then
        status := 2; conv := @.whole(v_known); return;
    end if;
    if @.is_full(p_users, p_most) then
        -- Who waited may find now what another has made.
        select c.id into v_known from @.conversations c where c.found = p_found;
        status := case when found then 2 when exists (select from @.conversations c where c.id = p_id) then 0 else 3 end;
        conv := @.whole(v_known);
        return;
    end if;
    pos := @.first_place(false);
    insert into @.conversations (id, kind, epoch, owner, created_at, settings, active, found, touched)
        values (p_id, p_kind, 0, p_owner, p_at, p_settings, cardinality(p_users), p_found, pos)
        on conflict do nothing;
    if not found then
        -- Who was faster has committed: this statement sees it.
        select c.id into v_known from @.conversations c where c.found = p_found;
        status := case when found then 2 else 0 end;
        conv := @.whole(v_known);
        return;
    end if;
    insert into @.members (conv, user_id, role, standing, joined_at)
        select p_id, u.id, u.role, 1, p_at from unnest(p_users, p_roles) as u(id, role);
    insert into @.log (pos, conv, rev, last_seq, actor, at, event) values (pos, p_id, 0, 0, p_actor, p_at, p_event);
    status := 1;
    conv := @.whole(p_id);
end
$$;
