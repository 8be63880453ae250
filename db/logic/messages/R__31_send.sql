-- A message is sent once, however often its sender tries, and whatever the clock of their device says.
-- The id that a client chooses is its idempotency key. Where its time is now, it also is the message's id; else the message has an id
-- by the server's clock, since ids order and partition, and chat.message_keys remembers the key.

create or replace function chat.is_id_of_now(id uuid)
  returns boolean
  volatile                         -- as clock_timestamp() is: else it would be planned at each call
  language sql
return substr(is_id_of_now.id::text, 15, 1) = '7'
  and chat.uuid7_time(is_id_of_now.id)
    between clock_timestamp() - interval '1 day' and clock_timestamp() + interval '5 minutes';   -- a transaction may last

comment on function chat.is_id_of_now(uuid) is 'Whether it is a UUIDv7 whose time is from one day ago to five minutes ahead.';

create or replace function public.send_message(
  conversation_id uuid,
  content text,
  message_type text default 'text',
  id uuid default null,
  file_url text default null,
  file_name text default null,
  file_size bigint default null,
  metadata jsonb default '{}',
  written_at timestamptz default null
)
  returns public.message_view
  volatile
  security definer                 -- a client-chosen id must be compared with messages the caller may not see
  set search_path = pg_catalog, pg_temp
  language plpgsql
as $$
declare
  card jsonb := chat.sender_card();
  me uuid := card ->> 'id';
  known_id uuid;
  chosen_id uuid;
  view public.message_view;
begin
  if send_message.id is not null then
    if send_message.id = '00000000-0000-0000-0000-000000000000' then
      raise sqlstate 'PT400' using
        message = 'The nil UUID names no message.',
        detail = 'id_nil',
        hint = 'Make a new UUID, of any version, for each message, or leave it out.';
    end if;

    -- A retry waits here for the first try and then finds it, so it takes no number; so does the same id in another conversation.
    -- Members only: a stranger waits for nobody.
    perform pg_advisory_xact_lock(hashtextextended(send_message.id::text, 0))
    from public.user_conversations c
    where c.id = send_message.conversation_id
      and me in (c.participant_1_id, c.participant_2_id)
    for no key update;

    -- Also for a key whose time is now: at the first try it may have been of the future.
    known_id := (select k.message_id from chat.message_keys k where k.sender_id = me and k.key = send_message.id);
    if chat.is_id_of_now(send_message.id) then
      chosen_id := send_message.id;
    end if;

    select
      m.id, m.conversation_id, m.sender_id, m.content, m.message_type, m.file_url, m.file_name, m.file_size,
      m.created_at, m.updated_at, m.is_edited, m.is_deleted, m.read_by, m.metadata, m.recipient_id, m.seq,
      m.sent_revision, m.revision,
      card,
      r.reactions,
      m.written_at, m.client_id
    into view
    from public.user_messages m
    cross join lateral chat.reactions_of(m.id) r
    where m.id = coalesce(known_id, send_message.id)
      and (m.sender_id = me or chosen_id is not null);   -- a key is one person's; an id is everybody's
  end if;

  if view.id is null then
    -- What it returns is at hand: nobody has reacted yet. Reading it back was two fifths of a send.
    insert into public.user_messages as m (id, conversation_id, sender_id, content, message_type, file_url, file_name, file_size, metadata, written_at, client_id)
    values (
      coalesce(chosen_id, chat.uuid7()),
      send_message.conversation_id,
      me,
      send_message.content,
      coalesce(send_message.message_type, 'text'),
      send_message.file_url,
      send_message.file_name,
      send_message.file_size,
      coalesce(send_message.metadata, '{}'),
      send_message.written_at,
      case when chosen_id is null then send_message.id end
    )
    returning
      m.id, m.conversation_id, m.sender_id, m.content, m.message_type, m.file_url, m.file_name, m.file_size,
      m.created_at, m.updated_at, m.is_edited, m.is_deleted, m.read_by, m.metadata, m.recipient_id, m.seq,
      m.sent_revision, m.revision,
      card,
      '[]'::jsonb,
      m.written_at, m.client_id
    into view;

    if view.client_id is not null then
      insert into chat.message_keys (sender_id, key, message_id)
      values (me, view.client_id, view.id);
    end if;
  end if;

  if view.sender_id is distinct from me or view.conversation_id <> send_message.conversation_id then
    raise sqlstate 'PT409' using
      message = 'This message id is taken.',
      detail = 'id_taken',
      hint = 'Make a new UUID for each message; send the same one again only to retry the same message.';
  end if;
  return view;
end
$$;

