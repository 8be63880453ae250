package com.gptdesk.chat.bench;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.plans.BulkChat;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;

/**
 * How long reading takes, as the service calls it, in a small database and in a hundred times it.
 */
final class Reads implements Scenario {
  private static final int CROWD = 1000;

  /** People of {@link BulkChat}: a team of twenty writes 7,250 messages. */
  private static final int FIVE_THOUSAND = 20;

  private static final int FIFTY_THOUSAND = 140;
  private static final int FIVE_MILLION = 13_800;

  /** In a call's arguments, the first person's conversation with the second. */
  private static final String CONVERSATION = "CONVERSATION";

  /**
   * One function's call.
   *
   * @param arguments a JSON object
   * @param hasGoal whether it may cost only little more in the large database
   */
  private record Call(
      String name, Caller caller, String function, String arguments, boolean hasGoal) {}

  @Override
  public String name() {
    return "reads";
  }

  @Override
  public void measure(Run run) throws Exception {
    int few = run.quick() ? FIVE_THOUSAND : FIFTY_THOUSAND;
    int many = run.quick() ? FIFTY_THOUSAND : FIVE_MILLION;
    try (var small = new Archive(run, "bench_small", few);
        var large = new Archive(run, "bench_large", many)) {
      for (Call call : calls()) {
        List<Result> compared =
            run.compare(
                call.name(),
                "ms",
                List.of(
                    new Side(small.size(), small.asCalled(call)),
                    new Side(large.size(), large.asCalled(call))));
        if (call.hasGoal()) {
          run.goal(
              Goal.atMost(
                  "%s, %s : %s".formatted(call.name(), large.size(), small.size()),
                  compared.get(1).ratio(),
                  1.5));
        }
      }
      Call newest = calls().getFirst();
      List<Result> compared =
          run.compare(
              "get_messages newest, " + large.size(),
              "ms",
              List.of(
                  new Side("as the owner, past row-level security", large.owner(newest)),
                  new Side("as the person", large.person(newest)),
                  new Side("as the person, by chat.enter", large.asCalled(newest))));
      run.goal(
          Goal.atMost("get_messages as the person : as the owner", compared.get(1).ratio(), 1.2));
      run.goal(
          Goal.atMost("get_messages by chat.enter : as the owner", compared.get(2).ratio(), 1.2));
    }
  }

  private static List<Call> calls() {
    Caller one = Caller.user(BulkChat.person(1));
    Caller popular = Caller.user(BulkChat.popular());
    String id = "\"conversation_id\":\"" + CONVERSATION + "\"";
    return List.of(
        new Call("get_messages newest", one, "get_messages", "{" + id + "}", true),
        new Call(
            "get_messages deep",
            one,
            "get_messages",
            "{" + id + ",\"before_seq\":11,\"page_size\":10}",
            true),
        new Call("get_conversations of 10", one, "get_conversations", "{}", true),
        new Call("get_conversations of 1,000", popular, "get_conversations", "{}", true),
        new Call("unread count of one", one, "get_conversations", "{" + id + "}", false),
        new Call("search_messages common", one, "search_messages", "{\"query\":\"message\"}", true),
        new Call(
            "search_messages rare",
            one,
            "search_messages",
            "{\"query\":\"number50 to1and11\"}",
            true),
        new Call("search_users", one, "search_users", "{\"query\":\"Person 1\"}", false));
  }

  /** A database with so many people's messages. */
  private static final class Archive implements AutoCloseable {
    private final Ground ground;
    private final String database;
    private final String size;
    private final HikariDataSource pool;
    private final ServiceDatabase chat;
    private final List<Connection> open = new ArrayList<>();

    Archive(Run run, String name, int people) throws SQLException {
      ground = run.ground();
      database = ground.copy(name);
      Login superuser = ground.superuser(database);
      run.progress("filling " + name);
      BulkChat.fill(superuser, 1, people, run.seed());
      BulkChat.gather(superuser, CROWD);
      size =
          "%,d messages"
              .formatted(
                  Long.parseLong(
                      Ground.ask(superuser, "select count(*) from public.user_messages")));
      run.progress(name + " has " + size);
      HikariConfig settings = new HikariConfig();
      settings.setDataSource(ground.service(database).dataSource());
      settings.setMaximumPoolSize(1);
      pool = new HikariDataSource(settings);
      chat = new ServiceDatabase(pool);
    }

    String size() {
      return size;
    }

    /** Conversations have ids of their own in each database. */
    private String arguments(Call call) throws SQLException {
      String conversation =
          Ground.ask(
              ground.superuser(database),
              "select id from public.user_conversations where participant_1_id = '%s' and participant_2_id = '%s'"
                  .formatted(BulkChat.person(1), BulkChat.person(2)));
      return call.arguments().replace(CONVERSATION, conversation);
    }

    private String statement(Call call) {
      return chat.asItself(
          tx ->
              String.valueOf(
                  tx.fetchValue(
                      "select chat.call_statement('%s', array(select json_object_keys('%s'::json)))"
                          .formatted(call.function(), call.arguments()))));
    }

    Side.Trial asCalled(Call call) throws SQLException {
      String statement = statement(call);
      String arguments = arguments(call);
      return median(() -> String.valueOf(chat.call(call.caller(), true, statement, arguments)));
    }

    Side.Trial owner(Call call) throws SQLException {
      return direct(call, ground.owner(database), "");
    }

    Side.Trial person(Call call) throws SQLException {
      return direct(call, ground.service(database), "set role authenticated;");
    }

    /** The service's statement on a connection that stays who it is. */
    private Side.Trial direct(Call call, Login login, String role) throws SQLException {
      Connection connection = login.connect();
      open.add(connection);
      try (Statement statement = connection.createStatement()) {
        statement.execute(
            "%s set timezone = 'UTC'; set request.jwt.claims = '%s'"
                .formatted(role, call.caller().claims()));
      }
      PreparedStatement prepared =
          connection.prepareStatement(statement(call).replace("$1", "?::json"));
      prepared.setString(1, arguments(call));
      return median(
          () -> {
            try (ResultSet result = prepared.executeQuery()) {
              result.next();
              return result.getString(1);
            }
          });
    }

    private interface Read {
      String answer() throws Exception;
    }

    /** In milliseconds; fails on an empty answer, which would cost nothing. */
    private static Side.Trial median(Read read) {
      return seconds -> {
        List<Double> times = new ArrayList<>();
        long end = System.nanoTime() + (long) (seconds * 1e9);
        do {
          long start = System.nanoTime();
          String answer = read.answer();
          times.add((System.nanoTime() - start) / 1e6);
          if (answer.length() < 10) {
            throw new IllegalStateException("The answer was empty: " + answer);
          }
        } while (System.nanoTime() < end);
        return Measured.of(
            Result.median(times.stream().mapToDouble(Double::doubleValue).toArray()));
      };
    }

    @Override
    public void close() throws SQLException {
      for (Connection connection : open) {
        connection.close();
      }
      pool.close();
    }
  }
}
