package com.gptdesk.chat.service.rest;

import com.gptdesk.chat.database.Caller.Role;
import com.gptdesk.chat.database.Refusal;
import com.gptdesk.chat.policies.RequestSql;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.query.QueryParser;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jooq.SQLDialect;
import org.jooq.impl.DSL;
import org.jspecify.annotations.Nullable;

/**
 * The SQL of requests as {@link RestEndpoint} makes it, without an answer: the policy matrix runs
 * it as each of its people.
 */
public final class RestSql implements RequestSql {
  private final TableCatalogue.Tables tables;

  private RestSql(TableCatalogue.Tables tables) {
    this.tables = tables;
  }

  /** For the tables of the chat in that database. */
  public static RestSql of(Connection connection) {
    return new RestSql(
        TableCatalogue.read(
            DSL.using(connection, SQLDialect.POSTGRES).configuration(), List.of(), List.of()));
  }

  @Override
  public Planned of(Role role, String method, String address, @Nullable String body) {
    String[] parts = address.split("\\?", 2);
    RestRequest request =
        new RestRequest(
            method,
            parts[0],
            parts.length == 1 ? List.of() : parameters(parts[1]),
            null,
            null,
            null,
            null,
            "application/json",
            method.equals("POST") && address.contains("on_conflict=")
                ? "resolution=merge-duplicates"
                : null,
            null,
            ByteBuffer.wrap(Objects.requireNonNullElse(body, "").getBytes(StandardCharsets.UTF_8)),
            List.of());
    try {
      return planned(role, request);
    } catch (Problem.Stop e) {
      throw new Refusal(e.problem().code(), e.problem().message(), null, null, e);
    }
  }

  private Planned planned(Role role, RestRequest request) {
    ServedTable table = tables.table(request.table());
    ReadPlan reads = new ReadPlan(tables, role, RestLimits.DEFAULT);
    TablePreferences preferences = TablePreferences.of(request.prefer(), false, Set::of);
    Statement statement =
        request.reads()
            ? Statement.of(
                reads.page(
                    table,
                    QueryParser.parse(request.query(), RestLimits.DEFAULT.maxDepth()).query(),
                    preferences.count(),
                    false),
                reads)
            : Objects.requireNonNull(
                new WriteRequest(request, table, preferences, RestLimits.DEFAULT)
                    .statement(reads, false),
                "It writes nothing");
    return new Planned(statement.sql(), statement.values());
  }

  private static List<Map.Entry<String, String>> parameters(String query) {
    return Arrays.stream(query.split("&"))
        .map(one -> one.split("=", 2))
        .map(pair -> Map.entry(pair[0], pair[1]))
        .toList();
  }
}
