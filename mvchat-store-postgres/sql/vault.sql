-- The users' data keys, each encrypted under a key that is not in the database.
create table @.keys (
    user_id uuid primary key,
    wrapped bytea not null
);
