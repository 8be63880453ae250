package com.gptdesk.chat.service;

import com.gptdesk.chat.database.ClaimsSigner;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Accepted;
import com.gptdesk.chat.relay.listen.ListenDriver;
import com.gptdesk.chat.service.cluster.NatsSettings;
import com.gptdesk.chat.service.http.RequestBounds;
import com.gptdesk.chat.service.http.TlsFiles;
import com.gptdesk.chat.service.http.TrustedProxies;
import com.gptdesk.chat.service.realtime.RealtimeSettings;
import com.gptdesk.chat.service.realtime.TopicLimits;
import com.gptdesk.chat.service.replica.ReplicaSettings;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the environment says, checked as a whole: whoever sets three things wrong hears of three.
 *
 * @param database the runtime login; null for the embedded PostgreSQL
 * @param owner who migrates; null when migrating is somebody else's task
 * @param accepted the file of what a DBA did on purpose; null for none
 * @param refuseDrift whether a database that is not as the migrations made it is not served
 * @param replica where what only reads may be asked; null for the database itself
 * @param dataDirectory where the embedded PostgreSQL keeps its files
 * @param poolSize connections for requests; the relay's own come on top
 * @param statementTimeout how long the database may work on one request; zero for no limit
 * @param claimsSecret signs what is said to the database; null where it believes all claims
 * @param claimsLifetime how long such a signature may begin a transaction
 * @param jwtSecret shared secret of HS256 tokens; null with {@code jwks} or in the demo
 * @param jwks address of the keys of RS256 and ES256 tokens
 * @param audience what a token's {@code aud} must contain; null for anything
 * @param issuer what a token's {@code iss} must be; null for anything
 * @param anonKey the key handed to every browser when it is no token; null for none
 * @param pageHosts origins of applications that may show the Messages page in a frame
 * @param allowedOrigins origins whose pages may talk to the service; * for all
 * @param trustedProxies whose X-Forwarded-For is believed
 * @param maxRequestsPerSecond calls of one person on this node
 * @param maxRequestsPerSecondPerAddress calls from one address on this node
 * @param host the address to listen on
 * @param port the port to listen on, 0 for any
 * @param requests how much a request may bring
 * @param tls the certificate to show; null for plain HTTP
 * @param servedFunctions names of functions that are served beside the chat's own
 * @param enabled false keeps the process up and healthy but answers 503
 * @param doorbell which driver hears that there are changes
 * @param nats by what changes come from the node that reads them; null when each reads its own
 * @param realtime the limits of sockets and channels
 * @param topics the limits of what is said and shown on topics
 * @param metricsToken what a reader of /metrics must bring; null: nobody reads
 * @param maxMessageLength characters, for {@code chat.settings}; null leaves what stands there
 * @param typingTimeout milliseconds, for {@code chat.settings}; null leaves what stands there
 */
