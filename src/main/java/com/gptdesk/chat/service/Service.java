package com.gptdesk.chat.service;

import com.gptdesk.chat.database.ClaimsSigner;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.Secrets;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import com.gptdesk.chat.relay.ChangeListener;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.relay.Relay;
import com.gptdesk.chat.relay.RelaySettings;
import com.gptdesk.chat.service.auth.TokenChoice;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.service.auth.TokenSettings;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.cluster.NatsCluster;
import com.gptdesk.chat.service.cluster.NatsSettings;
import com.gptdesk.chat.service.database.ChatLimits;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.files.DiskStore;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FileRecords;
import com.gptdesk.chat.service.files.FileSettings;
import com.gptdesk.chat.service.files.FileSweeper;
import com.gptdesk.chat.service.files.ObjectStore;
import com.gptdesk.chat.service.files.S3Settings;
import com.gptdesk.chat.service.files.S3Store;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.http.TlsCertificate;
import com.gptdesk.chat.service.ops.Health;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.push.PushCounts;
import com.gptdesk.chat.service.push.PushNotifier;
import com.gptdesk.chat.service.push.PushSettings;
import com.gptdesk.chat.service.realtime.changes.Audiences;
import com.gptdesk.chat.service.realtime.changes.MissedMessages;
import com.gptdesk.chat.service.realtime.changes.PublishedTables;
import com.gptdesk.chat.service.realtime.channel.DatabaseTopics;
import com.gptdesk.chat.service.realtime.channel.PresenceTracker;
import com.gptdesk.chat.service.realtime.channel.Topics;
import com.gptdesk.chat.service.realtime.socket.RealtimeServer;
import com.gptdesk.chat.service.realtime.socket.SocketPresence;
import com.gptdesk.chat.service.replica.ReadReplica;
import com.gptdesk.chat.service.replica.ReplicaFreshness;
import com.gptdesk.chat.service.replica.ReplicaSettings;
import com.gptdesk.chat.service.rest.FunctionRows;
import com.gptdesk.chat.service.rest.RestEndpoint;
import com.gptdesk.chat.service.rest.TableCatalogue;
import com.gptdesk.chat.service.rpc.DatabaseFunctions;
import com.gptdesk.chat.service.rpc.FunctionCatalogue;
import com.gptdesk.chat.service.rpc.RpcEndpoint;
import com.gptdesk.chat.service.scim.ScimEndpoint;
import com.gptdesk.chat.service.scim.ScimPeople;
import com.gptdesk.chat.service.scim.ScimSettings;
import com.gptdesk.chat.service.server.BroadcastEndpoint;
import com.gptdesk.chat.service.server.DemoEndpoints;
import com.gptdesk.chat.service.server.HttpService;
import com.gptdesk.chat.service.server.HttpSettings;
import com.gptdesk.chat.service.server.PageSettings;
import com.gptdesk.chat.service.storage.StorageEndpoint;
import com.gptdesk.chat.service.webhooks.WebhookDispatcher;
import com.zaxxer.hikari.HikariDataSource;
import io.vertx.core.Vertx;
import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The running service: creates all parts and connects them. */
final class Service implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(Service.class);

  private final Resources resources = new Resources();

  /**
   * Starts everything or nothing; throws when it is closed meanwhile.
   *
   * @param port null for the port of the settings
   * @return the port it listens on
   */
  int start(Config config, @Nullable Platform platform, boolean demo, @Nullable Integer port)
      throws IOException {
    try {
      return wire(
          config, platform, demo, port == null ? config.http() : config.http().withPort(port));
    } catch (IOException | RuntimeException e) {
      close();
      throw e;
    }
  }

  private int wire(Config config, @Nullable Platform platform, boolean demo, HttpSettings settings)
      throws IOException {
    if (demo && !config.database().embedded()) {
      throw new IllegalStateException(
          "--demo gives a token to everybody, so it runs only on the embedded PostgreSQL: unset"
              + " CHAT_DATABASE_URL.");
    }
    HttpService.requireFree(settings.host(), settings.port()); // before anything is migrated
    TokenSettings tokenSettings = tokens(config, demo);
    Vertx vertx = resources.opened(Vertx.vertx(), Service::stop);
    if (settings.tls() != null) {
      TlsCertificate.read(vertx, settings.tls()); // before there is anything to undo
    }
    DatabaseSource database = resources.opened(DatabaseSource.open(config.database()));
    Migrations migrations =
        DatabasePreparation.prepare(
            database, platform, config.database(), config.rpc().served(), demo);
    Metrics metrics = resources.opened(new Metrics(config.metricsToken()));
    ClaimsSigner signer = config.database().claimsSigner();
    HikariDataSource requests =
        resources.opened(Pools.requests(database.service(), config.database(), metrics));
    ServiceDatabase chat = new ServiceDatabase(requests).signedBy(signer);
    DatabasePreparation.demandClaims(chat);
    ReadReplica replica = replica(config, requests, signer);
    TokenVerifier tokens = new TokenVerifier(tokenSettings);

    NatsCluster cluster = cluster(config.nats());
    FanOut fanOut = cluster == null ? new FanOut() : new FanOut(cluster.audiences());
    WebhookDispatcher webhooks =
        config.webhooks().enabled()
            ? resources.opened(new WebhookDispatcher(vertx, chat, config.webhooks()))
            : null;
    ChangeListener informed = metrics.timing(ReplicaFreshness.informedFirst(replica, fanOut));
    ChangeListener listener = webhooks == null ? informed : webhooks.informedBy(informed);
    Relay relay =
        resources.opened(
            new Relay(
                relaySettings(database.service(), config, signer),
                cluster == null ? listener : cluster.leader()));
    relay.onSilence(() -> Pools.replaceConnections(requests));
    Supplier<@Nullable String> relayProblem =
        cluster != null
            ? cluster::problem
            : () -> relay.isUpToDate() ? null : "does not follow the changes yet";
    Topics topics = new DatabaseTopics(chat, config.topics().others());
    PresenceTracker tracker = resources.opened(new PresenceTracker(topics));
    RealtimeServer realtime =
        resources.opened(
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
    SocketPresence presence = resources.opened(new SocketPresence(chat, realtime, tracker));
    PartitionMaintenance partitions =
        resources.opened(
            new PartitionMaintenance(
                new ServiceDatabase(database.service().dataSource()).signedBy(signer)));

    if (database.embedded() != null) {
      database.embedded().keepRunning();
      metrics.watch(database.embedded());
    }
    metrics.watch(relay, () -> relayProblem.get() == null);
    if (cluster != null) {
      metrics.watch(cluster, relay);
    }
    metrics.watch(realtime);
    if (webhooks != null) {
      metrics.watch(webhooks);
    }
    metrics.watch(() -> Metrics.DatabaseState.of(chat));
    metrics.watchDrift(() -> migrations.drift().size());

    RequestLimits limits =
        new RequestLimits(
            config.rpc().maxRequestsPerSecond(), config.rpc().maxRequestsPerSecondPerAddress());
    boolean enabled = config.rpc().enabled();
    FunctionCatalogue functions =
        new FunctionCatalogue(new DatabaseFunctions(chat, config.rpc().served()));
    TableCatalogue tables = new TableCatalogue(chat, config.rest().served(), config.rpc().served());
    RpcEndpoint calls =
        new RpcEndpoint(
            chat,
            functions,
            new FunctionRows(tables, config.rest()),
            replica,
            tokens,
            limits,
            enabled,
            config.rpc().mayRollBack(),
            config.rpc().batches(),
            relay::lookNow);
    metrics.watch(calls);
    StorageEndpoint storage =
        storage(config.files(), chat, metrics, tokenSettings, tokens, limits, enabled);
    HttpService http =
        resources.opened(
            new HttpService(
                vertx,
                settings,
                calls,
                new RestEndpoint(
                    chat,
                    tables,
                    config.rest(),
                    tokens,
                    limits,
                    config.rpc().mayRollBack(),
                    enabled,
                    relay::lookNow),
                new BroadcastEndpoint(topics, tokens, config.topics(), enabled),
                storage,
                scim(config.scim(), chat),
                limits,
                Health.of(chat, migrations::differences, relayProblem),
                realtime,
                demo ? demoEndpoints(chat, tokenSettings) : null,
                metrics,
                new PageSettings(
                        settings, demo, enabled, storage != null, () -> ChatLimits.in(chat))
                    .withPushKey(config.push().publicKey())));
    PushNotifier notifier = notifier(config.push(), chat, metrics);

    if (replica != null) {
      replica.start();
    }
    if (cluster != null) {
      cluster.start(listener, fanOut, ReplicaFreshness.observer(replica));
    }
    relay.start();
    partitions.start();
    presence.start();
    if (webhooks != null) {
      webhooks.start();
    }
    if (notifier != null) {
      notifier.start();
    }
    int listening = http.start();
    if (demo) {
      LOG.info(
          "The demo is ready: open {}://localhost:{} in two windows, or in two terminals try"
              + " scripts/chat alice bob, scripts/chat bob alice",
          settings.tls() == null ? "http" : "https",
          listening);
    }
    return listening;
  }

  private @Nullable NatsCluster cluster(@Nullable NatsSettings settings) {
    return settings == null ? null : resources.opened(new NatsCluster(settings));
  }

  private @Nullable ReadReplica replica(
      Config config, HikariDataSource primary, @Nullable ClaimsSigner signer) {
    ReplicaSettings settings = config.replica();
    return settings == null
        ? null
        : resources.opened(
            new ReadReplica(
                primary,
                resources.opened(Pools.replica(settings, config.database().statementTimeout())),
                settings,
                signer));
  }

  /** Null where no token is set. */
  private static @Nullable ScimEndpoint scim(ScimSettings settings, ServiceDatabase chat) {
    String token = settings.token();
    if (token == null) {
      return null;
    }
    ScimPeople people = new ScimPeople(chat, settings);
    people.demandOwn();
    LOG.info("An identity provider may change people at {}", ScimEndpoint.PREFIX);
    return new ScimEndpoint(people, settings, token);
  }

  /** Files in a folder, and who removes what is gone; null where no folder is set. */
  private @Nullable StorageEndpoint storage(
      FileSettings settings,
      ServiceDatabase chat,
      Metrics metrics,
      TokenSettings tokenSettings,
      TokenVerifier tokens,
      RequestLimits limits,
      boolean enabled)
      throws IOException {
    Path directory = settings.directory();
    if (directory == null) {
      LOG.info("No files are stored: set CHAT_STORAGE_DIR to a folder for them");
      return null;
    }
    FileCounts counts = new FileCounts();
    metrics.watch(counts);
    FileRecords records = new FileRecords(chat);
    ObjectStore store = store(directory, settings, counts);
    String secret = settings.addressSecret();
    resources.opened(new FileSweeper(records, store, counts, settings.sweepPause())).start();
    return new StorageEndpoint(
        records,
        store,
        settings,
        counts,
        secret == null ? tokenSettings.secret() : secret,
        tokens,
        limits,
        enabled);
  }

  /** The folder, or the bucket with the folder beside it. */
  private ObjectStore store(Path directory, FileSettings settings, FileCounts counts)
      throws IOException {
    DiskStore disk = new DiskStore(directory, settings.reservedBytes());
    S3Settings s3 = settings.s3();
    if (s3 == null) {
      return disk;
    }
    S3Store bucket = resources.opened(new S3Store(disk, s3, counts));
    Thread.ofVirtual().name("bucket-check").start(bucket::check);
    return bucket;
  }

  /** Who tells people who are away; null where no key is set. */
  private @Nullable PushNotifier notifier(
      PushSettings settings, ServiceDatabase chat, Metrics metrics) {
    PushCounts counts = new PushCounts();
    PushNotifier notifier = PushNotifier.of(chat, settings, counts);
    if (notifier == null) {
      return null;
    }
    metrics.watch(counts);
    return resources.opened(notifier);
  }

  /** How tokens are checked; on the embedded database without a secret, with one that it keeps. */
  static TokenSettings tokens(Config config, boolean demo) throws IOException {
    TokenChoice tokens = config.tokens();
    if (tokens.secret() != null || tokens.keys() != null) {
      return tokens.orSecret(null);
    }
    if (!config.database().embedded()) {
      throw new IllegalStateException(
          "Set CHAT_JWT_SECRET or CHAT_JWKS_URL, so that tokens can be checked.");
    }
    // Separate secrets, so that a token of the demo is valid nowhere else.
    String name = demo ? "jwt-secret" : "service.jwt-secret";
    String kept = Secrets.keptIn(config.database().dataDirectory(), name);
    if (!demo) {
      LOG.info(
          "No CHAT_JWT_SECRET is set: tokens are checked (HS256) with the secret kept in {}."
              + " Sign the tokens of your users with it, or set CHAT_JWT_SECRET or CHAT_JWKS_URL",
          config.database().dataDirectory().resolve(name));
    }
    return tokens.orSecret(kept);
  }

  private static DemoEndpoints demoEndpoints(ServiceDatabase chat, TokenSettings tokens) {
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
    return RelaySettings.of(login.url(), login.user(), login.secret())
        .withDriver(config.database().driver())
        .withHeartbeat(
            config.database().heartbeat(),
            config.database().heartbeatTimeout(),
            config.database().connectTimeout())
        .withClaims(signer == null ? null : () -> signer.sign(ServiceDatabase.RELAY.claims()));
  }

  private static void stop(Vertx vertx) throws Exception {
    vertx.close().await(10, TimeUnit.SECONDS);
  }

  @Override
  public void close() {
    resources.close();
  }
}