comment on function public.send_message is
  'Sends a message and returns it. The same id again from the same sender in the same conversation returns that message as it is now and sends nothing. A UUIDv7 from a day ago to five minutes ahead is the message''s id; any other UUID is its client_id, under which it is found for chat.settings.message_key_days. written_at: when it was written, where that is more than a minute before. file_url of a file or image: an http(s) address, or the storage path of a file that the caller has uploaded to the conversation, whose name and size then count. PT400 for the nil id or content that cannot be, PT403 where the caller may not write, PT404 for a file that is not there, PT409 for an id that is taken and a file that was sent, PT413 for too long a text.';

create or replace function chat.messages_have_additions()
  returns boolean
  stable
  set search_path = pg_catalog, pg_temp
  language plpgsql                 -- an SQL function is planned at each call
as $$
begin
  return exists (
      select
      from pg_trigger t
      join pg_proc p on p.oid = t.tgfoid
      where t.tgrelid in ('public.user_messages'::regclass, 'public.user_conversations'::regclass)
        and not t.tgisinternal
        and p.pronamespace not in ('chat'::regnamespace, 'relay'::regnamespace)
    )
    or exists (
      select
      from pg_attribute a
      where a.attrelid = 'public.user_messages'::regclass
        and a.attnum > 0
        and a.atthasdef
        and a.attname not in (select p.attname from pg_attribute p where p.attrelid = 'relay.published_user_messages'::regclass)
    );
end
$$;

comment on function chat.messages_have_additions() is
  'Whether a trigger that is not the chat''s fires for messages or conversations, or a column that is not the chat''s has a default.';

create or replace function chat.send_messages(claims text[], calls text[])
  returns setof text
  volatile
  security definer                 -- writes for several people at once, each of whom their own claims prove
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
  set jit = off
  set plan_cache_mode = force_generic_plan   -- a small batch would be planned at each call: 0.7 of 1.7 ms
  set enable_seqscan = off         -- a plan of when there were few conversations must not read all of many
  language plpgsql
