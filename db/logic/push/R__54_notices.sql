-- Which device is told of which message: queued from the change log, judged again just before it is sent.

create or replace function chat.add_push_notices(message_ids uuid[])
  returns bigint
  volatile
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  added bigint;
begin
  -- Who is here now may just have left, which shows after presence_timeout_ms: asked again then.
  insert into chat.push_notices as q (subscription_id, conversation_id, message_id, message_seq, due_at)
  select distinct on (d.id, m.conversation_id)
    d.id,
    m.conversation_id,
    m.id,
    m.seq,
    case
      when chat.is_away(m.recipient_id) then clock_timestamp()
      else clock_timestamp() + (select s.presence_timeout_ms from chat.settings s) * interval '1 ms'
    end
  from public.user_messages m
  join (
    select p.id, p.user_id
    from public.push_subscriptions p
    where p.user_id = any (array(
      select x.recipient_id
      from public.user_messages x
      where x.id = any (add_push_notices.message_ids)))
    for key share skip locked      -- a device that is being removed
  ) d on d.user_id = m.recipient_id
  where m.id = any (add_push_notices.message_ids)
  order by d.id, m.conversation_id, m.seq desc
  on conflict on constraint push_notices_pkey do update set
    message_id = excluded.message_id,
    message_seq = excluded.message_seq,
    due_at = case q.tries when 0 then excluded.due_at else q.due_at end   -- it is being sent, or has to wait
  where excluded.message_seq > q.message_seq;
  get diagnostics added = row_count;
  return added;
end
$$;

comment on function chat.add_push_notices(uuid[]) is
  'Queues a notice of these messages for each device of their recipients. A newer one of a conversation takes the place of the one before it. Returns how many.';

create or replace function chat.queue_push_notices(batch_size int default 1000)
  returns bigint
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  change record;
  sent uuid[] := '{}';
  read bigint := 0;
begin
  perform chat.demand_claims_of('chat_relay');
  if (select s.push_public_key from chat.settings s) is null then
    return 0;                      -- turned off while nodes run
  end if;
  for change in
    select l.table_name, l.operation, l.record::json as record
    from chat.read_log('push', queue_push_notices.batch_size) l
  loop
    read := read + 1;
    if change.table_name = 'user_messages' and change.operation = 'INSERT' then
      sent := sent || (change.record ->> 'id')::uuid;
    elsif change.operation = 'GAP' then
      -- What the log has lost is still among the messages.
      sent := sent || array(
        select m.id
        from public.user_messages m
        where m.id >= chat.uuid7_floor((change.record ->> 'since')::timestamptz)
          and m.recipient_id = any (array(select d.user_id from public.push_subscriptions d)));
    end if;
  end loop;
  if sent <> '{}' then
    perform chat.add_push_notices(sent);
  end if;
  return read;
end
$$;

comment on function chat.queue_push_notices(int) is
  'One step of the reader ''push'' along the change log: queues notices of new messages in the transaction that moves its position. Returns how many changes it has read; less than batch_size: there are no more, another node reads, or push notifications are off.';

create or replace function chat.is_away(user_id uuid)
  returns boolean
  volatile                         -- the clock
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  return not exists (
    select
    from public.user_presence p
    where p.user_id = is_away.user_id
      and chat.presence_now(p.status, p.last_seen) not in ('offline', 'away')
  );
end
$$;

comment on function chat.is_away(uuid) is
  'Whether a person is told by push: no page of theirs was heard of for presence_timeout_ms, or they are away. For definer functions alone: it tells of anybody.';

create or replace function chat.take_push_notices(
  max_age interval,
  with_text boolean default false,
  lease interval default '1 minute',
  batch_size int default 100
)
  returns table (
    subscription_id uuid,
    conversation_id uuid,
    message_seq bigint,
    tries int,
    expires_at timestamptz,
    endpoint text,
    p256dh bytea,
    auth bytea,
    user_id uuid,
    sender_name text,
    content text
  )
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  rows 10
  language plpgsql
