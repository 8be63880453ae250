package com.gptdesk.chat.service.ops;

import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.service.cluster.NatsCluster;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.push.PushCounts;
import com.gptdesk.chat.service.realtime.socket.RealtimeServer;
import com.gptdesk.chat.service.realtime.socket.SocketMetrics;
import com.gptdesk.chat.service.rpc.RpcEndpoint;
import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.webhooks.WebhookCounts;
import com.gptdesk.chat.service.webhooks.WebhookDispatcher;
import com.zaxxer.hikari.metrics.MetricsTrackerFactory;
import com.zaxxer.hikari.metrics.micrometer.MicrometerMetricsTrackerFactory;
import io.micrometer.core.instrument.FunctionCounter;
import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.Timer;
import io.micrometer.core.instrument.binder.jvm.JvmGcMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmMemoryMetrics;
import io.micrometer.core.instrument.binder.jvm.JvmThreadMetrics;
import io.micrometer.core.instrument.binder.system.FileDescriptorMetrics;
import io.micrometer.core.instrument.binder.system.ProcessorMetrics;
import io.micrometer.core.instrument.binder.system.UptimeMetrics;
import io.micrometer.prometheusmetrics.PrometheusConfig;
import io.micrometer.prometheusmetrics.PrometheusMeterRegistry;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The service's metrics for Prometheus. Any thread may count; reading may query the database, so
 * read on a virtual thread.
 */
