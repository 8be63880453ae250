-- Messages are found by the beginnings of their words, and by those of their files' names.
-- A search has three ways, each for what the one before it did not find; the first two give up in time, so a rare word costs
-- little more than the third alone, which reads whatever the index has of a person's words.
-- The index knows how words begin (chat.search_terms). Where that is not all, the text itself is asked (chat.says).

create or replace function chat.letters_of(word text)
  returns text
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  -- Of a word: letters, digits and full stops. 1000 is 1,000, too.
  select regexp_replace(
    replace(regexp_replace(left(word, 100), '([^.])', e'\\1\\\\u001f*', 'g'), '.', e'\\.\\u001f*'),
    e'([0-9])\\\\u001f\\*(?=[0-9])', e'\\1\\.?\\\\u001f*', 'g')
$$;

comment on function chat.letters_of(text) is 'A pattern of a word''s letters, for what chat.searched_text gives.';

create or replace function chat.search_query(query text, out terms tsquery, out needles text[], out unsure text[], out marks text[])
  immutable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  word text collate "C";
  part text collate "C";
  parts text[];
  beginning tsquery;
  pattern text;
  joined tsquery;
  apart tsquery;
  exact boolean;
  joined_or_apart boolean;
  last_letter int;
  whole int;                                 -- how many parts are typed to their end
  unfinished text;
begin
  needles := '{}';
  unsure := '{}';
  marks := '{}';
  for word in
    select distinct btrim(replace(w.word, e'.\u001f', '.'), e'\u001f')
    from unnest(string_to_array(chat.searched_text(coalesce(search_query.query, '')), ' ')) w (word)
  loop
    parts := array_remove(string_to_array(word, e'\u001f'), '');
    continue when parts = '{}';
    joined := null;
    apart := null;
    -- A syllable of Korean that has no end yet may get one: 한ㄱ and 한구 are on the way to 한국.
    whole := cardinality(parts);
    unfinished := null;
    last_letter := case when whole > 1 and char_length(parts[whole]) = 1 then ascii(parts[whole]) end;
    if last_letter between 44032 and 55203 and (last_letter - 44032) % 28 = 0 then
      unfinished := format('[%s-%s]', chr(last_letter), chr(last_letter + 27));
      whole := whole - 1;
    elsif last_letter between 4352 and 4370 then
      last_letter := (last_letter - 4352) * 588 + 44032;
      unfinished := format('[%s%s-%s]', parts[whole], chr(last_letter), chr(last_letter + 587));
      whole := whole - 1;
    end if;
    -- A word begins where one does in the text, and runs on over what joins its parts there.
    pattern := e'(?:^|[ \\u001f])';
    for i in 1..cardinality(parts) loop
      part := parts[i];
      if i > 1 then
        pattern := pattern || case when part >= e'\u0e00' and parts[i - 1] >= e'\u0e00' collate "C" then e'\\u001f*' else e'[ \\u001f]*' end;
      end if;
      if i > whole then
        pattern := pattern || unfinished;
        continue;
      end if;
      pattern := pattern || chat.letters_of(part);
      if i <= 16 then
        -- Where digits meet letters, and in a script without spaces, a word begins in every text.
        if i = 1 or part >= e'\u0e00' or part ~ '^[0-9]' or parts[i - 1] ~ '[0-9]$' then
          beginning := chat.beginning_of(array_to_string(parts[i:least(i + 4, whole)], ''));
          joined := coalesce(joined && beginning, joined, beginning);
        end if;
        beginning := chat.beginning_of(part);
        apart := coalesce(apart && beginning, apart, beginning);
      end if;
    end loop;
    joined_or_apart := cardinality(parts) > 1 and exists (select from unnest(parts) p (part) where p.part collate "C" < e'\u0e00');
    if joined_or_apart then
      joined := joined || apart;             -- a text may have a space there; null where either has no beginning
    end if;
    terms := coalesce(terms && joined, terms, joined);
    needles := needles || pattern;
    marks := marks || pattern;
    if joined_or_apart then
      marks := marks || array(select e'(?:^|[ \\u001f])' || chat.letters_of(p.part) from unnest(parts[1:16]) p (part));
    end if;
    exact := cardinality(parts) = 1
      and case
        when word >= e'\u0e00' then char_length(word) <= 2
        else char_length(word) in (2, 5)
      end;
    if not exact then
      unsure := unsure || pattern;
    end if;
  end loop;
