-- What there is of the chat in this database, one line a thing. Reads the catalogue alone, locks nothing, and anybody may ask.
-- The build asks it of an empty database that was just migrated and keeps the answer (manifest-standalone.txt, manifest-existing.txt in
-- the jar); validate, serve, the metric chat_drift and verify-policies ask it again and compare. A DBA reads it by
--   PGOPTIONS='-c search_path=pg_catalog' psql -f db/manifest.sql
--
-- The answer is the same on PostgreSQL 15 to 18 and in every database: the owner is called <owner>, what the versions write differently is
-- squeezed or left out (MAINTAIN, NOT NULL as a constraint), and all partitions of messages go by one name, since they are made as time goes.
--   kind      what is told           subject   the table or function it belongs to
--   name      which one of them      facts     what must stay as it is
--   instance  the partition, where the subject is all of them

with
  asked as (
    select coalesce(nullif(current_setting('chat.platform', true), ''), 'standalone') = 'standalone' as standalone
  ),

  -- Whose most of it is: one thing that changed hands does not change that.
  owner as (
    select coalesce((
      select x.owner
      from (
        select c.relowner as owner, c.oid from pg_catalog.pg_class c where c.relnamespace in (to_regnamespace('chat'), to_regnamespace('relay'))
        union all
        select p.proowner, p.oid from pg_catalog.pg_proc p where p.pronamespace in (to_regnamespace('chat'), to_regnamespace('relay'))
      ) x
      group by x.owner
      order by count(*) desc, x.owner
      limit 1
    ), 0) as oid
  ),

  people (oid, name) as (
    select r.oid, case when r.oid = owner.oid then '<owner>' else r.rolname::text end -- text: a name would cut the facts off
    from pg_catalog.pg_roles r, owner
    union all
    select 0, 'PUBLIC'
  ),
  ours (name) as (
    values ('anon'), ('authenticated'), ('service_role'), ('chat_relay'), ('chat_service')
  ),

  schemas as (
    select n.oid, n.nspname as name, n.nspowner, n.nspacl
    from pg_catalog.pg_namespace n, asked
    where n.nspname in ('chat', 'relay', 'public')
      or n.nspname = 'auth' and asked.standalone
  ),
  extension_members as (
    select d.classid, d.objid
    from pg_catalog.pg_depend d
    where d.deptype = 'e'
  ),

  relations as (
    select
      c.*,
      s.name || '.' || c.relname as own_name,
      i.inhparent,
      case when i.inhparent = to_regclass('public.user_messages') then 'partitions of public.user_messages' else s.name || '.' || c.relname end as name,
      case when i.inhparent = to_regclass('public.user_messages') then s.name || '.' || c.relname end as instance
    from pg_catalog.pg_class c
    join schemas s on s.oid = c.relnamespace
    cross join asked
    left join pg_catalog.pg_inherits i on i.inhrelid = c.oid and c.relispartition
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S', 'c')
      and (asked.standalone or s.name <> 'public' or c.relname not in ('users', 'teams'))
      and not exists (select from extension_members e where e.classid = 'pg_catalog.pg_class'::regclass and e.objid = c.oid)
  ),
  -- Those whose columns and keys are told: the history is Flyway's, and a partition has those of its parent.
  tables as (
    select r.*
    from relations r
    where r.name <> 'chat.flyway_history'
  ),

  -- Version 18 writes a column without its table's alias where there is one table, older ones with it.
  alias (pattern) as (
    values ('\m(?!(public|chat|relay|auth)\.)[a-z_0-9]+\.')
  ),
  functions as (
    select
      p.*,
      format('%s.%s(%s)', s.name, p.proname, pg_get_function_identity_arguments(p.oid)) as name,
      regexp_replace(regexp_replace(pg_get_function_sqlbody(p.oid), alias.pattern, '', 'g'), '\s+', ' ', 'g') as bound_body
    from pg_catalog.pg_proc p
    join schemas s on s.oid = p.pronamespace
    cross join alias
    cross join asked
    where (asked.standalone or s.name <> 'public' or p.proname not in ('add_team', 'add_person', 'activate_person', 'deactivate_person'))
      and not exists (select from extension_members e where e.classid = 'pg_catalog.pg_proc'::regclass and e.objid = p.oid)
  ),

  rights as (
    select r.name as subject, r.instance, a.grantee, a.privilege_type, a.is_grantable
    from relations r
    cross join aclexplode(coalesce(r.relacl, acldefault(case when r.relkind = 'S' then 's' else 'r' end::"char", r.relowner))) a
    where r.relkind <> 'c'
    union all
    select f.name, null, a.grantee, a.privilege_type, a.is_grantable
    from functions f
    cross join aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) a
    union all
    select 'schema ' || s.name, null, a.grantee, a.privilege_type, a.is_grantable
    from schemas s
    cross join aclexplode(coalesce(s.nspacl, acldefault('n', s.nspowner))) a
    where s.name <> 'public'
  ),

  found (kind, subject, name, facts, instance) as (
    select 'owner', r.name::text, '', people.name, r.instance
    from relations r
    join people on people.oid = r.relowner
    union all
    select 'owner', f.name, '', people.name, null
    from functions f
    join people on people.oid = f.proowner
    union all
    select 'owner', 'schema ' || s.name, '', people.name, null
    from schemas s
    join people on people.oid = s.nspowner
    where s.name <> 'public'

    union all
    select 'right', x.subject, people.name, string_agg(x.privilege_type || case when x.is_grantable then '*' else '' end, ', ' order by x.privilege_type), x.instance
    from rights x
    join people on people.oid = x.grantee
    where x.privilege_type <> 'MAINTAIN'
    group by x.subject, x.instance, people.name

    union all
    select 'column right', x.subject, x.grantee, string_agg(format('%s (%s)', x.privilege, x.columns), ', ' order by x.privilege), x.instance
    from (
      select
        r.name as subject,
        r.instance,
        people.name as grantee,
        x.privilege_type || case when x.is_grantable then '*' else '' end as privilege,
        string_agg(a.attname, ', ' order by a.attname) as columns
      from relations r
      join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attacl is not null and not a.attisdropped
      cross join aclexplode(a.attacl) x
      join people on people.oid = x.grantee
      group by 1, 2, 3, 4
    ) x
    group by x.subject, x.instance, x.grantee

    union all
    select
      'relation',
      r.name,
      '',
      concat_ws(
        ', ',
        case r.relkind when 'r' then 'table' when 'p' then 'partitioned table' when 'v' then 'view' when 'm' then 'materialized view'
          when 'f' then 'foreign table' when 'S' then 'sequence' else 'type' end,
        -- Version 18 knows no unlogged partitioned table.
        case when r.relpersistence = 'u' and r.relkind <> 'p' then 'unlogged' end,
        case when r.relkind in ('v', 'm') then nullif(array_to_string(r.reloptions, ', '), '') end,
        case when r.relkind = 'p' then pg_get_partkeydef(r.oid) end,
        case when r.inhparent is not null and r.instance is null then format('of %s %s', r.inhparent::regclass, pg_get_expr(r.relpartbound, r.oid)) end,
        case when r.relkind in ('r', 'p') then 'replica identity ' || r.relreplident::text end),
      r.instance
    from tables r
    union all
    select 'view', r.name, '', 'md5 ' || md5(regexp_replace(regexp_replace(pg_get_viewdef(r.oid), alias.pattern, '', 'g'), '\s+', ' ', 'g')), null
    from relations r, alias
    where r.relkind in ('v', 'm')
    union all
    select 'row-level security', r.name, '', case when r.relrowsecurity then 'on' else 'off' end || case when r.relforcerowsecurity then ', forced' else '' end, r.instance
    from tables r
    where r.relkind in ('r', 'p')

    union all
    select
      'column',
      r.name,
      a.attname,
      concat_ws(
        ' ',
        format_type(a.atttypid, a.atttypmod),
        case when a.attnotnull then 'not null' end,
        case when a.attidentity <> '' then 'identity ' || a.attidentity::text end,
        case when a.attgenerated <> '' then 'generated' end,
        'default ' || pg_get_expr(d.adbin, d.adrelid)),
      null
    from tables r
    join pg_catalog.pg_attribute a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
    left join pg_catalog.pg_attrdef d on d.adrelid = r.oid and d.adnum = a.attnum
    where r.inhparent is null
      and r.relkind not in ('v', 'm', 'S')

    union all
    select
      'policy',
      r.name,
      p.polname,
      concat_ws(
        ' ',
        case when not p.polpermissive then 'restrictive' end,
        case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        'to ' || (select string_agg(people.name, ', ' order by people.name) from people where people.oid = any (p.polroles)),
        'using ' || pg_get_expr(p.polqual, p.polrelid),
        'check ' || pg_get_expr(p.polwithcheck, p.polrelid)),
      r.instance
    from relations r
    join pg_catalog.pg_policy p on p.polrelid = r.oid

    union all
    select
      'trigger',
      x.name,
      g.tgname,
      concat_ws(
        ', ',
        -- Where a platform's column is a varchar or an enum, a condition on it is written with a cast.
        regexp_replace(
          replace(regexp_replace(pg_get_triggerdef(g.oid), '^CREATE (CONSTRAINT )?TRIGGER \S+ ', '\1'), x.own_name, x.name),
          '\(((new|old)\.\w+)\)::text', '\1', 'g'),
        case g.tgenabled when 'O' then null when 'D' then 'disabled' else 'fires as ' || g.tgenabled::text end),
      x.instance
    from (
      select r.oid, r.name, r.own_name, r.instance, false as is_theirs
      from relations r
      union all
      select to_regclass('public.users'), 'public.users', 'public.users', null, true
      from asked
      where not asked.standalone
    ) x
    join pg_catalog.pg_trigger g on g.tgrelid = x.oid
    join pg_catalog.pg_proc p on p.oid = g.tgfoid
    where not g.tgisinternal
      and (not x.is_theirs or p.pronamespace in (to_regnamespace('chat'), to_regnamespace('relay')))
    union all
    select 'trigger', r.name, 'those of its foreign keys', 'disabled', r.instance
    from relations r
    where exists (
      select
      from pg_catalog.pg_trigger g
      where g.tgrelid = r.oid
        and g.tgisinternal
        and g.tgenabled in ('D', 'R')
    )

    union all
    select
      'constraint',
      r.name,
      coalesce(parent.conname, k.conname),
      replace(pg_get_constraintdef(k.oid), r.own_name, r.name),
      r.instance
    from tables r
    join pg_catalog.pg_constraint k on k.conrelid = r.oid
    left join pg_catalog.pg_constraint parent on parent.oid = k.conparentid
    where k.contype in ('p', 'u', 'f', 'c', 'x')
      -- What only one partition has was made to attach it.
      and (r.instance is null or k.coninhcount > 0 or k.conparentid <> 0)
      -- A key to a partitioned table has one to each partition below it.
      and (r.inhparent is not null or k.conparentid = 0)

    union all
    select
      'index',
      r.name,
      coalesce(parent.relname, c.relname),
      concat_ws(
        ', ',
        regexp_replace(replace(pg_get_indexdef(i.indexrelid), r.own_name, r.name), '^CREATE (UNIQUE )?INDEX \S+ ON (ONLY )?', '\1'),
        case when not i.indisvalid then 'invalid' end),
      r.instance
    from tables r
    join pg_catalog.pg_index i on i.indrelid = r.oid
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    left join pg_catalog.pg_inherits h on h.inhrelid = c.oid
    left join pg_catalog.pg_class parent on parent.oid = h.inhparent
    where (r.instance is null or parent.oid is not null)
      and not exists (select from pg_catalog.pg_constraint k where k.conindid = i.indexrelid and k.contype in ('p', 'u', 'x'))

    union all
    -- What chat.search_index_is_current asks.
    select 'version', 'public.user_messages', c.relname, coalesce(obj_description(c.oid, 'pg_class'), ''), null
    from pg_catalog.pg_class c
    where c.oid = to_regclass('public.idx_user_messages_content_search')

    union all
    select 'rule', r.name, w.rulename, pg_get_ruledef(w.oid), r.instance
    from relations r
    join pg_catalog.pg_rewrite w on w.ev_class = r.oid
    where w.rulename <> '_RETURN'

    union all
    select 'child', r.name, c.oid::regclass::text, 'a table that is read with it', null
    from relations r
    join pg_catalog.pg_inherits i on i.inhparent = r.oid
    join pg_catalog.pg_class c on c.oid = i.inhrelid
    where not exists (select from relations x where x.oid = c.oid and (x.instance is null or x.own_name ~ '^chat\.user_messages_\d{4}_\d\d$'))

    union all
    select
      'function',
      f.name,
      '',
      concat_ws(
        ', ',
        case f.prokind when 'p' then 'procedure' when 'a' then 'aggregate' when 'w' then 'window function' else 'returns ' || pg_get_function_result(f.oid) end,
        case when f.pronargdefaults > 0 then 'arguments ' || pg_get_function_arguments(f.oid) end,
        case when f.prosecdef then 'definer' else 'invoker' end,
        l.lanname,
        case f.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
        case when f.proleakproof then 'leakproof' end,
        case when f.proisstrict then 'strict' end,
        case f.proparallel when 's' then 'parallel safe' when 'r' then 'parallel restricted' end,
        case when f.prorows <> 0 and f.prorows <> 1000 then 'rows ' || f.prorows end,
        case when f.prosupport <> 0 then 'support ' || f.prosupport::text end,
        'set ' || nullif((select string_agg(x, '; ' order by x) from unnest(f.proconfig) x), '')),
      null
    from functions f
    join pg_catalog.pg_language l on l.oid = f.prolang
    union all
    select
      'body',
      f.name,
      '',
      case
        when f.name = 'chat.uuid7()' and md5(f.bound_body) in ('247bba71b6a293477c2e3ec07644b450', 'd56d9118ed39e6c31106baf180ace93f') then 'as made before or from version 18'
        else md5(coalesce(f.bound_body, f.prosrc))
      end,
      null
    from functions f

    union all
    select
      'attributes',
      'role ' || r.rolname,
      '',
      concat_ws(
        ', ',
        case when r.rolcanlogin then 'login' else 'nologin' end,
        case when r.rolinherit then 'inherit' else 'noinherit' end,
        case when r.rolsuper then 'superuser' end,
        case when r.rolbypassrls then 'bypassrls' end,
        case when r.rolcreaterole then 'createrole' end,
        case when r.rolcreatedb then 'createdb' end,
        case when r.rolreplication then 'replication' end),
      null
    from ours
    join pg_catalog.pg_roles r on r.rolname = ours.name
    cross join asked
    where asked.standalone
      or r.rolname like 'chat\_%'
    union all
    select
      'member',
      'role ' || m.rolname,
      people.name,
      case when pg_has_role(m.oid, g.oid, 'usage') then 'inherits' else 'may become it' end,
      null
    from (select distinct a.member, a.roleid from pg_catalog.pg_auth_members a) a
    join pg_catalog.pg_roles m on m.oid = a.member
    join pg_catalog.pg_roles g on g.oid = a.roleid
    join people on people.oid = g.oid
    cross join owner
    cross join asked
    where m.rolname in (select ours.name from ours)
        and (asked.standalone or m.rolname like 'chat\_%')
      or g.rolname = 'chat_relay' and m.oid <> owner.oid and m.rolname not in (select ours.name from ours) and not m.rolsuper

    union all
    select
      'default right',
      coalesce('schema ' || n.nspname, 'every schema'),
      format('%s to %s, made by %s', case d.defaclobjtype when 'r' then 'tables' when 'S' then 'sequences' when 'f' then 'functions' when 'T' then 'types' else 'schemas' end,
        people.name, maker.name),
      string_agg(a.privilege_type, ', ' order by a.privilege_type),
      null
    from pg_catalog.pg_default_acl d
    left join pg_catalog.pg_namespace n on n.oid = d.defaclnamespace
    cross join aclexplode(d.defaclacl) a
    join people on people.oid = a.grantee
    join people maker on maker.oid = d.defaclrole
    cross join asked
    where a.privilege_type <> 'MAINTAIN'
      and a.grantee <> d.defaclrole
      and (a.grantee = 0 or people.name in (select ours.name from ours))
      -- What is a default of the server itself, for functions and types.
      and not (a.grantee = 0 and n.oid is null and d.defaclobjtype in ('f', 'T'))
      -- A platform's own defaults for its own schema: each file of ours revokes first.
      and (n.oid is null or n.nspname in ('chat', 'relay') or asked.standalone and n.nspname = 'public')
    group by n.nspname, d.defaclobjtype, people.name, maker.name

    union all
    select 'right', 'parameter ' || x.parname, people.name, string_agg(a.privilege_type, ', ' order by a.privilege_type), null
    from pg_catalog.pg_parameter_acl x
    cross join aclexplode(x.paracl) a
    join people on people.oid = a.grantee
    where a.grantee = 0
      or people.name in (select ours.name from ours)
    group by x.parname, people.name
  )

select found.kind, found.subject, found.name, regexp_replace(found.facts, '\s+', ' ', 'g') as facts, found.instance
from found
order by found.subject collate "C", found.kind collate "C", found.name collate "C", found.instance collate "C";
