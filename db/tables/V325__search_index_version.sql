-- The index of search_messages tells, in its comment, of which version of chat.search_terms its entries are. Where that is not the
-- version of today, `migrate` makes it anew, beside whoever writes (SearchIndex); until then the text is asked for each word.
-- Locks: none that anybody waits for.

do $$
begin
  -- Of an index without entries they are of every version.
  if to_regclass('public.former_content_search_idx') is null and not exists (select from public.user_messages) then
    comment on index public.idx_user_messages_content_search is 'search_messages, version 1';
  end if;
end
$$;
