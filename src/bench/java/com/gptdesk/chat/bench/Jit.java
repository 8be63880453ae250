package com.gptdesk.chat.bench;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.plans.BulkChat;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Each hot read over HTTP, as PostgreSQL is installed and with its JIT off: few messages and many,
 * in few partitions and in many, by one caller and by many at once. It means something with {@code
 * --postgres}: the embedded PostgreSQL has no JIT.
 */
final class Jit implements Scenario {
  /** People of {@link BulkChat}: four write 300 messages. */
  private static final int THREE_HUNDRED = 4;

  private static final int FIFTY_THOUSAND = 140;
  private static final int A_MILLION = 2_760;

  private static final List<Integer> PARTITIONS = List.of(4, 29);
  private static final List<Integer> CALLERS = List.of(1, 16);

  private record Call(String name, String function, String arguments) {}

  @Override
  public String name() {
    return "jit";
  }

  @Override
  public void measure(Run run) throws Exception {
    for (int people : List.of(THREE_HUNDRED, run.quick() ? FIFTY_THOUSAND : A_MILLION)) {
      for (int partitions : PARTITIONS) {
        measure(run, people, partitions);
      }
    }
    run.note("JIT is off by a setting of the service's login in this database.");
  }

  private static void measure(Run run, int people, int partitions) throws Exception {
    String database = run.ground().copy("bench_jit");
    Login superuser = run.ground().superuser(database);
    run.progress("filling " + database);
    BulkChat.fill(superuser, 1, people, run.seed(), partitions);
    String size =
        "%,d messages in %s partitions"
            .formatted(
                Long.parseLong(Ground.ask(superuser, "select count(*) from public.user_messages")),
                Ground.ask(
                    superuser,
                    "select count(*) from pg_inherits where inhparent = 'public.user_messages'::regclass"));
    Path directory = Files.createDirectories(Path.of("target", "bench"));
    // A login's setting holds for connections from then on, so each service has one of the two.
    try (OurService installed = new OurService(run.ground(), database, directory)) {
      Ground.execute(
          superuser, "alter role chat_login in database %s set jit = off".formatted(database));
      try (OurService without = new OurService(run.ground(), database, directory);
          HttpClient http = HttpClient.newHttpClient();
          ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
        List<Comparison> comparisons = new ArrayList<>();
        for (Call call : calls(superuser)) {
          for (int callers : CALLERS) {
            comparisons.add(
                new Comparison(
                    "%s, %s, %d at once".formatted(call.name(), size, callers),
                    new Callers(http, threads, without, call, callers),
                    new Callers(http, threads, installed, call, callers)));
          }
        }
        // Each round measures all of them: a busy minute of the machine is one round of each.
        for (int round = 0; round <= run.rounds(); round++) {
          for (Comparison comparison : comparisons) {
            comparison.measure(run.seconds() / 8, round > 0);
          }
          run.progress(round == 0 ? size + ": warm-up" : round + " of " + run.rounds());
        }
        comparisons.forEach(comparison -> comparison.tell(run));
      }
    }
  }

  /** The same callers of both services, call by call in turn. */
  private record Comparison(
      String group,
      Callers without,
      Callers installed,
      List<Double> withoutRounds,
      List<Double> installedRounds) {

    Comparison(String group, Callers without, Callers installed) {
      this(group, without, installed, new ArrayList<>(), new ArrayList<>());
    }

    void measure(double seconds, boolean counts) throws Exception {
      List<Double> withoutTimes = new ArrayList<>();
      List<Double> installedTimes = new ArrayList<>();
      long end = System.nanoTime() + (long) (seconds * 1e9);
      do {
        withoutTimes.addAll(without.call());
        installedTimes.addAll(installed.call());
      } while (System.nanoTime() < end);
      if (counts) {
        withoutRounds.add(median(withoutTimes));
        installedRounds.add(median(installedTimes));
      }
    }

    void tell(Run run) {
      Result result = Result.of(group, "as installed", "ms", installedRounds, withoutRounds);
      run.add(List.of(Result.of(group, "JIT off", "ms", withoutRounds, withoutRounds), result));
      run.goal(Goal.atMost(group + ", as installed : JIT off", result.ratio(), 1.2));
      run.progress("%s: %.2f".formatted(group, result.ratio()));
    }
  }

  private static double median(List<Double> times) {
    return Result.median(times.stream().mapToDouble(Double::doubleValue).toArray());
  }

  /** Of the first person, who talks with the second. */
  private static List<Call> calls(Login superuser) throws Exception {
    String id =
        "\"conversation_id\":\"%s\""
            .formatted(
                Ground.ask(
                    superuser,
                    "select id from public.user_conversations where participant_1_id = '%s' and participant_2_id = '%s'"
                        .formatted(BulkChat.person(1), BulkChat.person(2))));
    return List.of(
        new Call("get_messages newest", "get_messages", "{" + id + "}"),
        new Call(
            "get_messages deep", "get_messages", "{" + id + ",\"before_seq\":11,\"page_size\":10}"),
        new Call("get_changes", "get_changes", "{" + id + ",\"after_revision\":20}"),
        new Call("get_conversations", "get_conversations", "{}"),
        new Call("search_messages common", "search_messages", "{\"query\":\"message\"}"),
        new Call("search_messages rare", "search_messages", "{\"query\":\"number50 to1and2\"}"),
        new Call("search_users", "search_users", "{\"query\":\"Person\"}"));
  }

  /** So many who make the same call at once. */
  private static final class Callers {
    private final HttpClient http;
    private final ExecutorService threads;
    private final HttpRequest request;
    private final int number;

    Callers(HttpClient http, ExecutorService threads, OurService service, Call call, int number) {
      this.http = http;
      this.threads = threads;
      this.number = number;
      request =
          HttpRequest.newBuilder(
                  URI.create(
                      "http://127.0.0.1:%d/rest/v1/rpc/%s"
                          .formatted(service.port(), call.function())))
              .header("content-type", "application/json")
              .header("authorization", "Bearer " + service.token(BulkChat.person(1)))
              .POST(HttpRequest.BodyPublishers.ofString(call.arguments()))
              .build();
    }

    /** Once each; the times in milliseconds. */
    List<Double> call() throws Exception {
      Callable<Double> time = this::time;
      List<Double> times = new ArrayList<>();
      for (Future<Double> one : threads.invokeAll(Collections.nCopies(number, time))) {
        times.add(one.get());
      }
      return times;
    }

    private double time() throws Exception {
      long start = System.nanoTime();
      HttpResponse<String> answer = http.send(request, BodyHandlers.ofString());
      double time = (System.nanoTime() - start) / 1e6;
      if (answer.statusCode() != 200 || answer.body().length() < 10) {
        throw new IllegalStateException(request.uri() + ": " + answer.body());
      }
      return time;
    }
  }
}