as $$
#variable_conflict use_column
begin
  perform chat.demand_claims_of('chat_relay');
  if lease is null or lease not between interval '1 second' and interval '1 day'
    or max_age is null or max_age not between interval '1 second' and interval '28 days'
  then
    raise sqlstate 'PT400' using
      message = 'take_push_notices takes a lease from a second to a day and an age from a second to 28 days.',
      detail = 'interval';
  end if;
  if batch_size is null or batch_size not between 1 and 10000 then
    raise sqlstate 'PT400' using
      message = 'take_push_notices takes 1 to 10000 notices a step.',
      detail = 'batch_size';
  end if;
  return query
    with due as materialized (
      select q.subscription_id, q.conversation_id, q.message_id
      from chat.push_notices q
      where q.due_at <= clock_timestamp()
      order by q.due_at
      limit take_push_notices.batch_size
      for update skip locked
    ),
    -- Each rule once, and at the last moment. Who archives a conversation does not mean its next message.
    wanted as materialized (
      select
        due.subscription_id,
        due.conversation_id,
        m.created_at + take_push_notices.max_age as expires_at,
        d.endpoint,
        d.p256dh,
        d.auth,
        d.user_id,
        left(u.full_name, 100) as sender_name,
        case when take_push_notices.with_text and d.shows_text then left(coalesce(nullif(m.content, ''), m.file_name), 200) end as content
      from due
      join public.push_subscriptions d on d.id = due.subscription_id
      join public.user_messages m on m.id = due.message_id and m.recipient_id = d.user_id and not m.is_deleted
      join public.user_conversations c on c.id = m.conversation_id and not c.is_archived
      join public.users u on u.id = m.sender_id
      left join public.conversation_preferences p on p.conversation_id = c.id and p.user_id = d.user_id
      where m.created_at > clock_timestamp() - take_push_notices.max_age
        and m.seq > case d.user_id when c.participant_1_id then c.participant_1_read_seq else c.participant_2_read_seq end
        and not coalesce(p.muted_until > clock_timestamp(), false)
        and not coalesce(p.archived_seq >= m.seq, false)
        and chat.unreachable_reason(m.sender_id, d.user_id) is null
        and chat.is_away(d.user_id)
    ),
    dropped as (
      delete from chat.push_notices q
      using due
      where q.subscription_id = due.subscription_id
        and q.conversation_id = due.conversation_id
        and not exists (
          select
          from wanted w
          where w.subscription_id = due.subscription_id
            and w.conversation_id = due.conversation_id)
    )
    update chat.push_notices q
    set
      due_at = clock_timestamp() + take_push_notices.lease,
      tries = q.tries + 1
    from wanted w
    where q.subscription_id = w.subscription_id
      and q.conversation_id = w.conversation_id
    returning
      q.subscription_id, q.conversation_id, q.message_seq, q.tries, w.expires_at, w.endpoint, w.p256dh, w.auth, w.user_id,
      w.sender_name, w.content;
end
$$;

comment on function chat.take_push_notices(interval, boolean, interval, int) is
  'Notices to be sent now. Drops those that are read, taken back, older than max_age, muted, archived, between people who may no longer write to each other, or of who is here. content is null unless with_text and the device wants it. Until the lease has ended nobody else gets them; then somebody gets them again, unless chat.finish_push_notice was told.';

