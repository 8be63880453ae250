package com.gptdesk.chat.service.upgrade;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** What a database has beside what the migrations make: an upgrade does not copy it. */
final class LeftBehind {

  /** One line for each thing, the same in both databases. The change log's tables are no data. */
  private static final String THINGS =
      """
      select 'role ' || rolname from pg_roles where rolname !~ '^pg_'
      union all
      select 'database ' || datname from pg_database where not datistemplate
      union all
      select format('membership of %I in %I', m.rolname, r.rolname)
      from pg_auth_members a join pg_roles m on m.oid = a.member join pg_roles r on r.oid = a.roleid
      where r.rolname !~ '^pg_' or m.rolname !~ '^pg_'
      union all
      select format('setting %s of %s in %s', regexp_replace(c, '=.*', ''),
        coalesce(s.setrole::regrole::text, 'all roles'), coalesce(d.datname, 'all databases'))
      from pg_db_role_setting s cross join unnest(s.setconfig) c left join pg_database d on d.oid = s.setdatabase
      where s.setrole = 0 or s.setrole::regrole::text !~ '^[0-9]+$'
      union all
      select 'server setting ' || name from pg_file_settings
      where sourcefile like '%postgresql.auto.conf'
      union all
      select 'extension ' || extname from pg_extension
      union all
      select 'large object ' || oid from pg_largeobject_metadata
      union all
      select 'schema ' || nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema'
      union all
      select format('%s %I.%I', case c.relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end, n.nspname, c.relname)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      union all
      select format('column %I.%I.%I', n.nspname, c.relname, a.attname)
      from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
      where c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
      union all
      select format('function %I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
      from pg_proc p join pg_namespace n on n.oid = p.pronamespace
      where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
        and not exists (select from pg_depend d where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.deptype = 'e')
      """;

  private LeftBehind() {}

  /** {@return what the old database has and the new one has not, sorted} */
  static List<String> between(Connection old, Connection fresh) throws SQLException {
    Set<String> left = things(old);
    left.removeAll(things(fresh));
    return List.copyOf(left);
  }

  private static Set<String> things(Connection connection) throws SQLException {
    Set<String> things = new TreeSet<>();
    try (Statement statement = connection.createStatement();
        ResultSet rows = statement.executeQuery(THINGS)) {
      while (rows.next()) {
        things.add(rows.getString(1));
      }
    }
    return things;
  }
}
