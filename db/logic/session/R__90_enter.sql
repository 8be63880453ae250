-- How the service calls a function of schema public as somebody, in one round trip.

create or replace function chat.callable_functions(others text[] default '{}')
  returns table (
    name text,
    oid oid,
    is_volatile boolean,
    returns_kind text,
    argument_names text[],
    argument_types text[],
    required_arguments int,
    is_ours boolean,
    result_table text,
    result_columns text[],
    result_types text[],
    executable_by text[],
    comment text
  )
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select
    p.proname::text,
    p.oid,
    p.provolatile = 'v',
    case
      when p.prorettype = 'void'::regtype then 'void'
      when p.proretset then 'set'
      when t.typtype = 'c' then 'composite'
      else 'scalar'
    end,
    case when u.is_true then '{""}' else coalesce(p.proargnames[1:p.pronargs]::text[], '{}') end,
    array(select format_type(a.type, null) from unnest(p.proargtypes) with ordinality a (type, place) order by a.place),
    p.pronargs - p.pronargdefaults,
    of_contract.is_true,
    result.table_name,
    result.columns,
    result.types,
    array(select r.name from unnest(array['anon', 'authenticated', 'service_role']) r (name) where has_function_privilege(r.name, p.oid, 'execute')),
    obj_description(p.oid, 'pg_proc')
  from pg_catalog.pg_proc p
  join pg_catalog.pg_type t on t.oid = p.prorettype
  cross join lateral (
    -- A whole body instead of arguments by name.
    select
      p.pronargs = 1
      and coalesce(p.proargnames[1], '') = ''
      and p.proargtypes[0] in ('json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'bytea'::regtype)
  ) u (is_true)
  cross join lateral (
    select
      (
        select c.relname::text
        from pg_catalog.pg_class c
        where c.oid = t.typrelid
          and c.relkind in ('r', 'p', 'v')
          and c.relnamespace = 'public'::regnamespace
      ),
      coalesce(array_agg(n.name order by n.place), '{}'),
      coalesce(array_agg(n.type order by n.place), '{}')
    from (
      select a.attname::text, format_type(a.atttypid, -1), a.attnum::int
      from pg_catalog.pg_attribute a
      where a.attrelid = t.typrelid
        and t.typtype = 'c'
        and a.attnum > 0
        and not a.attisdropped
      union all
      select p.proargnames[m.place]::text, format_type(p.proallargtypes[m.place], -1), m.place::int
      from unnest(p.proargmodes) with ordinality m (mode, place)
      where m.mode = 't'
    ) n (name, type, place)
  ) result (table_name, columns, types)
  cross join lateral (
    -- An overload of somebody else's is not of the contract.
    select
      p.proname = any (array[
        'activate_person', 'add_person', 'add_push_subscription', 'add_reaction', 'add_team', 'block_user', 'deactivate_person',
        'delete_message', 'edit_message', 'get_blocked_users', 'get_changes', 'get_conversations', 'get_messages',
        'get_or_create_conversation', 'get_push_subscriptions', 'get_unread_total', 'mark_as_delivered', 'mark_as_read',
        'mark_as_unread', 'mark_conversation_as_read', 'remove_push_subscription', 'remove_reaction', 'search_messages', 'search_users',
        'send_message', 'set_archived', 'set_muted', 'unblock_user', 'update_presence', 'update_typing_status'
      ])
      -- An existing platform may have functions of these names.
      and (
        p.proname <> all (array['activate_person', 'add_person', 'add_team', 'deactivate_person'])
        or (select s.platform from chat.settings s) = 'standalone'
      )
      and p.proowner = (select c.relowner from pg_catalog.pg_class c where c.oid = 'chat.settings'::regclass)
  ) of_contract (is_true)
  where p.pronamespace = 'public'::regnamespace
    and p.prokind = 'f'
    and (
      of_contract.is_true
      -- Underscores stand for themselves, a star for any letters.
      or p.proname like any (array(select replace(replace(o.name, '_', e'\\_'), '*', '%') from unnest(callable_functions.others) o (name)))
    )
    and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
    and (p.pronargs = 0 or u.is_true or '' <> all (p.proargnames[1:p.pronargs]))
    and (p.proargmodes is null or not p.proargmodes && array['o', 'b', 'v']::"char"[])
    and (
      has_function_privilege('anon', p.oid, 'execute')
      or has_function_privilege('authenticated', p.oid, 'execute')
      or has_function_privilege('service_role', p.oid, 'execute')
    )
    and not exists (
      select
      from pg_catalog.pg_depend d
      where d.classid = 'pg_catalog.pg_proc'::regclass
        and d.objid = p.oid
        and d.deptype = 'e'
    )
  order by p.proname
$$;

comment on function chat.callable_functions(text[]) is
  'The functions that are served to clients: the chat''s own, and others of schema public whose names the operator gives (a star stands for any letters); of them those that some client role may execute. returns_kind is void, scalar, composite or set; is_ours, whether it is the chat''s own. A function of one parameter without a name, of type json, jsonb, text or bytea, has the name of nothing and takes the whole body. result_table: the table or view whose rows it returns; result_columns: of its rows.';

create or replace function chat.call_statement(function_name text, argument_names text[], others text[] default '{}', body_type text default null)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  callee record;
  given text;
  arguments text;
  source text;
begin
  select f.* into callee
  from chat.callable_functions(call_statement.others) f
  where f.name = call_statement.function_name
    and f.argument_names @> call_statement.argument_names
    and call_statement.argument_names @> f.argument_names[1:f.required_arguments]
    and f.argument_types[1] is not distinct from coalesce(call_statement.body_type, f.argument_types[1])
  order by cardinality(f.argument_names)
  limit 1;
  if not found then
    raise sqlstate 'PT404' using
      message = format('There is no function public.%s with these arguments.', call_statement.function_name),
      detail = 'no_function',
      hint = (
        select coalesce(
          string_agg(format('%s(%s)', f.name, array_to_string(f.argument_names, ', ')), '; '),
          'None that clients can call has this name.')
        from chat.callable_functions(call_statement.others) f
        where f.name = call_statement.function_name
      );
  end if;

  select
    string_agg(format('%I %s', callee.argument_names[p.place], callee.argument_types[p.place]), ', ' order by p.place),
    string_agg(format('%1$I => a.%1$I', callee.argument_names[p.place]), ', ' order by p.place)
  into given, arguments
  from generate_subscripts(callee.argument_names, 1) p (place)
  where callee.argument_names[p.place] = any (call_statement.argument_names);

  if callee.argument_names = '{""}' and given is not null then
    given := format(case callee.argument_types[1] when 'bytea' then 'pg_catalog.decode(?, ''base64'')' else '?::%s' end, callee.argument_types[1]);
    source := format('(select %s) a (v)', given);
    arguments := 'a.v';
  else
    source := case when given is null then '(select ?::json) a' else format('pg_catalog.json_to_record(?::json) a (%s)', given) end;
  end if;
  -- Every name with its schema: an operator's function is called with public in the path.
  return case callee.returns_kind
    when 'void' then format('select public.%I(%s)::text from %s', callee.name, arguments, source)
    when 'scalar' then format('select pg_catalog.to_json(public.%I(%s))::text from %s', callee.name, arguments, source)
    when 'composite' then format('select pg_catalog.row_to_json(r)::text from %3$s, lateral public.%1$I(%2$s) r', callee.name, arguments, source)
    else format('select coalesce(pg_catalog.json_agg(r), ''[]'')::text from %3$s, lateral public.%1$I(%2$s) r', callee.name, arguments, source)
  end;
end
$$;

comment on function chat.call_statement(text, text[], text[], text) is
  'The statement that calls a function of chat.callable_functions(others) with these named arguments: one parameter (a question mark, as JDBC has it), a JSON object; one text, the result as JSON. body_type: of a function that takes the whole body, the parameter''s type; the argument''s name is then that of nothing, and a bytea comes as base64. PT404 when there is no such function.';

create or replace function chat.rows_statement(function_name text, argument_names text[], others text[], body_type text, with_row boolean)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  plain text := chat.call_statement(rows_statement.function_name, rows_statement.argument_names, rows_statement.others, rows_statement.body_type);
  of_table text;
  has_columns boolean;
begin
  select f.result_table, f.result_columns <> '{}' into of_table, has_columns
  from chat.callable_functions(rows_statement.others) f
  where f.name = rows_statement.function_name
    and f.argument_names @> rows_statement.argument_names
    and rows_statement.argument_names @> f.argument_names[1:f.required_arguments]
    and f.argument_types[1] is not distinct from coalesce(rows_statement.body_type, f.argument_types[1])
  order by cardinality(f.argument_names)
  limit 1;
  return format(
    'select %s%s from %s',
    case when has_columns then 'r.*' else 'r.r as pgrst_scalar' end,
    case when rows_statement.with_row and of_table is not null then format(', (r.*)::public.%I as rest_whole', of_table) end,
    substr(plain, strpos(plain, ' from ') + 6));       -- the call, with its one parameter
end
$$;

comment on function chat.rows_statement(text, text[], text[], text, boolean) is
  'As chat.call_statement, of a function that returns rows or one: its rows with their columns, for the service to choose from. with_row: each row as a whole, too, as rest_whole. A set of values without columns has the one column pgrst_scalar.';

create or replace function chat.enter(claims text, role text, read_only boolean, replayed pg_lsn default null)
  returns void
  volatile
  language plpgsql                 -- invoker: who may become the role is PostgreSQL's to say; no path of its own: it sets the path
as $$
declare
  -- First of all, and with no name or operator that the session's own path could give another meaning.
  path pg_catalog.text := pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
begin
  if enter.role is null or enter.role not in ('anon', 'authenticated', 'service_role') then
    raise sqlstate 'PT403' using
      message = 'There is no such role for a token.',
      detail = 'no_role',
      hint = 'A token''s role is anon, authenticated or service_role.';
  end if;
  if enter.replayed is not null and (not pg_is_in_recovery() or pg_last_wal_replay_lsn() < enter.replayed) then
    raise sqlstate 'PT503' using
      message = format('This replica has not replayed %s.', enter.replayed),
      detail = 'behind',
      hint = 'Ask the primary.';
  end if;
  if pg_my_temp_schema() <> 0 and current_setting('chat.joined', true) is distinct from 'on' then
    discard temp;                  -- what somebody before left on this connection; in a transaction of a team's own it is the team's
  end if;
  perform
    set_config('timezone', 'UTC', true),          -- times in the answer, whatever the connection's zone
    set_config('jit', 'off', true),               -- a page is read sooner than its plan is compiled; a pooler may refuse options
    set_config('transaction_read_only', case when enter.read_only then 'on' else current_setting('transaction_read_only') end, true),
    set_config('request.jwt.claims', enter.claims, true),
    set_config('role', enter.role, true);
end
$$;

comment on function chat.enter(text, text, boolean, pg_lsn) is
  'Claims and role until the transaction ends. The service sends it and a statement of chat.call_statement together, outside a transaction, so that both are one. PT403 for another role, PT503 unless this is a replica that has replayed so much.';

revoke all on function
  chat.callable_functions, chat.call_statement, chat.rows_statement, chat.enter
from public, anon, authenticated, service_role;

grant execute on function chat.callable_functions, chat.call_statement, chat.rows_statement, chat.enter to chat_service;
