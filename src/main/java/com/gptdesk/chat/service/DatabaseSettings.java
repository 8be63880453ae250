package com.gptdesk.chat.service;

import com.gptdesk.chat.database.ClaimsSigner;
import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.migration.Accepted;
import com.gptdesk.chat.relay.listen.ListenDriver;
import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Which database, as whom, and what is demanded of it.
 *
 * @param embedded whether nobody named one, so that the service brings its own
 * @param service the runtime login; null for the embedded one, and when it is wrong
 * @param owner who migrates; null when migrating is somebody else's task
 * @param accepted the file of what a DBA did on purpose; null for none
 * @param refuseDrift whether a database that is not as the migrations made it is not served
 * @param dataDirectory where the embedded PostgreSQL keeps its files
 * @param poolSize connections for requests; the relay's own come on top
 * @param statementTimeout how long the database may work on one request; zero for no limit
 * @param claimsSecret signs what is said to the database; null where it believes all claims
 * @param claimsLifetime how long such a signature may begin a transaction
 * @param driver which driver listens
 * @param maxMessageLength characters, for {@code chat.settings}; null leaves what stands there
 * @param typingTimeout milliseconds, for {@code chat.settings}; null leaves what stands there
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
    @Nullable String claimsSecret,
    Duration claimsLifetime,
    ListenDriver driver,
    @Nullable Integer maxMessageLength,
    @Nullable Integer typingTimeout) {

  private static final Setting<@Nullable String> URL =
      Setting.text("CHAT_DATABASE_URL", "embedded", "jdbc:postgresql://… of your own PostgreSQL")
          .shown(Setting.Shown.ADDRESS);
  private static final Setting<@Nullable String> USER =
      Setting.text("CHAT_DATABASE_USER", "none", "the runtime login, a member of chat_service");
  private static final Setting<@Nullable String> PASSWORD =
      Setting.secret("CHAT_DATABASE_PASSWORD", 0, "none", "its password");
  private static final Setting<@Nullable String> OWNER_USER =
      Setting.text(
          "CHAT_OWNER_USER",
          "none",
          "who migrates; without it serve refuses a database that is behind");
  private static final Setting<@Nullable String> OWNER_PASSWORD =
      Setting.secret("CHAT_OWNER_PASSWORD", 0, "none", "its password");
  private static final Setting<@Nullable Path> ACCEPTED =
      Setting.path(
          "CHAT_ACCEPTED", "none", "a file that names what a DBA changed on purpose, a line each");
  private static final Setting<Boolean> REFUSE_DRIFT =
      Setting.flag(
          "CHAT_REFUSE_DRIFT",
          false,
          "true: do not serve a database that differs from what migrate makes");
  private static final Setting<@Nullable Path> DATA_DIR =
      Setting.path("CHAT_DATA_DIR", "./data", "where the embedded PostgreSQL keeps its files");
  private static final Setting<Integer> POOL_SIZE =
      Setting.number("CHAT_POOL_SIZE", 16, 1, 1000, "connections for requests");
  private static final Setting<Duration> STATEMENT_TIMEOUT =
      Setting.millis(
          "CHAT_STATEMENT_TIMEOUT_MS",
          15_000,
          0,
          3_600_000,
          "the longest statement of a request; 0 for no limit");
  private static final Setting<@Nullable String> CLAIMS_SECRET =
      Setting.secret(
          "CHAT_CLAIMS_SECRET",
          ClaimsSigner.SHORTEST_SECRET,
          "none",
          "signs what the service says to the database, of at least 32 bytes; migrate writes it to chat.settings.claims_secret");
  private static final Setting<Duration> CLAIMS_LIFETIME =
      Setting.millis(
          "CHAT_CLAIMS_LIFETIME_MS",
          60_000,
          30_000,
          3_600_000,
          "how long a signature may begin a transaction, the clocks' difference included");
  private static final Setting<ListenDriver> DRIVER =
      Setting.of(
          "CHAT_LISTEN_DRIVER",
          "be pgjdbc-ng or pgjdbc",
          text ->
              switch (text) {
                case "pgjdbc-ng" -> ListenDriver.PGJDBC_NG;
                case "pgjdbc" -> ListenDriver.PGJDBC;
                default -> null;
              },
          ListenDriver.PGJDBC_NG,
          "pgjdbc-ng",
          "the driver of the listening connection; pgjdbc is the fallback");

  /** The earlier name of {@link #DRIVER}; ignoring it would silently change the driver. */
  private static final Setting<@Nullable String> DOORBELL =
      Setting.text("CHAT_DOORBELL", "none", "renamed to CHAT_LISTEN_DRIVER");

  private static final Setting<@Nullable Integer> MAX_MESSAGE_LENGTH =
      Setting.optionalNumber(
          "CHAT_MAX_MESSAGE_LENGTH",
          1,
          100_000,
          "1000",
          "characters; written to the database when set");
  private static final Setting<@Nullable Integer> TYPING_TIMEOUT =
      Setting.optionalNumber(
          "CHAT_TYPING_TIMEOUT",
          500,
          60_000,
          "3000",
          "milliseconds; written to the database when set");

  /** Those of the database. */
  static final List<Setting<?>> SETTINGS =
      List.of(
          URL,
          USER,
          PASSWORD,
          OWNER_USER,
          OWNER_PASSWORD,
          ACCEPTED,
          REFUSE_DRIFT,
          DATA_DIR,
          POOL_SIZE,
          STATEMENT_TIMEOUT,
          CLAIMS_SECRET,
          CLAIMS_LIFETIME,
          DRIVER,
          MAX_MESSAGE_LENGTH,
          TYPING_TIMEOUT);

  /** As the environment says. */
  static DatabaseSettings from(Settings settings) {
    String url = settings.get(URL);
    if (url != null && !url.startsWith("jdbc:postgresql://")) {
      settings.problem("CHAT_DATABASE_URL must begin with jdbc:postgresql:// .");
    }
    if (settings.has(DOORBELL)) {
      settings.problem(DOORBELL + " is now named " + DRIVER + ": set that instead.");
    }
    Path data = settings.get(DATA_DIR);
    return new DatabaseSettings(
        url == null,
        login(settings, url, USER, PASSWORD, true),
        login(settings, url, OWNER_USER, OWNER_PASSWORD, false),
        settings.get(ACCEPTED),
        settings.get(REFUSE_DRIFT),
        data == null ? Path.of("data").toAbsolutePath() : data,
        settings.get(POOL_SIZE),
        settings.get(STATEMENT_TIMEOUT),
        settings.get(CLAIMS_SECRET),
        settings.get(CLAIMS_LIFETIME),
        settings.get(DRIVER),
        settings.get(MAX_MESSAGE_LENGTH),
        settings.get(TYPING_TIMEOUT));
  }

  private static @Nullable Login login(
      Settings settings,
      @Nullable String url,
      Setting<@Nullable String> userSetting,
      Setting<@Nullable String> passwordSetting,
      boolean required) {
    String user = settings.get(userSetting);
    String password = settings.get(passwordSetting);
    if (url == null) {
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
    return new Login(url, user, password == null ? "" : password);
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

  /** Without any secret. */
  @Override
  public String toString() {
    return "DatabaseSettings[service=%s, owner=%s, dataDirectory=%s]"
        .formatted(service, owner, dataDirectory);
  }
}