as $$
declare
  known record;
  people uuid[] := '{}';
  conversations uuid[];
  ids uuid[];
  addresses text[];
  locked uuid[];
  chosen bigint[];
  moment timestamptz;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    perform chat.refuse_old_snapshot();
  end if;
  -- What others have added here may ask who calls: a trigger, a default. It sees each sender alone.
  if chat.messages_have_additions() then
    return query select null::text from unnest(send_messages.calls);
    return;
  end if;
  select s.claims_pads, s.previous_claims_pads into known
  from chat.settings s;
  for place in 1..cardinality(send_messages.claims) loop
    perform set_config('request.jwt.claims', send_messages.claims[place], true);
    people[place] := case
      when known.claims_pads is null
        or chat.signature_holds(send_messages.claims[place], 'authenticated', known.claims_pads, known.previous_claims_pads)
      then auth.uid()
    end;
  end loop;
  perform set_config('request.jwt.claims', '', true);      -- nobody's from here on

  select
    array_agg(a.conversation_id order by g.place), array_agg(a.id order by g.place), array_agg(a.file_url order by g.place)
  into conversations, ids, addresses
  from unnest(send_messages.calls) with ordinality g (call, place)
  cross join lateral json_to_record(g.call::json) a (conversation_id uuid, id uuid, file_url text);

  -- Whoever holds one of these holds up nobody else here: what concerns it is sent alone, and waits there.
  select array_agg(l.id) into locked
  from (
    select c.id
    from (
      select g.conversation_id, array_agg(g.person) as senders
      from unnest(people, conversations) g (person, conversation_id)
      group by g.conversation_id
    ) s
    join public.user_conversations c on c.id = s.conversation_id
    where array[c.participant_1_id, c.participant_2_id] && s.senders
    order by c.id
    for no key update of c
    skip locked
  ) l;

  -- A member's first try of an id that is there in no other hands, without a stored file, which is sent alone. What is chosen
  -- of a conversation comes before what is not.
  select array_agg(o.place) into chosen
  from (
    select w.place, bool_and(w.may_be_sent) over (partition by w.conversation_id order by w.place) as is_in_order
    from (
      select
        g.place,
        g.conversation_id,
        coalesce(g.person in (c.participant_1_id, c.participant_2_id), false)
          and chat.is_storage_path(chat.clean_address(g.address)) is not true
          and (
            g.id is null
            or chat.is_id_of_now(g.id)
              and row_number() over (partition by g.id order by g.place) = 1
              and pg_try_advisory_xact_lock(hashtextextended(g.id::text, 0))
              and not exists (select from public.user_messages m where m.id = g.id)
              and not exists (select from chat.message_keys k where k.sender_id = g.person and k.key = g.id)
          ) as may_be_sent
      from unnest(people, conversations, ids, addresses) with ordinality g (person, conversation_id, id, address, place)
      left join public.user_conversations c on c.id = g.conversation_id and c.id = any (locked)
    ) w
  ) o
  where o.is_in_order;

  moment := clock_timestamp();     -- not before the last message of any, now that they are locked
  -- As chat.number_message() does one by one; it steps aside for what has a number. What a rule or the table refuses undoes the batch,
  -- and is then refused alone. The conversations are locked, so what is read of them is how they are.
  return query
    with given as materialized (
      select
        g.place, g.person, c.id as conversation_id,
        case g.person when c.participant_1_id then c.participant_2_id else c.participant_1_id end as other,
        g.person = c.participant_1_id as is_first,
        coalesce(a.id, chat.uuid7()) as id, a.content, coalesce(a.message_type, 'text') as message_type, a.file_url, a.file_name,
        a.file_size, coalesce(a.metadata, '{}') as metadata, a.written_at,
        g.number, c.last_message_seq + g.number as seq, c.revision + g.number as revision,
        greatest(moment, c.last_message_at) + (g.number - 1) * interval '1 microsecond' as moment
      from (
        select
          p.place, p.person, p.call, p.conversation_id,
          row_number() over (partition by p.conversation_id order by p.place) as number
        from unnest(people, conversations, send_messages.calls) with ordinality p (person, conversation_id, call, place)
        where p.place = any (chosen)
      ) g
      join public.user_conversations c on c.id = g.conversation_id
      cross join lateral json_to_record(g.call::json) a (
        id uuid, content text, message_type text, file_url text, file_name text, file_size bigint, metadata jsonb,
        written_at timestamptz
      )
      order by g.place
    ), numbered as (
      update public.user_conversations c
      set
        last_message_seq = l.seq,
        revision = l.revision,
        last_message_id = l.id,
        last_message_at = l.moment,
        updated_at = clock_timestamp(),
        is_archived = false,
        participant_1_read_seq = coalesce(n.seq_of_first, c.participant_1_read_seq),
        participant_2_read_seq = coalesce(n.seq_of_second, c.participant_2_read_seq)
      from (
        select
          g.conversation_id, max(g.number) as number,
          max(g.seq) filter (where g.is_first) as seq_of_first,
          max(g.seq) filter (where not g.is_first) as seq_of_second
        from given g
        group by g.conversation_id
      ) n
      join given l on l.conversation_id = n.conversation_id and l.number = n.number
      where c.id = n.conversation_id
    ), sent as (
      insert into public.user_messages as m (
        id, conversation_id, sender_id, content, message_type, file_url, file_name, file_size, created_at, updated_at, metadata,
        recipient_id, seq, sent_revision, revision, written_at
      )
      select
        g.id, g.conversation_id, g.person, chat.checked_content(g.content, g.message_type), g.message_type,
        chat.clean_address(g.file_url), chat.clean_file_name(g.file_name), g.file_size, g.moment, g.moment, g.metadata,
        chat.require_reachable(g.person, g.other), g.seq, g.revision, g.revision, chat.told_time(g.written_at, g.moment)
      from given g
      returning
        m.id, m.conversation_id, m.sender_id, m.content, m.message_type, m.file_url, m.file_name, m.file_size,
        m.created_at, m.updated_at, m.is_edited, m.is_deleted, m.read_by, m.metadata, m.recipient_id, m.seq,
        m.sent_revision, m.revision, m.written_at, m.client_id
    )
    select v.answer
    from generate_subscripts(send_messages.calls, 1) p (place)
    left join (
      select g.place, row_to_json(row(
        s.id, s.conversation_id, s.sender_id, s.content, s.message_type, s.file_url, s.file_name, s.file_size,
        s.created_at, s.updated_at, s.is_edited, s.is_deleted, s.read_by, s.metadata, s.recipient_id, s.seq,
        s.sent_revision, s.revision,
        chat.card(u.id, u.full_name::text, u.avatar_url::text),
        '[]'::jsonb,
        s.written_at, s.client_id
      )::public.message_view)::text as answer
      from given g
      join sent s on s.id = g.id
      join public.users u on u.id = g.person
    ) v on v.place = p.place
    order by p.place;
end
$$;

comment on function chat.send_messages(text[], text[]) is
  'Sends messages of several people in one transaction: of each the claims, and the arguments of send_message as JSON. Gives for each its answer as JSON; null for one that send_message is to send alone, which decides about it. An error has sent nothing, and says that all are to be sent alone. Waits for no conversation.';

revoke all on function chat.is_id_of_now, public.send_message, chat.messages_have_additions, chat.send_messages from public, anon, authenticated, service_role;

grant execute on function public.send_message to authenticated;
grant execute on function chat.send_messages to chat_service;
