package com.gptdesk.chat.build;

import com.gptdesk.chat.database.connection.Login;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What clients see of schema public, written for their tools: {@code openapi.json} and the types of
 * {@code createClient<Database>}. Both are made from one catalogue, so they agree.
 */
final class ClientContract {
  private static final JsonMapper JSON = new JsonMapper();

  /**
   * Relations of which a person may read a column, types of rows, and functions people may call.
   */
  private static final String CATALOGUE =
      """
      set search_path = pg_catalog;
      select json_build_object(
        'relations', (
          select json_agg(json_build_object(
            'name', c.relname,
            'kind', case c.relkind when 'c' then 'composite' when 'v' then 'view' else 'table' end,
            'comment', coalesce(obj_description(c.oid, 'pg_class'), obj_description(c.reltype, 'pg_type')),
            'columns', (
              select json_agg(json_build_object(
                'name', a.attname,
                'type', format_type(a.atttypid, null),
                'comment', col_description(c.oid, a.attnum),
                'nullable', not a.attnotnull,
                'optional', not a.attnotnull or a.atthasdef,
                'insertable', has_column_privilege('authenticated', c.oid, a.attnum, 'insert'),
                'updatable', has_column_privilege('authenticated', c.oid, a.attnum, 'update'),
                'values', (
                  select json_agg(v.word[1] order by v.place)
                  from pg_constraint k
                  cross join lateral regexp_matches(pg_get_constraintdef(k.oid), '''([^'']*)''::', 'g') with ordinality v (word, place)
                  where k.conrelid = c.oid and k.contype = 'c' and k.conkey = array[a.attnum]
                    and pg_get_constraintdef(k.oid) ~ '= ANY'
                )
              ) order by a.attnum)
              from pg_attribute a
              where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                and (c.relkind = 'c' or has_column_privilege('authenticated', c.oid, a.attnum, 'select'))
            ),
            'keys', (
              select json_agg(json_build_object(
                'name', k.conname,
                'columns', array(select a.attname from unnest(k.conkey) n (num) join pg_attribute a on a.attrelid = k.conrelid and a.attnum = n.num),
                'table', r.relname,
                'referenced', array(select a.attname from unnest(k.confkey) n (num) join pg_attribute a on a.attrelid = k.confrelid and a.attnum = n.num)
              ) order by k.conname)
              from pg_constraint k
              join pg_class r on r.oid = k.confrelid
              where k.conrelid = c.oid and k.contype = 'f' and k.conparentid = 0 and has_any_column_privilege('authenticated', r.oid, 'select')
            )
          ) order by c.relname)
          from pg_class c
          where c.relnamespace = 'public'::regnamespace
            and (c.relkind = 'c' or c.relkind in ('r', 'p', 'v') and not c.relispartition and has_any_column_privilege('authenticated', c.oid, 'select'))
        ),
        'enums', (
          select json_agg(json_build_object(
            'name', t.typname,
            'values', (select json_agg(e.enumlabel order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid)
          ) order by t.typname)
          from pg_type t
          where t.typnamespace = 'public'::regnamespace and t.typtype = 'e'
        ),
        'functions', (
          select json_agg(json_build_object(
            'name', f.name,
            'comment', obj_description(f.oid, 'pg_proc'),
            'writes', f.is_volatile,
            'returns', f.returns_kind,
            'type', format_type(p.prorettype, null),
            'arguments', array(
              select json_build_object('name', n.name, 'type', f.argument_types[n.place], 'optional', n.place > f.required_arguments,
                'nullable', pg_get_function_arg_default(f.oid, n.place::int) like 'NULL%')
              from unnest(f.argument_names) with ordinality n (name, place)
              order by n.place
            )
          ) order by f.name)
          from chat.callable_functions() f
          join pg_proc p on p.oid = f.oid
          where has_function_privilege('authenticated', f.oid, 'execute')
        )
      )
      """;

  private ClientContract() {}

  /**
   * Writes both files.
   *
   * @param version of the project
   */
  static void write(Login owner, String version, Path openApi, Path types)
      throws IOException, SQLException {
    JsonNode catalogue = read(owner);
    JsonNode document = new OpenApi(catalogue, version).document();
    Files.createDirectories(openApi.getParent());
    Files.writeString(openApi, JSON.writeValueAsString(document));
    Files.createDirectories(types.getParent());
    Files.writeString(types, new DatabaseTypes(catalogue, document).text());
  }

  private static JsonNode read(Login owner) throws SQLException {
    try (Connection connection = owner.connect();
        Statement statement = connection.createStatement()) {
      statement.execute(CATALOGUE);
      statement.getMoreResults(); // of the search path
      try (ResultSet result = statement.getResultSet()) {
        result.next();
        return JSON.readTree(result.getString(1));
      }
    }
  }
}
