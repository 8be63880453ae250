-- The children of the change log are segments: writers leave one when it is old or large, not when 2^18 transactions have passed.
-- Locks: a moment's ACCESS EXCLUSIVE on chat.settings, relay.epoch and the change log, whose rows are read once for the new index.

-- One row, whose settings have a check of their range. The columns that go are read by relay.open and relay.maintain alone, which
-- change in the same transaction.
-- squawk-ignore-file prefer-bigint-over-int, constraint-missing-not-valid, ban-drop-column, require-concurrent-index-creation

alter table chat.settings
  add column change_log_max_mb int not null default 4096,
  add constraint change_log_max_range check (change_log_max_mb between 1 and 1048576);

comment on column chat.settings.change_log_max_mb is
  'Megabytes of the change log above which its oldest segment goes before change_log_hours have passed; a relay that still needs it tells clients to catch up. 4096 hold an hour of some 1000 short messages a second.';
comment on column chat.settings.change_log_hours is
  'Hours that a change stays readable for relays at the least after its commit, unless the log is over change_log_max_mb. It is a mailbox, not an archive.';

-- A sequence, not a table: its value is read as it is now, also under an old snapshot.
create sequence relay.segment_seq minvalue 3;

select setval('relay.segment_seq', 3);

comment on sequence relay.segment_seq is 'The segment that is written now. Only relay.maintain() moves it.';

-- The id first: whoever reads the number of a segment has one by then, so a later id tells when nobody writes there any more.
alter table relay.change_log
  alter column slot set default case
    when pg_current_xact_id() is not null then coalesce(pg_sequence_last_value('relay.segment_seq'::regclass), 3) & 3
  end;

create index change_log_seq_idx on relay.change_log (seq);

comment on index relay.change_log_seq_idx is 'relay.tail: the next page of what one snapshot brings.';

comment on table relay.change_log_0 is 'Segments 4, 8, 12 ...';
comment on table relay.change_log_1 is 'Segments 5, 9, 13 ...';
comment on table relay.change_log_2 is 'Segments 6, 10, 14 ...';
comment on table relay.change_log_3 is 'Segments 3, 7, 11 ...';
comment on column relay.change_log.slot is 'Which child: the segment, modulo four.';

create unlogged table relay.segments (
  generation bigint primary key,
  began_at timestamptz not null default clock_timestamp(),
  sealed_before xid8,
  drained_at timestamptz
);

alter table relay.segments enable row level security;

comment on table relay.segments is 'The segment of the change log that is written now, and the three before it.';
comment on column relay.segments.generation is 'As of relay.segment_seq; modulo four its child.';
comment on column relay.segments.began_at is 'When it began to be written.';
comment on column relay.segments.sealed_before is 'Only transactions before this one may write there; null while it is written.';
comment on column relay.segments.drained_at is 'When all of those had ended; change_log_hours later it may go.';

alter table relay.epoch
  drop column next_kept_from,
  drop column next_kept_since,
  add column cut_before xid8,
  add column cut_at timestamptz;

comment on column relay.epoch.cut_before is 'Changes of transactions before this one may be gone since the log was over change_log_max_mb; null for none.';
comment on column relay.epoch.cut_at is 'When changes last went for that; null for never.';
