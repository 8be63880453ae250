create table public.notes (author_id uuid not null, body text not null);
alter table public.notes enable row level security;
grant select on public.notes to authenticated;
grant update (body) on public.notes to authenticated;
create policy own on public.notes to authenticated using (author_id = (select auth.uid()));
