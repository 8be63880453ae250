-- What this database lacks for the chat: everything at once, before anything is changed. Reads the catalogue alone, locks nothing.
-- The command migrate asks it first; a DBA asks it as the role that will migrate:
--   psql -f db/preconditions.sql                                                    GPT Desk's or Supabase's own database
--   PGOPTIONS='-c chat.platform=standalone' psql -f db/preconditions.sql             an empty one
--   PGOPTIONS='-c chat.served=make_invoice,report_*' psql -f db/preconditions.sql    where CHAT_SERVED_FUNCTIONS says so
-- No row: all is well. 'missing' stops migrate, 'unsafe' stops migrate and serve until it is mended or accepted by name (CHAT_ACCEPTED),
-- 'warning' stops nothing. In a database that was migrated already it tells what the
-- next migration will need, for the role that owns the chat.

with
  asked as (
    select
      coalesce(nullif(current_setting('chat.platform', true), ''), 'existing') as platform,
      current_setting('server_version_num')::int as version
  ),

  -- What the operator serves beside the chat's own (CHAT_SERVED_FUNCTIONS). Underscores stand for themselves, a star for any letters.
  served (name, pattern) as (
    select distinct x.name, replace(replace(replace(x.name, '\', '\\'), '_', '\_'), '*', '%')
    from (
      select btrim(y.name) as name
      from string_to_table(coalesce(current_setting('chat.served', true), ''), ',') as y (name)
    ) x
    where x.name <> ''
  ),

  -- Names that the migrations make. A test compares them with what they do make.
  ours (kind, names) as (
    values
      ('table', array[
        'user_conversations', 'user_messages', 'message_edits', 'user_presence', 'message_reactions', 'conversation_preferences',
        'user_blocks', 'chat_files', 'push_subscriptions'
      ]),
      ('type', array['person_view', 'conversation_view', 'unread_total', 'blocked_user', 'message_view', 'message_match', 'file_view', 'listed_file', 'push_subscription_view']),
      ('index', array[
        'user_conversations_pkey', 'unique_conversation', 'idx_user_conversations_participant_2', 'user_messages_pkey',
        'idx_user_messages_conversation_id', 'message_changes_idx', 'idx_user_messages_content_search', 'message_edits_pkey',
        'message_edits_message_idx', 'user_presence_pkey', 'user_presence_team_idx', 'user_presence_typing_idx',
        'message_reactions_pkey', 'unique_user_message_reaction', 'conversation_preferences_pkey', 'user_blocks_pkey',
        'user_blocks_blocked_idx', 'chat_files_pkey', 'stored_files_idx', 'chat_files_conversation_idx', 'chat_files_message_idx',
        'unsent_files_idx', 'push_subscriptions_pkey', 'push_endpoint_is_known_once', 'push_subscriptions_user_idx'
      ]),
      ('function', array[
        'search_users', 'get_or_create_conversation', 'get_conversations', 'send_message', 'get_messages', 'get_changes',
        'edit_message', 'delete_message', 'mark_as_read', 'mark_conversation_as_read', 'search_messages', 'update_presence',
        'update_typing_status', 'add_reaction', 'remove_reaction', 'set_archived', 'set_muted', 'block_user', 'unblock_user',
        'mark_as_unread', 'mark_as_delivered', 'get_unread_total', 'get_blocked_users', 'begin_upload', 'list_files', 'move_file', 'remove_files',
        'add_push_subscription', 'remove_push_subscription', 'get_push_subscriptions'
      ]),
      ('platform table', array['teams', 'users']),
      ('platform index', array['teams_pkey', 'users_pkey', 'email_is_unique', 'users_team_idx', 'users_address_idx']),
      ('platform function', array['add_team', 'add_person', 'activate_person', 'deactivate_person'])
  ),

  schemas as (
    select
      (select n.oid from pg_catalog.pg_namespace n where n.nspname = 'public') as public,
      (select n.oid from pg_catalog.pg_namespace n where n.nspname = 'chat') as chat,
      (select n.oid from pg_catalog.pg_namespace n where n.nspname = 'relay') as relay,
      (select n.oid from pg_catalog.pg_namespace n where n.nspname = 'auth') as auth
  ),

  -- Who has migrated; before the first time, who asks.
  migrated as (
    select c.relowner as owner
    from schemas
    join pg_catalog.pg_class c on c.relnamespace = schemas.chat and c.relname = 'settings'
    join pg_catalog.pg_class h on h.relnamespace = schemas.chat and h.relname = 'flyway_history' and h.relowner = c.relowner
  ),
  me as (
    select
      r.oid,
      quote_ident(r.rolname) as name,
      r.rolsuper as super,
      r.rolsuper or r.rolcreaterole as may_create_roles,
      r.rolsuper or r.rolbypassrls as sees_all_rows,
      exists (select from migrated) as has_migrated
    from pg_catalog.pg_roles r
    where r.oid = coalesce(
      (select migrated.owner from migrated),
      (select x.oid from pg_catalog.pg_roles x where x.rolname = current_user))
  ),

  roles as (
    select
      wanted.name,
      r.oid,
      wanted.place <= 3 and asked.platform = 'existing' as is_platforms,
      wanted.place <= 4 as is_for_callers,
      r.rolsuper or r.rolbypassrls and wanted.name <> 'service_role' as is_above_policies
    from unnest(array['anon', 'authenticated', 'service_role', 'chat_relay', 'chat_service']) with ordinality as wanted (name, place)
    cross join asked
    left join pg_catalog.pg_roles r on r.rolname = wanted.name
  ),
  service as (
    select r.oid, r.rolinherit
    from pg_catalog.pg_roles r
    where r.rolname = 'chat_service'
  ),

  -- Who must stay under the policies: the roles of callers, and who logs in to become them.
  held as (
    select r.oid, r.name, false as is_login
    from roles r
    where r.oid is not null
      and r.name <> 'service_role'
      and not r.is_above_policies
    union all
    select r.oid, r.rolname, true
    from pg_catalog.pg_roles r, service s, me
    where r.rolcanlogin
      and not r.rolsuper
      and r.oid <> me.oid
      and pg_has_role(r.oid, s.oid, 'usage')
  ),

  users as (
    select c.oid, c.relkind, c.relowner, c.relrowsecurity, c.relforcerowsecurity
    from pg_catalog.pg_class c, schemas
    where c.relnamespace = schemas.public
      and c.relname = 'users'
  ),
  columns as (
    select
      wanted.name,
      wanted.type as wanted_type,
      a.attnum,
      format_type(a.atttypid, a.atttypmod) as type,
      case
        when a.attnum is null then null
        when wanted.type = 'uuid' then a.atttypid = 'uuid'::regtype
        when wanted.name = 'avatar_url' then true
        when t.typtype = 'e' and wanted.name = 'status' then exists (
          select
          from pg_catalog.pg_enum e
          where e.enumtypid = t.oid
            and e.enumlabel = 'active'
        )
        else t.typcategory = 'S'
      end as fits
    from (values
      ('id', 'uuid'),
      ('full_name', 'text'),
      ('email', 'text'),
      ('avatar_url', 'text'),
      ('status', 'text'),
      ('team_id', 'uuid')
    ) as wanted (name, type)
    cross join users u
    left join pg_catalog.pg_attribute a on a.attrelid = u.oid and a.attname = wanted.name and a.attnum > 0 and not a.attisdropped
    left join pg_catalog.pg_type t on t.oid = a.atttypid
  ),

  uid as (
    select p.oid, p.prorettype, p.prosrc
    from pg_catalog.pg_proc p, schemas
    where p.pronamespace = schemas.auth
      and p.proname = 'uid'
      and p.pronargs = 0
  ),

  found (kind, what, remedy) as (
    -- The server.

    select
      case when version < 150000 then 'missing' else 'warning' end,
      'PostgreSQL 15 to 18: this is ' || current_setting('server_version'),
      case when version < 150000 then 'Upgrade the server.' else 'The chat was not tried on it; run scripts/test there first.' end
    from asked
    where version not between 150000 and 189999

    union all
    select 'missing', 'encoding UTF8 of the database: it is ' || getdatabaseencoding(), 'Create the database with encoding ''UTF8''.'
    where getdatabaseencoding() <> 'UTF8'

    union all
    select
      'warning',
      'LC_CTYPE of the database is ' || d.datctype || ', which knows upper and lower case of ASCII alone',
      'A search finds other letters only as they are written. Create the database with C.UTF-8, a language''s locale or ICU.'
    from pg_database d
    where d.datname = current_database()
      and d.datlocprovider = 'c'
      and d.datctype in ('C', 'POSIX')

    -- Roles.

    union all
    select
      'missing',
      'role ' || r.name,
      format('create role %s nologin noinherit;', r.name)
        || case when asked.version >= 160000 and not me.super then format(' grant %s to %s with admin option;', r.name, me.name) else '' end
    from roles r, me, asked
    where r.oid is null
      and (r.is_platforms or not me.may_create_roles)

    union all
    select
      'missing',
      format('the right to grant %s to chat_service', r.name),
      format('As who may: grant %s to %s with admin option;', r.name, me.name)
        || case when asked.version < 160000 then format(' or: alter role %s createrole;', me.name) else '' end
    from roles r
    cross join me
    cross join asked
    left join service s on true
    where r.oid is not null
      and r.is_for_callers
      and not me.super
      and not (asked.version < 160000 and me.may_create_roles)
      and not pg_has_role(me.oid, r.oid, 'member with admin option')
      and (s.oid is null or not pg_has_role(s.oid, r.oid, case when asked.version >= 160000 then 'set' else 'member' end))

    union all
    select
      'missing',
      format('chat_service without the rights of %s: it inherits them', r.name),
      case when asked.version >= 160000
        then format('grant %s to chat_service with inherit false;', r.name)
        else 'alter role chat_service noinherit;'
      end
    from roles r, service s, asked
    where r.is_for_callers
      and r.oid is not null
      and pg_has_role(s.oid, r.oid, 'usage')

    union all
    select
      'missing',
      format('role %s under row-level security: it is above it', r.name),
      format('alter role %s nosuperuser nobypassrls;', r.name)
    from roles r
    where r.is_above_policies

    union all
    select
      'missing',
      format('role %s apart from %s: it is a member of the tables'' owner', r.name, me.name),
      format('revoke %s from %s, or migrate as another role.', me.name, r.name)
    from roles r, me
    where r.oid is not null
      and not coalesce(r.is_above_policies, false)
      and pg_has_role(r.oid, me.oid, 'member')

    -- The right to make things.

    union all
    select 'missing', 'CREATE on the database', format('grant create on database %I to %s;', current_database(), me.name)
    from me, schemas
    where not has_database_privilege(me.oid, current_database(), 'create')
      and (schemas.chat is null or schemas.relay is null)

    union all
    select 'missing', 'USAGE and CREATE on schema public', format('grant usage, create on schema public to %s;', me.name)
    from me, schemas
    where not (has_schema_privilege(me.oid, schemas.public, 'usage') and has_schema_privilege(me.oid, schemas.public, 'create'))

    union all
    select 'missing', 'USAGE on schema public for ' || r.name, format('grant usage on schema public to %s;', r.name)
    from roles r, schemas
    where r.is_platforms
      and r.name <> 'anon'
      and not has_schema_privilege(r.oid, schemas.public, 'usage')

    -- Who is asking.

    union all
    select
      'missing',
      'function auth.uid() returning uuid',
      'Supabase has it. Elsewhere whoever checks the tokens makes it; db/platform/V002__auth.sql shows how.'
    from asked
    where asked.platform = 'existing'
      and not exists (select from uid where uid.prorettype = 'uuid'::regtype)

    union all
    select 'missing', 'USAGE on schema auth for ' || x.name, format('grant usage on schema auth to %s;', x.name)
    from asked, schemas, (
      select me.oid, me.name from me
      union all
      select r.oid, r.name from roles r where r.is_platforms and r.name <> 'anon'
    ) x
    where asked.platform = 'existing'
      and not has_schema_privilege(x.oid, schemas.auth, 'usage')

    union all
    select 'missing', 'EXECUTE on auth.uid() for ' || x.name, format('grant execute on function auth.uid() to %s;', x.name)
    from asked, uid, (
      select me.oid, me.name from me
      union all
      select r.oid, r.name from roles r where r.is_platforms and r.name <> 'anon'
    ) x
    where asked.platform = 'existing'
      and not has_function_privilege(x.oid, uid.oid, 'execute')

    union all
    select
      'warning',
      'auth.uid() does not seem to read request.jwt.claims',
      'The service sets the claims of the token there; a person whom auth.uid() does not know can do nothing.'
    from asked, uid
    where asked.platform = 'existing'
      and uid.prosrc not like '%request.jwt.claims%'

    -- People.

    union all
    select
      'missing',
      'table public.users with id, full_name, email, avatar_url, status, team_id',
      'Name the right database, or make the table; db/platform/V003__teams_and_users.sql shows how.'
    from asked
    where asked.platform = 'existing'
      and not exists (select from users u where u.relkind in ('r', 'p'))

    union all
    select 'missing', format('column public.users.%s', c.name), format('alter table public.users add column %s %s;', c.name, c.wanted_type)
    from asked, columns c, users u
    where asked.platform = 'existing'
      and u.relkind in ('r', 'p')
      and c.attnum is null

    union all
    select
      'missing',
      format('column public.users.%s of type %s: it is %s', c.name, c.wanted_type, c.type),
      case
        when c.wanted_type = 'uuid' then 'The chat knows people and teams by uuid; it needs a uuid column of that name.'
        when c.name = 'status' then 'A text, or an enum with ''active'' in it: that is who may use the chat.'
        else format('alter table public.users alter column %s type text;', c.name)
      end
    from asked, columns c
    where asked.platform = 'existing'
      and not c.fits

    union all
    select 'missing', 'a primary or unique key on public.users.id', 'alter table public.users add primary key (id);'
    from asked, columns c, users u
    where asked.platform = 'existing'
      and c.name = 'id'
      and c.fits
      and u.relkind in ('r', 'p')
      and not exists (
        select
        from pg_catalog.pg_index i
        where i.indrelid = u.oid
          and i.indisunique
          and i.indisvalid
          and i.indimmediate
          and i.indpred is null
          and i.indnkeyatts = 1
          and i.indkey[0] = c.attnum
      )

    union all
    select 'missing', right_.name || ' on public.users', format('grant %s on table public.users to %s;', lower(right_.name), me.name)
    from asked, users u, me, unnest(array['SELECT', 'REFERENCES', 'TRIGGER']) as right_ (name)
    where asked.platform = 'existing'
      and u.relkind in ('r', 'p')
      and not has_table_privilege(me.oid, u.oid, right_.name)

    -- The definer functions read people as their owner.
    union all
    select
      'missing',
      format('all rows of public.users: row-level security may hide some from %s', me.name),
      format('create policy "The chat can view people" on public.users for select to %s using (true); or: alter role %s bypassrls;', me.name, me.name)
    from asked, users u, me
    where asked.platform = 'existing'
      and u.relrowsecurity
      and not me.sees_all_rows
      and (u.relforcerowsecurity or not pg_has_role(me.oid, u.relowner, 'usage'))
      and (
        exists (
          select
          from pg_catalog.pg_policy p
          where p.polrelid = u.oid
            and not p.polpermissive
            and p.polcmd in ('r', '*')
            and (p.polroles = '{0}' or exists (select from unnest(p.polroles) as x (oid) where pg_has_role(me.oid, x.oid, 'usage')))
        )
        or not exists (
          select
          from pg_catalog.pg_policy p
          where p.polrelid = u.oid
            and p.polpermissive
            and p.polcmd in ('r', '*')
            and pg_get_expr(p.polqual, p.polrelid) = 'true'
            and (p.polroles = '{0}' or exists (select from unnest(p.polroles) as x (oid) where pg_has_role(me.oid, x.oid, 'usage')))
        )
      )

    union all
    select
      'warning',
      'an index on public.users (team_id): search_users reads the people of one team',
      'create index concurrently on public.users (team_id);'
    from asked, columns c, users u
    where asked.platform = 'existing'
      and c.name = 'team_id'
      and c.attnum is not null
      and u.relkind in ('r', 'p')
      and not exists (
        select
        from pg_catalog.pg_index i
        where i.indrelid = u.oid
          and i.indisvalid
          and i.indpred is null
          and i.indkey[0] = c.attnum
      )

    -- Names. What bears one already and is not the chat's own would be in the way, or be taken for it.

    union all
    select
      'missing',
      format('the name public.%s: a %s has it', x.name, x.kind),
      case when x.is_platforms
        then 'This looks like GPT Desk''s own database: migrate with --platform existing.'
        else 'Rename it or move it to another schema, or put the chat into a database of its own.'
      end
    from (
      select c.relname as name, c.relowner as owner, c.relnamespace as namespace, o.kind like 'platform %' as is_platforms,
        case c.relkind when 'r' then 'table' when 'p' then 'table' when 'v' then 'view' when 'm' then 'materialized view'
          when 'i' then 'index' when 'I' then 'index' when 'S' then 'sequence' when 'c' then 'type' else 'relation' end as kind
      from ours o
      join pg_catalog.pg_class c on c.relname = any (o.names)
      where o.kind not like '%function'
      union all
      select t.typname, t.typowner, t.typnamespace, o.kind like 'platform %', 'type'
      from ours o
      join pg_catalog.pg_type t on t.typname = any (o.names) and t.typrelid = 0 and t.typcategory <> 'A'
      where o.kind in ('table', 'type')
      union all
      select p.proname, p.proowner, p.pronamespace, o.kind like 'platform %', 'function'
      from ours o
      join pg_catalog.pg_proc p on p.proname = any (o.names)
      where o.kind like '%function'
    ) x, asked, me, schemas
    where x.namespace = schemas.public
      and not (x.is_platforms and asked.platform = 'existing')
      and not (me.has_migrated and x.owner = me.oid)

    union all
    select
      'missing',
      format('the name %s: there is such a schema already', n.nspname),
      case when n.nspname = 'auth'
        then 'This looks like Supabase: migrate with --platform existing.'
        else 'Rename it, or put the chat into a database of its own.'
      end
    from pg_catalog.pg_namespace n, asked, me
    where not me.has_migrated
      and (
        n.nspname = 'relay'
        or n.nspname = 'auth' and asked.platform = 'standalone'
        -- Flyway has made schema chat for its history, when an earlier migration failed
        or n.nspname = 'chat' and (
          n.nspowner <> me.oid
          or exists (
            select
            from pg_catalog.pg_class c
            where c.relnamespace = n.oid
              and c.relname not like 'flyway\_history%'
          )
        )
      )

    union all
    select
      'missing',
      format('the name %s: public.users has a trigger of that name', g.tgname),
      format('alter trigger %I on public.users rename to …;', g.tgname)
    from asked, users u
    join pg_catalog.pg_trigger g on g.tgrelid = u.oid
    join pg_catalog.pg_proc p on p.oid = g.tgfoid
    cross join schemas
    where asked.platform = 'existing'
      and g.tgname in ('lock_conversations', 'record_update', 'record_delete')
      and coalesce(p.pronamespace not in (schemas.relay, schemas.chat), true)

    -- What the platform lets clients do. A team is what public.users says: who writes there joins any team and reads its people.

    union all
    select
      case when w.lets then 'unsafe' else 'warning' end,
      format('%s may %s %s of public.users', w.role, case w.command when 'w' then 'change' else 'choose' end, w.columns)
        || case when w.lets then '' else ', as soon as a policy lets them' end,
      format('revoke %1$s on table public.users from public, %2$I;%3$s', w.privilege, w.role,
        case when w.others is null or w.role = 'anon' then '' else format(' grant %s (%s) on table public.users to %I;', w.privilege, w.others, w.role) end)
    from (
      select
        r.name as role,
        o.command,
        o.privilege,
        string_agg(a.attname, ', ' order by a.attnum) filter (where a.attname = any (o.columns)) as columns,
        string_agg(quote_ident(a.attname), ', ' order by a.attnum) filter (where a.attname <> all (o.columns) and a.attgenerated = '') as others,
        not u.relrowsecurity or exists (
          select
          from pg_catalog.pg_policy p
          where p.polrelid = u.oid
            and p.polpermissive
            and p.polcmd in (o.command, '*')
            and (p.polroles = '{0}' or exists (select from unnest(p.polroles) as x (oid) where pg_has_role(r.oid, x.oid, 'usage')))
        ) as lets
      from asked
      cross join users u
      join roles r on r.name in ('anon', 'authenticated') and r.oid is not null and r.is_platforms and not r.is_above_policies
      cross join (values
        ('w'::"char", 'update', array['id', 'status', 'team_id']),
        ('a'::"char", 'insert', array['status', 'team_id'])
      ) as o (command, privilege, columns)
      join pg_catalog.pg_attribute a on a.attrelid = u.oid and a.attnum > 0 and not a.attisdropped
        and has_column_privilege(r.oid, u.oid, a.attnum, o.privilege)
      where asked.platform = 'existing'
        and u.relkind in ('r', 'p')
      group by r.name, r.oid, o.command, o.privilege, u.oid, u.relrowsecurity
    ) w
    where w.columns is not null

    union all
    select
      case when n.nspname = 'public' then 'warning' else 'unsafe' end,
      format('%s may create in schema %s', case when x.oid = 0 then 'PUBLIC' else x.oid::regrole::text end, n.nspname),
      format('revoke create on schema %I from %s;', n.nspname, case when x.oid = 0 then 'public' else x.oid::regrole::text end)
    from pg_catalog.pg_namespace n
    cross join lateral (
      select distinct a.grantee
      from aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
      where a.privilege_type = 'CREATE'
    ) x (oid)
    cross join schemas
    where n.oid in (schemas.public, schemas.chat, schemas.relay, schemas.auth)
      and (x.oid = 0 or x.oid in (select r.oid from roles r where r.name in ('anon', 'authenticated')))

    union all
    select
      'unsafe',
      format('%s is a member of %s%s', s.name, g.rolname,
        case when g.rolsuper then ', a superuser' when g.rolbypassrls then ', who bypasses row-level security' when g.rolcreaterole then ', who may make roles' else '' end),
      format('revoke %I from %I;', g.rolname, s.name)
    from held s
    join pg_catalog.pg_roles g on g.oid <> s.oid and pg_has_role(s.oid, g.oid, 'member')
    cross join me
    where g.oid <> me.oid
      and g.rolname not in ('anon', 'authenticated', 'service_role', 'chat_relay', 'chat_service')
      and g.rolname <> 'pg_database_owner'
      and (g.rolsuper or g.rolbypassrls or g.rolcreaterole or g.oid < 16384)
      -- Whoever may become another of them is told of by that one.
      and not exists (
        select
        from roles k
        where k.oid <> s.oid
          and pg_has_role(s.oid, k.oid, 'member')
          and pg_has_role(k.oid, g.oid, 'member')
      )

    union all
    select
      'unsafe',
      format('%s is no ordinary login: %s', s.name, concat_ws(', ', case when g.rolbypassrls then 'bypasses row-level security' end,
        case when g.rolcreaterole then 'may make roles' end, case when g.rolreplication then 'may read the server''s log' end)),
      format('alter role %I nobypassrls nocreaterole noreplication;', s.name)
    from held s
    join pg_catalog.pg_roles g on g.oid = s.oid
    where s.is_login
      and (g.rolbypassrls or g.rolcreaterole or g.rolreplication)

    union all
    select
      case when s.is_login then 'unsafe' else 'warning' end,
      format('%s owns something', s.name),
      format('reassign owned by %I to %s;', s.name, me.name)
    from held s, me
    where exists (
      select
      from pg_catalog.pg_shdepend d
      where d.refclassid = 'pg_catalog.pg_authid'::regclass
        and d.refobjid = s.oid
        and d.deptype = 'o'
        and d.dbid in (0, (select b.oid from pg_catalog.pg_database b where b.datname = current_database()))
    )

    union all
    select
      'warning',
      'functions of schema public that are not the chat''s and that clients may execute',
      format('The chat serves none of them but those that a setting names: %s%s. Where one is not for clients: revoke execute on function … from public;',
        array_to_string((array_agg(x.name order by x.name))[1:10], ', '), case when count(*) > 10 then format(' and %s more', count(*) - 10) else '' end)
    from (
      select p.oid::regprocedure::text as name
      from pg_catalog.pg_proc p, schemas, asked
      where asked.platform = 'existing'
        and p.pronamespace = schemas.public
        and p.prokind in ('f', 'p')
        and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
        and p.proname <> all (select unnest(o.names) from ours o where o.kind = 'function')
        and not exists (select from served s where p.proname like s.pattern)
        and exists (
          select
          from roles r
          where r.name in ('anon', 'authenticated')
            and r.oid is not null
            and has_function_privilege(r.oid, p.oid, 'execute')
        )
        and not exists (
          select
          from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_proc'::regclass
            and d.objid = p.oid
            and d.deptype = 'e'
        )
    ) x
    having count(*) > 0

    union all
    select
      'warning',
      format('CHAT_SERVED_FUNCTIONS names %s, and %s', s.name,
        case when f.are_there then 'clients may execute no function of schema public of that name' else 'schema public has no function of that name' end),
      case when f.are_there
        then 'Calls of it are answered with 404: grant execute on function … to authenticated, or take the name out.'
        else 'Calls of it are answered with 404: make it, or correct the name.'
      end
    from served s
    cross join lateral (
      select
        count(*) > 0 as are_there,
        coalesce(bool_or(exists (
          select
          from roles r
          where r.name in ('anon', 'authenticated', 'service_role')
            and r.oid is not null
            and has_function_privilege(r.oid, p.oid, 'execute')
        )), false) as are_open
      from pg_catalog.pg_proc p, schemas
      where p.pronamespace = schemas.public
        and p.prokind = 'f'
        and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
        and p.proname like s.pattern
    ) f
    where not f.are_open

    -- Supabase's own Realtime.

    union all
    select
      'warning',
      'publication supabase_realtime belongs to somebody else',
      format('The chat''s own real time does not need it. To have the tables in it: alter publication supabase_realtime owner to %s;', me.name)
    from pg_catalog.pg_publication p, me, asked
    where asked.platform = 'existing'
      and p.pubname = 'supabase_realtime'
      and not p.puballtables
      and not pg_has_role(me.oid, p.pubowner, 'usage')
  )

select
  found.kind,
  found.what,
  found.remedy
from found
order by array_position(array['missing', 'unsafe', 'warning'], found.kind), found.what;
