-- Ways to the chat's data that are none of the chat's own: what anon, authenticated, chat_relay, chat_service and the logins that are
-- members of it reach by any path. What a platform has besides is judged by what it opens of ours, not by its being there.
-- The command verify-policies asks it. Reads the catalogue alone, locks nothing. chat.ours has the names of our tables and functions.
--   id    what a line of the file of accepted things says     what    what it is and whom it serves
--   remedy  what a DBA does about it

with recursive
  asked as (
    select
      coalesce(nullif(current_setting('chat.platform', true), ''), 'standalone') = 'standalone' as standalone,
      string_to_array(current_setting('chat.ours', true), ',') as names,
      '\m((chat|relay)\.|(' || replace(current_setting('chat.ours', true), ',', '|') || ')\M)' as mentions
  ),
  owner as (
    select x.owner as oid
    from (
      select c.relowner as owner from pg_catalog.pg_class c where c.relnamespace in (to_regnamespace('chat'), to_regnamespace('relay'))
      union all
      select p.proowner from pg_catalog.pg_proc p where p.pronamespace in (to_regnamespace('chat'), to_regnamespace('relay'))
    ) x
    group by x.owner
    order by count(*) desc, x.owner
    limit 1
  ),

  -- Who must stay under the policies. service_role sees all, so it is none of them.
  known (name) as (
    values ('anon'), ('authenticated'), ('service_role'), ('chat_relay'), ('chat_service')
  ),
  subjects as (
    select r.oid, r.rolname as name, false as is_login
    from pg_catalog.pg_roles r
    join known on known.name = r.rolname and known.name <> 'service_role'
    union all
    select r.oid, r.rolname, true
    from pg_catalog.pg_roles r
    cross join owner
    join pg_catalog.pg_roles s on s.rolname = 'chat_service' and pg_has_role(r.oid, s.oid, 'usage')
    where r.rolcanlogin
      and not r.rolsuper
      and r.oid not in (owner.oid, s.oid)
  ),
  -- What each is a member of, by inheritance or by SET ROLE alike. The five are looked at by themselves.
  reach (subject, is_login, oid, path) as (
    select s.name, s.is_login, s.oid, array[s.oid]
    from subjects s
    union all
    select r.subject, r.is_login, g.oid, r.path || g.oid
    from reach r
    join (select distinct m.member, m.roleid from pg_catalog.pg_auth_members m) m on m.member = r.oid
    join pg_catalog.pg_roles g on g.oid = m.roleid
    join pg_catalog.pg_roles here on here.oid = r.oid
    where g.oid <> all (r.path)
      and (cardinality(r.path) = 1 or here.rolname not in (select known.name from known))
      and (g.rolname not in (select known.name from known) or not r.is_login and cardinality(r.path) = 1)
  ),
  reached as (
    select distinct on (r.subject, r.oid) r.subject, r.is_login, r.oid, g.rolname as name, r.path, g.rolsuper, g.rolbypassrls, g.rolcreaterole, g.rolreplication
    from reach r
    join pg_catalog.pg_roles g on g.oid = r.oid
    order by r.subject, r.oid, cardinality(r.path)
  ),
  -- chat_service may become the other four: that is its task.
  means as (
    select r.*
    from reached r
    cross join owner
    where (r.name not in (select known.name from known) or r.name = r.subject)
      -- Whoever is past all policies may do the rest by that.
      and not exists (
        select
        from reached x
        where x.subject = r.subject
          and (x.oid = owner.oid or x.rolsuper)
      )
  ),

  extension_members as (
    select d.classid, d.objid
    from pg_catalog.pg_depend d
    where d.deptype = 'e'
  ),
  our_tables as (
    select c.oid, n.nspname || '.' || c.relname as name
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join asked
    where c.relkind in ('r', 'p', 'v', 'm')
      and (n.nspname in ('chat', 'relay') or n.nspname = 'public' and c.relname = any (asked.names))
  ),
  uses as (
    select distinct c.oid as view, d.refobjid as used
    from pg_catalog.pg_class c
    join pg_catalog.pg_rewrite w on w.ev_class = c.oid
    join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid
    where c.relkind in ('v', 'm')
      and d.refclassid = 'pg_catalog.pg_class'::regclass
      and d.refobjid <> c.oid
  ),
  reads (view, used) as (
    select u.view, u.used from uses u
    union
    select r.view, u.used from reads r join uses u on u.view = r.used
  ),
  foreign_relations as (
    select c.oid, c.relkind, c.relowner, c.relnamespace, c.relrowsecurity, format('%I.%I', n.nspname, c.relname) as name,
      coalesce('security_invoker=true' = any (c.reloptions) or 'security_invoker=on' = any (c.reloptions) or 'security_invoker=1' = any (c.reloptions), false) as is_invoker
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f')
      and n.nspname !~ '^pg_'
      and n.nspname not in ('information_schema', 'chat', 'relay')
      and not exists (select from our_tables o where o.oid = c.oid)
      and not exists (select from extension_members e where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid)
  ),
  open_relations as (
    select f.oid, string_agg(distinct m.subject, ', ' order by m.subject) as people
    from foreign_relations f
    join means m on has_schema_privilege(m.oid, f.relnamespace, 'usage')
      and (
        has_any_column_privilege(m.oid, f.oid, 'select')
        or f.relkind <> 'm' and has_table_privilege(m.oid, f.oid, 'insert, update, delete')
      )
      and m.oid <> f.relowner
    group by f.oid
  ),
  foreign_functions as (
    select p.oid, p.proowner, p.pronamespace, p.prosecdef, p.prolang, p.prosrc, n.nspname,
      format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) as name,
      o.rolsuper or o.rolbypassrls or pg_has_role(o.oid, owner.oid, 'member') as passes,
      exists (select from unnest(p.proargtypes) t where t in ('text'::regtype, 'varchar'::regtype)) as takes_text
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_roles o on o.oid = p.proowner
    cross join owner
    cross join asked
    where n.nspname !~ '^pg_'
      and n.nspname not in ('information_schema', 'chat', 'relay')
      and not (n.nspname = 'auth' and asked.standalone)
      and not (n.nspname = 'public' and p.proname = any (asked.names))
      and p.prorettype not in ('trigger'::regtype, 'event_trigger'::regtype)
      and not exists (select from extension_members e where e.classid = 'pg_catalog.pg_proc'::regclass and e.objid = p.oid)
  ),
  open_functions as (
    select f.oid, string_agg(distinct m.subject, ', ' order by m.subject) as people
    from foreign_functions f
    join means m on has_schema_privilege(m.oid, f.pronamespace, 'usage') and has_function_privilege(m.oid, f.oid, 'execute')
    group by f.oid
  ),

  found (id, what, remedy) as (
    -- Who they are.

    select
      format('member role %s %s', r.subject, case when r.oid = owner.oid then '<owner>' else r.name end),
      format('%s is a member of %s%s, %s', r.subject, r.name,
        case when cardinality(r.path) > 2
          then format(' by %s', (select string_agg(x.oid::regrole::text, ', ' order by x.place) from unnest(r.path[2:cardinality(r.path) - 1]) with ordinality as x (oid, place)))
          else ''
        end,
        case
          when r.oid = owner.oid then 'who owns the chat''s tables and is held by no policy'
          when r.rolsuper then 'a superuser'
          when r.rolbypassrls then 'who bypasses row-level security'
          when r.rolcreaterole then 'who may make roles and grant them'
          when r.name in (select known.name from known) then 'who may other things'
          else 'a right on the whole server'
        end),
      format('revoke %I from %I;', r.name, (r.path[cardinality(r.path) - 1])::regrole::text)
    from reached r, owner
    where cardinality(r.path) > 1
      and (
        r.oid = owner.oid
        or r.rolsuper
        or (r.rolbypassrls or r.rolcreaterole) and r.name not in (select known.name from known)
        or r.oid < 16384
        or r.name in (select known.name from known) and not r.is_login and r.subject <> 'chat_service'
      )

    union all
    select
      format('attributes role %s', s.name),
      format('%s %s', s.name, concat_ws(', ', case when r.rolsuper then 'is a superuser' end, case when r.rolbypassrls then 'bypasses row-level security' end,
        case when r.rolcreaterole then 'may make roles' end, case when r.rolreplication then 'may read the server''s log (REPLICATION)' end)),
      format('alter role %I nosuperuser nobypassrls nocreaterole noreplication;', s.name)
    from subjects s
    join pg_catalog.pg_roles r on r.oid = s.oid
    where r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolreplication

    union all
    select
      format('setting %s %s', coalesce(r.rolname, 'database'), split_part(x.setting, '=', 1)),
      format('%s begins each session with %s', coalesce(r.rolname, 'everybody'), x.setting),
      format('alter %s reset %s;', case when r.oid is null then format('database %I', current_database()) else format('role %I', r.rolname) end, split_part(x.setting, '=', 1))
    from pg_catalog.pg_db_role_setting d
    left join pg_catalog.pg_roles r on r.oid = d.setrole
    cross join unnest(d.setconfig) as x (setting)
    where (d.setdatabase = 0 or d.setdatabase = (select b.oid from pg_catalog.pg_database b where b.datname = current_database()))
      and (d.setrole = 0 or d.setrole in (select s.oid from subjects s))
      and x.setting ~* '^(request\.|chat\.|role=|session_preload_libraries=|local_preload_libraries=|session_replication_role=|row_security=off|lo_compat_privileges=)'

    union all
    select 'setting server lo_compat_privileges', 'large objects are not protected by rights on this server', 'alter system set lo_compat_privileges = off;'
    where current_setting('lo_compat_privileges') = 'on'

    -- What they may make.

    union all
    select
      format('create schema %s %s', n.nspname, x.name),
      format('%s may create in schema %s%s', x.name, n.nspname,
        case when n.nspname = 'public' then ', which sessions look into: what they put there may be taken for something else' else ', which our functions read' end),
      format('revoke create on schema %I from %s;', n.nspname, case when x.name = 'PUBLIC' then 'public' else quote_ident(x.name) end)
    from pg_catalog.pg_namespace n
    cross join aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a
    cross join lateral (
      select 'PUBLIC' where a.grantee = 0
      union
      select g.rolname from means m join pg_catalog.pg_roles g on g.oid = m.oid where m.oid = a.grantee
    ) x (name)
    where n.nspname in ('public', 'auth', 'pg_catalog', 'extensions')
      and a.privilege_type = 'CREATE'
      and not (n.nspname = 'auth' and (select asked.standalone from asked))

    union all
    select distinct
      format('create database %s', m.subject),
      format('%s may create schemas in this database', m.subject),
      format('revoke create on database %I from %I;', current_database(), m.name)
    from means m
    where exists (
      select
      from pg_catalog.pg_database b
      cross join aclexplode(coalesce(b.datacl, acldefault('d', b.datdba))) a
      where b.datname = current_database()
        and a.privilege_type = 'CREATE'
        and a.grantee in (0, m.oid)
    )

    -- What of the server they reach.

    union all
    select
      format('right %s.%s %s', n.nspname, p.proname, string_agg(distinct m.subject, ', ' order by m.subject)),
      format('%s may call %s.%s, which reaches files, or other databases, of the server', string_agg(distinct m.subject, ', ' order by m.subject), n.nspname, p.proname),
      format('revoke execute on function %s from public, %s;', string_agg(distinct p.oid::regprocedure::text, ', '), string_agg(distinct quote_ident(m.name), ', '))
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join means m on has_function_privilege(m.oid, p.oid, 'execute') and m.oid >= 16384 and not m.rolsuper
    where p.proname in ('pg_read_file', 'pg_read_binary_file', 'pg_ls_dir', 'pg_stat_file', 'pg_ls_logdir', 'pg_ls_waldir', 'pg_ls_tmpdir', 'lo_import', 'lo_export',
      'pg_rotate_logfile', 'pg_reload_conf', 'pg_switch_wal', 'dblink_connect_u')
      -- A member of pg_monitor is told of above.
      and exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0 or a.grantee >= 16384 and a.grantee = m.oid)
    group by n.nspname, p.proname

    union all
    select distinct
      format('right parameter %s %s', p.parname, x.name),
      format('%s may change the server''s parameter %s (%s)', x.name, p.parname, a.privilege_type),
      format('revoke all on parameter %s from %s;', p.parname, case when x.name = 'PUBLIC' then 'public' else quote_ident(x.name) end)
    from pg_catalog.pg_parameter_acl p
    cross join aclexplode(p.paracl) a
    cross join lateral (
      select 'PUBLIC' where a.grantee = 0
      union
      select m.name from means m where m.oid = a.grantee
    ) x (name)

    -- What shows our tables.

    union all
    select
      format('%s %s', case f.relkind when 'v' then 'view' else 'materialized view' end, f.name),
      format('%s shows %s the rows of %s %s', f.name, o.people, string_agg(distinct t.name, ', ' order by t.name),
        case f.relkind when 'v' then format('with the rights of its owner %s', f.relowner::regrole) else 'as they were when it was filled' end),
      case f.relkind
        when 'v' then format('alter view %s set (security_invoker = true); or: revoke all on %s from public, %s;', f.name, f.name, o.people)
        else format('revoke all on %s from public, %s;', f.name, o.people)
      end
    from foreign_relations f
    join open_relations o on o.oid = f.oid
    join reads r on r.view = f.oid
    join our_tables t on t.oid = r.used
    where f.relkind = 'm' or f.relkind = 'v' and not f.is_invoker
    group by f.relkind, f.name, f.relowner, o.people

    union all
    select
      format('foreign table %s', f.name),
      format('%s lets %s reach a table of the name of ours by another server''s login', f.name, o.people),
      format('revoke all on %s from public, %s;', f.name, o.people)
    from foreign_relations f
    join open_relations o on o.oid = f.oid
    join pg_catalog.pg_foreign_table t on t.ftrelid = f.oid
    cross join asked
    where coalesce(
      (select split_part(x, '=', 2) from unnest(t.ftoptions) x where x like 'table\_name=%'),
      split_part(f.name, '.', 2)) = any (asked.names)

    union all
    select
      format('table %s', f.name),
      format('%s has no row-level security and is open to %s%s', f.name, o.people,
        case when exists (
          select
          from pg_catalog.pg_constraint k
          join our_tables t on t.oid = k.confrelid
          where k.conrelid = f.oid
        ) then '; it refers to the chat''s tables' else '' end),
      format('alter table %s enable row level security; or: revoke all on %s from public, %s;', f.name, f.name, o.people)
    from foreign_relations f
    join open_relations o on o.oid = f.oid
    cross join asked
    where f.relkind in ('r', 'p')
      and not f.relrowsecurity
      and (
        asked.standalone
        or exists (
          select
          from pg_catalog.pg_constraint k
          join our_tables t on t.oid = k.confrelid
          where k.conrelid = f.oid
            and t.name not in ('public.users', 'public.teams')
        )
      )

    union all
    select
      format('function %s', f.name),
      format('%s runs as %s for %s, and %s', f.name, f.proowner::regrole, o.people,
        case when f.prosrc ~* asked.mentions or d.found then 'names what is ours' else 'executes text that it is given' end),
      format('revoke execute on function %s from public, %s;', f.name, o.people)
    from foreign_functions f
    join open_functions o on o.oid = f.oid
    cross join asked
    cross join lateral (
      select exists (
        select
        from pg_catalog.pg_depend d
        where d.classid = 'pg_catalog.pg_proc'::regclass
          and d.objid = f.oid
          and (d.refobjid in (select t.oid from our_tables t)
            or d.refobjid in (select u.view from reads u join our_tables t on t.oid = u.used)
            or d.refobjid in (select p.oid from pg_catalog.pg_proc p where p.pronamespace in (to_regnamespace('chat'), to_regnamespace('relay'))))
      ) as found
    ) d
    where f.prosecdef
      and f.passes
      and (f.prosrc ~* asked.mentions or d.found or f.takes_text and f.prosrc ~* '\mexecute\M')
  )

select distinct found.id, found.what, found.remedy
from found
order by found.id;
