package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Clients.Trip;
import com.gptdesk.chat.bench.Ground.Pair;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.plans.BulkChat;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * What a message costs when there is ten and a hundred times as much of everything else: messages,
 * conversations, partitions, people online. The same writers write to the same conversations.
 */
final class Growth implements Scenario {
  private static final int WRITERS = 16;
  private static final List<Integer> TIMES = List.of(1, 10, 100);
  private static final double MESSAGES_A_SECOND = 200;

  /** What reading may cost more in a hundred times the rows; so may writing. */
  private static final double GOAL = 1.5;

  /** Adds to a fresh database what there is so many times of; returns what it has then. */
  private interface Filling {
    String fill(String database, int times) throws SQLException;
  }

  @Override
  public String name() {
    return "growth";
  }

  @Override
  public void measure(Run run) throws Exception {
    Ground ground = run.ground();
    try (var sets = new SendMessage.Connections(ground, run.seed())) {
      compare(run, sets, "messages", (database, times) -> messages(run, database, times));
      compare(run, sets, "conversations", (database, times) -> conversations(run, database, times));
      compare(run, sets, "partitions", (database, times) -> partitions(ground, database, times));
    }
    online(run);
  }

  private static void compare(Run run, SendMessage.Connections sets, String what, Filling filling)
      throws Exception {
    List<Side> sides = new ArrayList<>();
    for (int times : TIMES) {
      String database = run.ground().copy("bench_growth_" + times);
      String has = filling.fill(database, times);
      run.progress(has);
      sides.add(new Side(has, sets.sending(database, WRITERS)));
    }
    Ground.execute(
        run.ground().superuser("postgres"), "checkpoint"); // not in the middle of a round
    List<Result> results =
        run.compare("send_message, 16 writers, no relay, by " + what, "messages/s", sides);
    run.goal(
        Goal.atMost(
            "server CPU a message, %s : %s"
                .formatted(results.getLast().name(), results.getFirst().name()),
            results.getLast().medianServerMicros() / results.getFirst().medianServerMicros(),
            GOAL));
  }

  private static String messages(Run run, String database, int times) throws SQLException {
    Login superuser = run.ground().superuser(database);
    BulkChat.fill(superuser, 1, (run.quick() ? 20 : 140) * times, run.seed());
    return count(
        superuser,
        "public.user_messages",
        "messages in %d partitions".formatted(BulkChat.PARTITIONS));
  }

  private static String conversations(Run run, String database, int times) throws SQLException {
    Crowd.join(run.ground(), database, (run.quick() ? 100 : 1_000) * times, 10);
    return count(run.ground().superuser(database), "public.user_conversations", "conversations");
  }

  /** Of the months that were; the message goes to this one's. */
  private static String partitions(Ground ground, String database, int times) throws SQLException {
    Ground.execute(
        ground.owner(database),
        "select chat.create_message_partition((date_trunc('month', now()) - step * interval '1 month')::date) from generate_series(1, %d) step"
            .formatted(2 * times));
    return count(
        ground.superuser(database),
        "pg_inherits where inhparent = 'public.user_messages'::regclass",
        "partitions");
  }

  private static String count(Login superuser, String from, String what) throws SQLException {
    return "%,d %s"
        .formatted(Long.parseLong(Ground.ask(superuser, "select count(*) from " + from)), what);
  }

  /** The service, too: sixteen readers are written to, and the others are there. */
  private static void online(Run run) throws Exception {
    Ground ground = run.ground();
    String database = ground.copy("bench_growth_online");
    int most = WRITERS * TIMES.getLast();
    List<Pair> pairs = Crowd.join(ground, database, most, 10);
    Path directory = Files.createDirectories(Path.of("target", "bench"));
    List<Clients> open = new ArrayList<>();
    try (var service =
        new OurService(
            ground, database, directory, List.of(), Map.of(), OurService::pageChannels)) {
      var readers = new Clients(service, pairs.subList(0, WRITERS), run.seed());
      open.add(readers);
      EndToEnd.warmUp(run, "our service", readers);
      var rows = new Rows();
      Processors ours = Processors.of(service.pid());
      Processors servers = ground.processors();
      int online = WRITERS;
      for (int times : TIMES) {
        if (online < WRITERS * times) {
          open.add(new Clients(service, pairs.subList(online, WRITERS * times), run.seed()));
          online = WRITERS * times;
        }
        String row = "%,d people online".formatted(online);
        for (int round = 1; round <= run.rounds(); round++) {
          round(run, readers, ours, servers, rows, row);
        }
      }
      rows.into(run);
    } finally {
      open.forEach(Clients::close);
    }
  }

  private static void round(
      Run run, Clients readers, Processors ours, Processors servers, Rows rows, String row)
      throws Exception {
    double seconds = run.quick() ? 2 : 10;
    double ourIdle = ours.seconds();
    double serverIdle = servers.seconds();
    Thread.sleep((long) (1e3 * seconds));
    double ourBefore = ours.seconds();
    double serverBefore = servers.seconds();
    List<Trip> trips = readers.offered(MESSAGES_A_SECOND, seconds);
    double messages = trips.size();
    double our = 1e6 * (ours.seconds() - ourBefore - (ourBefore - ourIdle)) / messages;
    double server =
        1e6 * (servers.seconds() - serverBefore - (serverBefore - serverIdle)) / messages;
    String group = "200 messages a second, above idle, by people online, ";
    rows.add(group + "the service", "µs CPU a message", row, our);
    rows.add(group + "PostgreSQL", "µs CPU a message", row, server);
    rows.add(
        "rpc to WebSocket, 200 messages a second, by people online, p50",
        "ms",
        row,
        Percentiles.of(Trip.deliveries(trips)).at(0.5));
    run.progress(
        "%s: %s µs of the service's, %s of PostgreSQL's processors a message"
            .formatted(row, Run.figure(our), Run.figure(server)));
  }
}