create or replace function chat.finish_push_notice(
  subscription_id uuid,
  conversation_id uuid,
  message_seq bigint,
  outcome text,
  retry_after interval default null
)
  returns void
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
begin
  perform chat.demand_claims_of('chat_relay');
  case finish_push_notice.outcome
    when 'gone' then
      delete from public.push_subscriptions d
      where d.id = finish_push_notice.subscription_id;
      return;
    when 'later' then
      -- The push service means the device, not the message.
      update chat.push_notices q
      set due_at = case q.conversation_id
        when finish_push_notice.conversation_id then clock_timestamp() + finish_push_notice.retry_after
        else greatest(q.due_at, clock_timestamp() + finish_push_notice.retry_after)
      end
      where q.subscription_id = finish_push_notice.subscription_id
        and finish_push_notice.retry_after between interval '0' and interval '1 day';
      if found or finish_push_notice.retry_after between interval '0' and interval '1 day' then
        return;
      end if;
    when 'sent', 'refused' then
      if finish_push_notice.outcome = 'sent' then
        update public.push_subscriptions d
        set last_used_at = clock_timestamp()
        where d.id = finish_push_notice.subscription_id;
      end if;
      delete from chat.push_notices q
      where q.subscription_id = finish_push_notice.subscription_id
        and q.conversation_id = finish_push_notice.conversation_id
        and q.message_seq <= finish_push_notice.message_seq;
      -- A newer message that came meanwhile has waited for this one.
      update chat.push_notices q
      set
        due_at = clock_timestamp(),
        tries = 0
      where q.subscription_id = finish_push_notice.subscription_id
        and q.conversation_id = finish_push_notice.conversation_id;
      return;
    else
      null;
  end case;
  raise sqlstate 'PT400' using
    message = 'finish_push_notice takes sent, refused, gone, or later with an interval of at most a day.',
    detail = 'interval';
end
$$;

comment on function chat.finish_push_notice(uuid, uuid, bigint, text, interval) is
  'What became of a notice. sent and refused: it is done. later: the device gets nothing before retry_after. gone: the push service has forgotten the device, which is removed.';

create or replace function chat.set_push_key(public_key text, hosts text[])
  returns boolean
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  former text;
begin
  perform chat.demand_claims_of('chat_relay');
  select s.push_public_key into former
  from chat.settings s
  for no key update;
  if set_push_key.public_key is null or former is null then
    -- Nobody reads for it any more, and who is told again later is not told of what was before.
    delete from chat.log_readers r
    where r.name = 'push';
    delete from chat.push_notices;
  end if;
  update chat.settings s
  set
    push_public_key = set_push_key.public_key,
    push_hosts = coalesce(set_push_key.hosts, '{}')
  where (s.push_public_key, s.push_hosts) is distinct from (set_push_key.public_key, coalesce(set_push_key.hosts, '{}'));
  return found;
end
$$;

comment on function chat.set_push_key(text, text[]) is
  'What the service sends push notifications with, and to whom; null: nobody sends any. A node with a key says it when it starts, an operator turns it off. True when it was something else before.';

create or replace function chat.sweep_push_subscriptions(batch_size int default 1000)
  returns bigint
  volatile
  security definer                 -- the service, which owns nothing, calls it
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  gone bigint;
begin
  perform chat.demand_claims_of('chat_relay');
  if batch_size is null or batch_size not between 1 and 10000 then
    raise sqlstate 'PT400' using
      message = 'sweep_push_subscriptions takes 1 to 10000 devices a step.',
      detail = 'batch_size';
  end if;
  delete from public.push_subscriptions d
  where d.id = any (array(
    select x.id
    from public.push_subscriptions x
    where x.updated_at < now() - (select s.push_subscription_days from chat.settings s) * interval '1 day'
    limit sweep_push_subscriptions.batch_size
    for update skip locked));
  get diagnostics gone = row_count;
  return gone;
end
$$;

comment on function chat.sweep_push_subscriptions(int) is
  'Removes devices whose browsers did not give them again for chat.settings.push_subscription_days. Returns how many; the service calls it until there are none.';

revoke all on function
  chat.add_push_notices, chat.queue_push_notices, chat.is_away, chat.take_push_notices, chat.finish_push_notice, chat.set_push_key, chat.sweep_push_subscriptions
from public, anon, authenticated, service_role;

grant execute on function
  chat.queue_push_notices, chat.take_push_notices, chat.finish_push_notice, chat.set_push_key, chat.sweep_push_subscriptions
to chat_relay;
