-- Times are microseconds since 1970 (UTC). A place in the log is the writing transaction's id times 1024 plus the
-- entry's number in it, or one more than the conversation's last place, if that is higher: a transaction can get its
-- id before it waits for the conversation. Places of different conversations may be equal therefore. `row` columns hold as JSON what no query asks for. Whatever holds a person's words is sealed.

create table @.users (
    id uuid primary key,
    version bigint not null default 0,
    state smallint not null,
    -- The display name with its case folded: bytes, so that the order is that of code points.
    name bytea,
    must_change_password boolean not null,
    private bytea,
    email bytea,
    -- A keyed hash of the address, by which it belongs to one account.
    email_hash bytea unique,
    row text not null
);
create index users_by_name on @.users (substring(name from 1 for 256), id)
    where name is not null and state = 1;

create table @.credentials (
    scheme text not null,
    folded bytea not null,
    user_id uuid not null,
    name bytea not null,
    secret bytea not null,
    primary key (scheme, folded)
);
create index credentials_of_user on @.credentials (user_id, scheme);

create table @.sessions (
    id uuid primary key,
    user_id uuid not null,
    used_at bigint not null,
    expires_at bigint not null,
    row text not null
);
create index sessions_of_user on @.sessions (user_id);

create table @.conversations (
    id uuid primary key,
    kind smallint not null,
    epoch bigint not null,
    owner uuid,
    created_at bigint not null,
    settings text not null,
    settings_rev bigint not null default 0,
    -- The number of active members.
    active integer not null,
    -- What makes a creation repeatable: the pair, the user, or owner and cid.
    found bytea unique,
    rev bigint not null default 0,
    last_seq bigint not null default 0,
    last_at bigint,
    touched bigint not null,
    -- When it is looked next what is not kept any longer, and up to where no message is live.
    keep bigint,
    swept bigint not null default 0,
    ttl bigint generated always as ((settings::jsonb ->> 'ttl')::bigint) stored,
    retention bigint generated always as ((settings::jsonb ->> 'retention')::bigint) stored
) with (fillfactor = 70);

create table @.members (
    conv uuid not null,
    user_id uuid not null,
    role smallint not null,
    standing smallint not null,
    blocks boolean not null default false,
    muted_until bigint,
    joined_at bigint not null,
    rev bigint not null default 0,
    own bigint not null default 0,
    touched bigint not null default 0,
    read_seq bigint not null default 0,
    recv_seq bigint not null default 0,
    clear_seq bigint not null default 0,
    favorite boolean not null default false,
    muted boolean not null default false,
    archived boolean not null default false,
    private bytea,
    -- The place of the change that ended the last membership.
    removed bigint,
    -- When the member last sent at a pace.
    paced bigint,
    primary key (conv, user_id)
) with (fillfactor = 70);
create index members_by_user on @.members (user_id, conv);

-- Every key begins with the conversation, so that the table can be partitioned by it.
create table @.messages (
    conv uuid not null,
    seq bigint not null,
    rev bigint not null,
    -- The number of the change that made it.
    born_rev bigint not null,
    -- Its place in the log.
    pos bigint not null,
    id uuid not null,
    sender uuid,
    -- Who made it, if it has no sender.
    actor uuid,
    ts bigint not null,
    state smallint not null default 1,
    content bytea,
    cid bytea,
    print bytea,
    reply_to bigint,
    -- The seconds; -1 for the default.
    view_once integer,
    mentions uuid[],
    extra text,
    expires_at bigint,
    -- What a system message says.
    event text,
    primary key (conv, seq)
);
create unique index messages_by_cid on @.messages (conv, coalesce(sender, actor), cid) where cid is not null;
create index messages_by_pos on @.messages (pos);

-- Every shared change but new messages, which are their own entries.
create table @.log (
    pos bigint not null,
    conv uuid not null,
    rev bigint not null,
    -- How many messages there were: all revs without an entry are messages.
    last_seq bigint not null,
    actor uuid not null,
    at bigint not null,
    seq bigint,
    event text not null,
    primary key (conv, rev)
);
create index log_by_pos on @.log (pos);

create table @.mentions (
    user_id uuid not null,
    ts bigint not null,
    conv uuid not null,
    seq bigint not null,
    primary key (user_id, ts, conv, seq)
);

create table @.hidden (
    conv uuid not null,
    user_id uuid not null,
    seq bigint not null,
    own bigint not null,
    primary key (conv, user_id, seq)
);

create table @.links (
    code bytea primary key,
    conv uuid not null,
    expires_at bigint,
    max_uses bigint,
    uses bigint not null,
    row text not null
);
create index links_of_conv on @.links (conv);

create table @.invites (
    id uuid primary key,
    code bytea not null unique,
    inviter uuid not null,
    email bytea not null,
    sealed bytea not null,
    created_at bigint not null,
    expires_at bigint not null,
    used_by uuid,
    used_at bigint
);
create index invites_of_inviter on @.invites (inviter);
create index invites_unused on @.invites (email) where used_by is null;

create table @.contacts (
    owner uuid not null,
    other uuid not null,
    source smallint not null,
    created_at bigint not null,
    nickname bytea,
    trusts boolean not null,
    trusted boolean not null,
    primary key (owner, other)
);
