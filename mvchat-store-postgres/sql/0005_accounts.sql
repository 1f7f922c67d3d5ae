-- An address belongs to one account; an account that is shut has no session; sessions are renewed.

alter table @.users add column email_hash bytea;
create unique index users_by_email on @.users (email_hash);

-- As before, but for accounts in state 1 (active) only.
create or replace function @.open_session(
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

-- Writes an account if it still has the version. The row is locked first and each statement after that sees what was
-- committed until then: so a session that was opened meanwhile is among those that end.
create function @.update_user(
    p_id uuid, p_version bigint, p_state smallint, p_name bytea, p_must_change_password boolean, p_private bytea,
    p_email bytea, p_email_hash bytea, p_row text,
    p_scheme text, p_folded bytea, p_credential bytea
) returns boolean language plpgsql volatile as $$
begin
    update @.users u set version = u.version + 1, state = p_state, name = p_name,
        must_change_password = p_must_change_password, private = p_private, email = p_email,
        email_hash = p_email_hash, row = p_row
        where u.id = p_id and u.version = p_version;
    if not found then
        return false;
    end if;
    if p_scheme is not null then
        update @.credentials c set folded = p_folded, name = p_credential
            where c.user_id = p_id and c.scheme = p_scheme;
    end if;
    if p_state <> 1 then
        delete from @.sessions s where s.user_id = p_id;
    end if;
    if p_state = 3 then
        update @.credentials c set secret = '' where c.user_id = p_id;
    end if;
    return true;
end
$$;
