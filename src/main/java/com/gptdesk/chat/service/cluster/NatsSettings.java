package com.gptdesk.chat.service.cluster;

import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Where to find NATS, and with which login.
 *
 * @param servers {@code nats://host:port} or {@code tls://host:port}, without a user
 * @param user the user, or the token when there is no password; null when the servers need neither
 * @param password the user's password; null for a token
 * @param credentials a {@code .creds} file with a JWT and its key; null for none
 * @param subject the prefix of all subjects; a different one for each database
 * @param maxWaiting the most messages that may wait on this node; more are dropped and replaced by
 *     a resync
 * @param ping how often NATS is asked for an answer; without two answers the connection is lost
 */
public record NatsSettings(
    List<String> servers,
    @Nullable String user,
    @Nullable String password,
    @Nullable Path credentials,
    String subject,
    int maxWaiting,
    Duration ping) {

  private static final Setting<@Nullable String> URL =
      Setting.address(
          "CHAT_NATS_URL",
          "nats://host:port or tls://host:port, several separated by commas",
          NatsSettings::areAddresses,
          "none",
          "one node reads the changes for all; a login stands in the first address, as `user:password@` or `token@`");
  private static final Setting<@Nullable Path> CREDENTIALS =
      Setting.readableFile("CHAT_NATS_CREDENTIALS", "none", "a `.creds` file for NATS");
  private static final Setting<String> SUBJECT =
      Setting.of(
          "CHAT_NATS_SUBJECT",
          "letters, digits, - and _, with dots in between",
          text -> text.matches("[\\w-]+(\\.[\\w-]+)*") ? text : null,
          "gptdesk-chat",
          "gptdesk-chat",
          "the prefix of all subjects; a different one for each database");

  private static final Setting<Duration> PING =
      Setting.millis(
          "CHAT_NATS_PING_MS",
          1_500,
          100,
          60_000,
          "so often NATS is asked for an answer; after two without one the connection is replaced");

  /** The settings of NATS. */
  public static final List<Setting<?>> SETTINGS = List.of(URL, CREDENTIALS, SUBJECT, PING);

  /** The default prefix of subjects. */
  public static final String DEFAULT_SUBJECT = SUBJECT.otherwise();

  /**
   * Read from the environment; null where each node reads the change log itself.
   *
   * @param embedded whether the database is embedded, which allows one node only
   */
  public static @Nullable NatsSettings from(Settings settings, boolean embedded) {
    String url = settings.get(URL);
    Path credentials = settings.get(CREDENTIALS);
    String subject = settings.get(SUBJECT);
    Duration ping = settings.get(PING);
    if (!settings.has(URL)) {
      if (credentials != null) {
        settings.problem("CHAT_NATS_CREDENTIALS needs CHAT_NATS_URL beside it.");
      }
      return null;
    }
    if (embedded) {
      settings.problem("CHAT_NATS_URL needs CHAT_DATABASE_URL: an embedded database has one node.");
    }
    return url == null ? null : of(url, credentials, subject).withPing(ping);
  }

  private static boolean areAddresses(String urls) {
    try {
      return !of(urls, null, "any").servers().isEmpty();
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static final int DEFAULT_MAX_WAITING = 100_000;

  /**
   * Parses addresses as they are written in settings.
   *
   * @param urls one or several, separated by commas; the user stands in the first
   * @param credentials a {@code .creds} file; null for none
   * @param subject the prefix of all subjects
   * @return the settings
   * @throws IllegalArgumentException when it is not the address of a NATS server; the message does
   *     not repeat the address, which may hold a password
   */
  public static NatsSettings of(String urls, @Nullable Path credentials, String subject) {
    var servers = new ArrayList<String>();
    String login = null;
    for (String url : urls.split("\\s*,\\s*", -1)) {
      URI address = address(url);
      servers.add(
          address.getScheme()
              + "://"
              + address.getHost()
              + (address.getPort() < 0 ? "" : ":" + address.getPort()));
      login = login == null ? address.getUserInfo() : login;
    }
    int colon = login == null ? -1 : login.indexOf(':');
    return new NatsSettings(
        List.copyOf(servers),
        login == null || colon < 0 ? login : login.substring(0, colon),
        login == null || colon < 0 ? null : login.substring(colon + 1),
        credentials,
        subject,
        DEFAULT_MAX_WAITING,
        PING.otherwise());
  }

  private static URI address(String url) {
    try {
      URI address = new URI(url);
      String scheme = address.getScheme();
      if (address.getHost() != null
          && ("nats".equals(scheme) || "tls".equals(scheme))
          && (address.getPath().isEmpty() || address.getPath().equals("/"))) {
        return address;
      }
    } catch (URISyntaxException e) {
      // reported below, without the address
    }
    throw new IllegalArgumentException("not nats://host:port or tls://host:port");
  }

  /**
   * The same with another bound on waiting messages.
   *
   * @param messages the most messages that may wait; more are dropped and replaced by a resync
   * @return the settings
   */
  public NatsSettings withMaxWaiting(int messages) {
    return new NatsSettings(servers, user, password, credentials, subject, messages, ping);
  }

  /**
   * The same with another rhythm of pings.
   *
   * @param every how often NATS is asked for an answer
   * @return the settings
   */
  public NatsSettings withPing(Duration every) {
    return new NatsSettings(servers, user, password, credentials, subject, maxWaiting, every);
  }

  /** Never shows the login. */
  @Override
  public String toString() {
    return "NatsSettings" + servers;
  }
}
