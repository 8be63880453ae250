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

create or replace function relay.hidden_presence(presence public.user_presence)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select json_build_object(
    'user_id', presence.user_id,
    'status', 'offline',
    'last_seen', null,
    'updated_at', null,
    'team_id', presence.team_id)::text
$$;

comment on function relay.hidden_presence(public.user_presence) is 'Presence as it is told to who no longer sees it: offline, and no times.';

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
    insert into relay.change_log (table_name, operation, audience, team_audience, hidden_from, record)
    select
      'user_presence',
      'INSERT',
      array[n.user_id],
      array_remove(array[n.team_id], null),
      chat.people_hidden_from(n.user_id),
      relay.team_presence(n)
    from new_rows n;
    get diagnostics logged = row_count;

    insert into relay.change_log (table_name, operation, audience, record)
    select 'user_presence', 'INSERT', array[n.user_id, n.is_typing_to], relay.typing_presence(n)
    from new_rows n
    where n.is_typing_to is not null;
    get diagnostics more = row_count;
  elsif tg_op = 'UPDATE' then
    if (new.status, new.team_id) is distinct from (old.status, old.team_id) then
      insert into relay.change_log (table_name, operation, audience, team_audience, hidden_from, record, old_record)
      values (
        'user_presence',
        'UPDATE',
        array[new.user_id],
        array_remove(array[new.team_id, case when old.team_id is distinct from new.team_id then old.team_id end], null),
        chat.people_hidden_from(new.user_id),
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
    insert into relay.change_log (table_name, operation, audience, team_audience, hidden_from, old_record)
    select
      'user_presence',
      'DELETE',
      array[o.user_id],
      array_remove(array[o.team_id], null),
      chat.people_hidden_from(o.user_id),
      relay.team_presence(o)
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

-- A block hides the two from each other at once, and the last one of the two that is lifted shows them again.

create or replace function relay.record_sight()
  returns trigger
  security definer                 -- as relay.record_message(); ends the typing, which functions alone write
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language plpgsql
as $$
declare
  logged bigint;
begin
  if tg_op = 'INSERT' then
    update public.user_presence p
    set is_typing_to = null
    from (
      select x.user_id
      from public.user_presence x
      join new_rows n on (x.user_id, x.is_typing_to) in ((n.blocker_id, n.blocked_id), (n.blocked_id, n.blocker_id))
      order by x.user_id
      for no key update of x
    ) typing
    where p.user_id = typing.user_id;

    insert into relay.change_log (table_name, operation, audience, record, old_record)
    select 'user_presence', 'UPDATE', array[s.viewer], relay.hidden_presence(p), relay.team_presence(p)
    from (
      select n.blocker_id as seen, n.blocked_id as viewer
      from new_rows n
      union
      select n.blocked_id, n.blocker_id
      from new_rows n
    ) s
    join public.user_presence p on p.user_id = s.seen
    join public.users u on u.id = s.viewer and u.team_id = p.team_id
    where not exists (                             -- else they were hidden already
      select
      from public.user_blocks b
      where (b.blocker_id, b.blocked_id) in ((s.seen, s.viewer), (s.viewer, s.seen))
        and not exists (select from new_rows n where n.blocker_id = b.blocker_id and n.blocked_id = b.blocked_id)
    );
  else
    insert into relay.change_log (table_name, operation, audience, record, old_record)
    select 'user_presence', 'UPDATE', array[s.viewer], relay.team_presence(p), relay.hidden_presence(p)
    from (
      select o.blocker_id as seen, o.blocked_id as viewer
      from old_rows o
      union
      select o.blocked_id, o.blocker_id
      from old_rows o
    ) s
    join public.user_presence p on p.user_id = s.seen
    join public.users u on u.id = s.viewer and u.team_id = p.team_id
    where s.viewer <> all (chat.people_hidden_from(s.seen));
  end if;
  get diagnostics logged = row_count;
  if logged > 0 then
    perform relay.notify_relays();
  end if;
  return null;
end
$$;

comment on function relay.record_sight() is
  'A block ends the typing between the two. Each is told that the other is offline, and when no block is left, what the other is.';

create or replace trigger record_sight_insert
  after insert on public.user_blocks
  referencing new table as new_rows
  for each statement
  execute function relay.record_sight();

comment on trigger record_sight_insert on public.user_blocks is 'Writes the change log: of presence.';

create or replace trigger record_sight_delete
  after delete on public.user_blocks
  referencing old table as old_rows
  for each statement
  execute function relay.record_sight();

comment on trigger record_sight_delete on public.user_blocks is 'Writes the change log: of presence.';

revoke all on function
  relay.hidden_presence, relay.record_sight, relay.team_presence, relay.typing_presence, relay.not_typing, relay.record_presence
from public, anon, authenticated, service_role;