end
$$;

comment on function chat.search_query(text) is
  'What search_messages looks for: terms of the index, a pattern for each word, those of the patterns that the index alone cannot vouch for, and what is marked. Terms are null where no word has two letters.';

create or replace function chat.beginning_of(word text)
  returns tsquery
  immutable
  strict
  parallel safe
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  -- The lengths are those of chat.search_terms.
  select case
    when char_length(word) = 1 and word collate "C" < e'\u0e00' then null    -- reads the person's messages, which newest_matches bounds
    when char_length(word) < 5 or word collate "C" >= e'\u0e00' then quote_literal(left(word, 2))::tsquery
    else quote_literal(left(word, 5))::tsquery
  end
$$;

comment on function chat.beginning_of(text) is 'The longest beginning of a word that chat.search_terms has, as a query.';

create or replace function chat.says(content text, file_name text, needles text[])
  returns boolean
  immutable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  searched text collate "C";
  needle text;
begin
  if says.needles = '{}' then
    return true;
  end if;
  searched := chat.searched_text(concat_ws(' ', says.content, says.file_name));
  foreach needle in array says.needles loop
    if searched !~ needle then
      return false;
    end if;
  end loop;
  return true;
end
$$;

comment on function chat.says(text, text, text[]) is 'Whether a message, or its file''s name, has all these words, by their patterns (chat.search_query).';

create or replace function chat.is_search_indexed()
  returns boolean
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select to_regclass('public.former_content_search_idx') is null
$$;

comment on function chat.is_search_indexed() is
  'Whether each partition has the index of search_messages. Until then the former one tells whose a message is, and the text is asked for each word.';

create or replace function chat.search_version()
  returns int
  immutable
  parallel safe
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select 1
$$;

comment on function chat.search_version() is
  'The version of what chat.search_terms gives. Who changes that, or what it calls, counts on: migrate then makes the index anew.';

create or replace function chat.search_index_is_current()
  returns boolean
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select coalesce(
    obj_description(to_regclass('public.idx_user_messages_content_search'), 'pg_class') = 'search_messages, version ' || chat.search_version(),
    false)
$$;

comment on function chat.search_index_is_current() is
  'Whether the entries of the index of search_messages are of this version. Else it tells whose a message is, and the text is asked for each word.';

create or replace function chat.newest_matches(needles text[], me uuid, conversation_id uuid, before_id uuid, page_size int)
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
    if chat.says(message.content, message.file_name, newest_matches.needles) then
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

comment on function chat.newest_matches(text[], uuid, uuid, uuid, int) is
  'A page of search_messages in the order of the key, whoever the messages are of: for a common word of somebody who writes much. Null when so many rows, or so much text, did not fill it.';

create or replace function chat.matches_by_month(terms tsquery, unsure text[], me uuid, conversation_id uuid, before_id uuid, page_size int)
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
  newest timestamptz := least(chat.uuid7_time(matches_by_month.before_id), now() + interval '5 minutes');   -- as chat.is_id_of_now
  month timestamp := date_trunc('month', newest at time zone 'UTC');
  next_month timestamp := month + interval '1 month';
  first_id uuid;
  next_first_id uuid := chat.uuid7_floor(next_month at time zone 'UTC');
  partition text;
  indexed constant text := case
    when chat.is_search_indexed() then 'chat.search_terms(m.content, m.file_name, m.sender_id, m.recipient_id)'
    else 'chat.search_terms(m.content, m.sender_id, m.recipient_id)'
  end;
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
         select m.id, m.content, m.file_name
         from %s m
         where %s @@ $1
           and $2 in (m.sender_id, m.recipient_id)
           and not m.is_deleted
           and (m.conversation_id = $3) is not false
           and (m.id < $4) is not false
       )
       select array(
         select newest.id
         from (select hits.* from hits order by hits.id desc offset 0) newest   -- the text is asked until the page is full
         where chat.says(newest.content, newest.file_name, $6)
         limit $5
       )', partition, indexed)
    using
      matches_by_month.terms, matches_by_month.me, matches_by_month.conversation_id, matches_by_month.before_id,
      matches_by_month.page_size - cardinality(ids), matches_by_month.unsure
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

