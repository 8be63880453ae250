-- Which tables are served to clients as such (/rest/v1/<table>), and how they hang together.

create or replace function chat.served_columns(others text[] default '{}')
  returns table (
    table_name text,
    column_name text,
    type_name text,
    key_place int,
    readable_by text[],
    insertable_by text[],
    updatable_by text[],
    deletable_by text[],
    is_required boolean,
    comment text,
    table_comment text
  )
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  -- Without row-level security a grant alone would show everybody's rows, and so would a view that reads as its owner. Of people it is what search_users shows, whatever else the
  -- platform keeps with them. In a name of another table underscores stand for themselves, a star for any letters.
  select
    c.relname::text,
    a.attname::text,
    format_type(a.atttypid, -1),
    array_position(k.conkey, a.attnum),
    array(
      select r.name
      from unnest(array['anon', 'authenticated', 'service_role']) r (name)
      where has_column_privilege(r.name, c.oid, a.attnum, 'select')
    ),
    array(
      select r.name
      from unnest(array['anon', 'authenticated', 'service_role']) r (name)
      where has_column_privilege(r.name, c.oid, a.attnum, 'insert')
        and pg_relation_is_updatable(c.oid, true) & 8 > 0
    ),
    array(
      select r.name
      from unnest(array['anon', 'authenticated', 'service_role']) r (name)
      where has_column_privilege(r.name, c.oid, a.attnum, 'update')
        and pg_relation_is_updatable(c.oid, true) & 4 > 0
    ),
    array(
      select r.name
      from unnest(array['anon', 'authenticated', 'service_role']) r (name)
      where has_table_privilege(r.name, c.oid, 'delete')
        and pg_relation_is_updatable(c.oid, true) & 16 > 0
    ),
    a.attnotnull and not a.atthasdef and a.attidentity = '',
    col_description(c.oid, a.attnum),
    obj_description(c.oid, 'pg_class')
  from pg_catalog.pg_class c
  join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  left join pg_catalog.pg_constraint k on k.conrelid = c.oid and k.contype = 'p'
  where c.relnamespace = 'public'::regnamespace
    and not c.relispartition
    and (
      c.relkind in ('r', 'p')
        and c.relrowsecurity
      or c.relkind = 'v'
        and exists (
          select
          from pg_options_to_table(c.reloptions) o
          where o.option_name = 'security_invoker'
            and o.option_value::boolean
        )
    )
    and (
      c.relname = any (array[
        'conversation_preferences', 'message_edits', 'message_reactions', 'user_blocks', 'user_conversations', 'user_messages',
        'user_presence'
      ])
      or c.relname = 'users' and a.attname = any (array['id', 'full_name', 'email', 'avatar_url', 'status', 'team_id'])
      or c.relname = 'teams' and a.attname = any (array['id', 'name'])
      or c.relname like any (array(select replace(replace(o.name, '_', e'\\_'), '*', '%') from unnest(served_columns.others) o (name)))
    )
  order by c.relname, a.attnum
$$;

comment on function chat.served_columns(text[]) is
  'The columns of the tables that are served to clients: the chat''s own, what the chat shows of people and teams, and other tables and views of schema public that the operator names (a star stands for any letters). A table without row-level security is not served, nor a view without security_invoker. key_place: its place in the primary key; readable_by, insertable_by and updatable_by: the client roles that may do so with it; deletable_by: with a row. is_required: a row must have it.';

