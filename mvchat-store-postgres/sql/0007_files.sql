-- What is known of files. Media types are what uploaders say, and any text.

create table @.files (
    id uuid primary key,
    uploader uuid not null,
    created_at bigint not null,
    mime bytea not null,
    size bigint not null,
    location bytea not null,
    state smallint not null,
    sealed bytea not null
);
create index files_of_uploader on @.files (uploader, created_at, id);
