package com.gptdesk.chat.service.ops;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.service.cluster.NatsCluster;
import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.http.Reply;
import com.gptdesk.chat.service.realtime.socket.RealtimeServer;
import com.gptdesk.chat.service.realtime.socket.SocketMetrics;
import com.gptdesk.chat.service.rpc.RpcEndpoint;
import com.gptdesk.chat.service.settings.Setting;
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
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
import java.util.function.ToDoubleFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the service tells Prometheus. Any thread may count; reading may ask the database, so read on
 * a virtual thread.
 */
public final class Metrics implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Metrics.class);

  /** What a reader must bring. */
  public static final Setting<@Nullable String> TOKEN =
      Setting.secret(
          "CHAT_METRICS_TOKEN",
          16,
          "none",
          "what Prometheus brings to read /metrics, at least 16 bytes; without it nobody reads");

  private static final Duration FASTEST = Duration.ofMillis(1);
  private static final Duration SLOWEST = Duration.ofSeconds(10);

  /** The database is asked at most this often, and only while somebody reads. */
  private static final Duration DATABASE_PAUSE = Duration.ofSeconds(30);

  /** Reading all of the catalogue is dearer, and changes by hand are rare. */
  private static final Duration DRIFT_PAUSE = Duration.ofMinutes(5);

  /**
   * What only the database knows.
   *
   * @param notificationQueue the used part of the NOTIFY queue, 0 to 1
   * @param monthsAhead months after this one that have a partition
   * @param logBytes size of the change log
   * @param logMaxBytes the size above which it loses changes early
   * @param logCutAt when it last did, in seconds of the Unix clock; 0 for never
   */
  public record DatabaseState(
      double notificationQueue,
      int monthsAhead,
      double logBytes,
      double logMaxBytes,
      long logCutAt) {
    static final DatabaseState UNKNOWN =
        new DatabaseState(Double.NaN, -1, Double.NaN, Double.NaN, 0);

    /** Asks this database. */
    public static DatabaseState of(ChatDatabase chat) {
      return chat.as(
          Caller.relay(),
          tx -> {
            var log =
                com.gptdesk.chat.database.internal.relay.Routines.logState(tx.configuration())
                    .getFirst();
            return new DatabaseState(
                Routines.notificationQueueUsage(tx.configuration()),
                Routines.messagePartitionsAhead(tx.configuration()),
                log.getBytes(),
                log.getMaxBytes(),
                log.getCutAt() == null ? 0 : log.getCutAt().toEpochSecond());
          });
    }
  }

  /** Asks the database; may block or throw. */
  @FunctionalInterface
  public interface DatabaseProbe {
    /** Asks. */
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
   * @param token who reads must bring it as a bearer token; null: nobody may read
   */
  public Metrics(@Nullable String token) {
    this.token = token;
    new JvmMemoryMetrics().bindTo(registry);
    new JvmThreadMetrics().bindTo(registry);
    new ProcessorMetrics().bindTo(registry);
    new UptimeMetrics().bindTo(registry);
    new FileDescriptorMetrics().bindTo(registry);
    gc.bindTo(registry);
    lag = histogram("chat.relay.lag", "From a change in the database to its hearers' queues");
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

  /** Tells of a pool of connections. */
  public MetricsTrackerFactory ofPool() {
    return new MicrometerMetricsTrackerFactory(registry);
  }

  /** That listener, timed: from the clock of the database to this machine's, never below 0. */
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
   * Tells of the relay.
   *
   * @param isUpToDate whether this node is told of changes in time, by its own relay or another's
   */
  public void watch(Relay relay, BooleanSupplier isUpToDate) {
    gauge(
        "chat.relay.hearing",
        "1 while changes arrive in time",
        isUpToDate,
        h -> h.getAsBoolean() ? 1 : 0);
    gauge("chat.relay.asleep", "1 while it runs no query", relay, r -> r.isAsleep() ? 1 : 0);
    counter("chat.relay.changes", "Changes read from the log", relay, Relay::changes);
    counter("chat.relay.polls", "How often the log was asked", relay, Relay::polls);
    counter("chat.relay.sleeps", "How often it fell asleep", relay, Relay::sleeps);
    counter("chat.relay.wakes", "How often changes woke it", relay, Relay::wakes);
    counter("chat.relay.doorbells", "How often the bell rang", relay, Relay::notifications);
    counter("chat.relay.resyncs", "How often it had to begin anew", relay, Relay::resyncs);
    counter("chat.relay.reconnects", "Lost connections remade", relay, Relay::reconnects);
  }

  /** Tells of the way from the relay that leads. */
  public void watch(NatsCluster cluster, Relay relay) {
    gauge("chat.nats.connected", "1 while NATS is", cluster, c -> c.isConnected() ? 1 : 0);
    gauge(
        "chat.nats.leading", "1 while this node reads for all", relay, r -> r.isLeading() ? 1 : 0);
    gauge("chat.nats.scopes", "People and teams that this node hears", cluster, NatsCluster::size);
    counter("chat.nats.gaps", "Changes missed on a scope", cluster, NatsCluster::gaps);
    counter("chat.nats.resyncs", "How often all had to catch up", cluster, NatsCluster::resyncs);
    counter("chat.nats.reconnects", "Lost connections remade", cluster, NatsCluster::reconnects);
  }

  /** Tells of sockets and channels. */
  public void watch(RealtimeServer realtime) {
    SocketMetrics sockets = realtime.metrics();
    gauge("chat.sockets", "Open sockets", realtime, RealtimeServer::connections);
    gauge("chat.channels", "Joined channels", sockets, SocketMetrics::channels);
    gauge(
        "chat.people.online",
        "People with a socket on this node",
        realtime,
        RealtimeServer::people);
    String joins = "Joins of channels";
    counter("chat.joins", joins, sockets, SocketMetrics::joins, "outcome", "joined");
    counter("chat.joins", joins, sockets, SocketMetrics::joinsRefused, "outcome", "refused");
    counter("chat.frames.written", "Frames to clients", sockets, SocketMetrics::framesWritten);
    counter(
        "chat.frames.malformed", "Frames that are none", sockets, SocketMetrics::malformedFrames);
    counter(
        "chat.changes.delivered",
        "Changes told live, each channel counted",
        sockets,
        SocketMetrics::delivered);
    counter(
        "chat.changes.encoded",
        "Changes made JSON to be told live, once for all who hear",
        sockets,
        SocketMetrics::encoded);
    counter("chat.changes.replayed", "Changes told again", sockets, SocketMetrics::replayed);
    String dropped = "Sockets that the service closed";
    counter("chat.clients.dropped", dropped, sockets, SocketMetrics::slowClosed, "reason", "slow");
    counter(
        "chat.clients.dropped", dropped, sockets, SocketMetrics::unrulyClosed, "reason", "unruly");
  }

  /** Tells of calls. */
  public void watch(RpcEndpoint gateway) {
    counter(
        "chat.partitions.missing",
        "Calls refused because their month has no partition for messages",
        gateway,
        RpcEndpoint::partitionsMissing);
  }

  /** Tells of a PostgreSQL of our own. */
  public void watch(EmbeddedDatabase database) {
    counter(
        "chat.database.restarts",
        "How often the embedded PostgreSQL died and was started again",
        database,
        EmbeddedDatabase::restarts);
  }

  /** Tells what the database answers. */
  public void watch(DatabaseProbe database) {
    probe = database;
    gauge(
        "chat.notification.queue.usage.ratio",
        "Used part of the NOTIFY queue; NaN when the database does not answer",
        this,
        m -> m.state.notificationQueue());
    gauge(
        "chat.partitions.ahead.months",
        "Months to come with a partition; -1 when the database does not answer",
        this,
        m -> m.state.monthsAhead());
    gauge(
        "chat.change.log.bytes",
        "Size of the change log; NaN when the database does not answer",
        this,
        m -> m.state.logBytes());
    gauge(
        "chat.change.log.max.bytes",
        "Size above which the change log loses changes before change_log_hours",
        this,
        m -> m.state.logMaxBytes());
    gauge(
        "chat.change.log.cut.timestamp.seconds",
        "When the change log last lost changes for its size; 0 for never",
        this,
        m -> m.state.logCutAt());
  }

  /**
   * Tells how far the database is from what the migrations made.
   *
   * @param causes asks the database for their number; may block or throw
   */
  public void watchDrift(IntSupplier causes) {
    driftProbe = causes;
    gauge(
        "chat.drift",
        "Things in the database that are not as the migrations made them; -1 when it does not answer",
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
   * A call that was answered.
   *
   * @param function its name when there is such a function, so that callers cannot make series
   */
  public void called(String function, int status, Duration took) {
    String outcome = status < 400 ? "ok" : status < 500 ? "refused" : "failed";
    histogram("chat.rpc", "Calls of functions", "function", function, "outcome", outcome)
        .record(took);
  }

  /** All there is to tell, for whoever brings the token. */
  public Reply read(@Nullable String authorization) {
    if (token == null || !isToken(token, authorization)) {
      return Problem.of(401, "PT401", "The metrics are not for everybody")
          .withHint("Set CHAT_METRICS_TOKEN and bring it as a bearer token")
          .withHeader("WWW-Authenticate", "Bearer")
          .reply();
    }
    askWhenDue();
    askForDriftWhenDue();
    return new Reply(200, "text/plain; version=0.0.4; charset=utf-8", Map.of(), registry.scrape());
  }

  /** In a time that does not tell how much of a guess is right. */
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
      LOG.warn("The database could not be asked for its metrics: {}", e.toString());
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
