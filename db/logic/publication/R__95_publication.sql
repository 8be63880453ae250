-- Supabase's own Realtime, and whoever else follows a publication: where supabase_realtime exists and is ours to alter, the tables
-- that clients may subscribe to are in it. The chat's real time does not read it. docs/database-runbook.md says what arrives there.
-- Locks: a moment's SHARE UPDATE EXCLUSIVE on the tables that are added, which nobody who reads or writes waits for.

do $$
declare
  published text;
begin
  if not exists (
    select
    from pg_catalog.pg_publication p
    where p.pubname = 'supabase_realtime'
      and not p.puballtables
      and pg_has_role(p.pubowner, 'usage')
  ) then
    return;
  end if;

  foreach published in array array[
    'conversation_preferences',
    'message_reactions',
    'user_blocks',
    'user_conversations',
    'user_messages',
    'user_presence'
  ] loop
    if not exists (
      select
      from pg_catalog.pg_publication_rel r
      join pg_catalog.pg_publication p on p.oid = r.prpubid
      where p.pubname = 'supabase_realtime'
        and r.prrelid = format('public.%I', published)::regclass
    ) then
      execute format('alter publication supabase_realtime add table public.%I', published);
    end if;
  end loop;
end
$$;
