package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Ground.Pair;
import com.gptdesk.chat.bench.SideBySide.Served;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Compares our service with PostGraphile, Parse Server and ejabberd, by the same clients. */
final class AgainstPeers implements Scenario {
  /** All of a service. */
  private static final String EVERY_APPLICATION = "%";

  /** Starts one for these people in a database of its own. */
  private interface Start {
    Service of(Ground ground, String database, List<Pair> pairs, Path directory) throws Exception;
  }

  /**
   * What may be measured.
   *
   * @param requirement what {@code CHAT_REQUIRE} calls what it needs
   * @param missing why it cannot run; null if it can
   */
  private record Peer(
      String name, String database, String requirement, @Nullable String missing, Start start) {}

  @Override
  public String name() {
    return "peers";
  }

  @Override
  public void measure(Run run) throws Exception {
    List<Peer> peers =
        List.of(
            new Peer("ours", "bench_ours", "", null, AgainstPeers::ours),
            new Peer(
                "PostGraphile",
                "bench_postgraphile",
                "node",
                PeerProcess.missing(PostGraphileService.FOLDER),
                PostGraphileService::new),
            new Peer(
                "Parse Server",
                "bench_parse",
                "node",
                PeerProcess.missing(ParseService.FOLDER),
                ParseService::new),
            new Peer(
                "ejabberd",
                "bench_ejabberd",
                "ejabberd",
                EjabberdService.missing(),
                EjabberdService::new));
    Ground ground = run.ground();
    Path directory = Files.createDirectories(Path.of("target", "bench"));
    List<Pair> pairs = ground.pairs().subList(0, EndToEnd.PAIRS);
    List<Served> services = new ArrayList<>();
    try (var open = new Opened()) {
      for (Peer peer : peers) {
        if (peer.missing() != null) {
          SideBySide.skip(run, peer.name(), peer.requirement(), peer.missing());
          continue;
        }
        run.progress("starting " + peer.name());
        Service service = peer.start().of(ground, peer.database(), pairs, directory);
        open.push(service::close);
        var clients = new Clients(service, pairs, run.seed());
        open.push(clients::close);
        services.add(
            Served.of(
                peer.name(),
                service,
                clients,
                ground.superuser(peer.database()),
                EVERY_APPLICATION));
      }
      var all = new SideBySide(run, services);
      all.warmUp();
      all.full();
      all.idle();
      all.atFixedRate();
      all.losses();
    }
    run.note(
        "All services run at once, so PostgreSQL's part has what it does for those that rest. ejabberd answers when it has routed a message, and archives it for each of the two people.");
  }

  private static OurService ours(Ground ground, String database, List<Pair> pairs, Path directory)
      throws Exception {
    return new OurService(ground, ground.copy(database), directory);
  }

  /** Closes all that was opened, the last first, whatever fails. */
  private static final class Opened implements AutoCloseable {
    private final Deque<Runnable> closings = new ArrayDeque<>();

    void push(Runnable closing) {
      closings.push(closing);
    }

    @Override
    public void close() {
      Runnable first = closings.pollLast();
      if (first != null) {
        try {
          close();
        } finally {
          first.run();
        }
      }
    }
  }
}
