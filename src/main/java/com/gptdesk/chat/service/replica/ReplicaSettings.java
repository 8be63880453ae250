package com.gptdesk.chat.service.replica;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.connection.PasswordFile;
import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A streaming replica that answers what only reads.
 *
 * @param login where it is, and as whom to enter
 * @param poolSize connections to it
 * @param maxLag further behind the primary than this it is not asked
 * @param maxCallers of how many people it is remembered what they must see; when there are more,
 *     everybody must see what stands at that moment
 */
public record ReplicaSettings(Login login, int poolSize, Duration maxLag, int maxCallers) {

  private static final Setting<@Nullable String> URL =
      Setting.jdbcAddress(
          "CHAT_REPLICA_URL",
          "none",
          "address of a streaming replica, for functions that only read");
  private static final Setting<@Nullable String> USER =
      Setting.text("CHAT_REPLICA_USER", "the primary's", "the login there");
  private static final Setting<@Nullable String> PASSWORD =
      Setting.secret("CHAT_REPLICA_PASSWORD", 0, "the primary's", "its password");
  private static final Setting<@Nullable Path> PASSWORD_FILE =
      Setting.readableFile(
          "CHAT_REPLICA_PASSWORD_FILE",
          "the primary's",
          "a file with that password instead, read for each new connection");
  private static final Setting<Integer> POOL_SIZE =
      Setting.number("CHAT_REPLICA_POOL_SIZE", 16, 1, 1000, "connections to it");
  private static final Setting<Duration> MAX_LAG =
      Setting.millis(
          "CHAT_REPLICA_MAX_LAG_MS",
          2000,
          200,
          60_000,
          "a replica that is further behind is not used");
  private static final Setting<Integer> MAX_CALLERS =
      Setting.number(
          "CHAT_REPLICA_MAX_CALLERS",
          100_000,
          1,
          10_000_000,
          "for how many users a node remembers what the replica must have replayed; with more, the next reads of all go to the primary");

  /** Those of a replica. */
  public static final List<Setting<?>> SETTINGS =
      List.of(URL, USER, PASSWORD, PASSWORD_FILE, POOL_SIZE, MAX_LAG, MAX_CALLERS);

  /**
   * As the environment says; null for none.
   *
   * @param embedded whether the primary is our own, which has no replica
   * @param primary its login, which is the replica's unless another is named; null when it is wrong
   */
  public static @Nullable ReplicaSettings from(
      Settings settings, boolean embedded, @Nullable Login primary) {
    String url = settings.get(URL);
    String user = settings.get(USER);
    String password = settings.get(PASSWORD);
    Path file = settings.get(PASSWORD_FILE);
    if (password != null && file != null) {
      settings.problem("Set %s or %s, not both.".formatted(PASSWORD, PASSWORD_FILE));
    }
    int poolSize = settings.get(POOL_SIZE);
    Duration maxLag = settings.get(MAX_LAG);
    int maxCallers = settings.get(MAX_CALLERS);
    if (!settings.has(URL)) {
      if (user != null || password != null || file != null) {
        settings.problem("CHAT_REPLICA_USER needs CHAT_REPLICA_URL beside it.");
      }
      return null;
    }
    if (embedded) {
      settings.problem("CHAT_REPLICA_URL needs CHAT_DATABASE_URL, the primary, beside it.");
    }
    if (url == null) {
      return null;
    }
    Login login;
    if (user != null) {
      login =
          file != null
              ? new Login(url, user, new PasswordFile(file))
              : new Login(url, user, password == null ? "" : password);
    } else {
      login =
          primary == null
              ? new Login(url, "", "")
              : new Login(url, primary.user(), primary.secret());
    }
    return new ReplicaSettings(login, poolSize, maxLag, maxCallers);
  }
}
