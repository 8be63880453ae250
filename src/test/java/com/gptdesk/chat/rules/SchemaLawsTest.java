package com.gptdesk.chat.rules;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/**
 * What every table, policy, function and index must have, asked of the catalogue. A new general
 * rule is best added here. Each query returns what breaks the law.
 */
class SchemaLawsTest extends Rules {

  private static final String OURS = "('public', 'chat', 'relay')";

  @Test
  void everyTableHasRowLevelSecurity() {
    // Flyway's history is Flyway's; who reads it is settled by one grant.
    law(
        """
        select c.oid::regclass
        from pg_class c
        where c.relkind in ('r', 'p')
          and c.relnamespace::regnamespace::text in %s
          and c.oid <> 'chat.flyway_history'::regclass
          and not c.relrowsecurity
        """);
    assertTrue(
        column(
                    "select oid from pg_class where relrowsecurity and relnamespace ="
                        + " 'chat'::regnamespace")
                .size()
            >= 5,
        "settings and the partitions");
  }

  @Test
  void nothingIsReachedThroughAPartition() {
    law(
        """
        select c.oid::regclass || ' ' || a.grantee::regrole || ' ' || a.privilege_type
        from pg_class c
        cross join aclexplode(c.relacl) a
        where c.relispartition
          and c.relnamespace::regnamespace::text in %s
          and a.grantee <> c.relowner
        """);
    law(
        "select inhrelid::regclass from pg_inherits join pg_policy on polrelid = inhrelid where %s"
            + " is not null");
  }

  @Test
  void thereIsNoDefaultPartition() {
    law(
        "select partrelid::regclass from pg_partitioned_table where partdefid <> 0 and '' not in"
            + " %s");
  }

  @Test
  void everyPolicyNamesItsRole() {
    law(
        """
        select p.polrelid::regclass || ': ' || p.polname
        from pg_policy p
        join pg_class c on c.oid = p.polrelid
        where c.relnamespace::regnamespace::text in %s
          and (0 = any (p.polroles) or cardinality(p.polroles) <> 1 or 'anon'::regrole = any (p.polroles))
        """);
  }

  @Test
  void aRoleHasOnePermissivePolicyForACommand() {
    law(
        """
        select p.polrelid::regclass || ' ' || r.role::regrole || ' ' || k.cmd
        from pg_policy p
        join pg_class c on c.oid = p.polrelid
        cross join unnest(p.polroles) r (role)
        cross join unnest(array['r', 'a', 'w', 'd']) k (cmd)
        where c.relnamespace::regnamespace::text in %s
          and p.polpermissive
          and p.polcmd::text in (k.cmd, '*')
        group by p.polrelid, r.role, k.cmd
        having count(*) > 1
        """);
    law("select polname from pg_policy where polpermissive and polcmd = '*' and '' not in %s");
  }

  @Test
  void whoIsNotActiveIsShutOutOfEveryTableThatPeopleReach() {
    law(
        """
        select t.oid::regclass
        from pg_class t
        where t.relnamespace = 'public'::regnamespace
          and has_any_column_privilege('authenticated', t.oid, 'select, insert, update')
          and t.relname not in ('users', 'teams')     -- the platform's: their policies ask chat.me() and chat.my_team()
          and t.relkind in ('r', 'p')
          and '' not in %s
          and not exists (
            select
            from pg_policy p
            where p.polrelid = t.oid
              and not p.polpermissive
              and p.polcmd = '*'
              and p.polroles = array['authenticated'::regrole::oid]
              and pg_get_expr(p.polqual, p.polrelid) = '(( SELECT chat.me() AS me) IS NOT NULL)'
          )
        """);
  }

  @Test
  void policiesAskWhoIsCallingOnceAStatementAndNoFunctionOfTheRow() {
    // After the wrapped calls are taken out, no call is left. Inserts are of few rows: their checks
    // may ask.
    law(
        """
        select p.polrelid::regclass || ': ' || p.polname || ': ' || e.rest
        from pg_policy p
        join pg_class c on c.oid = p.polrelid
        cross join lateral (
          select regexp_replace(
            coalesce(pg_get_expr(p.polqual, p.polrelid), '') || ' ' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''),
            '\\( SELECT (auth\\.uid|chat\\.me|chat\\.my_team|chat\\.claims_hold|chat\\.people_hidden_from_me)\\(\\) AS \\w+\\)', '', 'g') as rest
        ) e
        where c.relnamespace::regnamespace::text in %s
          and p.polcmd <> 'a'
          and e.rest ~ '\\w\\('
        """);
    assertEquals(
        List.of("Users can create conversations"),
        column(
            "select polname from pg_policy where regexp_replace(pg_get_expr(polwithcheck,"
                + " polrelid), 'SELECT \\w+\\.\\w+\\(\\)', '', 'g') ~ '\\w\\('"),
        "the one check that asks about its row");
  }

