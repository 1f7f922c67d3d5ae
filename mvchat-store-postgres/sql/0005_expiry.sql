-- What disappears by itself. Who changes a conversation or its members has locked it; what is due is carried out by one
-- node at a time. Kinds: 1 what a reader has read from `seq` up to `upto`, 2 the message `seq` for everybody, 3 what the
-- conversation does not keep any longer, 4 what has expired for some, after `upto`: perhaps it is for everybody by now.
-- What concerns nobody in particular stands under the least id, and under the highest if it is 4.

create table @.due (
    at bigint not null,
    conv uuid not null,
    user_id uuid not null,
    seq bigint not null,
    kind smallint not null,
    upto bigint not null default 0,
    primary key (at, conv, user_id, seq)
);
create index due_of_conv on @.due (conv);

-- Messages that have expired for some.
create table @.partly (
    conv uuid not null,
    seq bigint not null,
    primary key (conv, seq)
);
create index messages_once on @.messages (conv, seq) where view_once is not null;

create function @.note_due(
    p_at bigint, p_conv uuid, p_user uuid, p_seq bigint, p_kind integer, p_upto bigint
) returns void language sql volatile as $$
    insert into @.due (at, conv, user_id, seq, kind, upto) values (p_at, p_conv, p_user, p_seq, p_kind, p_upto)
        on conflict (at, conv, user_id, seq) do update set upto = excluded.upto
$$;

-- Starts the time of what a member has read, after p_before and up to p_to; returns when the first of it is over.
create function @.start(p_conv uuid, p_user uuid, p_before bigint, p_to bigint, p_at bigint)
returns bigint language plpgsql volatile as $$
declare
    m record;
    v_ttl bigint;
    v_from bigint := p_before + 1;
    v_first bigint;
begin
    if p_before >= p_to then
        return null;
    end if;
    select c.ttl * 1000000 into v_ttl from @.conversations c where c.id = p_conv;
    for m in select x.seq, case when x.view_once < 0 then 10 else x.view_once end::bigint * 1000000 as once
        from @.messages x
        where x.conv = p_conv and x.view_once is not null and x.seq > p_before and x.seq <= p_to order by x.seq
    loop
        if v_ttl is not null and v_from < m.seq then
            perform @.note_due(p_at + v_ttl, p_conv, p_user, v_from, 1, m.seq - 1);
            v_first := least(v_first, p_at + v_ttl);
        end if;
        perform @.note_due(p_at + m.once, p_conv, p_user, m.seq, 1, m.seq);
        v_first := least(v_first, p_at + m.once);
        v_from := m.seq + 1;
    end loop;
    if v_ttl is not null and v_from <= p_to then
        perform @.note_due(p_at + v_ttl, p_conv, p_user, v_from, 1, p_to);
        v_first := least(v_first, p_at + v_ttl);
    end if;
    return v_first;
end
$$;

-- Looks again at what has expired for some, because somebody sees less or is gone.
create function @.look_again(p_conv uuid) returns void language sql volatile as $$
    select @.note_due(0, p_conv, 'ffffffff-ffff-ffff-ffff-ffffffffffff', 0, 4, 0)
        where exists (select from @.partly p where p.conv = p_conv)
$$;

-- Notes when the first of new messages will not be kept any longer, in those conversations where nothing is due.
create function @.keep_new(p_conv uuid[]) returns void language plpgsql volatile as $$
declare
    c record;
    v_at bigint;
begin
    for c in select x.id, x.retention, x.swept from @.conversations x
        where x.id = any(p_conv) and x.retention is not null and x.keep is null
    loop
        select m.ts + c.retention * 1000000 into v_at from @.messages m
            where m.conv = c.id and m.seq > c.swept order by m.seq limit 1;
        if found then
            perform @.note_due(v_at, c.id, '00000000-0000-0000-0000-000000000000', 0, 3, 0);
            update @.conversations x set keep = v_at where x.id = c.id;
        end if;
    end loop;
end
$$;

-- Looks at once what a conversation does not keep any longer, because that is decided anew.
create function @.keep_anew(p_conv uuid, p_at bigint) returns void language plpgsql volatile as $$
declare
    c record;
begin
    select x.keep, x.retention into c from @.conversations x where x.id = p_conv;
    delete from @.due d where d.at = c.keep and d.conv = p_conv
        and d.user_id = '00000000-0000-0000-0000-000000000000' and d.seq = 0;
    if c.retention is not null then
        perform @.note_due(p_at, p_conv, '00000000-0000-0000-0000-000000000000', 0, 3, 0);
    end if;
    update @.conversations x set keep = case when c.retention is not null then p_at end where x.id = p_conv;
