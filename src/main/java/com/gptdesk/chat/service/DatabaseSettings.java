package com.gptdesk.chat.service;

import com.gptdesk.chat.database.ClaimsSigner;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.connection.PasswordFile;
import com.gptdesk.chat.database.migration.Accepted;
import com.gptdesk.chat.relay.listen.ListenDriver;
import com.gptdesk.chat.service.database.StoredSettings;
import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Which database to use, with which logins, and what is required of it.
 *
 * @param embedded whether the service uses its embedded database, as none is set
 * @param service the runtime login; null for the embedded database, and when it is invalid
 * @param owner the login that migrates; null when the service does not migrate
 * @param accepted the file of intended changes; null for none
 * @param refuseDrift whether to refuse a database that differs from the migrations
 * @param dataDirectory the directory of the embedded PostgreSQL
 * @param poolSize connections for requests, besides those of the relay
 * @param statementTimeout the longest statement of a request; zero for no limit
 * @param heartbeat how often the relay asks its idle connections for an answer
 * @param heartbeatTimeout after so long without an answer it replaces them
 * @param connectTimeout the longest that opening a connection may take
 * @param socketTimeout after so long without an answer a connection for requests is lost; zero for
 *     no limit
 * @param claimsSecret signs the claims for the database; null where it does not check signatures
 * @param claimsLifetime how long such a signature is valid for the start of a transaction
 * @param driver the driver that listens
 * @param maxMessageLength characters, for {@code chat.settings}; null leaves the value
 * @param typingTimeout milliseconds, for {@code chat.settings}; null leaves the value
 */