comment on function chat.matches_by_month(tsquery, text[], uuid, uuid, uuid, int) is
  'A page of search_messages by the index, the newest months one by one: what somebody wrote in years does not matter. Null when it would take more than some months.';

create or replace function chat.marked(word text, marks text[])
  returns text
  immutable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  done text := '';
  rest text collate "C" := marked.word;      -- of the original, in which a letter may be several, or none
  mark text;
  hit text;
  size int;
  low int;
  high int;
  first int;
begin
  for turn in 1..20 loop
    hit := null;
    foreach mark in array marked.marks loop
      if chat.searched_text(rest) ~ mark then
        hit := mark;
        exit;
      end if;
    end loop;
    exit when hit is null;
    -- The shortest beginning that has it ends with it; there, the shortest end that has it begins with it.
    low := 1;
    high := char_length(rest);
    while low < high loop
      size := (low + high) / 2;
      if chat.searched_text(left(rest, size)) ~ hit then
        high := size;
      else
        low := size + 1;
      end if;
    end loop;
    first := high;
    while first > 1 and chat.searched_text(substr(rest, first, high - first + 1)) !~ (e'^\\u001f*' || substr(hit, strpos(hit, ')') + 1)) loop
      first := first - 1;
    end loop;
    -- What is not seen belongs to the letter before it.
    while high < char_length(rest) and chat.fold(substr(rest, high + 1, 1)) = '' loop
      high := high + 1;
    end loop;
    done := done || left(rest, first - 1) || e'\uE000' || substr(rest, first, high - first + 1) || e'\uE001';
    rest := substr(rest, high + 1);
    exit when rest < e'\u0e00' or rest = '';  -- the next letter is not the beginning of a word
  end loop;
  return done || rest;
end
$$;

comment on function chat.marked(text, text[]) is 'A run of the original text without spaces, with each hit between U+E000 and U+E001.';

create or replace function chat.headline(content text, file_name text, marks text[])
  returns text
  immutable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  source text collate "C";
  words text[] collate "C";
  folded text[] collate "C";
  pattern text := array_to_string(headline.marks, '|');
  first int;
  size int;
  result text collate "C" := '';
begin
  foreach source in array array[headline.content, coalesce(headline.file_name, '')] loop
    source := regexp_replace(
      translate(source, e'\uE000\uE001', ''),
      -- Not the no-break spaces within a number.
      e'(?<![0-9])[\\u00a0\\u2009\\u202f]|[\\u00a0\\u2009\\u202f](?![0-9]{3}(?![0-9]))|[\\t-\\r\\u0085\\u1680\\u2000-\\u2008\\u200a\\u2028\\u2029\\u205f\\u3000]',
      ' ', 'g');
    source := btrim(regexp_replace(source, ' +', ' ', 'g'));
    words := string_to_array(source, ' ');
    folded := string_to_array(chat.searched_text(source), ' ');
    if cardinality(folded) <> cardinality(words) then
      -- Some signs are folded to several words.
      folded := array(select chat.searched_text(w.word) from unnest(words) with ordinality w (word, place) order by w.place);
    end if;
    first := (
      select min(f.place)
      from unnest(folded) with ordinality f (word, place)
      where f.word ~ pattern);
    exit when first is not null;
  end loop;
  if first is null then
    source := btrim(headline.content);
    words := string_to_array(source, ' ');
    return left(array_to_string(words[1:30], ' '), 300);
  end if;

  first := greatest(1, first - 8);
  for i in first..least(first + 29, cardinality(words)) loop
    if i > first then
      result := result || ' ';
    end if;
    if folded[i] !~ pattern then
      result := result || words[i];
    elsif words[i] ~ '^[A-Za-z]+[^A-Za-z]*$' and btrim(folded[i], e'\u001f') = lower(rtrim(words[i], '!"#$%&''()*+,-./:;<=>?@[]^_`{|}~')) then
      -- A word of ASCII has the letters of the folded one in their places.
      size := char_length(substring(btrim(folded[i], e'\u001f') from pattern));
      result := result || e'\uE000' || left(words[i], size) || e'\uE001' || substr(words[i], size + 1);
    else
      result := result || chat.marked(words[i], headline.marks);
    end if;
  end loop;
  -- A run without spaces may be as long as the message.
  if char_length(result) > 400 then
    first := greatest(1, strpos(result, e'\uE000') - 100);
    result := substr(result, first, 400);
    if char_length(translate(result, e'\uE000', '')) < char_length(translate(result, e'\uE001', '')) then
      result := result || e'\uE001';         -- of a hit that goes on
    end if;
  end if;
  return result;
