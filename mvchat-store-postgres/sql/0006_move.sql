-- What comes from another store. Who is loaded has a note how far that is, and is not opened for other use.

create table @.loading (
    one boolean primary key default true check (one),
    note text not null
);

-- The log of the other store, until it is known which of its entries are messages here.
create table @.moved (
    conv uuid not null,
    rev bigint not null,
    pos bigint not null,
    actor uuid not null,
    at bigint not null,
    seq bigint,
    -- Absent for a new message.
    event text,
    primary key (conv, rev)
);
create index moved_messages on @.moved (conv, seq) where event is null;

-- Writes rows of one part with the note; false if there is a store in use.
create function @.load(p_note text, p_rows json) returns boolean language plpgsql volatile as $$
#variable_conflict use_column
begin
    perform pg_advisory_xact_lock(hashtextextended('@.loading', 0));
    update @.loading set note = p_note;
    -- Not `found`, which is a column's name here.
    if not exists (select from @.loading) then
        if exists (select from @.users) or exists (select from @.conversations) or exists (select from @.log)
            or exists (select from @.invites)
        then
            return false;
        end if;
        insert into @.loading (note) values (p_note);
    end if;
    insert into @.users (id, state, name, must_change_password, private, email, email_hash, row)
        select id, state, name, must_change_password, private, email, email_hash, row
        from json_populate_recordset(null::@.users, p_rows -> 'users') on conflict do nothing;
    insert into @.credentials (scheme, folded, user_id, name, secret)
        select scheme, folded, user_id, name, secret
        from json_populate_recordset(null::@.credentials, p_rows -> 'credentials') on conflict do nothing;
    insert into @.sessions (id, user_id, used_at, expires_at, row)
        select id, user_id, used_at, expires_at, row
        from json_populate_recordset(null::@.sessions, p_rows -> 'sessions') on conflict do nothing;
    insert into @.contacts (owner, other, source, created_at, nickname, trusts, trusted)
        select owner, other, source, created_at, nickname, trusts, trusted
        from json_populate_recordset(null::@.contacts, p_rows -> 'contacts') on conflict do nothing;
    insert into @.invites (id, code, inviter, email, sealed, created_at, expires_at, used_by, used_at)
        select id, code, inviter, email, sealed, created_at, expires_at, used_by, used_at
        from json_populate_recordset(null::@.invites, p_rows -> 'invites') on conflict do nothing;
    insert into @.conversations (id, kind, epoch, owner, created_at, settings, settings_rev, active, found, rev,
            last_seq, last_at, touched, keep, swept)
        select id, kind, epoch, owner, created_at, settings, settings_rev, active, found, rev, last_seq, last_at,
            touched, keep, swept
        from json_populate_recordset(null::@.conversations, p_rows -> 'conversations') on conflict do nothing;
    insert into @.members (conv, user_id, role, standing, blocks, muted_until, joined_at, rev, own, touched, read_seq,
            recv_seq, clear_seq, favorite, muted, archived, private, removed, paced)
        select conv, user_id, role, standing, blocks, muted_until, joined_at, rev, own, touched, read_seq, recv_seq,
            clear_seq, favorite, muted, archived, private, removed, paced
        from json_populate_recordset(null::@.members, p_rows -> 'members') on conflict do nothing;
    insert into @.links (code, conv, expires_at, max_uses, uses, row)
        select code, conv, expires_at, max_uses, uses, row
        from json_populate_recordset(null::@.links, p_rows -> 'links') on conflict do nothing;
    insert into @.moved (conv, rev, pos, actor, at, seq, event)
        select conv, rev, pos, actor, at, seq, event
        from json_populate_recordset(null::@.moved, p_rows -> 'log') on conflict do nothing;
    insert into @.messages (conv, seq, rev, born_rev, pos, id, sender, actor, ts, state, content, cid, print, reply_to,
            view_once, mentions, extra, expires_at, event)
        select m.conv, m.seq, m.rev, b.rev, b.pos, m.id, m.sender, case when m.sender is null then b.actor end, m.ts,
            m.state, m.content, m.cid, m.print, m.reply_to, m.view_once, m.mentions, m.extra, m.expires_at, m.event
        from json_populate_recordset(null::@.messages, p_rows -> 'messages') m
            join @.moved b on b.conv = m.conv and b.seq = m.seq and b.event is null
        on conflict do nothing;
    insert into @.mentions (user_id, ts, conv, seq)
        select distinct u, m.ts, m.conv, m.seq
        from json_populate_recordset(null::@.messages, p_rows -> 'messages') m, unnest(m.mentions) u
        on conflict do nothing;
    insert into @.hidden (conv, user_id, seq, own)
        select conv, user_id, seq, own
        from json_populate_recordset(null::@.hidden, p_rows -> 'hidden') on conflict do nothing;
    insert into @.due (at, conv, user_id, seq, kind, upto)
        select at, conv, user_id, seq, kind, upto
        from json_populate_recordset(null::@.due, p_rows -> 'due') on conflict do nothing;
    insert into @.partly (conv, seq)
        select conv, seq from json_populate_recordset(null::@.partly, p_rows -> 'partly') on conflict do nothing;
    return true;
end
$$;

-- Lets what comes be after a place.
create function @.go_on_after(p_position bigint) returns void language plpgsql volatile as $$
begin
    execute format(
        'create or replace function @.base() returns bigint language sql immutable as ''select %s::bigint''',
        greatest(@.base(), p_position + 1 - (pg_current_xact_id()::text::bigint << 10)));
end
$$;

-- Goes on after what there is, if that is far beyond what the server has reached: then it was restored from the dump of
-- another server, whose transactions had higher ids. Who waited for a conversation is a little ahead, too.
create function @.go_on_where_it_was() returns boolean language plpgsql volatile as $$
declare
    v_last bigint := greatest(
        (select m.pos from @.messages m order by m.pos desc limit 1),
        (select l.pos from @.log l order by l.pos desc limit 1));
begin
    if v_last is null
        or v_last <= (pg_snapshot_xmax(pg_current_snapshot())::text::bigint << 10) + @.base() + (1 << 20)
    then
        return false;
    end if;
    perform @.go_on_after(v_last + (1 << 20));
    return true;
end
$$;

-- Makes of what was loaded a store that can be read: the log has what is no message, messages that an ended
-- conversation held stay as places in the log, and what comes is after p_position.
create function @.settle(p_note text, p_position bigint) returns void language plpgsql volatile as $$
begin
    insert into @.log (pos, conv, rev, last_seq, actor, at, seq, event)
        select x.pos, x.conv, x.rev, x.messages, x.actor, x.at, x.seq, x.event
        from (
            select b.*, count(*) filter (where b.event is null) over (partition by b.conv order by b.rev) as messages
            from @.moved b
        ) x
        where x.event is not null
        on conflict do nothing;
    insert into @.messages (conv, seq, rev, born_rev, pos, id, sender, ts, state)
        select b.conv, b.seq, b.rev, b.rev, b.pos, gen_random_uuid(), b.actor, b.at, 3
        from @.moved b
        where b.event is null and not exists (select from @.messages m where m.conv = b.conv and m.seq = b.seq);
    delete from @.moved;
    perform @.go_on_after(p_position);
    update @.loading set note = p_note;
end
$$;
