-- The feed of presence: what the change log tells, and to whom.

create or replace function relay.team_presence(presence public.user_presence)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select json_build_object(
    'user_id', presence.user_id,
    'status', presence.status,
    'last_seen', presence.last_seen,
    'updated_at', presence.updated_at,
    'team_id', presence.team_id)::text
$$;

comment on function relay.team_presence(public.user_presence) is 'Presence as the team may see it: without typing and page.';

create or replace function relay.typing_presence(presence public.user_presence)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select json_build_object(
    'user_id', presence.user_id,
    'status', presence.status,
    'last_seen', presence.last_seen,
    'updated_at', presence.updated_at,
    'is_typing_to', presence.is_typing_to,
    'typing_started_at', presence.typing_started_at)::text
$$;

comment on function relay.typing_presence(public.user_presence) is 'Presence as the two people of a typing may see it: without page and team.';

create or replace function relay.not_typing(presence public.user_presence)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select json_build_object(
    'user_id', presence.user_id,
    'status', presence.status,
    'last_seen', presence.last_seen,
    'updated_at', presence.updated_at,
    'is_typing_to', null,
    'typing_started_at', null)::text
$$;

comment on function relay.not_typing(public.user_presence) is 'The same for one of the two when the typing is no business of theirs.';

create or replace function relay.record_presence()
  returns trigger
  security definer                 -- as relay.record_message()
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language plpgsql
as $$
declare
  logged bigint := 0;
  more bigint := 0;
begin
  -- One row, two audiences. The person beside the team, as in the policy: they may be in none.
  if tg_op = 'INSERT' then
    insert into relay.change_log (table_name, operation, audience, team_audience, record)
    select 'user_presence', 'INSERT', array[n.user_id], array_remove(array[n.team_id], null), relay.team_presence(n)
    from new_rows n;
    get diagnostics logged = row_count;

    insert into relay.change_log (table_name, operation, audience, record)
    select 'user_presence', 'INSERT', array[n.user_id, n.is_typing_to], relay.typing_presence(n)
    from new_rows n
    where n.is_typing_to is not null;
    get diagnostics more = row_count;
  elsif tg_op = 'UPDATE' then
    if (new.status, new.team_id) is distinct from (old.status, old.team_id) then
      insert into relay.change_log (table_name, operation, audience, team_audience, record, old_record)
      values (
        'user_presence',
        'UPDATE',
        array[new.user_id],
        array_remove(array[new.team_id, case when old.team_id is distinct from new.team_id then old.team_id end], null),
        relay.team_presence(new),
        relay.team_presence(old));
      logged := 1;
    end if;

    if (new.is_typing_to, new.typing_started_at) is distinct from (old.is_typing_to, old.typing_started_at) then
      insert into relay.change_log (table_name, operation, audience, record, old_record)
      values (
        'user_presence',
        'UPDATE',
        array_remove(array[new.user_id, new.is_typing_to, case when new.is_typing_to is null then old.is_typing_to end], null),
        relay.typing_presence(new),
        case when new.is_typing_to is null or new.is_typing_to = old.is_typing_to
          then relay.typing_presence(old)
          else relay.not_typing(old)
        end);
      logged := logged + 1;
    end if;

    -- Who was typed to hears that it is over, and not to whom it is now; nor does the next one hear who it was before.
    if old.is_typing_to <> new.is_typing_to then
      insert into relay.change_log (table_name, operation, audience, record, old_record)
      values ('user_presence', 'UPDATE', array[old.is_typing_to], relay.not_typing(new), relay.typing_presence(old));
    end if;
  else
    insert into relay.change_log (table_name, operation, audience, team_audience, old_record)
    select 'user_presence', 'DELETE', array[o.user_id], array_remove(array[o.team_id], null), relay.team_presence(o)
    from old_rows o;
    get diagnostics more = row_count;
  end if;
  if logged + more > 0 then
    perform relay.notify_relays();
  end if;
  return null;
end
$$;

comment on function relay.record_presence() is 'Logs presence twice: status for the team, typing for the two it is between. A touched last_seen is not logged.';

create or replace trigger record_insert
  after insert on public.user_presence
  referencing new table as new_rows
  for each statement
  execute function relay.record_presence();

comment on trigger record_insert on public.user_presence is 'Writes the change log.';

-- Row by row, so WHEN passes over what is not told: last_seen alone, of everybody, every few seconds.
create or replace trigger record_update
  after update on public.user_presence
  for each row
  when (
    (new.status, new.team_id, new.is_typing_to, new.typing_started_at)
    is distinct from (old.status, old.team_id, old.is_typing_to, old.typing_started_at)
  )
  execute function relay.record_presence();

comment on trigger record_update on public.user_presence is 'Writes the change log.';

create or replace trigger record_delete
  after delete on public.user_presence
  referencing old table as old_rows
  for each statement
  execute function relay.record_presence();

comment on trigger record_delete on public.user_presence is 'Writes the change log.';

revoke all on function
  relay.team_presence, relay.typing_presence, relay.not_typing, relay.record_presence
from public, anon, authenticated, service_role;