end
$$;

-- Ends a conversation, whose row is locked: everybody is out, and what it held is erased. Messages stay as places in
-- the log.
create function @.close(p_conv uuid, p_settings text, p_rev bigint, p_pos bigint) returns void
language plpgsql volatile as $$
begin
    update @.members m
        set clear_seq = c.last_seq, private = null,
            standing = case when m.standing = 1 then 2 else m.standing end,
            rev = case when m.standing = 1 then p_rev else m.rev end,
            removed = case when m.standing = 1 then p_pos else m.removed end
        from @.conversations c where c.id = p_conv and m.conv = p_conv;
    delete from @.mentions x using @.messages m where m.conv = p_conv and m.mentions is not null
        and x.user_id = any(m.mentions) and x.ts = m.ts and x.conv = p_conv and x.seq = m.seq;
    update @.messages m
        set state = 3, content = null, extra = null, cid = null, print = null, mentions = null, event = null,
            view_once = null, expires_at = null, reply_to = null
        where m.conv = p_conv;
    delete from @.hidden h where h.conv = p_conv;
    delete from @.partly p where p.conv = p_conv;
    delete from @.due d where d.conv = p_conv;
    delete from @.links l where l.conv = p_conv;
    update @.conversations c
        set rev = p_rev, touched = p_pos, epoch = c.epoch + 1, owner = null, settings = p_settings, active = 0,
            keep = null
        where c.id = p_conv;
end
$$;

-- Returns whether no active member but the sender can see a message.
create function @.is_spent(p_conv uuid, p_seq bigint) returns boolean language sql stable as $$
    select not exists (
        select from @.members m
        where m.conv = p_conv and m.standing = 1 and p_seq > m.clear_seq
            and m.user_id is distinct from (select x.sender from @.messages x where x.conv = p_conv and x.seq = p_seq)
            and not exists (
                select from @.hidden h where h.conv = p_conv and h.user_id = m.user_id and h.seq = p_seq))
$$;

-- Carries out what is due, looking at so many messages. Kinds of rows: 1 hidden from a reader, 2 spent, 0 the end.
create function @.expire(p_now bigint, p_limit integer)
returns table (
    kind smallint, conv uuid, user_id uuid, own bigint, seqs bigint[], pos bigint, more boolean, upcoming bigint
)
language plpgsql volatile as $$
#variable_conflict use_column
declare
    c_all constant uuid := '00000000-0000-0000-0000-000000000000';
    d record;
    x record;
    c record;
    v_at bigint;
    v_conv uuid;
    v_user uuid;
    v_seq bigint;
    v_room integer := p_limit;
    v_more boolean := false;
    v_pos bigint;
    v_seqs bigint[];
    v_rest bigint;
    v_keep bigint;
    v_gone boolean;
    v_skipped boolean := false;
