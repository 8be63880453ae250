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
    is_ours boolean
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
    coalesce(p.proargnames[1:p.pronargs]::text[], '{}'),
    array(select format_type(a.type, null) from unnest(p.proargtypes) with ordinality a (type, place) order by a.place),
    p.pronargs - p.pronargdefaults,
    of_contract.is_true
  from pg_catalog.pg_proc p
  join pg_catalog.pg_type t on t.oid = p.prorettype
  cross join lateral (
    -- An overload of somebody else's is not of the contract.
    select
      p.proname = any (array[
        'add_reaction', 'block_user', 'delete_message', 'edit_message', 'get_blocked_users', 'get_changes', 'get_conversations',
        'get_messages',
        'get_or_create_conversation', 'get_unread_total', 'mark_as_read', 'mark_as_unread', 'mark_conversation_as_read',
        'remove_reaction', 'search_messages', 'search_users', 'send_message', 'set_archived', 'set_muted', 'unblock_user',
        'update_presence', 'update_typing_status'
      ])
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
    and (p.pronargs = 0 or p.proargnames is not null)
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
  'The functions that are served to clients: the chat''s own, and others of schema public whose names the operator gives (a star stands for any letters); of them those that some client role may execute. returns_kind is void, scalar, composite or set; is_ours, whether it is the chat''s own.';

create or replace function chat.call_statement(function_name text, argument_names text[], others text[] default '{}')
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

  source := case when given is null then '(select ?::json) a' else format('pg_catalog.json_to_record(?::json) a (%s)', given) end;
  -- Every name with its schema: an operator's function is called with public in the path.
  return case callee.returns_kind
    when 'void' then format('select public.%I(%s)::text from %s', callee.name, arguments, source)
    when 'scalar' then format('select pg_catalog.to_json(public.%I(%s))::text from %s', callee.name, arguments, source)
    when 'composite' then format('select pg_catalog.row_to_json(r)::text from %3$s, lateral public.%1$I(%2$s) r', callee.name, arguments, source)
    else format('select coalesce(pg_catalog.json_agg(r), ''[]'')::text from %3$s, lateral public.%1$I(%2$s) r', callee.name, arguments, source)
  end;
end
$$;

comment on function chat.call_statement(text, text[], text[]) is
  'The statement that calls a function of chat.callable_functions(others) with these named arguments: one parameter (a question mark, as JDBC has it), a JSON object; one text, the result as JSON. PT404 when there is no such function.';

create or replace function chat.condition_text(condition jsonb)
  returns text
  immutable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  subject text := format('r.%I', coalesce(condition_text.condition ->> 'column', ''));
  operator text := condition_text.condition ->> 'operator';
  operand text := condition_text.condition ->> 'value';
  junction text := case when condition_text.condition ? 'and' then 'and' when condition_text.condition ? 'or' then 'or' end;
  result text;
begin
  if junction is not null then
    select string_agg(chat.condition_text(c.part), ' ' || junction || ' ' order by c.place) into result
    from jsonb_array_elements(condition_text.condition -> junction) with ordinality c (part, place);
  elsif operator = 'in' then
    result := format('%s = any (%L)', subject, array(select jsonb_array_elements_text(condition_text.condition -> 'values'))::text);
  elsif operator = 'is' then
    -- One of five words, which the service has looked at and this looks at again.
    result := subject || ' is ' || case operand
      when 'null' then 'null' when 'not_null' then 'not null' when 'true' then 'true' when 'false' then 'false' else 'unknown'
    end;
  else
    if operator in ('like', 'ilike') then
      operand := translate(operand, '*', '%');
    end if;
    result := format(
      case condition_text.condition ->> 'quantifier' when 'any' then '%s %s any (%L)' when 'all' then '%s %s all (%L)' else '%s %s %L' end,
      subject,
      case operator
        when 'eq' then '='
        when 'neq' then '<>'
        when 'gt' then '>'
        when 'gte' then '>='
        when 'lt' then '<'
        when 'lte' then '<='
        when 'like' then 'like'
        when 'ilike' then 'ilike'
        when 'match' then '~'
        when 'imatch' then '~*'
        when 'isdistinct' then 'is distinct from'
        when 'cs' then '@>'
        when 'cd' then '<@'
        when 'ov' then '&&'
      end,
      operand);
  end if;
  return case when (condition_text.condition ->> 'not')::boolean then 'not ' else '' end || '(' || result || ')';
end
$$;

comment on function chat.condition_text(jsonb) is
  'A condition on a row r: {column, operator, not, quantifier, value or values}, or {and: […]}, {or: […]}. Names and values stand in it quoted, whatever they are.';

create or replace function chat.shaped_statement(function_name text, argument_names text[], others text[], shape json)
  returns text
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  plain text := chat.call_statement(shaped_statement.function_name, shaped_statement.argument_names, shaped_statement.others);
  wanted jsonb := shaped_statement.shape;
  picked text;
  ordered text;
begin
  select string_agg(format('r.%I as %I', s.part ->> 'column', s.part ->> 'as'), ', ' order by s.place) into picked
  from jsonb_array_elements(wanted -> 'select') with ordinality s (part, place);

  select
    ' order by ' || string_agg(
      format('r.%I', o.part ->> 'column')
        || case when (o.part ->> 'descending')::boolean then ' desc' else '' end
        || case o.part ->> 'nulls' when 'first' then ' nulls first' when 'last' then ' nulls last' else '' end,
      ', ' order by o.place)
  into ordered
  from jsonb_array_elements(wanted -> 'order') with ordinality o (part, place);

  return format(
    'with matching as materialized (select r.* from %s%s), page as (select %s from matching r%s limit %s offset %s)'
      || ' select pg_catalog.concat((select pg_catalog.count(*) from matching), '' '', coalesce((select pg_catalog.json_agg(pg_catalog.row_to_json(page.*)) from page)::text, ''[]''))',
    substr(plain, strpos(plain, ' from ') + 6),        -- the call, with its one parameter
    case when wanted ? 'and' then ' where ' || chat.condition_text(jsonb_build_object('and', wanted -> 'and')) else '' end,
    coalesce(picked, 'r.*'),
    coalesce(ordered, ''),
    coalesce((wanted ->> 'limit')::bigint::text, 'all'),
    coalesce((wanted ->> 'offset')::bigint, 0));
end
$$;

comment on function chat.shaped_statement(text, text[], text[], json) is
  'As chat.call_statement, for some of the rows and columns of a function that returns rows or one: {select: [{column, as}], and: […], order: [{column, descending, nulls}], limit, offset}. The result: how many rows meet the conditions, a space, the page as JSON.';

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
  chat.callable_functions, chat.call_statement, chat.condition_text, chat.shaped_statement, chat.enter
from public, anon, authenticated, service_role;

grant execute on function chat.callable_functions, chat.call_statement, chat.condition_text, chat.shaped_statement, chat.enter to chat_service;
