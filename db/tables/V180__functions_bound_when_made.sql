-- The functions that the planner inlines get a body that is bound when it is made, so no search path and no temporary object
-- of a session can change what a name in them means.
-- Locks: none that anybody waits for.

create or replace function chat.uuid7_time(id uuid)
  returns timestamptz
  immutable
  strict
  parallel safe
  language sql
  return to_timestamp((('x' || substr(id::text, 1, 8) || substr(id::text, 10, 4))::bit(48)::bigint) / 1000.0);

-- A time before 1970, or after what 48 bits hold, is the first or the last there is: cut to twelve digits it would be any.
create or replace function chat.uuid7_floor(moment timestamptz)
  returns uuid
  stable
  strict
  parallel safe
  language sql
  return rpad(lpad(to_hex(greatest(0, least(281474976710655, floor(extract(epoch from moment) * 1000)))::bigint), 12, '0'), 32, '0')::uuid;

-- PostgreSQL 18 has uuidv7(); before that, random bits under the time, version and variant set (RFC 9562).
do $$
begin
  execute
    'create or replace function chat.uuid7() returns uuid volatile parallel safe language sql return '
    || case when current_setting('server_version_num')::int >= 180000
      then 'uuidv7()'
      else $body$
        encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid())
          placing substring(int8send(floor(extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
          from 1 for 6), 52, 1), 53, 1), 'hex')::uuid
      $body$
    end;
end
$$;

-- What looks like a tag is text here, and would else be left out.
create or replace function chat.search_terms(content text, sender_id uuid, recipient_id uuid)
  returns tsvector
  immutable
  parallel safe
  language sql
  return to_tsvector('pg_catalog.simple'::regconfig, lower(translate(content, '<>', '  '))) || array_to_tsvector(array[sender_id::text, recipient_id::text]);