record DatabaseSettings(
    boolean embedded,
    @Nullable Login service,
    @Nullable Login owner,
    @Nullable Path accepted,
    boolean refuseDrift,
    Path dataDirectory,
    int poolSize,
    Duration statementTimeout,
    Duration heartbeat,
    Duration heartbeatTimeout,
    Duration connectTimeout,
    Duration socketTimeout,
    @Nullable String claimsSecret,
    Duration claimsLifetime,
    ListenDriver driver,
    @Nullable Integer maxMessageLength,
    @Nullable Integer typingTimeout) {

  private static final Setting<@Nullable String> URL =
      Setting.jdbcAddress("CHAT_DATABASE_URL", "embedded", "address of your own PostgreSQL");
  private static final Setting<@Nullable String> USER =
      Setting.text("CHAT_DATABASE_USER", "none", "the runtime login, a member of `chat_service`");
  private static final Setting<@Nullable String> PASSWORD =
      Setting.secret("CHAT_DATABASE_PASSWORD", 0, "none", "its password");
  private static final Setting<@Nullable Path> PASSWORD_FILE =
      Setting.readableFile(
          "CHAT_DATABASE_PASSWORD_FILE",
          "none",
          "a file with that password instead, read for each new connection: it may change without a restart");
  private static final Setting<@Nullable String> OWNER_USER =
      Setting.text(
          "CHAT_OWNER_USER",
          "none",
          "who migrates; `serve` migrates only when it is set, else it refuses a database that is behind");
  private static final Setting<@Nullable String> OWNER_PASSWORD =
      Setting.secret("CHAT_OWNER_PASSWORD", 0, "none", "its password");
  private static final Setting<@Nullable Path> OWNER_PASSWORD_FILE =
      Setting.readableFile("CHAT_OWNER_PASSWORD_FILE", "none", "a file with that password instead");
  private static final Setting<@Nullable Path> ACCEPTED =
      Setting.path("CHAT_ACCEPTED", "none", "names what a DBA changed on purpose, one id a line");
  private static final Setting<Boolean> REFUSE_DRIFT =
      Setting.flag(
          "CHAT_REFUSE_DRIFT",
          false,
          "`true`: do not serve a database that differs from what `migrate` makes");
  private static final Setting<@Nullable Path> DATA_DIR =
      Setting.path("CHAT_DATA_DIR", "./data", "where the embedded PostgreSQL keeps its files");
  private static final Setting<Integer> POOL_SIZE =
      Setting.number(
          "CHAT_POOL_SIZE",
          16,
          1,
          1000,
          "connections for requests; the relay's two are additional");
  private static final Setting<Duration> STATEMENT_TIMEOUT =
      Setting.millis(
          "CHAT_STATEMENT_TIMEOUT_MS",
          15_000,
          0,
          3_600_000,
          "the longest statement of a request, and the longest open transaction; half of it for a lock; then 503. 0: no limit, also for a pooler that lets no `options` through");
  private static final Setting<Duration> HEARTBEAT =
      Setting.millis(
          "CHAT_HEARTBEAT_MS",
          1_500,
          100,
          60_000,
          "so often the relay asks its two idle connections for an answer");
  private static final Setting<Duration> HEARTBEAT_TIMEOUT =
      Setting.millis(
          "CHAT_HEARTBEAT_TIMEOUT_MS",
          2_500,
          500,
          60_000,
          "after so long without an answer the relay replaces a connection, since it may be half open; after half of it, readiness is red; idle connections of the pool are checked as long");
  private static final Setting<Duration> CONNECT_TIMEOUT =
      Setting.millis(
          "CHAT_CONNECT_TIMEOUT_MS",
          5_000,
          1_000,
          60_000,
          "the longest that opening a connection to the database may take");

  /** What a statement may take longer than its limit until its answer arrives. */
  private static final int ANSWER_ARRIVES_MILLIS = 5_000;

  private static final Setting<@Nullable Integer> SOCKET_TIMEOUT =
      Setting.optionalNumber(
          "CHAT_SOCKET_TIMEOUT_MS",
          0,
          3_660_000,
          "5000 more than CHAT_STATEMENT_TIMEOUT_MS; 0 where that is 0",
          "after so long without an answer a request's connection counts as lost, then 503; longer than a statement may take. 0: no limit");
  private static final Setting<@Nullable String> CLAIMS_SECRET =
      Setting.secret(
          "CHAT_CLAIMS_SECRET",
          ClaimsSigner.SHORTEST_SECRET,
          "none",
          "signs what the service says to the database; `migrate` writes it to `chat.settings.claims_secret`, and from then on the login alone has no rights");
  private static final Setting<Duration> CLAIMS_LIFETIME =
      Setting.millis(
          "CHAT_CLAIMS_LIFETIME_MS",
          60_000,
          30_000,
          3_600_000,
          "how long such a signature may begin a transaction, the difference of the clocks included");
  private static final Setting<ListenDriver> DRIVER =
      Setting.of(
          "CHAT_LISTEN_DRIVER",
          "pgjdbc-ng or pgjdbc",
          text ->
              switch (text) {
                case "pgjdbc-ng" -> ListenDriver.PGJDBC_NG;
                case "pgjdbc" -> ListenDriver.PGJDBC;
                default -> null;
              },
          ListenDriver.PGJDBC_NG,
          "pgjdbc-ng",
          "the driver of the listening connection; `pgjdbc` is the fallback");

  /** The earlier name of {@link #DRIVER}; ignoring it would silently change the driver. */
  private static final Setting<@Nullable String> DOORBELL =
      Setting.text("CHAT_DOORBELL", "none", "renamed to CHAT_LISTEN_DRIVER");

  private static final Setting<@Nullable Integer> MAX_MESSAGE_LENGTH =
      Setting.optionalNumber(
          "CHAT_MAX_MESSAGE_LENGTH",
          1,
          100_000,
          "1000",
          "characters; written to `chat.settings` when set, by `migrate` and by each `serve` that may migrate; the row rules");
  private static final Setting<@Nullable Integer> TYPING_TIMEOUT =
      Setting.optionalNumber(
          "CHAT_TYPING_TIMEOUT",
          500,
          60_000,
          "3000",
          "milliseconds; written to `chat.settings` as the one above");

  /** Which database, and how it is used. */
  static final List<Setting<?>> CONNECTION =
      List.of(
          URL,
          USER,
          PASSWORD,
          PASSWORD_FILE,
          OWNER_USER,
          OWNER_PASSWORD,
          OWNER_PASSWORD_FILE,
          ACCEPTED,
          REFUSE_DRIFT,
          DATA_DIR,
          POOL_SIZE,
          STATEMENT_TIMEOUT,
          CONNECT_TIMEOUT,
          SOCKET_TIMEOUT);

  /** How the service proves to the database what it says. */
  static final List<Setting<?>> CLAIMS = List.of(CLAIMS_SECRET, CLAIMS_LIFETIME);

  /** What is written to {@code chat.settings}. */
  static final List<Setting<?>> STORED = List.of(MAX_MESSAGE_LENGTH, TYPING_TIMEOUT);

  /** How changes are heard of. */
  static final List<Setting<?>> LISTENING = List.of(DRIVER, HEARTBEAT, HEARTBEAT_TIMEOUT);

  /** Read from the environment. */
  static DatabaseSettings from(Settings settings) {
    String url = settings.get(URL);
    if (settings.has(DOORBELL)) {
      settings.problem(DOORBELL + " is now named " + DRIVER + ": set that instead.");
    }
    Path data = settings.get(DATA_DIR);
    Duration statementTimeout = settings.get(STATEMENT_TIMEOUT);
    return new DatabaseSettings(
        !settings.has(URL),
        login(settings, url, USER, PASSWORD, PASSWORD_FILE, true),
        login(settings, url, OWNER_USER, OWNER_PASSWORD, OWNER_PASSWORD_FILE, false),
        settings.get(ACCEPTED),
        settings.get(REFUSE_DRIFT),
        data == null ? Path.of("data").toAbsolutePath() : data,
        settings.get(POOL_SIZE),
        statementTimeout,
        settings.get(HEARTBEAT),
        settings.get(HEARTBEAT_TIMEOUT),
        settings.get(CONNECT_TIMEOUT),
        socketTimeout(settings, statementTimeout),
        settings.get(CLAIMS_SECRET),
        settings.get(CLAIMS_LIFETIME),
        settings.get(DRIVER),
        settings.get(MAX_MESSAGE_LENGTH),
        settings.get(TYPING_TIMEOUT));
  }

  private static Duration socketTimeout(Settings settings, Duration statement) {
    Integer millis = settings.get(SOCKET_TIMEOUT);
    if (millis == null) {
      return statement.isZero() ? statement : statement.plusMillis(ANSWER_ARRIVES_MILLIS);
    }
    if (millis > 0 && millis <= statement.toMillis()) {
      settings.problem(
          "%s must be longer than %s, or 0: the database ends a long statement, not the network."
              .formatted(SOCKET_TIMEOUT, STATEMENT_TIMEOUT));
    }
    return Duration.ofMillis(millis);
  }

  private static @Nullable Login login(
      Settings settings,
      @Nullable String url,
      Setting<@Nullable String> userSetting,
      Setting<@Nullable String> passwordSetting,
      Setting<@Nullable Path> fileSetting,
      boolean required) {
    String user = settings.get(userSetting);
    Supplier<String> password = password(settings, passwordSetting, fileSetting);
    if (!settings.has(URL)) {
      if (user != null || password != null) {
        settings.problem(userSetting + " needs CHAT_DATABASE_URL beside it.");
      }
      return null;
    }
    if (user == null) {
      if (required || password != null) {
        settings.problem("Set " + userSetting + " as well.");
      }
      return null;
    }
    return url == null ? null : loginOf(url, user, password);
  }

  private static Login loginOf(String url, String user, @Nullable Supplier<String> password) {
    return password == null ? new Login(url, user, "") : new Login(url, user, password);
  }

  private static @Nullable Supplier<String> password(
      Settings settings, Setting<@Nullable String> given, Setting<@Nullable Path> inFile) {
    String password = settings.get(given);
    Path file = settings.get(inFile);
    if (password != null && file != null) {
      settings.problem("Set %s or %s, not both.".formatted(given, inFile));
    }
    if (file != null) {
      return new PasswordFile(file);
    }
    return password == null ? null : new Login("", "", password).secret();
  }

  /** What is written to the database. */
  StoredSettings stored() {
    return new StoredSettings(maxMessageLength, typingTimeout, claimsSecret);
  }

  /**
   * The intended changes of a DBA.
   *
   * @throws IllegalStateException the file cannot be read
   */
  Accepted acceptedThings() {
    return accepted == null ? Accepted.NOTHING : Accepted.in(accepted);
  }

  /** {@return the signer of claims; null where the database does not check signatures} */
  @Nullable ClaimsSigner claimsSigner() {
    return claimsSecret == null ? null : new ClaimsSigner(claimsSecret, claimsLifetime);
  }

  /** Never shows a secret. */
  @Override
  public String toString() {
    return "DatabaseSettings[service=%s, owner=%s, dataDirectory=%s]"
        .formatted(service, owner, dataDirectory);
  }
}
