-- A page of people tells whether there are more.
-- Locks: none that anybody waits for.

alter type public.person_view add attribute has_more boolean;

comment on column public.person_view.has_more is 'Whether more people were found than this page has: the same in each of its rows.';
