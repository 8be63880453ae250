package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Audience.Arrivals;
import com.gptdesk.chat.bench.Ground.Pair;
import com.gptdesk.chat.bench.Latencies.Timed;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** How soon a thousand sockets are told one thing, from the call that makes it happen. */
final class TeamFanOut implements Scenario {
  private static final int READERS = 1_000;
  private static final double GOAL_MILLIS = 50;
  private static final String METRICS_TOKEN = "the bench reads the metrics";
  private static final Pattern COUNTER = Pattern.compile("(?m)^chat_changes_(\\w+?)_total (\\S+)$");

  @Override
  public String name() {
    return "fan_out";
  }

  @Override
  public void measure(Run run) throws Exception {
    Ground ground = run.ground();
    String database = ground.copy("bench_fan_out");
    List<Pair> team = Crowd.join(ground, database, READERS, READERS);
    // Else each would be told of each other's coming, a million frames before anything is measured.
    Ground.execute(
        ground.owner(database),
        "insert into public.user_presence (user_id, status, last_seen) select id, 'online', now() + interval '1 hour'"
            + " from public.users where email like 'other%@crowd.example'");
    Pair talkers = ground.pairs().getFirst();
    Path directory = Files.createDirectories(Path.of("target", "bench"));
    Vertx vertx = Vertx.vertx(new VertxOptions().setEventLoopPoolSize(1));
    try (var service =
            new OurService(
                ground,
                database,
                directory,
                List.of(),
                Map.of(
                    "CHAT_MAX_CONNECTIONS_PER_USER",
                    String.valueOf(READERS),
                    "CHAT_MAX_EVENTS_PER_SECOND",
                    "1000",
                    "CHAT_METRICS_TOKEN",
                    METRICS_TOKEN),
                (pair, token) ->
                    pair.equals(talkers)
                        ? OurService.pageChannels(pair, token)
                        : OurService.teamChannels(Crowd.team(0, READERS), pair, token));
        HttpClient http = HttpClient.newHttpClient()) {
      var colleagues = new Audience(READERS);
      Sockets.open(vertx, service, team, colleagues);
      run.progress("%,d of a team are online".formatted(READERS));
      var devices = new Audience(READERS);
      Sockets.open(vertx, service, Collections.nCopies(READERS, talkers), devices);
      run.progress("one person has %,d sockets".formatted(READERS));
      var waves = new Waves(run, service, http, colleagues, devices, team.getFirst(), talkers);
      for (int round = 0; round < (run.quick() ? 3 : 10); round++) {
        waves.presence();
        waves.broadcast();
        waves.message();
      }
      waves.measure();
    } finally {
      vertx.close().toCompletionStage().toCompletableFuture().join();
    }
  }

  /** What all are told. */
  private static final class Waves {
    private final Run run;
    private final OurService service;
    private final HttpClient http;
    private final Audience colleagues;
    private final Audience devices;
    private final Pair mover;
    private final Pair talkers;
    private int number;

    Waves(
        Run run,
        OurService service,
        HttpClient http,
        Audience colleagues,
        Audience devices,
        Pair mover,
        Pair talkers) {
      this.run = run;
      this.service = service;
      this.http = http;
      this.colleagues = colleagues;
      this.devices = devices;
      this.mover = mover;
      this.talkers = talkers;
    }

    void measure() throws Exception {
      double encodedBefore = counter("encoded");
      double deliveredBefore = counter("delivered");
      int before = number;
      Processors processors = Processors.of(service.pid());
      double secondsBefore = processors.seconds();
      List<List<Result>> results =
          Latencies.compare(
              run,
              "One to a thousand, from the call on",
              List.of(
                  timed("a presence change to a team of 1,000 online", this::presence),
                  timed("a broadcast to 1,000", this::broadcast),
                  timed("a message to 1,000 sockets of one person", this::message)));
      for (Result last : results.getFirst()) {
        if (last.name().endsWith("the last")) {
          run.goal(Goal.atMost(last.name() + ", ms, p50", last.median(), GOAL_MILLIS));
        }
      }
      double waves = number - before;
      run.goal(
          Goal.atMost(
              "JSON made of what %,d are told, times".formatted(READERS),
              (counter("encoded") - encodedBefore) / waves,
              1));
      run.note(
          "The service counted %.0f encodings for %.0f events and told rows %.0f times; an event took %.1f ms of its processors."
              .formatted(
                  counter("encoded") - encodedBefore,
                  waves,
                  counter("delivered") - deliveredBefore,
                  1e3 * (processors.seconds() - secondsBefore) / waves));
    }

    private interface Wave {
      Arrivals go() throws Exception;
    }

    private Timed timed(String what, Wave wave) {
      return new Timed(
          List.of(what + ", to the first", what + ", to the last"),
          () -> {
            int count = run.quick() ? 12 : 60;
            double[] first = new double[count];
            double[] last = new double[count];
            for (int i = 0; i < count; i++) {
              Arrivals arrivals = wave.go();
              first[i] = arrivals.first() / 1e6;
              last[i] = arrivals.last() / 1e6;
            }
            return List.of(first, last);
          });
    }

    private Arrivals presence() throws Exception {
      String status = number++ % 2 == 0 ? "away" : "busy";
      return colleagues.await(
          "\"" + status + "\"",
          () ->
              post(
                  "/rest/v1/rpc/update_presence",
                  mover.other(),
                  "{\"status\":\"" + status + "\"}"));
    }

    private Arrivals broadcast() throws Exception {
      String mark = "wave-" + number++;
      return colleagues.await(
          mark,
          () ->
              post(
                  "/realtime/v1/api/broadcast",
                  mover.other(),
                  "{\"messages\":[{\"topic\":\"team-%s\",\"event\":\"wave\",\"payload\":{\"mark\":\"%s\"}}]}"
                      .formatted(Crowd.team(0, READERS), mark)));
    }

    private Arrivals message() throws Exception {
      String mark = "wave-" + number++;
      return devices.await(
          mark, () -> post(service.postPath(), talkers.one(), service.postBody(talkers, mark)));
    }

    private void post(String path, UUID who, String body) throws IOException, InterruptedException {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + service.port() + path))
              .header("content-type", "application/json")
              .header("authorization", "Bearer " + service.token(who))
              .POST(BodyPublishers.ofString(body))
              .build();
      HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
      if (response.statusCode() >= 300) {
        throw new IOException(path + ": " + response.statusCode() + " " + response.body());
      }
    }

    private double counter(String name) throws IOException, InterruptedException {
      HttpRequest request =
          HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + service.port() + "/metrics"))
              .header("authorization", "Bearer " + METRICS_TOKEN)
              .build();
      Matcher found = COUNTER.matcher(http.send(request, BodyHandlers.ofString()).body());
      while (found.find()) {
        if (found.group(1).equals(name)) {
          return Double.parseDouble(found.group(2));
        }
      }
      throw new IOException("The metrics tell no " + name);
    }
  }
}