  @Test
  void everyForeignKeyHasAnIndex() {
    law(
        """
        select k.conrelid::regclass || ' ' || k.conname
        from pg_constraint k
        where k.contype = 'f'
          and k.connamespace::regnamespace::text in %s
          and not exists (
            select
            from pg_index i
            where i.indrelid = k.conrelid
              and i.indisvalid
              and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
              and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = (
                select '(' || a.attname || ' IS NOT NULL)'
                from pg_attribute a
                where a.attrelid = k.conrelid and a.attnum = k.conkey[1]))
          )
        """);
  }

  @Test
  void noIndexIsThereTwice() {
    law(
        """
        select string_agg(i.indexrelid::regclass::text, ' = ')
        from pg_index i
        join pg_class c on c.oid = i.indrelid
        where c.relnamespace::regnamespace::text in %s
        group by i.indrelid, i.indkey::text, i.indclass::text, i.indoption::text,
          pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid)
        having count(*) > 1
        """);
    // Nor as the beginning of another.
    law(
        """
        select i.indexrelid::regclass || ' begins ' || longer.indexrelid::regclass
        from pg_index i
        join pg_index longer on longer.indrelid = i.indrelid and longer.indexrelid <> i.indexrelid
        join pg_class c on c.oid = i.indrelid
        join pg_class x on x.oid = i.indexrelid
        join pg_class y on y.oid = longer.indexrelid and y.relam = x.relam
        where c.relnamespace::regnamespace::text in %s
          and not i.indisunique
          and i.indexprs is null
          and longer.indexprs is null
          and i.indpred is null
          and longer.indpred is null
          and starts_with(longer.indkey::text || ' ', i.indkey::text || ' ')
        """);
  }

  @Test
  void aFunctionPinsItsPath() {
    // pg_temp is named, and last: an empty path finds types and relations there first. A body that
    // is bound when it is made needs no path; a procedure that commits, and chat.enter, set it.
    law(
        """
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace::regnamespace::text in %s
          and (p.proconfig is null or not 'search_path=pg_catalog, pg_temp' = any (p.proconfig))
          and p.prosqlbody is null
          and p.oid::regprocedure::text !~ '^chat.enter\\('
          and (p.prokind <> 'p' or p.prosecdef
            or (select count(*) from regexp_matches(p.prosrc, 'set local search_path = pg_catalog, pg_temp;', 'g'))
              <= (select count(*) from regexp_matches(p.prosrc, '\\ycommit;', 'g')))
        """);
  }

  @Test
  void aFunctionReadsItsTextTheSameInEverySession() {
    // With standard_conforming_strings off '\s' is an s, and U&'…' is refused; e'\\s' is the same.
    law(
        """
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace::regnamespace::text in %s
          and p.prosqlbody is null
          and (regexp_replace(p.prosrc, '\\ye''([^'']|'''')*''', '', 'gi') ~ '\\\\'
            or p.prosrc ~* '\\yu&''')
        """);
  }

  @Test
  void aTriggerThatJoinsOldRowsWithNewMakesNoNestedLoop() {
    // A plan kept from smaller statements would be one. Presence on topics is not joined, but
    // listed.
    law(
        """
        select t.tgrelid::regclass || ' ' || t.tgname
        from pg_trigger t
        join pg_proc p on p.oid = t.tgfoid
        where p.pronamespace::regnamespace::text in %s
          and p.proname <> 'record_tracked'
          and t.tgoldtable is not null
          and t.tgnewtable is not null
          and (p.proconfig is null or not 'enable_nestloop=off' = any (p.proconfig))
        """);
  }

  @Test
  void whatSteersThePlannerIsNotCompiled() {
    // Before 18 each enable_* that is off adds 1e10 to the cost of what it forbids, which is far
    // above jit_above_cost: each call would be compiled anew.
    law(
        """
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace::regnamespace::text in %s
          and exists (select from unnest(p.proconfig) s where s ~ '^enable_')
          and not 'jit=off' = any (p.proconfig)
        """);
  }

  @Test
  void aDefinerFunctionSaysWhy() {
    List<String> definers =
        column(
            "select proname from pg_proc where prosecdef and pronamespace::regnamespace::text in "
                + OURS);
    String sources = sources();
    for (String name : definers) {
      assertTrue(
          java.util.regex.Pattern.compile(
                  "function \\w+\\." + name + "\\((?s:.)*?\\n  security definer +-- \\S")
              .matcher(sources)
              .results()
              .anyMatch(found -> found.group().indexOf("$$") < 0),
          name + " does not say why it must run as its owner");
    }
  }

