-- Who reads the change log with a position that is kept: outboxes, which go on where they were after a crash or a restart.
-- Locks: new table only.

create table chat.log_readers (
  name text primary key,
  epoch uuid not null,
  read_up_to text not null,
  read_at timestamptz not null default clock_timestamp(),
  began_at timestamptz not null default clock_timestamp(),
  changes bigint not null default 0,
  gaps bigint not null default 0,
  gap_at timestamptz,
  constraint reader_name check (name ~ '^[a-z][a-z_]{0,62}$')
)
with (fillfactor = 50);

alter table chat.log_readers enable row level security;

comment on table chat.log_readers is
  'One row a reader of the change log that misses nothing. Its position moves in the transaction that keeps what was read. Without a row nobody reads, and nothing is kept for them.';
comment on column chat.log_readers.name is 'Which reader, for instance ''webhooks''. Of all nodes one reads for it at a time.';
comment on column chat.log_readers.epoch is 'The log that it reads, as relay.open() says.';
comment on column chat.log_readers.read_up_to is 'Where it goes on, as relay.tail() says.';
comment on column chat.log_readers.read_at is 'When its position last moved; at most a minute ago while somebody reads.';
comment on column chat.log_readers.began_at is 'When it began.';
comment on column chat.log_readers.changes is 'How many changes it has read.';
comment on column chat.log_readers.gaps is 'How often the log had lost changes that it had not read: after a crash of the server, or when it was away for too long.';
comment on column chat.log_readers.gap_at is 'When that last happened; null for never.';