create or replace function chat.row_functions(others text[])
  returns table (
    name text,
    table_name text,
    type_name text,
    target_name text,
    is_single boolean
  )
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  -- PostgreSQL asks for the right to execute where it runs. One that no client role may execute is not named at all.
  select
    p.proname::text,
    c.relname::text,
    format_type(p.prorettype, -1),
    t.relname::text,
    not p.proretset or p.prorows = 1
  from pg_catalog.pg_proc p
  join pg_catalog.pg_class c on c.reltype = p.proargtypes[0] and c.relnamespace = 'public'::regnamespace
  join pg_catalog.pg_type r on r.oid = p.prorettype and r.typtype <> 'p'
  left join pg_catalog.pg_class t on t.oid = r.typrelid and t.relkind in ('r', 'p', 'v') and t.relnamespace = 'public'::regnamespace
  where p.pronamespace = 'public'::regnamespace
    and p.prokind = 'f'
    and p.pronargs = 1
    and p.proargmodes is null
    and (t.oid is not null or not p.proretset)
    and p.proname like any (array(select replace(replace(o.name, '_', e'\\_'), '*', '%') from unnest(row_functions.others) o (name)))
    and (
      has_function_privilege('anon', p.oid, 'execute')
      or has_function_privilege('authenticated', p.oid, 'execute')
      or has_function_privilege('service_role', p.oid, 'execute')
    )
  order by c.relname, p.proname
$$;

comment on function chat.row_functions(text[]) is
  'Functions of schema public whose one argument is a row of a table, of those that the operator names (a star stands for any letters) and that some client role may execute. One that returns a value is a computed column of the table; one that returns a row, or rows, of another (target_name) is a relationship. is_single: at most one row.';

create or replace function chat.declared_relationships()
  returns table (
    name text,
    table_name text,
    column_name text,
    target_name text,
    target_column text
  )
  immutable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  values
    ('user_messages_sender_id_fkey', 'user_messages', 'sender_id', 'users', 'id'),
    ('user_messages_recipient_id_fkey', 'user_messages', 'recipient_id', 'users', 'id'),
    ('user_conversations_last_message_id_fkey', 'user_conversations', 'last_message_id', 'user_messages', 'id'),
    ('message_reactions_user_id_fkey', 'message_reactions', 'user_id', 'users', 'id'),
    ('message_edits_sender_id_fkey', 'message_edits', 'sender_id', 'users', 'id')
$$;

comment on function chat.declared_relationships() is
  'Relationships that are no foreign keys (docs/decisions says why), under the names that such keys would have. Clients embed by them as by foreign keys, and jOOQ''s code joins messages with people by them.';

create or replace function chat.relationships()
  returns table (
    name text,
    table_name text,
    columns text[],
    target_name text,
    target_columns text[],
    is_single boolean
  )
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select
    k.conname::text,
    c.relname::text,
    array(
      select a.attname::text
      from unnest(k.conkey) with ordinality n (attnum, place)
      join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.attnum
      order by n.place
    ),
    t.relname::text,
    array(
      select a.attname::text
      from unnest(k.confkey) with ordinality n (attnum, place)
      join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = n.attnum
      order by n.place
    ),
    exists (
      select
      from pg_catalog.pg_constraint u
      where u.conrelid = k.conrelid
        and u.contype in ('p', 'u')
        and u.conkey <@ k.conkey
    )
  from pg_catalog.pg_constraint k
  join pg_catalog.pg_class c on c.oid = k.conrelid and c.relnamespace = 'public'::regnamespace
  join pg_catalog.pg_class t on t.oid = k.confrelid and t.relnamespace = 'public'::regnamespace
  where k.contype = 'f'
    and k.conparentid = 0
    and not c.relispartition
    and not t.relispartition
  union all
  select d.name, d.table_name, array[d.column_name], d.target_name, array[d.target_column], false
  from chat.declared_relationships() d
  where not exists (
    select
    from pg_catalog.pg_constraint k
    where k.conname = d.name
      and k.conrelid = to_regclass(format('public.%I', d.table_name))
  )
  order by 2, 1
$$;

comment on function chat.relationships() is
  'By what clients embed one table in another: the foreign keys of schema public, and chat.declared_relationships(). is_single: a row of the target has at most one row of the table.';

revoke all on function
  chat.served_columns, chat.row_functions, chat.declared_relationships, chat.relationships
from public, anon, authenticated, service_role;

grant execute on function chat.served_columns, chat.row_functions, chat.declared_relationships, chat.relationships to chat_service;