  @Test
  void nothingOfOursIsForEverybody() {
    law(
        """
        select p.oid::regprocedure
        from pg_proc p
        cross join aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
        where p.pronamespace::regnamespace::text in %s
          and a.grantee = 0
        """);
    law(
        """
        select c.oid::regclass
        from pg_class c
        cross join aclexplode(c.relacl) a
        where c.relnamespace::regnamespace::text in %s
          and a.grantee = 0
        """);
    law(
        """
        select n.nspname
        from pg_namespace n
        cross join aclexplode(n.nspacl) a
        where n.nspname in %s
          and a.grantee = 0
          and not (n.nspname = 'public' and a.privilege_type = 'USAGE')     -- as PostgreSQL makes it
        """);
  }

  @Test
  void anonMayDoNothing() {
    law(
        """
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace::regnamespace::text in %s
          and has_function_privilege('anon', p.oid, 'execute')
        """);
    law(
        """
        select c.oid::regclass
        from pg_class c
        where c.relnamespace::regnamespace::text in %s
          and case
            when c.relkind in ('r', 'p', 'v', 'm', 'f')
              then has_table_privilege('anon', c.oid, 'select, insert, update, delete, truncate, references, trigger')
                or has_any_column_privilege('anon', c.oid, 'select, insert, update, references')
            when c.relkind = 'S' then has_sequence_privilege('anon', c.oid, 'usage, select, update')
          end
        """);
    law(
        "select nspname from pg_namespace where nspname in %s and nspname <> 'public' and"
            + " has_schema_privilege('anon', oid, 'usage')");
  }

  @Test
  void onlyTheOwnerCreatesTruncatesAndReferences() {
    law(
        """
        select c.oid::regclass || ' ' || a.grantee::regrole || ' ' || a.privilege_type
        from pg_class c
        cross join aclexplode(c.relacl) a
        where c.relnamespace::regnamespace::text in %s
          and a.grantee <> c.relowner
          and a.privilege_type not in ('SELECT', 'DELETE')
        """); // INSERT and UPDATE by column
    assertEquals(
        List.of("user_conversations to service_role"),
        column(
            "select c.oid::regclass || ' to ' || a.grantee::regrole from pg_class c,"
                + " aclexplode(c.relacl) a where a.privilege_type = 'DELETE' and a.grantee <>"
                + " c.relowner and c.relnamespace = 'public'::regnamespace"));
    law(
        """
        select n.nspname || ' ' || r.rolname
        from pg_namespace n, pg_roles r
        where n.nspname in %s
          and r.rolname in ('anon', 'authenticated', 'service_role', 'chat_relay', 'chat_service', 'chat_login')
          and has_schema_privilege(r.oid, n.oid, 'create')
        """);
  }

  @Test
  void everythingOfOursHasAComment() {
    String uncommented = " and obj_description(x.oid, '%s') is null";
    law(
        "select oid::regclass from pg_class x where relkind in ('r', 'p', 'v', 'S') and"
            + " relnamespace::regnamespace::text in %s and oid <> 'chat.flyway_history'::regclass"
            + uncommented.formatted("pg_class").replace("%", "%%"));
    law(
        """
        select x.oid::regclass || '.' || a.attname
        from pg_class x
        join pg_attribute a on a.attrelid = x.oid and a.attnum > 0 and not a.attisdropped
        where x.relkind in ('r', 'p', 'v')
          and not x.relispartition                    -- as its parent says
          and x.oid <> 'chat.flyway_history'::regclass
          and x.relnamespace::regnamespace::text in %s
          and col_description(x.oid, a.attnum) is null
        """);
    law(
        "select oid::regprocedure from pg_proc x where pronamespace::regnamespace::text in %s"
            + uncommented.formatted("pg_proc"));
    law(
        "select oid::regprocedure from pg_proc x where pronamespace::regnamespace::text in ('auth')"
            + " and '' not in %s"
            + uncommented.formatted("pg_proc"));
    law(
        "select polrelid::regclass || ': ' || polname from pg_policy x join pg_class c on c.oid ="
            + " polrelid where c.relnamespace::regnamespace::text in %s"
            + uncommented.formatted("pg_policy"));
    law(
        """
        select x.oid::regclass
        from pg_class x
        join pg_index i on i.indexrelid = x.oid
        join pg_class t on t.oid = i.indrelid and not t.relispartition and t.oid <> 'chat.flyway_history'::regclass
        where x.relnamespace::regnamespace::text in %s
          and not exists (select from pg_constraint k where k.conindid = x.oid)
        """
            + uncommented.formatted("pg_class"));
    law(
        "select tgrelid::regclass || ': ' || tgname from pg_trigger x join pg_class c on c.oid ="
            + " tgrelid where not tgisinternal and tgparentid = 0 and"
            + " c.relnamespace::regnamespace::text in %s"
            + uncommented.formatted("pg_trigger"));
    law(
        "select x.oid::regtype from pg_type x left join pg_class c on c.oid = typrelid where"
            + " typtype in ('c', 'd', 'e') and coalesce(c.relkind, 'c') = 'c' and"
            + " typnamespace::regnamespace::text in %s"
            + uncommented.formatted("pg_type"));
    law(
        "select nspname from pg_namespace x where nspname in %s"
            + uncommented.formatted("pg_namespace"));
  }

