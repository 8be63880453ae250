-- Messages are found by the beginnings of their words, folded, and by the names of their files.
-- Locks: none that anybody waits for. Of a database with messages, `migrate` makes the index afterwards, partition by partition
-- and beside whoever writes; search_messages goes by the former one until then.

drop function if exists chat.newest_matches(tsquery, uuid, uuid, uuid, int);
drop function if exists chat.matches_by_month(tsquery, uuid, uuid, uuid, int);

-- What search_messages looks up, in one index: the beginnings of words, two and five letters long, and whose the message is. Of a
-- script without spaces, one and two letters at each.
create function chat.search_terms(content text, file_name text, sender_id uuid, recipient_id uuid)
  returns tsvector
  immutable
  parallel safe
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  -- In "C" a letter compares by its number. From U+0E00 on most scripts have no spaces.
  searched text collate "C" := chat.searched_text(concat_ws(' ', search_terms.content, search_terms.file_name));
  plain constant boolean := strpos(searched, e'\u001f') = 0;
  word text collate "C";
  part text collate "C";
  rest text;
  parts text[];
  terms text[] := array[search_terms.sender_id::text, search_terms.recipient_id::text];
begin
  -- An element at a time: an array that is appended to an array is copied.
  foreach word in array string_to_array(searched, ' ') loop
    if not plain then
      word := btrim(word, e'\u001f');
    end if;
    if plain or strpos(word, e'\u001f') = 0 then
      continue when word = '';
      terms := terms || left(word, 2);
      if word >= e'\u0e00' then
        terms := terms || left(word, 1);
      elsif char_length(word) >= 5 then
        terms := terms || left(word, 5);
      end if;
    else
      parts := array_remove(string_to_array(word, e'\u001f'), '');
      for i in 1..cardinality(parts) loop
        part := parts[i];
        if part >= e'\u0e00' then
          terms := terms || left(part, 1);
          terms := terms || left(part || coalesce(parts[i + 1], ''), 2);
        else
          rest := left(concat(part, parts[i + 1], parts[i + 2], parts[i + 3], parts[i + 4]), 5);
          terms := terms || left(rest, 2);
          terms := terms || rest;
          if strpos(rest, '.') > 0 then      -- 1,000 is 1000, too
            rest := replace(array_to_string(parts[i:i + 9], ''), '.', '');
            terms := terms || left(rest, 2);
            terms := terms || left(rest, 5);
          end if;
        end if;
      end loop;
    end if;
  end loop;
  if char_length(searched) > 20000 then
    -- A tsvector has at most 1 MB: of a text that nobody would write, the longest beginnings are left out.
    terms := array(
      select t.term
      from (
        select d.term, sum(octet_length(d.term)) over (order by octet_length(d.term), d.term) as total
        from (select distinct unnest(terms) as term) d
      ) t
      where t.total < 900000 or octet_length(t.term) = 36);
  end if;
  return array_to_tsvector(terms);
end
$$;

comment on function chat.search_terms(text, text, uuid, uuid) is
  'The beginnings of the words of a message and of its file''s name, in no particular language, and its two people: a search reads what one person wrote or got.';

revoke all on function chat.search_terms(text, text, uuid, uuid) from public;
grant execute on function chat.search_terms(text, text, uuid, uuid) to authenticated, service_role;   -- as the former one

alter index public.idx_user_messages_content_search rename to former_content_search_idx;
comment on index public.former_content_search_idx is 'search_messages, until its new index is made.';

-- squawk-ignore require-concurrent-index-creation
create index idx_user_messages_content_search on only public.user_messages
  using gin (chat.search_terms(content, file_name, sender_id, recipient_id));

comment on index public.idx_user_messages_content_search is 'search_messages.';

-- An index of no partition is complete; so is one of partitions that have it.
do $$
begin
  if not exists (select from pg_catalog.pg_inherits i where i.inhparent = 'public.user_messages'::regclass) then
    drop index public.former_content_search_idx;
    drop function chat.search_terms(text, uuid, uuid);
  end if;
end
$$;
