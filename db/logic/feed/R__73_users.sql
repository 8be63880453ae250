-- What a person's connections hear, and how relays learn that it changed.

create or replace function relay.audience_of_person(user_id uuid)
  returns table (audience uuid[], team_audience uuid[])
  stable
  security definer                 -- reads public.users
  set search_path = pg_catalog, pg_temp
  rows 1
  language sql
as $$
  select array_remove(array[u.id], null), array_remove(array[u.team_id], null)
  from (select) as always
  left join public.users u on u.id = audience_of_person.user_id
    and u.status = 'active'
    and (select chat.demand_claims_of('chat_relay'))
$$;

comment on function relay.audience_of_person(uuid) is
  'What a person''s connections hear: the person''s id among the people, the team''s among the teams; two empty lists for who is not active.';

create or replace function relay.record_person()
  returns trigger
  security definer                 -- as relay.record_message(); keeps user_presence.team_id
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  language plpgsql
as $$
begin
  if tg_op = 'UPDATE' then
    insert into relay.change_log (table_name, operation, audience)
    values ('users', 'UPDATE', array[new.id]);

    -- Whom they talk to: each asks again what has become of their partner.
    insert into relay.change_log (table_name, operation, audience, record, old_record)
    select
      'user_conversations',
      'UPDATE',
      array[c.participant_1_id, c.participant_2_id],
      row_to_json(relay.published_conversation(c))::text,
      row_to_json(relay.published_conversation(c))::text
    from public.user_conversations c
    where new.id in (c.participant_1_id, c.participant_2_id);

    update public.user_presence p
    set team_id = new.team_id
    where p.user_id = new.id
      and p.team_id is distinct from new.team_id;

    perform relay.withdraw_presence(array_append('{}', new.id));
    perform relay.notify_relays();
  else
    insert into relay.change_log (table_name, operation, audience)
    select 'users', 'DELETE', array[o.id]
    from old_rows o;
    if found then
      perform relay.withdraw_presence(array(select o.id from old_rows o));
      perform relay.notify_relays();
    end if;
  end if;
  return null;
end
$$;

comment on function relay.record_person() is
  'A person''s team or status changed, or they are gone: a row for relays alone, which then ask again what their connections may hear. And one for each of their conversations, whose partner_status may be another.';

create or replace trigger record_update
  after update on public.users
  for each row
  when ((new.team_id, new.status::text) is distinct from (old.team_id, old.status::text))
  execute function relay.record_person();

create or replace trigger record_delete
  after delete on public.users
  referencing old table as old_rows
  for each statement
  execute function relay.record_person();

-- A platform's own users may belong to somebody else, who lets us hang a trigger there but not comment on it.
do $$
begin
  if pg_has_role((select c.relowner from pg_catalog.pg_class c where c.oid = 'public.users'::regclass), 'usage') then
    comment on trigger record_update on public.users is 'Writes the change log.';
    comment on trigger record_delete on public.users is 'Writes the change log.';
  end if;
end
$$;

revoke all on function relay.audience_of_person, relay.record_person from public, anon, authenticated, service_role;

grant execute on function relay.audience_of_person to chat_relay;
