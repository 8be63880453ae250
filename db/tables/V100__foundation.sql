-- Schemas, the two roles that are ours, settings, and ids that carry their time.
-- Locks: none that anybody waits for.

-- Each number among the settings has a check of its range.
-- squawk-ignore-file prefer-bigint-over-int

create schema if not exists chat;                 -- Flyway has made it already, for its history
create schema relay;

comment on schema chat is 'Helpers of the chat. Nobody calls them by name from outside.';
comment on schema relay is 'The change log that real time reads.';

do $$
declare
  wanted text;
begin
  foreach wanted in array array['chat_relay', 'chat_service'] loop
    if not exists (select from pg_catalog.pg_roles where rolname = wanted) then
      execute format('create role %I nologin noinherit', wanted);
    end if;
  end loop;
end
$$;

-- chat_service may become these four and inherits nothing of them: by noinherit, and from PostgreSQL 16 on each membership says so
-- itself. The runtime login is a member of chat_service and inherits only what is granted to that group: the door. What a DBA
-- has granted already is left alone, since granting it again would need the right to.
do $$
declare
  wanted text;
  is_16 constant boolean := current_setting('server_version_num')::int >= 160000;
begin
  foreach wanted in array array['anon', 'authenticated', 'service_role', 'chat_relay'] loop
    if not pg_has_role('chat_service', wanted, case when is_16 then 'set' else 'member' end) then
      execute format('grant %I to chat_service%s', wanted, case when is_16 then ' with inherit false, set true' else '' end);
    end if;
  end loop;
end
$$;

grant usage on schema chat to authenticated, service_role, chat_relay, chat_service;
grant usage on schema relay to chat_relay;

create function chat.uuid7_time(id uuid)
  returns timestamptz
  immutable
  strict
  parallel safe
  language sql
as $$
  select to_timestamp((('x' || substr(id::text, 1, 8) || substr(id::text, 10, 4))::bit(48)::bigint) / 1000.0)
$$;

comment on function chat.uuid7_time(uuid) is 'The moment, in milliseconds, that a UUIDv7 was made at (RFC 9562, section 5.7). Of another version: nonsense.';

create function chat.uuid7_floor(moment timestamptz)
  returns uuid
  stable
  strict
  parallel safe
  language sql
as $$
  -- A time before 1970, or after what 48 bits hold, is the first or the last there is: cut to twelve digits it would be any.
  select rpad(lpad(to_hex(greatest(0, least(281474976710655, floor(extract(epoch from moment) * 1000)))::bigint), 12, '0'), 32, '0')::uuid
$$;

comment on function chat.uuid7_floor(timestamptz) is 'The smallest UUIDv7 of a moment: where a partition begins.';

-- PostgreSQL 18 has uuidv7(); before that, random bits under the time, version and variant set (RFC 9562).
do $$
begin
  execute format(
    'create function chat.uuid7() returns uuid volatile parallel safe language sql as %L',
    case when current_setting('server_version_num')::int >= 180000
      then 'select uuidv7()'
      else $body$
        select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
          placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
          from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
      $body$
    end);
end
$$;

comment on function chat.uuid7() is 'A new id that sorts by time (UUIDv7).';

revoke all on function chat.uuid7, chat.uuid7_time, chat.uuid7_floor from public;
grant execute on function chat.uuid7, chat.uuid7_time to authenticated, service_role;

create table chat.settings (
  only_row boolean primary key default true,
  platform text not null,
  max_message_length int not null default 1000,
  max_reactions int not null default 20,
  typing_timeout_ms int not null default 3000,
  presence_timeout_ms int not null default 30000,
  change_log_hours int not null default 1,
  constraint only_one_row check (only_row),
  constraint platform_is_known check (platform in ('standalone', 'existing')),
  constraint max_message_length_range check (max_message_length between 1 and 100000),
  constraint max_reactions_range check (max_reactions between 1 and 1000),
  constraint typing_timeout_range check (typing_timeout_ms between 500 and 60000),
  constraint presence_timeout_range check (presence_timeout_ms between 5000 and 3600000),
  constraint change_log_range check (change_log_hours between 1 and 24)
);

alter table chat.settings enable row level security;

insert into chat.settings (platform) values ('${platform}');

comment on table chat.settings is 'One row. A DBA changes it with UPDATE; it holds from the next statement on.';
comment on column chat.settings.only_row is 'Always true: there is one row.';
comment on column chat.settings.platform is '''standalone'': roles, auth, teams and users are ours. ''existing'': they were there.';
comment on column chat.settings.max_message_length is 'Characters in a message. CHAT_MAX_MESSAGE_LENGTH.';
comment on column chat.settings.max_reactions is 'Different reactions of one person to one message.';
comment on column chat.settings.typing_timeout_ms is 'Milliseconds after which typing that was not renewed has ended. CHAT_TYPING_TIMEOUT.';
comment on column chat.settings.presence_timeout_ms is 'Milliseconds after which a person nobody has heard of is offline.';
comment on column chat.settings.change_log_hours is 'Hours that a change stays readable for relays at the least. It is a mailbox, not an archive.';