end
$$;

comment on function chat.headline(text, text, text[]) is
  'A piece of a message, or of its file''s name when the hits are there, with each hit of the original between U+E000 and U+E001.';

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
  wanted record;
  mine tsquery := quote_literal(me)::tsquery;
  matches public.user_messages[];
begin
  if char_length(search_messages.query) > 1000 then   -- a query of very many words overflows the stack
    raise sqlstate 'PT413' using
      message = 'A search has at most 1000 characters.',
      detail = 'too_long',
      hint = 'Leave out some of the words.';
  end if;
  select q.terms, q.needles, q.unsure, q.marks into wanted
  from chat.search_query(search_messages.query) q;
  if wanted.needles = '{}' then
    raise sqlstate 'PT400' using
      message = 'A search needs a word.',
      detail = 'no_word',
      hint = 'Give at least one letter, digit or sign of a word; all words must be in the message.';
  end if;
  if chat.search_index_is_current() then
    mine := coalesce(mine && wanted.terms, mine);
  else
    wanted.unsure := wanted.needles;
  end if;

  page_size := chat.checked_page_size(page_size);
  matches := chat.newest_matches(wanted.needles, me, conversation_id, before_id, page_size);
  if matches is null then
    matches := chat.matches_by_month(mine, wanted.unsure, me, conversation_id, before_id, page_size);
  end if;
  if matches is null and chat.is_search_indexed() then
    with hits as materialized (
      select m.*
      from public.user_messages m
      where chat.search_terms(m.content, m.file_name, m.sender_id, m.recipient_id) @@ mine
        and me in (m.sender_id, m.recipient_id)
        and not m.is_deleted
        and (search_messages.conversation_id is null or m.conversation_id = search_messages.conversation_id)
        and (before_id is null or m.id < before_id)
    )
    select array(
      select row(newest.*)::public.user_messages
      from (select hits.* from hits order by hits.id desc offset 0) newest
      where chat.says(newest.content, newest.file_name, wanted.unsure)
      limit page_size
    ) into matches;
  elsif matches is null then
    -- The function that the former index has goes with it, so a plan is made each time.
    execute
      'with hits as materialized (
         select m.*
         from public.user_messages m
         where chat.search_terms(m.content, m.sender_id, m.recipient_id) @@ $1
           and $2 in (m.sender_id, m.recipient_id)   -- somebody may write another''s id into a text
           and not m.is_deleted
           and (m.conversation_id = $3) is not false
           and (m.id < $4) is not false
       )
       select array(
         select row(newest.*)::public.user_messages
         from (select hits.* from hits order by hits.id desc offset 0) newest
         where chat.says(newest.content, newest.file_name, $5)
         limit $6
       )'
    using mine, me, search_messages.conversation_id, before_id, wanted.unsure, page_size
    into matches;
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
      chat.headline(page.content, page.file_name, wanted.marks),
      page.written_at, page.client_id
    from page
    cross join names
    cross join lateral chat.reactions_of(page.id) r
    order by page.id desc;
end
$$;

comment on function public.search_messages is
  'The caller''s messages, sent and received, that have all words of the query, or words that begin with them, in the text or in the name of the file, newest first; the next page: before_id = id of the last row. Case, accents and width do not matter. headline is plain text with each hit between U+E000 and U+E001. PT400 without a word, PT413 for more than 1000 characters.';

revoke all on function
  chat.letters_of, chat.beginning_of, chat.search_query, chat.says, chat.is_search_indexed, chat.search_version, chat.search_index_is_current, chat.newest_matches,
  chat.matches_by_month, chat.marked, chat.headline, public.search_messages
from public, anon, authenticated, service_role;

grant execute on function public.search_messages to authenticated;
