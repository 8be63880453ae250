package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Ground.Pair;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.soak.NodeProcess;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A hundred files that are uploaded at once, beside one: how fast, and in how much memory. The heap
 * is far smaller than the files, so a service that kept them there would end.
 */
final class Uploads implements Scenario {
  private static final String SECRET = "the secret of the uploads, of more than 32 bytes";
  private static final int AT_ONCE = 100;
  private static final int HEAP_MIB = 128;
  private static final int MIB = 1 << 20;

  @Override
  public String name() {
    return "uploads";
  }

  @Override
  public void measure(Run run) throws Exception {
    String database = run.ground().copy("bench_uploads");
    Ground.execute(
        run.ground().owner(database),
        "update chat.settings set max_files_a_day = 1000000, max_file_bytes_a_day = 1125899906842624");
    Path directory = Files.createTempDirectory("gptdesk-chat-uploads-");
    byte[] content = new byte[(run.quick() ? 2 : 8) * MIB];
    new Random(run.seed()).nextBytes(content);
    var rows = new Rows();
    double resident = 0;
    try {
      for (int atOnce : new int[] {1, AT_ONCE}) {
        try (var node =
                new NodeProcess(
                    "uploads-" + atOnce,
                    run.ground().service(database),
                    SECRET,
                    directory,
                    List.of("-Xmx" + HEAP_MIB + "m"),
                    Map.of(
                        "CHAT_STORAGE_DIR",
                        directory.resolve("files").toString(),
                        "CHAT_STORAGE_SWEEP_MS",
                        "500",
                        "CHAT_MAX_REQUESTS_PER_SECOND_PER_ADDRESS",
                        "1000000"));
            HttpClient http = HttpClient.newHttpClient()) {
          node.start();
          node.awaitReady(http);
          for (int round = 0; round <= run.rounds(); round++) {
            List<Double> took = Collections.synchronizedList(new ArrayList<>());
            double seconds = upload(run, http, node.port(), content, atOnce, took);
            Ground.execute(run.ground().owner(database), "delete from public.chat_files");
            if (round > 0) {
              String row = atOnce == 1 ? "1 at a time" : atOnce + " at once";
              Collections.sort(took);
              rows.add(
                  "Stored, %d MiB each".formatted(content.length / MIB),
                  "MiB/s",
                  row,
                  took.size() * (content.length / MIB) / seconds);
              rows.add("Slowest upload", "s", row, took.getLast());
              resident = peakMib(node.pid());
              rows.add("Most memory of the JVM, resident", "MiB", row, resident);
            }
            run.progress("%d at once: round %d of %d".formatted(atOnce, round, run.rounds()));
          }
        }
      }
    } finally {
      Startup.deleteTree(directory);
    }
    rows.into(run);
    run.goal(
        Goal.atMost(
            "Resident MiB with %d uploads of %d MiB at once"
                .formatted(AT_ONCE, content.length / MIB),
            resident,
            4 * HEAP_MIB));
    run.note(
        "A heap of %d MiB; files on the same disk as PostgreSQL, and clients on the same processors."
            .formatted(HEAP_MIB));
  }

  /** So many uploads, each by another pair; returns the seconds until the last is stored. */
  private static double upload(
      Run run, HttpClient http, int port, byte[] content, int uploads, List<Double> took)
      throws Exception {
    var issuer = new TokenIssuer(SECRET);
    long begun = System.nanoTime();
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<?>> all = new ArrayList<>();
      for (int i = 0; i < uploads; i++) {
        Pair pair = run.ground().pairs().get(i % run.ground().pairs().size());
        String token = issuer.forUser(pair.one(), Duration.ofHours(5));
        all.add(
            threads.submit(
                () -> {
                  long start = System.nanoTime();
                  HttpResponse<String> answer =
                      http.send(request(port, pair, token, content), BodyHandlers.ofString());
                  if (answer.statusCode() != 200) {
                    throw new IOException(answer.statusCode() + " " + answer.body());
                  }
                  took.add((System.nanoTime() - start) / 1e9);
                  return null;
                }));
      }
      for (Future<?> each : all) {
        each.get();
      }
    }
    return (System.nanoTime() - begun) / 1e9;
  }

  private static HttpRequest request(int port, Pair pair, String token, byte[] content) {
    return HttpRequest.newBuilder(
            URI.create(
                "http://127.0.0.1:%d/storage/v1/object/attachments/%s/%s.bin"
                    .formatted(port, pair.conversation(), UUID.randomUUID())))
        .header("Authorization", "Bearer " + token)
        .POST(BodyPublishers.ofByteArray(content))
        .build();
  }

  /** The most that the process has held. */
  private static double peakMib(long process) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/" + process + "/status"))) {
      if (line.startsWith("VmHWM:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) / 1024.0;
      }
    }
    throw new IOException("/proc/" + process + "/status tells no VmHWM");
  }
}
