package com.gptdesk.chat.soak;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.testing.Await;
import com.gptdesk.chat.testing.NatsProcess;
import java.io.IOException;
import java.net.http.HttpClient;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** Breaks one thing after the other, and mends it. One thread. */
final class Faults {
  /** Something to break. */
  private interface Fault {
    void happen() throws IOException, InterruptedException, SQLException;
  }

  private record Named(String name, Fault fault) {}

  /** Stops and starts the database. */
  interface Server {
    void stop();

    void start();

    Login superuser();
  }

  private final Server database;
  private final List<NodeProcess> nodes;
  private final List<Wire> wires;
  private final HttpClient http;
  private final String token;
  private final Random random;
  private final Tally tally;
  private final int longestAway;
  private final List<Named> all;

  /**
   * @param nats by what the nodes hear of changes; null for relays of their own
   * @param longestAway seconds, for how long the database may be away
   */
  Faults(
      Server database,
      List<NodeProcess> nodes,
      List<Wire> wires,
      @Nullable NatsProcess nats,
      HttpClient http,
      String token,
      Random random,
      Tally tally,
      int longestAway) {
    this.database = database;
    this.nodes = nodes;
    this.wires = wires;
    this.http = http;
    this.token = token;
    this.random = random;
    this.tally = tally;
    this.longestAway = longestAway;
    this.all =
        new ArrayList<>(
            List.of(
                new Named("listener's backend killed", () -> end("gptdesk-chat listener")),
                new Named("relay's backend killed", () -> end("gptdesk-chat relay")),
                new Named("all backends of the service killed", () -> end("%")),
                new Named("database restarted", () -> away(0)),
                new Named("database away", () -> away(1 + random.nextInt(longestAway))),
                new Named("change log emptied by a crash", this::crash),
                new Named("node paused and resumed", this::pause),
                new Named("network cut", () -> wires.get(random.nextInt(wires.size())).cut()),
                new Named("network silent", this::silence),
                new Named("malformed frames", this::babble),
                new Named("oversized frame", this::shout),
                new Named("many joins at once", this::flood),
                new Named("node restarted (1012)", () -> restart(false)),
                new Named("node killed", () -> restart(true))));
    if (nats != null) {
      all.add(new Named("NATS killed", () -> killed(nats)));
    }
  }

  /**
   * Each once, in a random order, however long that takes, and then any while that holds. Each has
   * been mended by its end, and then every node says that it is ready.
   */
  void happen(BooleanSupplier on) throws IOException, InterruptedException, SQLException {
    List<Named> next = new ArrayList<>(all);
    boolean first = true;
    while (first || on.getAsBoolean()) {
      Collections.shuffle(next, random);
      for (Named each : next) {
        if (!first && !on.getAsBoolean()) {
          return;
        }
        tally.count(tally.faults, each.name());
        each.fault().happen();
        for (NodeProcess node : nodes) {
          node.awaitReady(http);
        }
        Thread.sleep(random.nextLong(200, 900)); // the rhythm of misfortune
      }
      first = false;
    }
  }

  private void killed(NatsProcess nats) throws IOException, InterruptedException {
    nats.kill();
    for (NodeProcess node : nodes) {
      node.awaitNotReady(http);
    }
    nats.start();
  }

  private void end(String application) throws SQLException {
    try (Connection connection = database.superuser().connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'chat_login'"
              + " and application_name like '"
              + application
              + "'");
    }
  }

  private void away(int seconds) throws IOException, InterruptedException {
    database.stop();
    for (NodeProcess node : seconds == 0 ? List.<NodeProcess>of() : nodes) {
      node.awaitNotReady(http);
    }
    Thread.sleep(seconds * 1000L); // so long is it away
    database.start();
  }

  /**
   * A backend that dies by SIGKILL takes the others along; what is unlogged is empty afterwards.
   */
  private void crash() throws SQLException, IOException, InterruptedException {
    try (Connection witness = database.superuser().connect();
        Connection victim = database.superuser().connect();
        Statement statement = victim.createStatement();
        ResultSet row = statement.executeQuery("select pg_backend_pid()")) {
      row.next();
      new ProcessBuilder("kill", "-KILL", String.valueOf(row.getLong(1))).start().waitFor();
      // The others are ended when the server notices.
      Await.until("the others to end", () -> !witness.isValid(seconds()));
    }
    Await.until("PostgreSQL to recover", this::answers);
  }

  private boolean answers() {
    try (Connection connection = database.superuser().connect()) {
      return connection.isValid(seconds());
    } catch (SQLException e) {
      return false;
    }
  }

  private static int seconds() {
    return Math.toIntExact(Await.PATIENCE.toSeconds());
  }

  private void pause() throws IOException, InterruptedException {
    NodeProcess node = nodes.get(random.nextInt(nodes.size()));
    node.signal("STOP");
    Thread.sleep(random.nextLong(500, 4_000)); // so long it stands still
    node.signal("CONT");
  }

  private void silence() throws InterruptedException {
    Wire wire = wires.get(random.nextInt(wires.size()));
    wire.fallSilent();
    Thread.sleep(random.nextLong(500, 4_000)); // so long nothing passes
    if (random.nextBoolean()) {
      wire.cut();
    }
    wire.speakAgain();
  }

  private void babble() throws InterruptedException {
    try (SocketProbe probe =
        SocketProbe.open(http, wires.get(random.nextInt(wires.size())).port(), token)) {
      for (int i = 0; i < 300 && !probe.hasEnded(); i++) {
        var noise = new byte[random.nextInt(200)];
        random.nextBytes(noise);
        probe.sayText(
            i % 2 == 0
                ? new String(noise, java.nio.charset.StandardCharsets.ISO_8859_1)
                : "[\"1\",\"1\",\"realtime:x\",\"phx_join\"," + "[".repeat(random.nextInt(500)));
      }
    } catch (SocketProbe.Broken e) {
      tally.count(tally.ends, "sent away for noise");
    }
  }

  private void shout() throws InterruptedException {
    try (SocketProbe probe =
        SocketProbe.open(http, wires.get(random.nextInt(wires.size())).port(), token)) {
      probe.sayText("x".repeat(3 * 1024 * 1024));
      while (true) {
        probe.next(100);
      }
    } catch (SocketProbe.Broken e) {
      tally.count(tally.ends, "sent away for a frame too long");
    }
  }

  private void flood() throws InterruptedException {
    List<Thread> joining = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      Wire wire = wires.get(i % wires.size());
      joining.add(Thread.ofVirtual().start(() -> joinOnce(wire)));
    }
    for (Thread each : joining) {
      each.join();
    }
  }

  private void joinOnce(Wire wire) {
    try (SocketProbe probe = SocketProbe.open(http, wire.port(), token)) {
      probe.join("flood", "[{\"event\":\"*\",\"schema\":\"public\",\"table\":\"user_blocks\"}]");
      for (int i = 0; i < 100; i++) {
        SocketProbe.Message message = probe.next(100);
        if (message != null && message.event().equals("phx_reply")) {
          tally.count(tally.ends, "flood: joined or told why not");
          return;
        }
      }
      tally.count(tally.ends, "flood: no answer in 10 s");
    } catch (SocketProbe.Broken e) {
      tally.count(tally.ends, "flood: connection refused or lost");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void restart(boolean hard) throws IOException, InterruptedException {
    NodeProcess node = nodes.get(random.nextInt(nodes.size()));
    if (hard) {
      node.kill();
    } else {
      node.terminate();
    }
    node.start();
    node.awaitReady(http);
  }
}