public record Config(
    @Nullable Login database,
    @Nullable Login owner,
    @Nullable Path accepted,
    boolean refuseDrift,
    @Nullable ReplicaSettings replica,
    Path dataDirectory,
    int poolSize,
    Duration statementTimeout,
    @Nullable String claimsSecret,
    Duration claimsLifetime,
    @Nullable String jwtSecret,
    @Nullable URI jwks,
    @Nullable String audience,
    @Nullable String issuer,
    @Nullable String anonKey,
    List<String> pageHosts,
    List<String> allowedOrigins,
    TrustedProxies trustedProxies,
    int maxRequestsPerSecond,
    int maxRequestsPerSecondPerAddress,
    String host,
    int port,
    RequestBounds requests,
    @Nullable TlsFiles tls,
    List<String> servedFunctions,
    boolean enabled,
    ListenDriver doorbell,
    @Nullable NatsSettings nats,
    RealtimeSettings realtime,
    TopicLimits topics,
    @Nullable String metricsToken,
    @Nullable Integer maxMessageLength,
    @Nullable Integer typingTimeout) {

  private static final Logger LOG = LoggerFactory.getLogger(Config.class);
  private static final int SHORTEST_SECRET = 32; // RFC 7518: as long as the hash

  /** True when nobody named a database, so that we bring our own. */
  public boolean embedded() {
    return database == null;
  }

  /**
   * What a DBA did on purpose.
   *
   * @throws IllegalStateException the file cannot be read
   */
  Accepted acceptedThings() {
    return accepted == null ? Accepted.NOTHING : Accepted.in(accepted);
  }

  /** {@return what signs claims; null where the database believes all} */
  @Nullable ClaimsSigner claimsSigner() {
    return claimsSecret == null ? null : new ClaimsSigner(claimsSecret, claimsLifetime);
  }

  /** Without any secret: a password is shown by nobody's toString, so the rest follows suit. */
  @Override
  public String toString() {
    return "Config[database=%s, owner=%s, dataDirectory=%s]"
        .formatted(database, owner, dataDirectory);
  }

  /**
   * Reads the environment.
   *
   * @throws Invalid with everything that is wrong
   */
  public static Config of(Map<String, String> environment) throws Invalid {
    return new Reader(environment).read();
  }

  /** The environment says what cannot be; one sentence each. */
  public static final class Invalid extends Exception {

    private final List<String> problems;

    Invalid(List<String> problems) {
      super(String.join(System.lineSeparator(), problems));
      this.problems = List.copyOf(problems);
    }

    public List<String> problems() {
      return problems;
    }
  }

  /** Takes one variable after the other and remembers what was wrong. */
  private static final class Reader {

    private final Map<String, String> environment;
    private final List<String> problems = new ArrayList<>();

    Reader(Map<String, String> environment) {
      this.environment = environment;
    }

    Config read() throws Invalid {
      String url = text("CHAT_DATABASE_URL");
      String accepted = text("CHAT_ACCEPTED");
      if (url != null && !url.startsWith("jdbc:postgresql://")) {
        problems.add("CHAT_DATABASE_URL must begin with jdbc:postgresql:// .");
      }
      boolean enabled = truth("CHAT_ENABLED", true);
      Config config =
          new Config(
              login(url, "CHAT_DATABASE_USER", "CHAT_DATABASE_PASSWORD", true),
              login(url, "CHAT_OWNER_USER", "CHAT_OWNER_PASSWORD", false),
              accepted == null ? null : Path.of(accepted),
              truth("CHAT_REFUSE_DRIFT", false),
              replica(url),
              path("CHAT_DATA_DIR", "data"),
              number("CHAT_POOL_SIZE", 16, 1, 1000),
              Duration.ofMillis(number("CHAT_STATEMENT_TIMEOUT_MS", 15_000, 0, 3_600_000)),
              secret("CHAT_CLAIMS_SECRET", ClaimsSigner.SHORTEST_SECRET),
              Duration.ofMillis(number("CHAT_CLAIMS_LIFETIME_MS", 60_000, 30_000, 3_600_000)),
              secret("CHAT_JWT_SECRET", SHORTEST_SECRET),
              address("CHAT_JWKS_URL"),
              text("CHAT_JWT_AUDIENCE"),
              text("CHAT_JWT_ISSUER"),
              text("CHAT_ANON_KEY"),
              origins("CHAT_PAGE_HOSTS"),
              "*".equals(text("CHAT_ALLOWED_ORIGINS")) || text("CHAT_ALLOWED_ORIGINS") == null
                  ? List.of("*")
                  : origins("CHAT_ALLOWED_ORIGINS"),
              proxies("CHAT_TRUSTED_PROXIES"),
              number("CHAT_MAX_REQUESTS_PER_SECOND", 100, 1, 1_000_000),
              number("CHAT_MAX_REQUESTS_PER_SECOND_PER_ADDRESS", 1000, 1, 1_000_000),
              environment.getOrDefault(name("CHAT_HOST"), "0.0.0.0"),
              number("CHAT_PORT", 8080, 0, 65_535),
              requests(),
              tls(),
              parsed(
                  "CHAT_SERVED_FUNCTIONS",
                  "names of functions with * for any letters, separated by commas",
                  List.<String>of(),
                  text ->
                      text.matches("[\\w$*]+(\\s*,\\s*[\\w$*]+)*")
                          ? List.of(text.split("\\s*,\\s*"))
                          : null),
              enabled,
              parsed(
                  "CHAT_DOORBELL",
                  "pgjdbc-ng or pgjdbc",
                  ListenDriver.PGJDBC_NG,
                  text ->
                      switch (text) {
                        case "pgjdbc-ng" -> ListenDriver.PGJDBC_NG;
                        case "pgjdbc" -> ListenDriver.PGJDBC;
                        default -> null;
                      }),
              nats(url),
              realtime(enabled),
              topics(),
              secret("CHAT_METRICS_TOKEN", 16),
              optionalNumber("CHAT_MAX_MESSAGE_LENGTH", 1, 100_000),
              optionalNumber("CHAT_TYPING_TIMEOUT", 500, 60_000));
      if (config.jwtSecret != null && config.jwks != null) {
        problems.add("Set CHAT_JWT_SECRET or CHAT_JWKS_URL, not both: it pins the algorithm.");
      }
      // Read by logback.xml, before all else.
      parsed("CHAT_LOG_FORMAT", "text or json", t -> Set.of("text", "json").contains(t) ? t : null);
      warnOfUnknown();
      if (!problems.isEmpty()) {
        throw new Invalid(problems);
      }
      return config;
    }

    private boolean truth(String name, boolean otherwise) {
      return parsed(
          name,
          "true or false",
          otherwise,
          text ->
              switch (text) {
                case "true" -> true;
                case "false" -> false;
                default -> null;
              });
    }

    private @Nullable Login login(
        @Nullable String url, String userVariable, String passwordVariable, boolean required) {
      String user = text(userVariable);
      String password = text(passwordVariable);
      if (url == null) {
        if (user != null || password != null) {
          problems.add(userVariable + " needs CHAT_DATABASE_URL beside it.");
        }
        return null;
      }
      if (user == null) {
        if (required || password != null) {
          problems.add("Set " + userVariable + " as well.");
        }
        return null;
      }
      return new Login(url, user, password == null ? "" : password);
    }

    private @Nullable ReplicaSettings replica(@Nullable String primary) {
      String url = text("CHAT_REPLICA_URL");
      String user = text("CHAT_REPLICA_USER");
      String password = text("CHAT_REPLICA_PASSWORD");
      int poolSize = number("CHAT_REPLICA_POOL_SIZE", 16, 1, 1000);
      int maxLag = number("CHAT_REPLICA_MAX_LAG_MS", 2000, 200, 60_000);
      int maxCallers = number("CHAT_REPLICA_MAX_CALLERS", 100_000, 1, 10_000_000);
      if (url == null) {
        if (user != null || password != null) {
          problems.add("CHAT_REPLICA_USER needs CHAT_REPLICA_URL beside it.");
        }
        return null;
      }
      if (!url.startsWith("jdbc:postgresql://")) {
        problems.add("CHAT_REPLICA_URL must begin with jdbc:postgresql:// .");
      }
      if (primary == null) {
        problems.add("CHAT_REPLICA_URL needs CHAT_DATABASE_URL, the primary, beside it.");
      }
      String ofPrimary = text("CHAT_DATABASE_USER");
      String passwordOfPrimary = text("CHAT_DATABASE_PASSWORD");
      Login login =
          user == null
              ? new Login(
                  url,
                  ofPrimary == null ? "" : ofPrimary,
                  passwordOfPrimary == null ? "" : passwordOfPrimary)
              : new Login(url, user, password == null ? "" : password);
      return new ReplicaSettings(login, poolSize, Duration.ofMillis(maxLag), maxCallers);
    }

    private @Nullable NatsSettings nats(@Nullable String database) {
      String url = text("CHAT_NATS_URL");
      String credentials = text("CHAT_NATS_CREDENTIALS");
      String subject =
          parsed(
              "CHAT_NATS_SUBJECT",
              "letters, digits, - and _, with dots in between",
              NatsSettings.DEFAULT_SUBJECT,
              text -> text.matches("[\\w-]+(\\.[\\w-]+)*") ? text : null);
      if (url == null) {
        if (credentials != null) {
          problems.add("CHAT_NATS_CREDENTIALS needs CHAT_NATS_URL beside it.");
        }
        return null;
      }
      if (database == null) {
        problems.add("CHAT_NATS_URL needs CHAT_DATABASE_URL: an embedded database has one node.");
      }
      Path file = credentials == null ? null : path("CHAT_NATS_CREDENTIALS", ".");
      if (file != null && !Files.isReadable(file)) {
        problems.add("CHAT_NATS_CREDENTIALS must be a file that can be read.");
      }
      return parsed(
          "CHAT_NATS_URL",
          "nats://host:port or tls://host:port, several separated by commas",
          text -> {
            try {
              return NatsSettings.of(text, file, subject);
            } catch (IllegalArgumentException e) {
              return null;
            }
          });
    }

    private @Nullable String secret(String variable, int least) {
      String secret = text(variable);
      if (secret != null && secret.getBytes(StandardCharsets.UTF_8).length < least) {
        problems.add(variable + " must have at least " + least + " bytes.");
      }
      return secret;
    }

    private @Nullable URI address(String variable) {
      String text = text(variable);
      if (text == null) {
        return null;
      }
      try {
        URI address = new URI(text);
        if (Set.of("http", "https").contains(String.valueOf(address.getScheme()))
            && address.getHost() != null) {
          return address;
        }
      } catch (URISyntaxException e) {
        // said below
      }
      problems.add(variable + " must be an http or https address.");
      return null;
    }

    /** Scheme and host, as a browser writes an origin; separated by commas. */
    private List<String> origins(String variable) {
      String text = text(variable);
      List<String> origins = text == null ? List.of() : List.of(text.split("\\s*,\\s*", -1));
      for (String origin : origins) {
        if (!origin.matches("https?://[a-zA-Z0-9.\\-]+(:\\d{1,5})?")) {
          problems.add(variable + " must be origins as https://desk.example, separated by commas.");
          return List.of();
        }
      }
      return origins;
    }

    private TrustedProxies proxies(String variable) {
      return parsed(
          variable,
          "addresses or networks as 10.0.0.0/8, separated by commas",
          TrustedProxies.none(),
          text -> {
            try {
              return TrustedProxies.in(List.of(text.split("\\s*,\\s*", -1)));
            } catch (IllegalArgumentException e) {
              return null;
            }
          });
    }

    private RequestBounds requests() {
      RequestBounds usual = RequestBounds.defaults();
      return new RequestBounds(
          number("CHAT_MAX_BODY_BYTES", (int) usual.maxBodyBytes(), 1024, 64 * 1024 * 1024),
          number("CHAT_MAX_HEADER_BYTES", usual.maxHeaderBytes(), 1024, 1024 * 1024),
          number("CHAT_MAX_REQUEST_LINE_BYTES", usual.maxLineBytes(), 1024, 1024 * 1024),
          Duration.ofMillis(
              number(
                  "CHAT_MAX_REQUEST_ARRIVAL_MS",
                  (int) usual.arrival().toMillis(),
                  100,
                  3_600_000)));
    }

    /** What the files hold is looked at later, and again when they are replaced. */
    private @Nullable TlsFiles tls() {
      String certificate = text("CHAT_TLS_CERTIFICATE");
      String key = text("CHAT_TLS_KEY");
      if ((certificate == null) != (key == null)) {
        problems.add("Set both CHAT_TLS_CERTIFICATE and CHAT_TLS_KEY, or neither.");
      }
      return certificate == null || key == null
          ? null
          : new TlsFiles(path("CHAT_TLS_CERTIFICATE", ""), path("CHAT_TLS_KEY", ""));
    }

    private Path path(String variable, String otherwise) {
      String text = text(variable);
      try {
        return Path.of(text == null ? otherwise : text).toAbsolutePath().normalize();
      } catch (InvalidPathException e) {
        problems.add(variable + " is not a path: " + e.getReason() + ".");
        return Path.of(otherwise);
      }
    }

    private int number(String variable, int otherwise, int least, int most) {
      Integer number = optionalNumber(variable, least, most);
      return number == null ? otherwise : number;
    }

    private @Nullable Integer optionalNumber(String variable, int least, int most) {
      return parsed(
          variable,
          "a whole number from %d to %d".formatted(least, most),
          text -> {
            int number = Integer.parseInt(text);
            return number < least || number > most ? null : number;
          });
    }

    private RealtimeSettings realtime(boolean enabled) {
      RealtimeSettings usual = RealtimeSettings.defaults();
      return usual
          .withEnabled(enabled)
          .withLimits(
              number("CHAT_MAX_CONNECTIONS", usual.maxConnections(), 1, 1_000_000),
              number("CHAT_MAX_CONNECTIONS_PER_USER", usual.maxConnectionsPerUser(), 1, 100_000),
              number(
                  "CHAT_MAX_CHANNELS_PER_CONNECTION", usual.maxChannelsPerConnection(), 1, 10_000),
              number("CHAT_MAX_JOINS_PER_SECOND", usual.maxJoinsPerSecond(), 1, 100_000))
          .withFrames(
              number("CHAT_MAX_FRAME_BYTES", usual.maxFrameBytes(), 1024, 64 * 1024 * 1024),
              number("CHAT_MAX_FRAMES_PER_SECOND", usual.maxFramesPerSecond(), 1, 1_000_000),
              number("CHAT_MAX_BINDINGS_PER_CHANNEL", usual.maxBindingsPerChannel(), 1, 10_000))
          .withQueues(
              number("CHAT_MAX_QUEUED_BYTES", usual.maxQueuedBytes(), 64 * 1024, 256 * 1024 * 1024),
              number("CHAT_MAX_QUEUED_CHANGES", usual.maxQueuedChanges(), 100, 1_000_000))
          .withReplay(
              number("CHAT_MAX_REPLAYED", usual.maxReplayed(), 1, 1_000_000),
              number("CHAT_MAX_DATABASE_QUESTIONS", usual.maxDatabaseQuestions(), 1, 1000));
    }

    private TopicLimits topics() {
      TopicLimits usual = TopicLimits.defaults();
      return new TopicLimits(
          1024 * number("CHAT_MAX_PAYLOAD_SIZE_IN_KB", usual.maxPayloadBytes() / 1024, 1, 1000),
          number("CHAT_MAX_EVENTS_PER_SECOND", usual.maxEventsPerSecond(), 1, 1_000_000),
          number(
              "CHAT_MAX_CLIENT_PRESENCE_EVENTS_PER_WINDOW",
              usual.maxPresenceEventsPerWindow(),
              1,
              1_000_000),
          Duration.ofMillis(
              number(
                  "CHAT_CLIENT_PRESENCE_WINDOW_MS",
                  (int) usual.presenceWindow().toMillis(),
                  1000,
                  3_600_000)));
    }

    private <T> T parsed(
        String variable, String wanted, T otherwise, Function<String, @Nullable T> parser) {
      T value = parsed(variable, wanted, parser);
      return value == null ? otherwise : value;
    }

    private <T> @Nullable T parsed(
        String variable, String wanted, Function<String, @Nullable T> parser) {
      String text = text(variable);
      if (text == null) {
        return null;
      }
      T value = null;
      try {
        value = parser.apply(text);
      } catch (NumberFormatException e) {
        // said below
      }
      if (value == null) {
        problems.add("%s must be %s.".formatted(variable, wanted));
      }
      return value;
    }

    /** Null when it is not set, and when it is empty, as compose files and shells make them. */
    private @Nullable String text(String variable) {
      String text = environment.get(name(variable));
      return text == null || text.isBlank() ? null : text.strip();
    }

    private String name(String variable) {
      Setting.named(variable); // else --help and README would not know it
      return variable;
    }

    /** A misspelt setting is silently without effect; but what else is named so is not ours. */
    private void warnOfUnknown() {
      for (String variable : new TreeSet<>(environment.keySet())) {
        if (variable.startsWith("CHAT_") && !Setting.isKnown(variable)) {
          String near = Setting.nearest(variable);
          LOG.warn(
              "{} is no setting of the chat{}; serve --help lists them all",
              variable,
              near == null ? "" : ": did you mean " + near + "?");
        }
      }
    }
  }
}
