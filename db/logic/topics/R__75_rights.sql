-- Topics: what people say to each other and show of themselves on a channel. Broadcasts and presence go through the change log, so they
-- take one path on one node and on many. A conversation's topic is for its two people, a team's for its members, a person's for that
-- person; of any other name an operator's function may say who uses it.

create or replace function relay.team_of_topic(topic text)
  returns uuid
  immutable
  set search_path = pg_catalog, pg_temp
  language sql
as $$
  select case when team_of_topic.topic ~ '^team-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then right(team_of_topic.topic, 36)::uuid end
$$;

comment on function relay.team_of_topic(text) is 'The team that team-<id> is the topic of; null for any other name.';

create or replace function relay.topic_audience(topic text)
  returns table (audience uuid[], team_audience uuid[])
  stable
  set search_path = pg_catalog, pg_temp
  rows 1
  language plpgsql
as $$
declare
  named uuid;
  theirs regproc;
begin
  audience := '{}';
  team_audience := '{}';
  if topic_audience.topic ~ '^(conversation|team|user)-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then
    named := right(topic_audience.topic, 36)::uuid;
    case split_part(topic_audience.topic, '-', 1)
      when 'conversation' then
        audience := array(
          select u.id
          from public.user_conversations c
          join public.users u on u.id in (c.participant_1_id, c.participant_2_id)
          where c.id = named
            and u.status = 'active'
          order by u.id
        );
      when 'team' then
        team_audience := array(
          select named
          where exists (
            select
            from public.users u
            where u.team_id = named
          )
        );
      else
        audience := array(
          select u.id
          from public.users u
          where u.id = named
            and u.status = 'active'
        );
    end case;
  else
    select to_regprocedure(s.topic_function || '(text)')::oid into theirs
    from chat.settings s;
    if theirs is not null then
      execute format('select coalesce(t.audience, ''{}''), coalesce(t.team_audience, ''{}'') from %s($1) t', theirs)
      into audience, team_audience
      using topic_audience.topic;
      audience := coalesce(audience, '{}');
      team_audience := coalesce(team_audience, '{}');
    end if;
  end if;
  return next;
end
$$;

comment on function relay.topic_audience(text) is
  'Who may use a topic: the active people of conversation-<id>, the members of the team of team-<id>, the person of user-<id>; of any other name, whom chat.settings.topic_function says. Else two empty lists.';

create or replace function relay.audience_of_topic(topic text)
  returns table (audience uuid[], team_audience uuid[])
  stable
  security definer                 -- reads people and conversations for the relay
  set search_path = pg_catalog, pg_temp
  rows 1
  language plpgsql
as $$
begin
  perform chat.demand_claims_of('chat_relay');
  return query
  select t.audience, t.team_audience
  from relay.topic_audience(audience_of_topic.topic) t;
end
$$;

comment on function relay.audience_of_topic(text) is 'relay.topic_audience for the relay.';

create or replace function relay.may_use_topic(topic text, user_id uuid)
  returns boolean
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql                 -- an SQL function is planned at each call
as $$
begin
  return (
    select p.audience && t.audience or p.team_audience && t.team_audience
    from relay.audience_of_person(may_use_topic.user_id) p
    cross join relay.audience_of_topic(may_use_topic.topic) t
  );
end
$$;

comment on function relay.may_use_topic(text, uuid) is 'Whether this person may hear what is said on a topic, and see who is there.';

create or replace function relay.other_of(topic text, user_id uuid)
  returns uuid
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql                 -- an SQL function is planned at each call
as $$
begin
  return (
    select case other_of.user_id
      when c.participant_1_id then c.participant_2_id
      else c.participant_1_id
    end
    from public.user_conversations c
    where other_of.topic like 'conversation-%'
      and c.id = right(other_of.topic, 36)::uuid
  );
end
$$;

comment on function relay.other_of(text, uuid) is 'The other person of a conversation''s topic; null on any other topic.';

create or replace function relay.may_speak(topic text, user_id uuid)
  returns boolean
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql                 -- an SQL function is planned at each call
as $$
begin
  return (
    select relay.may_use_topic(may_speak.topic, may_speak.user_id)
      and (
        may_speak.topic not like 'conversation-%'
        or chat.unreachable_reason(may_speak.user_id, relay.other_of(may_speak.topic, may_speak.user_id)) is null
      )
  );
end
$$;

comment on function relay.may_speak(text, uuid) is
  'Whether this person may say something on a topic, or show that they are there: in a conversation, while the two may write to each other.';

create or replace function relay.demand_topic(topic text, user_id uuid)
  returns void
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  other uuid;
begin
  if relay.may_use_topic(demand_topic.topic, demand_topic.user_id) is not true then
    raise sqlstate 'PT403' using
      message = format('You may not use the topic %s.', demand_topic.topic),
      detail = 'topic',
      hint = 'conversation-<id> is for its two people, team-<id> for its members, user-<id> for oneself; any other for whom an operator''s function says.';
  end if;
  other := relay.other_of(demand_topic.topic, demand_topic.user_id);
  if other is not null then
    perform chat.require_reachable(demand_topic.user_id, other);
  end if;
end
$$;

comment on function relay.demand_topic(text, uuid) is 'PT403 with the reason when this person may not speak on a topic.';

revoke all on function
  relay.team_of_topic, relay.topic_audience, relay.audience_of_topic, relay.may_use_topic, relay.other_of, relay.may_speak,
  relay.demand_topic
from public, anon, authenticated, service_role;

grant execute on function relay.audience_of_topic, relay.may_use_topic to chat_relay;
