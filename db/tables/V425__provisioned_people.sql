-- What an identity provider has told of people (SCIM 2.0). Empty where people are not the chat's own.
-- Locks: a new table; a moment's SHARE ROW EXCLUSIVE on public.users for the foreign key.

create table chat.provisioned_people (
  user_id uuid primary key references public.users (id) on delete cascade,
  user_name text not null,
  external_id text,
  attributes jsonb not null default '{}'::jsonb,
  created_at timestamptz not null default now(),
  changed_at timestamptz not null default now(),
  removed_at timestamptz,
  constraint attributes_are_object check (jsonb_typeof(attributes) = 'object' and octet_length(attributes::text) <= 16384)
);

alter table chat.provisioned_people enable row level security;

create unique index provisioned_names_idx on chat.provisioned_people (lower(user_name)) where removed_at is null;
create unique index provisioned_ids_idx on chat.provisioned_people (external_id) where removed_at is null;

comment on table chat.provisioned_people is 'What an identity provider has told of a person beside what public.users holds. Whom it has not told of has no row.';
comment on column chat.provisioned_people.user_id is 'The person.';
comment on column chat.provisioned_people.user_name is 'The name that they log in with there: of one person only, whatever its case.';
comment on column chat.provisioned_people.external_id is 'The identity provider''s own id; null when it tells none.';
comment on column chat.provisioned_people.attributes is 'What the chat does not use and gives back as it was told: an object of at most 16384 bytes.';
comment on column chat.provisioned_people.created_at is 'When the identity provider first told of the person.';
comment on column chat.provisioned_people.changed_at is 'When it last did.';
comment on column chat.provisioned_people.removed_at is 'When it deleted the person, who is inactive since then; null while it has them.';
comment on index chat.provisioned_names_idx is 'One person of a name.';
comment on index chat.provisioned_ids_idx is 'One person of an id.';
