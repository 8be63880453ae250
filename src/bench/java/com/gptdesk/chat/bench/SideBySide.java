package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Clients.Losses;
import com.gptdesk.chat.bench.Costs.Cost;
import com.gptdesk.chat.bench.Latencies.Timed;
import com.gptdesk.chat.database.connection.Login;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Compares services by clients that do the same: how many messages they store and deliver, how
 * fast, and how many are lost when PostgreSQL ends their connections. The first one is what the
 * others are compared with.
 */
record SideBySide(Run run, List<Served> services) {
  /** While backends are terminated. */
  private static final double RATE_IN_FAULTS = 100;

  /** Messages a second. A service that cannot take so many shows the latency of its queue. */
  private static final double FIXED_RATE = 200;

  private static final String MICROS = "µs a message";

  /**
   * A service with its clients.
   *
   * @param process its own, without PostgreSQL's
   * @param superuser of its database
   * @param faulty the applications whose backends are terminated, a pattern of {@code like}
   * @param count of the messages in its table, a query
   */
  record Served(
      String name,
      Clients clients,
      Processors process,
      Login superuser,
      String faulty,
      String count) {
    static Served of(
        String name, Service service, Clients clients, Login superuser, String faulty) {
      return new Served(
          name,
          clients,
          Processors.of(service.pid()),
          superuser,
          faulty,
          service.countOfMessages());
    }
  }

  void warmUp() throws Exception {
    for (Served service : services) {
      EndToEnd.warmUp(run, service.name(), service.clients());
    }
  }

  /**
   * As many as they can. Beside the rate stands the CPU time of PostgreSQL and the service together
   * for each message; below it each of them, the clients', and the flushes.
   */
  List<Result> full() throws Exception {
    var costs = new Costs(run.ground());
    Map<String, List<Cost>> rounds = new LinkedHashMap<>();
    List<Side> sides = new ArrayList<>();
    for (Served service : services) {
      List<Cost> ofService = new ArrayList<>();
      rounds.put(service.name(), ofService);
      sides.add(new Side(service.name(), seconds -> most(service, seconds, costs, ofService)));
    }
    List<Result> full =
        run.compare(
            "Stored and delivered, %d pairs, %d on the way each, CPU with the service's"
                .formatted(EndToEnd.PAIRS, EndToEnd.ON_THE_WAY),
            "messages/s",
            sides);
    var parts = new Rows();
    rounds.forEach(
        (service, each) -> {
          for (Cost cost : each.subList(1, each.size())) { // the first is the warm-up
            parts.add("CPU time, PostgreSQL", MICROS, service, cost.postgres());
            parts.add("CPU time, the service", MICROS, service, cost.service());
            parts.add("CPU time, the clients", MICROS, service, cost.clients());
            parts.add("Flushes of the write-ahead log", "a message", service, cost.flushes());
          }
        });
    parts.into(run);
    return full;
  }

  private static Measured most(Served service, double seconds, Costs costs, List<Cost> rounds)
      throws Exception {
    double[] rate = new double[1];
    Cost cost =
        costs.measure(
            service.process(),
            () -> {
              long start = System.nanoTime();
              rate[0] = service.clients().perSecond(EndToEnd.ON_THE_WAY, Math.max(1, seconds));
              return rate[0] * (System.nanoTime() - start) / 1e9;
            });
    rounds.add(cost);
    return new Measured(rate[0], cost.postgres() + cost.service());
  }

  /** In the order of {@link Latencies#SHARES}. */
  List<List<Result>> idle() throws Exception {
    int messages = run.quick() ? 150 : 500;
    return Latencies.compare(
        run,
        "One message at a time",
        services.stream()
            .map(
                service -> {
                  var pauses = new Random(run.seed());
                  return timed(service, clients -> clients.idle(messages, pauses));
                })
            .toList());
  }

  /** In the order of {@link Latencies#SHARES}. */
  List<List<Result>> atFixedRate() throws Exception {
    double seconds = run.quick() ? 5 : 20;
    return Latencies.compare(
        run,
        "%.0f messages a second".formatted(FIXED_RATE),
        services.stream()
            .map(service -> timed(service, clients -> clients.offered(FIXED_RATE, seconds)))
            .toList());
  }

  private interface Trips {
    List<Clients.Trip> of(Clients clients) throws Exception;
  }

  private static Timed timed(Served service, Trips trips) {
    return new Timed(
        List.of(service.name()),
        () -> List.of(Clients.Trip.deliveries(trips.of(service.clients()))));
  }

  /**
   * What became of messages while backends of each service were terminated, in the order of
   * services. Also tells how many messages of the whole run are in PostgreSQL.
   */
  List<Losses> losses() throws Exception {
    List<Losses> all = new ArrayList<>();
    for (Served service : services) {
      Losses losses = service.clients().losses(RATE_IN_FAULTS, 3, () -> terminateBackends(service));
      run.progress(service.name() + ": " + losses);
      run.note(
          "%s, its backends named '%s' terminated in the middle of %.0f messages a second: %d confirmed, %d refused, %d of the confirmed never delivered. In the whole run it confirmed %,d messages; its table has %s."
              .formatted(
                  service.name(),
                  service.faulty(),
                  RATE_IN_FAULTS,
                  losses.confirmed(),
                  losses.refused(),
                  losses.lost(),
                  service.clients().confirmed(),
                  Ground.ask(service.superuser(), service.count())));
      all.add(losses);
    }
    return all;
  }

  /** Fails when there are none: nothing would have been broken. */
  private static void terminateBackends(Served service) throws SQLException {
    String ended =
        Ground.ask(
            service.superuser(),
            """
            select count(pg_terminate_backend(pid)) from pg_stat_activity
            where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()
              and application_name like '%s'
            """
                .formatted(service.faulty()));
    if (ended.equals("0")) {
      throw new IllegalStateException("Nobody is connected as " + service.faulty());
    }
  }

  /** Says that something is not measured; fails where that is required (CHAT_REQUIRE). */
  static void skip(Run run, String what, String requirement, String why) {
    String required = System.getenv().getOrDefault("CHAT_REQUIRE", "");
    if (Arrays.asList(required.split(",")).contains(requirement)) {
      throw new IllegalStateException(
          "%s is required (CHAT_REQUIRE=%s) and %s".formatted(what, requirement, why));
    }
    System.err.println("*** SKIPPED " + what + ": " + why);
    run.note("*** SKIPPED " + what + ": " + why);
  }
}
