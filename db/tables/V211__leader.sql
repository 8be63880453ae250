-- Which relay reads for all, where nodes hear by NATS.
-- Locks: new table only.

create unlogged table relay.leader (
  only_row boolean primary key default true,
  -- squawk-ignore prefer-bigint-over-int
  pid int not null,                -- as pg_backend_pid() has it
  lock_key bigint not null,
  constraint only_one_leader check (only_row)
);

alter table relay.leader enable row level security;

comment on table relay.leader is 'One row: the session that leads, for as long as it holds the advisory lock of that key. Nobody who can take a lock can take its turn.';
comment on column relay.leader.only_row is 'Always true: there is one row.';
comment on column relay.leader.pid is 'The server process of that session; 0 before anybody led.';
comment on column relay.leader.lock_key is 'Drawn anew by each leader.';
