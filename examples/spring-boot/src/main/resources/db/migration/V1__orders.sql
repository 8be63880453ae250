-- The shop's own table, beside the chat's.
create table public.orders (
  id uuid primary key default gen_random_uuid(),
  buyer_id uuid not null,
  item text not null check (item <> 'unicorn')
);

grant select, insert on public.orders to "${login}";
