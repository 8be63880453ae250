-- What only nodes of an earlier version call: in a rolling upgrade they serve on beside new ones, on this schema. Nothing here may be
-- called by the code of today. EarlierNodesTest says what is missing; a function may go when no supported version calls it.

-- Before 0.1.0, until V308. May go in 0.2.0.
create or replace function relay.scopes_of(user_id uuid)
  returns uuid[]
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select a.audience || a.team_audience
  from relay.audience_of_person(scopes_of.user_id) a
$$;

comment on function relay.scopes_of(uuid) is
  'For nodes of an earlier version: relay.audience_of_person, the ids of people and teams in one list. May go in 0.2.0.';

-- Before 0.1.0, until V308. May go in 0.2.0.
create or replace function relay.topic_scopes(topic text)
  returns uuid[]
  stable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select a.audience || a.team_audience
  from relay.audience_of_topic(topic_scopes.topic) a
$$;

comment on function relay.topic_scopes(text) is
  'For nodes of an earlier version: relay.audience_of_topic, the ids of people and teams in one list. May go in 0.2.0.';

-- Before 0.1.0, until V435. May go in 0.2.0.
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
  'For nodes of an earlier version: a condition on a row r: {column, operator, not, quantifier, value or values}, or {and: […]}, {or: […]}. Names and values stand in it quoted, whatever they are. May go in 0.2.0.';

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
  'For nodes of an earlier version: as chat.call_statement, for some of the rows and columns of a function that returns rows or one: {select: [{column, as}], and: […], order: [{column, descending, nulls}], limit, offset}. The result: how many rows meet the conditions, a space, the page as JSON. May go in 0.2.0.';

revoke all on function relay.scopes_of, relay.topic_scopes, chat.condition_text, chat.shaped_statement
from public, anon, authenticated, service_role;

grant execute on function relay.scopes_of, relay.topic_scopes to chat_relay;
grant execute on function chat.condition_text, chat.shaped_statement to chat_service;
