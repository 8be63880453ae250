package com.gptdesk.chat.database;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.database.connection.Login;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;

/**
 * Whether the login that the service enters with is as harmless as the policies need it to be: one
 * who owns a table, or is a superuser, is not held by them.
 */
public final class ServiceLogin {

  /** One row of the reasons, null for what is well. */
  private static final String LOOK =
      """
      select
        case when r.rolsuper then 'is a superuser' end,
        case when r.rolbypassrls then 'has BYPASSRLS' end,
        case when r.rolcreaterole then 'has CREATEROLE' end,
        case when r.rolreplication then 'has REPLICATION' end,
        case when exists (
          select
          from pg_catalog.pg_shdepend d
          where d.refclassid = 'pg_catalog.pg_authid'::regclass
            and d.refobjid = r.oid
            and d.deptype = 'o'
        ) then 'owns something' end,
        case when exists (
          select
          from pg_catalog.pg_class c
          where c.relnamespace in (to_regnamespace('public'), to_regnamespace('chat'), to_regnamespace('relay'))
            and c.relowner <> r.oid
            and pg_has_role(r.oid, c.relowner, 'member')
        ) then 'is a member of the tables'' owner' end,
        case when not r.rolsuper then (
          select 'is a member of ' || string_agg(g.rolname, ', ' order by g.rolname)
          from pg_catalog.pg_roles g
          where g.oid < 16384
            and not g.rolsuper
            and g.rolname <> 'pg_database_owner'
            and pg_has_role(r.oid, g.oid, 'member')
        ) end,
        case when not r.rolsuper and not exists (
          select
          from pg_catalog.pg_roles s
          where s.rolname = 'chat_service'
            and pg_has_role(r.oid, s.oid, 'usage')
        ) then 'is no member of chat_service that inherits (grant chat_service to it)' end,
        -- Whoever once had its password may have set that, and it outlives the password.
        (
          select 'begins each session with ' || string_agg(
            format('%s (alter %s reset %s)', x.setting,
              case when d.setrole = 0 then format('database %I', current_database())
                else format('role %I', r.rolname) || case when d.setdatabase = 0 then '' else format(' in database %I', current_database()) end
              end,
              split_part(x.setting, '=', 1)),
            ', ' order by x.setting)
          from pg_catalog.pg_db_role_setting d
          cross join unnest(d.setconfig) as x (setting)
          where d.setrole in (0, r.oid)
            and d.setdatabase in (0, (select b.oid from pg_catalog.pg_database b where b.datname = current_database()))
            and x.setting ~* '^(role=|request[.]|chat[.]|session_replication_role=)'
        )
      from pg_catalog.pg_roles r
      where r.rolname = session_user
      """;

  private ServiceLogin() {}

  /**
   * Returns when all is well.
   *
   * @param login as whom the service enters
   * @throws IllegalStateException with everything that is wrong with it, for a DBA
   */
  public static void verify(Login login) {
    verify(login.dataSource(), login.user());
  }

  /**
   * As {@link #verify(Login)}, of the login behind a team's own connections: once, at start.
   *
   * @param dataSource what {@link ChatDatabase} is given
   * @throws IllegalStateException with everything that is wrong with it, for a DBA
   */
  public static void verify(DataSource dataSource) {
    verify(dataSource, "of this data source");
  }

  private static void verify(DataSource dataSource, String name) {
    List<String> faults = new ArrayList<>();
    try (Connection connection = dataSource.getConnection()) {
      look(connection, faults);
      if (faults.isEmpty()) {
        tryRoles(connection, faults);
      }
    } catch (SQLException e) {
      throw new DatabaseUnavailable("Could not enter the database as the login " + name, e);
    }
    if (!faults.isEmpty()) {
      throw new IllegalStateException(
          "The runtime login %s will not do, because it %s."
              .formatted(name, String.join(", and ", faults)));
    }
  }

  private static void look(Connection connection, List<String> faults) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(LOOK)) {
      row.next();
      for (int column = 1; column <= row.getMetaData().getColumnCount(); column++) {
        String fault = row.getString(column);
        if (fault != null) {
          faults.add(fault);
        }
      }
    }
  }

  private static void tryRoles(Connection connection, List<String> faults) throws SQLException {
    connection.setAutoCommit(false);
    for (Caller.Role role : Caller.Role.ALL) {
      try (Statement statement = connection.createStatement()) {
        statement.execute("set local role " + role.sqlName());
      } catch (SQLException e) {
        faults.add("may not become " + role.sqlName());
      } finally {
        connection.rollback();
      }
    }
    connection.setAutoCommit(true);
  }
}
