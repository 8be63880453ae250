package com.gptdesk.chat.service;

import com.gptdesk.chat.database.Caller;
import com.gptdesk.chat.database.ChatDatabase;
import com.gptdesk.chat.database.ClaimsSigner;
import com.gptdesk.chat.database.ServiceLogin;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.Secrets;
import com.gptdesk.chat.database.internal.chat.Routines;
import com.gptdesk.chat.database.migration.Drift;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Migrations.Platform;
import com.gptdesk.chat.database.migration.Precondition;
import com.gptdesk.chat.relay.Change;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.relay.Scope;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.cluster.NatsCluster;
import com.gptdesk.chat.service.cluster.NatsSettings;
import com.gptdesk.chat.service.http.Cors;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.http.TlsCertificate;
import com.gptdesk.chat.service.ops.CachedProbe;
import com.gptdesk.chat.service.ops.Health;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.realtime.Audiences;
import com.gptdesk.chat.service.realtime.MissedMessages;
import com.gptdesk.chat.service.realtime.PresenceTracker;
import com.gptdesk.chat.service.realtime.PublishedTables;
import com.gptdesk.chat.service.realtime.RealtimeServer;
import com.gptdesk.chat.service.realtime.SocketPresence;
import com.gptdesk.chat.service.realtime.Topics;
import com.gptdesk.chat.service.replica.ReadReplica;
import com.gptdesk.chat.service.replica.ReplicaSettings;
import com.gptdesk.chat.service.rpc.RpcGateway;
import com.gptdesk.chat.service.server.BroadcastEndpoint;
import com.gptdesk.chat.service.server.DemoEndpoints;
import com.gptdesk.chat.service.server.HttpService;
import com.gptdesk.chat.service.server.HttpSettings;
import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.postgresql.ds.PGSimpleDataSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The running chat: every station, wired to the next. */
final class Service implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Service.class);
  private static final Duration MIGRATIONS_COMPARED_AFTER = Duration.ofSeconds(10);
  private static final int STARTING_FAILED_AFTER_MILLIS = 10_000;
  private static final int REPLICA_CONNECT_SECONDS = 2;
  private static final int REPLICA_READ_SECONDS = 10;

  /** What to close, the last one opened first. */
  private final Deque<AutoCloseable> open = new ArrayDeque<>();

  private boolean closed;

  /**
   * Starts everything, or nothing; ends with an exception when it is closed meanwhile.
   *
   * @param port null for the port of the settings
   */
  void start(Config config, @Nullable Platform platform, boolean demo, @Nullable Integer port)
      throws IOException {
    try {
      wire(config, platform, demo, port == null ? config.port() : port);
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  private void wire(Config config, @Nullable Platform platform, boolean demo, int port)
      throws IOException {
    if (demo && !config.embedded()) {
      throw new IllegalStateException(
          "--demo gives everybody a token, so it runs on the embedded PostgreSQL alone: unset CHAT_DATABASE_URL.");
    }
    HttpService.requireFree(config.host(), port); // before anything is made or migrated
    TokenSettings tokenSettings = tokens(config, demo);
    Vertx vertx = opened(Vertx.vertx(), Service::stop);
    if (config.tls() != null) {
      TlsCertificate.read(vertx, config.tls()); // before there is anything to undo
    }
    DatabaseSource database = opened(DatabaseSource.open(config));
    Migrations migrations =
        Migrations.of(database.ownerOrService(), platform).accepting(config.acceptedThings());
    bringUpToDate(database, migrations, config, demo);
    demandContract(migrations, config.refuseDrift());
    ServiceLogin.verify(database.service());
    Metrics metrics = opened(new Metrics(config.metricsToken()));
    HikariDataSource requests =
        opened(
            pool(
                database.service().dataSource(config.statementTimeout()),
                config.poolSize(),
                metrics));
    ClaimsSigner signer = config.claimsSigner();
    ChatDatabase chat = new ChatDatabase(requests).signedBy(signer);
    demandClaims(chat);
    ReadReplica replica = replica(config.replica(), requests, config.statementTimeout(), signer);
    TokenVerifier tokens = new TokenVerifier(tokenSettings);

    NatsCluster cluster = cluster(config.nats());
    FanOut fanOut = cluster == null ? new FanOut() : new FanOut(cluster.scopes());
    ChangeListener hearer = metrics.timing(heardBy(replica, fanOut));
    Relay relay =
        opened(
            new Relay(
                relaySettings(database.service(), config, signer),
                cluster == null ? hearer : cluster.leader()));
    Supplier<@Nullable String> deafness =
        cluster != null
            ? cluster::trouble
            : () -> relay.isHearing() ? null : "does not follow the changes yet";
    Topics topics = Topics.in(chat);
    PresenceTracker tracker = opened(new PresenceTracker(topics));
    RealtimeServer realtime =
        opened(
            new RealtimeServer(
                config.realtime(),
                tokens,
                fanOut,
                PublishedTables.in(chat),
                Audiences.in(chat),
                MissedMessages.in(chat),
                topics,
                config.topics(),
                tracker));
    SocketPresence presence = opened(new SocketPresence(chat, realtime, tracker));
    PartitionMaintenance upkeep =
        opened(
            new PartitionMaintenance(
                new ChatDatabase(database.service().dataSource()).signedBy(signer)));

    if (database.embedded() != null) {
      database.embedded().keepRunning();
      metrics.watch(database.embedded());
    }
    metrics.watch(relay, () -> deafness.get() == null);
    if (cluster != null) {
      metrics.watch(cluster, relay);
    }
    metrics.watch(realtime);
    metrics.watch(() -> state(chat));
    metrics.watchDrift(() -> migrations.drift().size());

    RequestLimits limits =
        new RequestLimits(config.maxRequestsPerSecond(), config.maxRequestsPerSecondPerAddress());
    RpcGateway calls =
        new RpcGateway(chat, config.servedFunctions(), replica, tokens, limits, config.enabled());
    metrics.watch(calls);
    HttpService http =
        opened(
            new HttpService(
                vertx,
                new HttpSettings(
                    config.host(),
                    port,
                    config.tls(),
                    config.requests(),
                    config.pageHosts(),
                    new Cors(config.allowedOrigins()),
                    config.trustedProxies(),
                    tokenSettings.anonKey()),
                calls,
                new BroadcastEndpoint(topics, tokens, config.topics(), config.enabled()),
                limits,
                health(chat, deafness, migrations),
                realtime,
                demo ? demoEndpoints(chat, tokenSettings) : null,
                metrics));

    if (replica != null) {
      replica.start();
    }
    if (cluster != null) {
      cluster.start(hearer, fanOut, attendant(replica));
    }
    relay.start();
    upkeep.start();
    presence.start();
    int listening = http.start();
    if (demo) {
      LOG.info(
          "The demo is ready: open {}://localhost:{} in two windows, or in two terminals try scripts/chat alice bob, scripts/chat bob alice",
          config.tls() == null ? "http" : "https",
          listening);
    }
  }

  private static void bringUpToDate(
      DatabaseSource database, Migrations migrations, Config config, boolean demo)
      throws IOException {
    Login owner = database.owner();
    if (owner == null) {
      List<String> differences = migrations.differences();
      if (!differences.isEmpty()) {
        throw new IllegalStateException(
            "The database is not where this version needs it; run the command migrate as its owner.\n"
                + String.join("\n", differences));
      }
      return;
    }
    int applied = migrations.migrate();
    if (applied > 0) {
      LOG.info("Applied {} migrations", applied);
    }
    migrations.write(config.maxMessageLength(), config.typingTimeout(), config.claimsSecret());
    database.admitService();
    if (demo) {
      seed(owner);
    }
  }

  /** A service that signs with another secret than the database knows would be nobody. */
  private static void demandClaims(ChatDatabase chat) {
    if (!chat.reading(Caller.service(), tx -> Routines.claimsHold(tx.configuration()))) {
      throw new IllegalStateException(
          "The database believes signed claims alone (chat.settings.claims_secret), and not this service's: set CHAT_CLAIMS_SECRET to the same secret, and the clocks right.");
    }
  }

  /**
   * What people of one team, or policies, rely on that is not ours; and what was changed by hand.
   */
  private static void demandContract(Migrations migrations, boolean refuseDrift) {
    List<Precondition> unmet = migrations.preconditions();
    unmet.stream()
        .filter(precondition -> precondition.kind() == Precondition.Kind.WARNING)
        .forEach(warning -> LOG.warn("{}", warning));
    List<String> unsafe =
        unmet.stream()
            .filter(precondition -> precondition.kind() == Precondition.Kind.UNSAFE)
            .map(Precondition::toString)
            .toList();
    if (!unsafe.isEmpty()) {
      throw new IllegalStateException(
          "This database is not served: its policies would not hold. Mend it, or name what is meant so in the file of CHAT_ACCEPTED.\n"
              + String.join("\n", unsafe));
    }
    List<Drift> drift = migrations.drift();
    if (refuseDrift && !drift.isEmpty()) {
      throw new IllegalStateException(
          "This database is not served (CHAT_REFUSE_DRIFT): it is not as the migrations made it. Mend it, or name what is meant so in the file of CHAT_ACCEPTED.\n"
              + drift.stream().map(Drift::toString).collect(Collectors.joining("\n")));
    }
    drift.forEach(cause -> LOG.warn("Not as the migrations made it: {}", cause));
  }

  /** The demo's people, added when they are not there. */
  private static void seed(Login owner) throws IOException {
    try (InputStream script = Service.class.getResourceAsStream("/db/demo.sql")) {
      if (script == null) {
        throw new IllegalStateException("db/demo.sql is not on the class path");
      }
      String sql = new String(script.readAllBytes(), StandardCharsets.UTF_8);
      try (Connection connection = owner.connect();
          Statement statement = connection.createStatement()) {
        connection.setAutoCommit(false);
        statement.execute(sql);
        connection.commit();
      } catch (SQLException e) {
        throw new IllegalStateException("Could not add the people of the demo", e);
      }
    }
  }

  private static HikariDataSource pool(PGSimpleDataSource requests, int size, Metrics metrics) {
    HikariConfig settings = new HikariConfig();
    settings.setPoolName("requests");
    settings.setDataSource(requests);
    settings.setMaximumPoolSize(size);
    settings.setConnectionTimeout(STARTING_FAILED_AFTER_MILLIS);
    settings.setMetricsTrackerFactory(metrics.ofPool());
    return new HikariDataSource(settings);
  }

  private @Nullable ReadReplica replica(
      @Nullable ReplicaSettings settings,
      HikariDataSource primary,
      Duration statementTimeout,
      @Nullable ClaimsSigner signer) {
    return settings == null
        ? null
        : opened(
            new ReadReplica(
                primary, opened(replicaPool(settings, statementTimeout)), settings, signer));
  }

  /** Gives up soon, since the primary can be asked instead; and does not mind who is not there. */
  private static HikariDataSource replicaPool(ReplicaSettings settings, Duration statementTimeout) {
    PGSimpleDataSource replica = settings.login().dataSource(statementTimeout);
    replica.setConnectTimeout(REPLICA_CONNECT_SECONDS);
    replica.setSocketTimeout(REPLICA_READ_SECONDS);
    HikariConfig pool = new HikariConfig();
    pool.setPoolName("replica");
    pool.setDataSource(replica);
    pool.setMaximumPoolSize(settings.poolSize());
    pool.setConnectionTimeout(settings.maxLag().toMillis() + 250); // the least that Hikari takes
    pool.setInitializationFailTimeout(-1);
    return new HikariDataSource(pool);
  }

  private @Nullable NatsCluster cluster(@Nullable NatsSettings settings) {
    return settings == null ? null : opened(new NatsCluster(settings));
  }

  /** By NATS a node hears of its own people; the replica must know of everybody's writes. */
  private static NatsCluster.@Nullable Attendant attendant(@Nullable ReadReplica replica) {
    return replica == null
        ? null
        : new NatsCluster.Attendant() {
          @Override
          public void told(Scope scope) {
            needs(replica, scope);
          }

          @Override
          public void toldAll() {
            replica.toldAll();
          }
        };
  }

  /** Whoever is told of a change may read next what it changed, so the replica must have it too. */
  private static ChangeListener heardBy(@Nullable ReadReplica replica, FanOut fanOut) {
    return replica == null
        ? fanOut
        : new ChangeListener() {
          @Override
          public void changed(Change change) {
            change.scopes().forEach(scope -> needs(replica, scope));
            fanOut.changed(change);
          }

          @Override
          public void resync(String reason) {
            replica.toldAll();
            fanOut.resync(reason);
          }
        };
  }

  /** Freshness is kept by person; what a team hears of, no read of one person waits for. */
  private static void needs(ReadReplica replica, Scope scope) {
    if (scope.kind() == Scope.Kind.USER) {
      replica.told(scope.id());
    }
  }

  private static TokenSettings tokens(Config config, boolean demo) throws IOException {
    String secret = config.jwtSecret();
    if (secret == null && config.jwks() == null) {
      if (!config.embedded()) {
        throw new IllegalStateException(
            "Set CHAT_JWT_SECRET or CHAT_JWKS_URL, so that tokens can be checked.");
      }
      // Each with its own: a token that the demo gave away opens nothing else.
      String name = demo ? "jwt-secret" : "service.jwt-secret";
      secret = Secrets.keptIn(config.dataDirectory(), name);
      if (!demo) {
        LOG.info(
            "No CHAT_JWT_SECRET is set: tokens are checked (HS256) with the secret kept in {}."
                + " Sign the tokens of your users with it, or set CHAT_JWT_SECRET or CHAT_JWKS_URL",
            config.dataDirectory().resolve(name));
      }
    }
    return new TokenSettings(
        secret, config.jwks(), config.audience(), config.issuer(), config.anonKey());
  }

  private static DemoEndpoints demoEndpoints(ChatDatabase chat, TokenSettings tokens) {
    String secret = tokens.secret();
    if (secret == null) {
      throw new IllegalStateException(
          "--demo signs tokens, so it needs a secret: unset CHAT_JWKS_URL.");
    }
    TokenIssuer issuer = new TokenIssuer(secret);
    return new DemoEndpoints(chat, issuer, issuer.anonKey());
  }

  private static RelaySettings relaySettings(
      Login login, Config config, @Nullable ClaimsSigner signer) {
    return RelaySettings.of(login.url(), login.user(), login.password())
        .withDoorbell(config.doorbell())
        .withClaims(signer == null ? null : () -> signer.sign(Caller.relay().claims()));
  }

  private static Metrics.DatabaseState state(ChatDatabase chat) {
    return chat.as(
        Caller.relay(),
        tx ->
            new Metrics.DatabaseState(
                Routines.notificationQueueUsage(tx.configuration()),
                Routines.messagePartitionsAhead(tx.configuration())));
  }

  private static Health health(
      ChatDatabase chat, Supplier<@Nullable String> deafness, Migrations migrations) {
    return new Health(
        List.of(
            new Health.Check(
                "database",
                () -> {
                  chat.reading(Caller.anonymous(), tx -> tx.selectOne().fetch());
                  return null;
                }),
            new Health.Check(
                "migrations", new CachedProbe(MIGRATIONS_COMPARED_AFTER, () -> behind(migrations))),
            new Health.Check("relay", deafness::get)));
  }

  private static @Nullable String behind(Migrations migrations) {
    return migrations.differences().isEmpty() ? null : "the database is not where it should be";
  }

  private static void stop(Vertx vertx) throws Exception {
    vertx.close().await(10, TimeUnit.SECONDS);
  }

  private <T> T opened(T resource, Closing<T> closing) {
    keep(() -> closing.close(resource));
    return resource;
  }

  /** How to close what is no AutoCloseable. */
  @FunctionalInterface
  private interface Closing<T> {
    void close(T resource) throws Exception;
  }

  private <T extends AutoCloseable> T opened(T resource) {
    keep(resource);
    return resource;
  }

  /** For {@link #close}; what is opened after that is closed at once, and nothing more opened. */
  private void keep(AutoCloseable resource) {
    synchronized (open) {
      if (!closed) {
        open.push(resource);
        return;
      }
    }
    close(resource);
    throw new IllegalStateException("The service was stopped while it started.");
  }

  /** Stops what was started, the last first: no new requests, then the relay, then the database. */
  @Override
  public void close() {
    while (true) {
      AutoCloseable resource;
      synchronized (open) {
        closed = true;
        if (open.isEmpty()) {
          return;
        }
        resource = open.pop();
      }
      close(resource);
    }
  }

  private static void close(AutoCloseable resource) {
    try {
      resource.close();
    } catch (Exception e) {
      LOG.warn("{} did not stop cleanly", resource, e);
    }
  }
}
