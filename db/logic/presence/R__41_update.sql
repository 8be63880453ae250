-- Everybody says for themselves who is there, and to whom they type.

create or replace function public.update_presence(status text, current_page text default null)
  returns void
  volatile
  security definer                 -- current_page may be written but not read by its owner's role
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
begin
  if update_presence.status is null or update_presence.status not in ('online', 'away', 'busy', 'offline') then
    raise sqlstate 'PT400' using
      message = 'There is no such status.',
      detail = 'status',
      hint = 'Give online, away, busy or offline.';
  end if;

  insert into public.user_presence as p (user_id, status, current_page)
  values (me, update_presence.status, chat.clean_line(update_presence.current_page))
  on conflict (user_id) do update set
    status = excluded.status,
    current_page = excluded.current_page;
end
$$;

comment on function public.update_presence is
  'The caller is online, away, busy or offline; the team hears of it when it changes. current_page: where in the application, for nobody else. PT400 for another status.';

create or replace function public.update_typing_status(typing_to uuid)
  returns void
  volatile
  security definer                 -- typing may be written but not read by its owner's role
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  me uuid := chat.require_active_user();
begin
  -- Whether the caller may write to that person is the trigger's to ask.
  update public.user_presence p
  set
    is_typing_to = update_typing_status.typing_to,
    typing_started_at = clock_timestamp()
  where p.user_id = me
    and (update_typing_status.typing_to is not null or p.is_typing_to is not null);

  if not found and typing_to is not null then
    insert into public.user_presence as p (user_id, is_typing_to)
    values (me, update_typing_status.typing_to)
    on conflict (user_id) do update set
      is_typing_to = excluded.is_typing_to,
      typing_started_at = excluded.typing_started_at;
  end if;
end
$$;

comment on function public.update_typing_status is
  'The caller is typing to that person, or with null to nobody; ends by itself after chat.settings.typing_timeout_ms unless renewed. PT403 where the caller may not write.';

revoke all on function
  public.update_presence, public.update_typing_status
from public, anon, authenticated, service_role;

grant execute on function public.update_presence, public.update_typing_status to authenticated;