public final class Metrics implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Metrics.class);

  /** The bearer token that a reader must send. */
  public static final Setting<@Nullable String> TOKEN =
      Setting.secret(
          "CHAT_METRICS_TOKEN",
          16,
          "none",
          "the bearer token with which Prometheus reads `/metrics`; without it nobody can read");

  private static final Duration FASTEST = Duration.ofMillis(1);
  private static final Duration SLOWEST = Duration.ofSeconds(10);

  /** The database is queried at most this often, and only when somebody reads. */
  private static final Duration DATABASE_PAUSE = Duration.ofSeconds(30);

  /** Reading the whole catalogue costs more, and manual changes are rare. */
  private static final Duration DRIFT_PAUSE = Duration.ofMinutes(5);

  /**
   * State that only the database knows.
   *
   * @param notificationQueue the used part of the NOTIFY queue, 0 to 1
   * @param monthsAhead months after this one that have a partition
   * @param logBytes size of the change log
   * @param logMaxBytes the size above which it loses changes early
   * @param logCutAt when it last lost some, in Unix time; 0 for never
   * @param fileRemovals files whose bytes wait to be removed
   * @param openUploads uploads that are not finished
   */
  public record DatabaseState(
      double notificationQueue,
      int monthsAhead,
      double logBytes,
      double logMaxBytes,
      long logCutAt,
      double fileRemovals,
      double openUploads) {
    static final DatabaseState UNKNOWN =
        new DatabaseState(Double.NaN, -1, Double.NaN, Double.NaN, 0, Double.NaN, Double.NaN);

    /** Queries this database. */
    public static DatabaseState of(ServiceDatabase chat) {
      return chat.as(
          ServiceDatabase.RELAY,
          tx -> {
            var log =
                com.gptdesk.chat.database.internal.relay.Routines.logState(tx.configuration())
                    .getFirst();
            var files = Routines.fileFigures(tx.configuration()).getFirst();
            return new DatabaseState(
                Routines.notificationQueueUsage(tx.configuration()),
                Routines.messagePartitionsAhead(tx.configuration()),
                log.getBytes(),
                log.getMaxBytes(),
                log.getCutAt() == null ? 0 : log.getCutAt().toEpochSecond(),
                files.getRemovalsWaiting(),
                files.getUploadsOpen());
          });
    }
  }

  /** Queries the database; may block or throw. */
  @FunctionalInterface
  public interface DatabaseProbe {
    /** {@return the state now} */
    DatabaseState ask();
  }

  private final PrometheusMeterRegistry registry =
      new PrometheusMeterRegistry(PrometheusConfig.DEFAULT);
  private final JvmGcMetrics gc = new JvmGcMetrics();
  private final Timer lag;
  private final @Nullable String token;
  private volatile @Nullable DatabaseProbe probe;
  private volatile DatabaseState state = DatabaseState.UNKNOWN;
  private long nextQuestion = System.nanoTime();
  private volatile @Nullable IntSupplier driftProbe;
  private volatile int drift = -1;
  private long nextDriftQuestion = System.nanoTime();

  /**
   * @param token the bearer token that readers must send; null: nobody may read
   */
  public Metrics(@Nullable String token) {
    this.token = token;
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    gc.bindTo(registry);
    lag =
        histogram(
            "chat.relay.lag", "Time from a change in the database to the queues of its receivers");
  }

  private Timer histogram(String name, String description, String... tags) {
    return Timer.builder(name)
        .description(description)
        .tags(tags)
        .publishPercentileHistogram()
        .minimumExpectedValue(FASTEST)
        .maximumExpectedValue(SLOWEST)
        .register(registry);
  }

  /** Metrics of a connection pool. */
  public MetricsTrackerFactory ofPool() {
    return new MicrometerMetricsTrackerFactory(registry);
  }

  /** Measures a listener's lag, from the database's clock to this machine's, never below 0. */
  public ChangeListener timing(ChangeListener listener) {
    return new ChangeListener() {
      @Override
      public void changed(Change change) {
        listener.changed(change);
        Duration late = Duration.between(change.at(), Instant.now());
        lag.record(late.isNegative() ? Duration.ZERO : late);
      }

      @Override
      public void resync(String reason) {
        listener.resync(reason);
      }
    };
  }

  /**
   * Metrics of the relay.
   *
   * @param isUpToDate whether this node receives changes in time, by its own relay or another's
   */
  public void watch(Relay relay, BooleanSupplier isUpToDate) {
    gauge(
        "chat.relay.up.to.date",
        "1 while changes arrive in time",
        isUpToDate,
        h -> h.getAsBoolean() ? 1 : 0);
    gauge(
        "chat.relay.asleep",
        "1 while the relay sleeps and runs no query",
        relay,
        r -> r.isAsleep() ? 1 : 0);
    counter("chat.relay.changes", "Changes read from the change log", relay, Relay::changes);
    counter("chat.relay.polls", "Polls of the change log", relay, Relay::polls);
    counter("chat.relay.sleeps", "Times the relay fell asleep", relay, Relay::sleeps);
    counter("chat.relay.wakes", "Times changes woke the relay", relay, Relay::wakes);
    counter(
        "chat.relay.notifications",
        "Notifications received from the database",
        relay,
        Relay::notifications);
    counter(
        "chat.relay.resyncs",
        "Times the relay started again and everybody had to catch up",
        relay,
        Relay::resyncs);
    counter(
        "chat.relay.reconnects",
        "Lost connections to the database that were replaced",
        relay,
        Relay::reconnects);
    counter(
        "chat.relay.silences",
        "Connections to the database that gave no answer in time and were replaced",
        relay,
        Relay::silences);
  }

  /** Metrics of the delivery over NATS. */
  public void watch(NatsCluster cluster, Relay relay) {
    gauge(
        "chat.nats.connected", "1 while connected to NATS", cluster, c -> c.isConnected() ? 1 : 0);
    gauge(
        "chat.nats.leading",
        "1 while this node reads the change log for the cluster",
        relay,
        r -> r.isLeading() ? 1 : 0);
    gauge(
        "chat.nats.audiences",
        "People and teams whose changes this node receives",
        cluster,
        NatsCluster::size);
    counter(
        "chat.nats.gaps",
        "Changes that were missed for a person or team",
        cluster,
        NatsCluster::gaps);
    counter(
        "chat.nats.resyncs",
        "Times everybody on this node had to catch up",
        cluster,
        NatsCluster::resyncs);
    counter(
        "chat.nats.reconnects",
        "Lost connections to NATS that were replaced",
        cluster,
        NatsCluster::reconnects);
  }

  /** Metrics of sockets and channels. */
  public void watch(RealtimeServer realtime) {
    SocketMetrics sockets = realtime.metrics();
    gauge("chat.sockets", "Open sockets", realtime, RealtimeServer::connections);
    gauge("chat.channels", "Joined channels", sockets, SocketMetrics::channels);
    gauge(
        "chat.people.online",
        "People with an open socket on this node",
        realtime,
        RealtimeServer::people);
    String joins = "Attempts to join a channel";
    counter("chat.joins", joins, sockets, SocketMetrics::joins, "outcome", "joined");
    counter("chat.joins", joins, sockets, SocketMetrics::joinsRefused, "outcome", "refused");
    counter(
        "chat.frames.written",
        "WebSocket frames written to clients",
        sockets,
        SocketMetrics::framesWritten);
    counter(
        "chat.frames.malformed",
        "Malformed frames received",
        sockets,
        SocketMetrics::malformedFrames);
    counter(
        "chat.changes.delivered",
        "Change events delivered to live channels, counted for each channel",
        sockets,
        SocketMetrics::delivered);
    counter(
        "chat.changes.encoded",
        "Change events encoded as JSON, once for all their receivers",
        sockets,
        SocketMetrics::encoded);
    counter(
        "chat.changes.replayed",
        "Change events replayed to channels that resumed",
        sockets,
        SocketMetrics::replayed);
    String dropped = "Sockets that the service closed";
    counter("chat.clients.dropped", dropped, sockets, SocketMetrics::slowClosed, "reason", "slow");
    counter(
        "chat.clients.dropped", dropped, sockets, SocketMetrics::unrulyClosed, "reason", "unruly");
  }

  /** Metrics of function calls. */
  public void watch(RpcEndpoint gateway) {
    counter(
        "chat.partitions.missing",
        "Calls refused because messages have no partition for the month",
        gateway,
        RpcEndpoint::partitionsMissing);
    counter(
        "chat.batches",
        "Commits that were to store several messages",
        gateway,
        RpcEndpoint::batches);
    counter(
        "chat.batches.undone",
        "Batches that the database undid; their messages were sent alone",
        gateway,
        RpcEndpoint::batchesUndone);
    counter(
        "chat.batches.messages",
        "Messages stored together with others",
        gateway,
        RpcEndpoint::sentTogether);
    gauge(
        "chat.batches.waiting",
        "Messages that wait for a place at the database",
        gateway,
        RpcEndpoint::messagesWaiting);
  }

  /** Metrics of files. */
  public void watch(FileCounts files) {
    String uploads = "Uploads, by what became of them";
    counter("chat.file.uploads", uploads, files, FileCounts::uploadsStored, "outcome", "stored");
    counter("chat.file.uploads", uploads, files, FileCounts::uploadsRefused, "outcome", "refused");
    counter("chat.file.uploads", uploads, files, FileCounts::uploadsFailed, "outcome", "failed");
    for (FileCounts.Why why : FileCounts.Why.values()) {
      counter(
          "chat.file.refusals",
          "Uploads that were refused, by the reason",
          files,
          counts -> counts.uploadsRefused(why),
          "reason",
          why.name().toLowerCase(Locale.ROOT));
    }
    counter(
        "chat.file.received.bytes",
        "Bytes of files that were uploaded",
        files,
        FileCounts::bytesReceived);
    counter(
        "chat.file.sent.bytes",
        "Bytes of files that downloads asked for",
        files,
        FileCounts::bytesSent);
    counter("chat.file.removals", "Files whose bytes were removed", files, FileCounts::removals);
    counter(
        "chat.file.removal.failures",
        "Files that could not be removed and are tried again",
        files,
        FileCounts::removalFailures);
    counter(
        "chat.file.redirects",
        "Reads that were answered with an address of the bucket",
        files,
        FileCounts::readsRedirected);
    counter(
        "chat.file.store.failures",
        "Requests that the bucket did not answer or refused",
        files,
        FileCounts::storeFailures);
    gauge(
        "chat.file.store.up",
        "0 when the last request to the bucket of files failed",
        files,
        f -> f.storeFails() ? 0 : 1);
    String pictures = "Pictures stored, by whether small ones were made";
    counter(
        "chat.file.thumbnails",
        pictures,
        files,
        FileCounts::picturesWithThumbnails,
        "outcome",
        "made");
    counter(
        "chat.file.thumbnails",
        pictures,
        files,
        FileCounts::picturesWithoutThumbnails,
        "outcome",
        "failed");
    String scans = "Files shown to the virus scanner, by what it found";
    counter("chat.file.scans", scans, files, FileCounts::scansClean, "outcome", "clean");
    counter("chat.file.scans", scans, files, FileCounts::scansInfected, "outcome", "infected");
    counter("chat.file.scans", scans, files, FileCounts::scansFailed, "outcome", "unscanned");
    counter("chat.file.scans", scans, files, FileCounts::scansTimedOut, "outcome", "timed_out");
  }

  /** Metrics of webhooks. */
  public void watch(WebhookDispatcher webhooks) {
    WebhookCounts counts = webhooks.counts();
    String posts = "Posts to webhooks, by what became of them";
    String outcome = "outcome";
    counter("chat.webhook.posts", posts, counts, WebhookCounts::delivered, outcome, "delivered");
    counter("chat.webhook.posts", posts, counts, WebhookCounts::failed, outcome, "failed");
    counter("chat.webhook.posts", posts, counts, WebhookCounts::dead, outcome, "dead");
    counter(
        "chat.webhook.changes",
        "Changes that this node read from the change log for webhooks",
        counts,
        WebhookCounts::read);
    counter(
        "chat.webhook.gaps",
        "Times the change log lost changes before they were read for webhooks",
        webhooks,
        WebhookDispatcher::gaps);
    gauge(
        "chat.webhook.waiting",
        "Events that wait to be acknowledged, of all nodes",
        webhooks,
        WebhookDispatcher::waiting);
    gauge(
        "chat.webhook.oldest.seconds",
        "Age of the oldest event that waits for a webhook that is not paused",
        webhooks,
        WebhookDispatcher::oldestSeconds);
    gauge(
        "chat.webhook.dead.letters",
        "Events that were given up and are kept for operators",
        webhooks,
        WebhookDispatcher::deadLetters);
  }

  /** Metrics of push notifications. */
  public void watch(PushCounts push) {
    String notices = "Push notifications, by what the push service made of them";
    counter("chat.push.notices", notices, push, PushCounts::sent, "outcome", "sent");
    counter("chat.push.notices", notices, push, PushCounts::postponed, "outcome", "later");
    counter("chat.push.notices", notices, push, PushCounts::refused, "outcome", "refused");
    counter("chat.push.notices", notices, push, PushCounts::gone, "outcome", "gone");
    gauge(
        "chat.push.requests.in.flight",
        "Requests to push services that wait for an answer",
        push,
        PushCounts::inFlight);
  }

  /** Metrics of an embedded PostgreSQL. */
  public void watch(EmbeddedDatabase database) {
    counter(
        "chat.database.restarts",
        "Times the embedded PostgreSQL died and was restarted",
        database,
        EmbeddedDatabase::restarts);
  }

  /** Metrics that the database is queried for. */
  public void watch(DatabaseProbe database) {
    probe = database;
    gauge(
        "chat.notification.queue.usage.ratio",
        "Used part of the NOTIFY queue, 0 to 1; NaN when the database does not answer",
        this,
        m -> m.state.notificationQueue());
    gauge(
        "chat.partitions.ahead.months",
        "Future months that have a partition; -1 when the database does not answer",
        this,
        m -> m.state.monthsAhead());
    gauge(
        "chat.change.log.bytes",
        "Size of the change log in bytes; NaN when the database does not answer",
        this,
        m -> m.state.logBytes());
    gauge(
        "chat.change.log.max.bytes",
        "Size in bytes above which the change log drops changes before change_log_hours",
        this,
        m -> m.state.logMaxBytes());
    gauge(
        "chat.change.log.cut.timestamp.seconds",
        "Unix time when the change log last dropped changes for its size; 0 for never",
        this,
        m -> m.state.logCutAt());
    gauge(
        "chat.file.removals.waiting",
        "Files of all nodes whose bytes wait to be removed; NaN when the database does not answer",
        this,
        m -> m.state.fileRemovals());
    gauge(
        "chat.file.uploads.open",
        "Uploads of all nodes that were begun and are not finished; NaN when the database does not"
            + " answer",
        this,
        m -> m.state.openUploads());
  }

  /**
   * The number of differences between the database and what the migrations create.
   *
   * @param causes queries the database for it; may block or throw
   */
  public void watchDrift(IntSupplier causes) {
    driftProbe = causes;
    gauge(
        "chat.drift",
        "Differences between the database and the migrations; -1 when the database does not answer",
        this,
        m -> m.drift);
  }

  private <T> void gauge(String name, String description, T of, ToDoubleFunction<T> value) {
    Gauge.builder(name, of, value)
        .description(description)
        .strongReference(true)
        .register(registry);
  }

  private <T> void counter(
      String name, String description, T of, ToDoubleFunction<T> value, String... tags) {
    FunctionCounter.builder(name, of, value).description(description).tags(tags).register(registry);
  }

  /**
   * Counts a call that was answered.
   *
   * @param function the name of an existing function, so that callers cannot create series
   */
  public void called(String function, int status, Duration took) {
    String outcome = status < 400 ? "ok" : status < 500 ? "refused" : "failed";
    histogram("chat.rpc", "Duration of function calls", "function", function, "outcome", outcome)
        .record(took);
  }

  /**
   * Counts a request for a table that was answered.
   *
   * @param table the name of a served table, so that callers cannot create series
   */
  public void asked(String table, int status, Duration took) {
    String outcome = status < 400 ? "ok" : status < 500 ? "refused" : "failed";
    histogram("chat.rest", "Duration of requests for tables", "table", table, "outcome", outcome)
        .record(took);
  }

  /**
   * Counts a request that the back end behind the service has answered, or should have.
   *
   * @param beginning of its address, one of those that are handed on
   */
  public void handedOn(String beginning, int status, Duration took) {
    String outcome = status < 400 ? "ok" : status < 500 ? "refused" : "failed";
    histogram(
            "chat.upstream",
            "Duration of requests that were handed on",
            "path",
            beginning,
            "outcome",
            outcome)
        .record(took);
  }

  /** All metrics, for readers who send the token. */
  public Reply read(@Nullable String authorization) {
    if (token == null || !isToken(token, authorization)) {
      return Problem.of(401, "PT401", "The metrics need a token")
          .withHint("Set CHAT_METRICS_TOKEN and send it as a bearer token")
          .withHeader("WWW-Authenticate", "Bearer")
          .reply();
    }
    askWhenDue();
    askForDriftWhenDue();
    return new Reply(200, "text/plain; version=0.0.4; charset=utf-8", Map.of(), registry.scrape());
  }

  /** Compares in constant time. */
  private static boolean isToken(String token, @Nullable String authorization) {
    return authorization != null
        && MessageDigest.isEqual(
            ("Bearer " + token).getBytes(StandardCharsets.UTF_8),
            authorization.getBytes(StandardCharsets.UTF_8));
  }

  private synchronized void askWhenDue() {
    DatabaseProbe database = probe;
    if (database == null || System.nanoTime() - nextQuestion < 0) {
      return;
    }
    nextQuestion = System.nanoTime() + DATABASE_PAUSE.toNanos();
    try {
      state = database.ask();
    } catch (RuntimeException e) {
      state = DatabaseState.UNKNOWN;
      LOG.warn("The database could not be queried for its metrics: {}", e.toString());
    }
  }

  private synchronized void askForDriftWhenDue() {
    IntSupplier causes = driftProbe;
    if (causes == null || System.nanoTime() - nextDriftQuestion < 0) {
      return;
    }
    nextDriftQuestion = System.nanoTime() + DRIFT_PAUSE.toNanos();
    try {
      drift = causes.getAsInt();
    } catch (RuntimeException e) {
      drift = -1;
      LOG.warn("The database could not be compared with the migrations: {}", e.toString());
    }
  }

  @Override
  public void close() {
    gc.close();
    registry.close();
  }
}
