-- The change log: a mailbox between the tables and the relays, not an archive.
-- Locks: new tables only.

create sequence relay.change_seq;                  -- cache 1: numbers under one row lock come in the order of that lock

comment on sequence relay.change_seq is 'Order of changes. Not a position: numbers become visible late and are never waited for.';

-- Which child a row goes to is a function of its transaction id alone, so a block of 2^18 ids that has ended for everybody can be
-- truncated while others write. PostgreSQL 18 refuses an UNLOGGED partitioned parent; it holds nothing, its children do.
create table relay.change_log (
  seq bigint not null default nextval('relay.change_seq'),
  xid xid8 not null default pg_current_xact_id(),
  -- squawk-ignore prefer-bigint-over-smallint
  slot smallint not null default ((pg_current_xact_id()::text::bigint >> 18) & 3),
  table_name text not null,
  operation text not null,
  at timestamptz not null default clock_timestamp(),
  scopes uuid[] not null,
  record text,
  old_record text
)
partition by list (slot);

alter table relay.change_log enable row level security;

create unlogged table relay.change_log_0 partition of relay.change_log for values in (0) with (autovacuum_enabled = off);
create unlogged table relay.change_log_1 partition of relay.change_log for values in (1) with (autovacuum_enabled = off);
create unlogged table relay.change_log_2 partition of relay.change_log for values in (2) with (autovacuum_enabled = off);
create unlogged table relay.change_log_3 partition of relay.change_log for values in (3) with (autovacuum_enabled = off);

alter table relay.change_log_0 enable row level security;
alter table relay.change_log_1 enable row level security;
alter table relay.change_log_2 enable row level security;
alter table relay.change_log_3 enable row level security;

create index change_log_xid_idx on relay.change_log (xid);

comment on table relay.change_log is 'One row a changed row, for the relays. Emptied by a crash, which relay.epoch tells.';
comment on table relay.change_log_0 is 'Blocks 0, 4, 8 ... of 2^18 transactions.';
comment on table relay.change_log_1 is 'Blocks 1, 5, 9 ... of 2^18 transactions.';
comment on table relay.change_log_2 is 'Blocks 2, 6, 10 ... of 2^18 transactions.';
comment on table relay.change_log_3 is 'Blocks 3, 7, 11 ... of 2^18 transactions.';
comment on column relay.change_log.seq is 'Order; within a conversation that of its lock.';
comment on column relay.change_log.xid is 'The transaction that made the change: whether a relay has seen it is a question to its snapshot.';
comment on column relay.change_log.slot is 'Which child: the block of 2^18 transactions, modulo four.';
comment on column relay.change_log.table_name is 'Table of schema public; ''users'' is a control row for relays alone.';
comment on column relay.change_log.operation is 'INSERT, UPDATE or DELETE.';
comment on column relay.change_log.at is 'When it was written, shortly before its commit.';
comment on column relay.change_log.scopes is 'Ids of the people and teams who may see it: exactly those whom row-level security lets see the row.';
comment on column relay.change_log.record is 'The new row as JSON, times in UTC; null for DELETE and control rows.';
comment on column relay.change_log.old_record is 'DELETE and UPDATE: the old row as JSON. Clients are told an updated row''s old key alone; the rest lets relays see which filters it leaves.';
comment on index relay.change_log_xid_idx is 'relay.tail: what became visible since a snapshot.';

create unlogged table relay.epoch (
  only_row boolean primary key default true,
  id uuid not null default gen_random_uuid(),
  kept_from xid8 not null default pg_snapshot_xmin(pg_current_snapshot()),
  next_kept_from xid8 not null default pg_snapshot_xmin(pg_current_snapshot()),
  next_kept_since timestamptz not null default clock_timestamp(),
  constraint only_one_epoch check (only_row)
);

alter table relay.epoch enable row level security;

comment on table relay.epoch is 'One row, gone after a crash, fail-over or restore: another id means that the log is not the one a relay was reading.';
comment on column relay.epoch.only_row is 'Always true: there is one row.';
comment on column relay.epoch.id is 'Random; a relay that holds another one starts anew.';
comment on column relay.epoch.kept_from is 'Changes of transactions before this one may be gone.';
comment on column relay.epoch.next_kept_from is 'What kept_from becomes when the time has come.';
comment on column relay.epoch.next_kept_since is 'When next_kept_from was noted.';
