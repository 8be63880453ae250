package com.gptdesk.chat.database.migration;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;

/**
 * The locks at the start of a migration: all tables of the chat, in the order in which a send takes
 * them, until the migration ends.
 *
 * <p>A migration that locked tables statement by statement could deadlock with users, and
 * PostgreSQL would then end one of the transactions. So it takes all locks at the start, or none.
 * Functions lock tables in several orders, so it may still conflict with one. It then waits for at
 * most {@value #WAIT_MS} ms, far less than {@code deadlock_timeout} (a second), releases its locks,
 * and tries again a moment later.
 */
final class TableLocks {

  private static final int WAIT_MS = 50;

  private TableLocks() {}

  /**
   * Locks the chat's existing tables; none in an empty database.
   *
   * @param connection in a transaction, which holds the locks until it ends
   * @param patience how long to retry; it tries at least once
   * @throws SQLException 55P03 when others held a table at each attempt
   */
  static void take(Connection connection, Duration patience) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      // The chat's tables are those of two schemas, and those of public whose policies use its
      // functions.
      statement.execute(
          """
          do $$
          declare
            ends constant timestamptz := clock_timestamp() + interval '%2$d ms';
            lock_timeout constant text := current_setting('lock_timeout');
            wanted text;
            users constant regclass := to_regclass('public.users');
          begin
            if to_regnamespace('chat') is null then
              return;
            end if;
            select string_agg(c.oid::regclass::text, ', ' order by
              array_position(array['users', 'user_conversations', 'user_messages'], c.relname::text),
              n.nspname = 'public' desc, n.nspname, c.relname)
            into wanted
            from pg_catalog.pg_class c
            join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            where c.relkind in ('r', 'p')
              and not c.relispartition
              and pg_has_role(c.relowner, 'usage')
              and case n.nspname
                when 'chat' then c.relname <> 'flyway_history'
                when 'relay' then true
                when 'public' then exists (
                  select
                  from pg_catalog.pg_policy p
                  join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_policy'::regclass and d.objid = p.oid
                  join pg_catalog.pg_proc f on d.refclassid = 'pg_catalog.pg_proc'::regclass and f.oid = d.refobjid
                  where p.polrelid = c.oid
                    and f.pronamespace = 'chat'::regnamespace)
              end;
            if wanted is null then
              return;
            end if;

            -- Waits for a vacuum, in a mode that stands in nobody's way; an autovacuum gives way after deadlock_timeout.
            perform set_config('lock_timeout', '3s', true);
            execute 'lock table ' || wanted || ' in share update exclusive mode';
            perform set_config('lock_timeout', '%1$dms', true);
            loop
              begin
                if has_table_privilege(users, 'update, delete, truncate') then
                  lock table public.users in share row exclusive mode;     -- our triggers are there, whosever it is
                end if;
                execute 'lock table ' || wanted || ' in access exclusive mode';
                exit;
              exception
                when lock_not_available or deadlock_detected then
                  if clock_timestamp() > ends then
                    raise;
                  end if;
              end;
              perform pg_sleep(0.02 + 0.1 * random());
            end loop;
            perform set_config('lock_timeout', lock_timeout, true);
          end
          $$
          """
              .formatted(WAIT_MS, Math.max(0, patience.toMillis())));
    }
  }
}