  @Test
  void whatReadersSeeOfAMessageIsTheRowAndABit() {
    String attributes =
        """
        select a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        from pg_attribute a
        where a.attrelid = 'public.%s'::regclass and a.attnum > 0 and not a.attisdropped
        """;
    // In whatever order: an attribute that is added later comes last.
    Set<String> view = new TreeSet<>(column(attributes.formatted("user_messages")));
    view.addAll(List.of("sender jsonb", "reactions jsonb"));
    assertEquals(view, new TreeSet<>(column(attributes.formatted("message_view"))));
    view.add("headline text");
    assertEquals(view, new TreeSet<>(column(attributes.formatted("message_match"))));
  }

  @Test
  void aViewAsksAsWhoeverReadsIt() {
    law(
        """
        select c.oid::regclass
        from pg_class c
        where c.relkind in ('v', 'm')
          and c.relnamespace::regnamespace::text in %s
          and not coalesce('security_invoker=true' = any (c.reloptions) or 'security_invoker=on' = any (c.reloptions), false)
        """);
  }

  @Test
  void whatClientsCallIsGrantedByName() {
    // Reads of the service are the same as people's; what is of a person is for people, who they
    // are is the service's.
    assertEquals(
        List.of(
            "activate_person",
            "add_person",
            "add_team",
            "deactivate_person",
            "get_changes",
            "get_messages"),
        column(
            "select p.proname from pg_proc p where p.pronamespace = 'public'::regnamespace and"
                + " has_function_privilege('service_role', p.oid, 'execute') order by 1"));
    law(
        """
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace::regnamespace::text in %s
          and p.prosecdef
          and p.pronamespace <> 'public'::regnamespace
          and has_function_privilege('authenticated', p.oid, 'execute')
          and p.proname not in ('me', 'my_team', 'visible_people', 'may_talk_to', 'claims_hold', 'people_hidden_from_me')
        """);
    law(
        """
        select p.oid::regprocedure
        from pg_proc p
        where p.pronamespace::regnamespace::text in %s
          and has_function_privilege('chat_relay', p.oid, 'execute')
          and p.pronamespace <> 'relay'::regnamespace
          and p.proname not in (
            'come_online', 'go_offline', 'touch_presence', 'expire_presence', 'expire_typing', 'ensure_message_partitions', 'apply_retention',
            'message_partitions_ahead', 'notification_queue_usage', 'claim_upload', 'finish_upload', 'abandon_upload', 'take_file_removals',
            'finish_file_removals', 'sweep_files', 'file_figures', 'read_log', 'fill_webhook_events', 'take_webhook_events', 'finish_webhook_event',
            'fail_webhook_event', 'drop_dead_letters', 'webhook_figures',
            'queue_push_notices', 'take_push_notices', 'finish_push_notice', 'set_push_key', 'sweep_push_subscriptions')
        """);
  }

  @Test
  void ourErrorsAreInTheDocuments() throws java.io.IOException {
    String errors = java.nio.file.Files.readString(java.nio.file.Path.of("docs/api.md"));
    java.util.regex.Pattern.compile("sqlstate '(PT\\d{3}|40001)'")
        .matcher(sources())
        .results()
        .map(found -> found.group(1))
        .distinct()
        .forEach(
            code ->
                assertTrue(errors.contains("| " + code + " |"), code + " is not in docs/api.md"));
  }

  private void law(String query) {
    String sql = query.replace("%s", OURS).replace("%%", "%");
    assertEquals(List.of(), column(sql), sql);
  }

  private static String sources() {
    try (var files = java.nio.file.Files.walk(java.nio.file.Path.of("db"))) {
      StringBuilder all = new StringBuilder();
      for (java.nio.file.Path file :
          files.filter(f -> f.toString().endsWith(".sql")).sorted().toList()) {
        all.append(java.nio.file.Files.readString(file));
      }
      return all.toString();
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
