-- Messages are found by their words.
-- A search has three ways, each for what the one before it did not find; the first two give up in time, so a rare word costs
-- little more than the third alone, which reads whatever the index has of a person's words.

create or replace function chat.newest_matches(words tsquery, me uuid, conversation_id uuid, before_id uuid, page_size int)
  returns public.user_messages[]
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- as get_messages
  set enable_sort = off                      -- in the order of the key, so it can stop at any row
  set enable_bitmapscan = off
  set enable_seqscan = off
  set jit = off
  language plpgsql
as $$
#variable_conflict use_column
declare
  -- Bounds, so that other months are not even opened.
  newest uuid := coalesce(newest_matches.before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff');
  oldest uuid := chat.uuid7_floor(least(chat.uuid7_time(newest_matches.before_id), now()) - interval '31 days');
  message public.user_messages;
  matches public.user_messages[] := '{}';
  effort int := 4000;                        -- bytes of text to look into before the first match
begin
  for message in
    select newest.*
    from (
      select m.*
      from public.user_messages m
      where m.id between oldest and newest
        and (m.id < newest_matches.before_id) is not false
      order by m.id desc
      limit 50 * newest_matches.page_size    -- whoever's: who wrote less than every fiftieth or so is found by the index
    ) newest
    where newest_matches.me in (newest.sender_id, newest.recipient_id)
      and not newest.is_deleted
      and (newest.conversation_id = newest_matches.conversation_id) is not false
    order by newest.id desc
  loop
    effort := effort - 100 - octet_length(message.content);
    exit when effort < 0;
    if chat.search_terms(message.content, message.sender_id, message.recipient_id) @@ newest_matches.words then
      matches := matches || message;
      if cardinality(matches) = newest_matches.page_size then
        return matches;
      end if;
      effort := effort + 2000;
    end if;
  end loop;
  return null;
end
$$;

comment on function chat.newest_matches(tsquery, uuid, uuid, uuid, int) is
  'A page of search_messages in the order of the key, whoever the messages are of: for a common word of somebody who writes much. Null when so many rows, or so much text, did not fill it.';

create or replace function chat.matches_by_month(words tsquery, me uuid, conversation_id uuid, before_id uuid, page_size int)
  returns public.user_messages[]
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan   -- as get_messages
  set enable_seqscan = off                   -- as search_messages
  set jit = off
  language plpgsql
as $$
#variable_conflict use_column
declare
  newest timestamptz := least(chat.uuid7_time(matches_by_month.before_id), now() + interval '5 minutes');   -- as chat.check_message_id
  month timestamp := date_trunc('month', newest at time zone 'UTC');
  next_month timestamp := month + interval '1 month';
  first_id uuid;
  next_first_id uuid := chat.uuid7_floor(next_month at time zone 'UTC');
  partition text;
  reach interval;
  more uuid[];
  ids uuid[] := '{}';
  newest_id uuid;
begin
  -- Also the lock that keeps the partitions from being dropped or detached until this ends.
  if exists (
    select
    from public.user_messages m
    where m.id >= next_first_id
      and m.id <= coalesce(matches_by_month.before_id, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
  then
    return null;                             -- of the future: nobody's clock but a DBA's hand
  end if;
  loop
    partition := 'chat.user_messages_' || to_char(month, 'YYYY_MM');
    first_id := chat.uuid7_floor(month at time zone 'UTC');
    if not exists (
      select
      from pg_catalog.pg_inherits i
      join pg_catalog.pg_class c on c.oid = i.inhrelid
      where i.inhparent = 'public.user_messages'::regclass
        and i.inhrelid = to_regclass(partition)
        and not i.inhdetachpending
        and c.relkind = 'r'
        and pg_get_expr(c.relpartbound, c.oid) = format('FOR VALUES FROM (%L) TO (%L)', first_id, next_first_id))
    then
      return null;                           -- before the first message, or not a partition as we make them
    end if;
    -- Of one partition, so that no bound stands in the statement which another index could serve; planned anew, at 0.1 ms.
    execute format(
      'with hits as materialized (
         select m.id
         from %s m
         where chat.search_terms(m.content, m.sender_id, m.recipient_id) @@ $1
           and $2 in (m.sender_id, m.recipient_id)
           and not m.is_deleted
           and (m.conversation_id = $3) is not false
           and (m.id < $4) is not false
       )
       select array(select hits.id from hits order by hits.id desc limit $5)', partition)
    using
      matches_by_month.words, matches_by_month.me, matches_by_month.conversation_id, matches_by_month.before_id,
      matches_by_month.page_size - cardinality(ids)
    into more;
    ids := ids || more;
    if cardinality(ids) = matches_by_month.page_size then
      newest_id := ids[1];
      return array(
        select m.message
        from unnest(ids) with ordinality hit(id, place)
        cross join lateral (
          select m as message
          from public.user_messages m
          where m.id = hit.id
            and m.id between first_id and newest_id   -- so that other months are not even opened
          limit 1
        ) m
        order by hit.place);
    end if;
    -- At this pace, would it take more than half a year? Then all at once is cheaper.
    reach := newest - month at time zone 'UTC';
    exit when reach > interval '45 days'
      and reach * matches_by_month.page_size > interval '200 days' * cardinality(ids);
    next_first_id := first_id;
    month := month - interval '1 month';
  end loop;
  return null;
end
$$;

comment on function chat.matches_by_month(tsquery, uuid, uuid, uuid, int) is
  'A page of search_messages by the index, the newest months one by one: what somebody wrote in years does not matter. Null when it would take more than some months.';

create or replace function public.search_messages(
  query text,
  conversation_id uuid default null,
  before_id uuid default null,
  page_size int default 20
)
  returns setof public.message_match
  stable
  security definer                 -- under row-level security @@ may not use the index (it is not leakproof); asks for both people itself
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off                   -- a partition nobody has analysed yet would be read whole
  set jit = off                              -- as get_messages
  set plan_cache_mode = force_generic_plan   -- planning over many partitions costs more than running
  language plpgsql
as $$
#variable_conflict use_column
declare
  me uuid := chat.require_active_user();
  words tsquery;
  mine tsquery;
  matches public.user_messages[];
begin
  if char_length(search_messages.query) > 1000 then   -- a query of very many words overflows the stack
    raise sqlstate 'PT413' using
      message = 'A search has at most 1000 characters.',
      detail = 'too_long',
      hint = 'Leave out some of the words.';
  end if;
  words := plainto_tsquery('pg_catalog.simple', lower(translate(search_messages.query, '<>', '  ')));   -- as chat.search_terms
  mine := words && quote_literal(me)::tsquery;
  if coalesce(numnode(words), 0) = 0 then
    raise sqlstate 'PT400' using
      message = 'A search needs a word.',
      detail = 'no_word',
      hint = 'Give at least one whole word; all words must be in the message.';
  end if;

  page_size := chat.checked_page_size(page_size);
  matches := chat.newest_matches(mine, me, conversation_id, before_id, page_size);
  if matches is null then
    matches := chat.matches_by_month(mine, me, conversation_id, before_id, page_size);
  end if;
  if matches is null then
    with hits as materialized (
      select m.*
      from public.user_messages m
      where chat.search_terms(m.content, m.sender_id, m.recipient_id) @@ mine
        and me in (m.sender_id, m.recipient_id)   -- the index narrows; somebody may write another's id into a text
        and not m.is_deleted
        and (search_messages.conversation_id is null or m.conversation_id = search_messages.conversation_id)
        and (before_id is null or m.id < before_id)
    )
    select array(
      select row(newest.*)::public.user_messages
      from (
        select hits.*
        from hits
        order by hits.id desc
        limit page_size
      ) newest
      order by newest.id desc
    ) into matches;
  end if;
  if matches = '{}' then
    return;
  end if;

  return query
    with page as materialized (
      select page.*
      from unnest(matches) page
    ),
    names as materialized (
      select chat.senders(array(select distinct page.sender_id from page)) as senders
    )
    select
      page.id, page.conversation_id, page.sender_id, page.content, page.message_type, page.file_url, page.file_name,
      page.file_size, page.created_at, page.updated_at, page.is_edited, page.is_deleted, page.read_by, page.metadata,
      page.recipient_id, page.seq, page.sent_revision, page.revision,
      names.senders -> page.sender_id::text,
      r.reactions,
      -- A headline leaves out what looks like a tag, so '<' passes it as U+0001.
      translate(
        ts_headline('pg_catalog.simple', translate(page.content, e'<\uE000\uE001\u0001', e'\u0001'), words,
          e'StartSel=\uE000,StopSel=\uE001,MaxWords=30,MinWords=10'),
        e'\u0001', '<'),
      page.written_at, page.client_id
    from page
    cross join names
    cross join lateral chat.reactions_of(page.id) r
    order by page.id desc;
end
$$;

comment on function public.search_messages is
  'The caller''s messages, sent and received, that contain all words of the query (whole words, any case), newest first; the next page: before_id = id of the last row. headline is plain text with each hit between U+E000 and U+E001. PT400 without a word, PT413 for more than 1000 characters.';

revoke all on function
  chat.newest_matches, chat.matches_by_month, public.search_messages
from public, anon, authenticated, service_role;

grant execute on function public.search_messages to authenticated;