begin
    perform pg_advisory_xact_lock(hashtextextended('@.due', 0));
    perform from @.conversations c where c.id in (
        select q.conv from @.due q where q.at <= p_now order by q.at, q.conv, q.user_id, q.seq limit p_limit)
        order by c.id for no key update skip locked;
    loop
        select q.* into d from @.due q
            where q.at <= p_now and (v_at is null or (q.at, q.conv, q.user_id, q.seq) > (v_at, v_conv, v_user, v_seq))
            order by q.at, q.conv, q.user_id, q.seq limit 1;
        exit when not found or v_room <= 0;
        v_at := d.at; v_conv := d.conv; v_user := d.user_id; v_seq := d.seq;
        perform from @.conversations c where c.id = d.conv for no key update skip locked;
        if not found then
            -- Somebody else holds it: whoever reads others must not wait for that.
            v_skipped := true;
            continue;
        end if;
        conv := d.conv; user_id := null; own := null; seqs := null; pos := null; more := null; upcoming := null;
        if d.kind = 1 then
            delete from @.due q where q.at = d.at and q.conv = d.conv and q.user_id = d.user_id and q.seq = d.seq;
            v_seqs := '{}'; v_rest := null;
            for x in select m.seq, m.sender, m.state from @.messages m
                where m.conv = d.conv and m.seq between d.seq and d.upto order by m.seq
            loop
                if v_room <= 0 then
                    v_rest := x.seq;
                    exit;
                end if;
                v_room := v_room - 1;
                if x.state = 1 and x.sender is distinct from d.user_id then
                    v_seqs := v_seqs || x.seq;
                end if;
            end loop;
            if v_rest is not null then
                perform @.note_due(d.at, d.conv, d.user_id, v_rest, 1, d.upto);
            end if;
            select m.own, m.clear_seq, m.standing into c from @.members m
                where m.conv = d.conv and m.user_id = d.user_id for no key update;
            select coalesce(array_agg(s order by s), '{}') into v_seqs from unnest(v_seqs) s
                where s > c.clear_seq and not exists (
                    select from @.hidden h where h.conv = d.conv and h.user_id = d.user_id and h.seq = s);
            if cardinality(v_seqs) > 0 then
                v_pos := coalesce(v_pos + 1, @.first_place(false));
                update @.members m set own = m.own + 1, touched = v_pos
                    where m.conv = d.conv and m.user_id = d.user_id;
                insert into @.hidden (conv, user_id, seq, own)
                    select d.conv, d.user_id, s, c.own + 1 from unnest(v_seqs) s;
                foreach v_rest in array v_seqs loop
                    if @.is_spent(d.conv, v_rest) then
                        v_more := true;
                        perform @.note_due(d.at, d.conv, c_all, v_rest, 2, 0);
                    else
                        insert into @.partly (conv, seq) values (d.conv, v_rest) on conflict do nothing;
                    end if;
                end loop;
                if c.standing = 1 then
                    kind := 1; user_id := d.user_id; own := c.own + 1; seqs := v_seqs; pos := v_pos;
                    return next;
                end if;
            end if;
        elsif d.kind = 2 then
            v_room := v_room - 1;
            if exists (select from @.messages m where m.conv = d.conv and m.seq = d.seq and m.state = 1) then
                v_more := true;
                kind := 2; seqs := array[d.seq];
                return next;
            else
                delete from @.due q where q.at = d.at and q.conv = d.conv and q.user_id = d.user_id and q.seq = d.seq;
            end if;
        elsif d.kind = 3 then
            select y.retention * 1000000 as retention, y.swept into c from @.conversations y where y.id = d.conv;
            v_keep := null; v_gone := true;
            for x in select m.seq, m.ts, m.state from @.messages m
                where m.conv = d.conv and m.seq > c.swept order by m.seq
            loop
                if x.state = 1 and x.ts + c.retention > p_now then
                    v_keep := coalesce(v_keep, x.ts + c.retention);
                    exit;
                end if;
                if v_room <= 0 then
                    v_keep := d.at;
                    exit;
                end if;
                v_room := v_room - 1;
                if x.state = 1 then
                    -- It is walked over again when it is a tombstone.
                    v_keep := d.at; v_gone := false; v_more := true;
                    kind := 2; seqs := array[x.seq];
                    return next;
                elsif v_gone then
                    c.swept := x.seq;
                end if;
            end loop;
            delete from @.due q where q.at = d.at and q.conv = d.conv and q.user_id = d.user_id and q.seq = d.seq;
            if v_keep is not null then
                perform @.note_due(v_keep, d.conv, c_all, 0, 3, 0);
            end if;
            update @.conversations y set keep = v_keep, swept = c.swept where y.id = d.conv;
        else
            delete from @.due q where q.at = d.at and q.conv = d.conv and q.user_id = d.user_id and q.seq = d.seq;
            v_rest := d.upto;
            for x in select p.seq from @.partly p where p.conv = d.conv and p.seq > d.upto order by p.seq loop
                if v_room <= 0 then
                    perform @.note_due(d.at, d.conv, d.user_id, d.seq, 4, v_rest);
                    exit;
                end if;
                v_room := v_room - 1;
                v_rest := x.seq;
                if @.is_spent(d.conv, x.seq) then
                    v_more := true;
                    delete from @.partly p where p.conv = d.conv and p.seq = x.seq;
                    perform @.note_due(d.at, d.conv, c_all, x.seq, 2, 0);
                end if;
            end loop;
        end if;
    end loop;
    kind := 0; conv := null; user_id := null; own := null; seqs := null; pos := null;
    more := v_more or v_room <= 0;
    upcoming := (select min(q.at) from @.due q where q.at > p_now);
    if v_skipped then
        upcoming := least(upcoming, p_now + 100000);
    end if;
    return next;
end
$$;
