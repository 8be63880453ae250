package com.gptdesk.chat.service.upstream;

import com.gptdesk.chat.service.http.Problem;
import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.Settings;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The back end behind the service, and what a request to it may cost.
 *
 * @param address scheme, host and port, without a path
 * @param paths beginnings of addresses that are handed on, each a whole number of segments
 * @param maxBodyBytes longer request bodies are answered with 413
 * @param arrival how long a request body may take to arrive
 * @param connectTimeout how long a connection may take, with the wait for a free one
 * @param timeout how long either side may be silent
 * @param connections open at the same time
 * @param waiting requests that wait for a connection
 */
public record UpstreamSettings(
    URI address,
    List<String> paths,
    long maxBodyBytes,
    Duration arrival,
    Duration connectTimeout,
    Duration timeout,
    int connections,
    int waiting) {
  private static final Setting<@Nullable URI> ADDRESS =
      Setting.of(
              "CHAT_UPSTREAM_URL",
              "an http or https address without a path, a query or a user",
              UpstreamSettings::addressIn,
              null,
              "none",
              "the back end that answers what is not of the chat, as `https://project.supabase.co`")
          .shown(Setting.Shown.ADDRESS);
  private static final Setting<List<String>> PATHS =
      Setting.of(
          "CHAT_UPSTREAM_PATHS",
          "paths such as /auth/v1, separated by commas",
          UpstreamSettings::pathsIn,
          List.of("/auth/v1", "/storage/v1", "/functions/v1", "/rest/v1"),
          "/auth/v1,/storage/v1,/functions/v1,/rest/v1",
          "what is handed on, where the chat does not answer itself");
  private static final Setting<Integer> BODY =
      Setting.number(
          "CHAT_UPSTREAM_MAX_BODY_BYTES",
          50 * 1024 * 1024,
          1024,
          Integer.MAX_VALUE,
          "the longest request body that is handed on; more is answered with 413");
  private static final Setting<Duration> ARRIVAL =
      Setting.millis(
          "CHAT_UPSTREAM_ARRIVAL_MS",
          300_000,
          100,
          3_600_000,
          "how long the body of a request that is handed on may take to arrive; then 408");
  private static final Setting<Duration> CONNECT =
      Setting.millis(
          "CHAT_UPSTREAM_CONNECT_TIMEOUT_MS",
          5000,
          1,
          600_000,
          "how long a connection to the back end may take, with the wait for a free one; then 504");
  private static final Setting<Duration> TIMEOUT =
      Setting.millis(
          "CHAT_UPSTREAM_TIMEOUT_MS",
          60_000,
          1,
          3_600_000,
          "how long the back end may be silent; then 504, or the answer breaks off");
  private static final Setting<Integer> CONNECTIONS =
      Setting.number(
          "CHAT_UPSTREAM_CONNECTIONS", 64, 1, 10_000, "connections to the back end at once");
  private static final Setting<Integer> WAITING =
      Setting.number(
          "CHAT_UPSTREAM_WAITING",
          256,
          0,
          100_000,
          "requests that wait for such a connection; one more is answered with 503");

  /** For help and for the document. */
  public static final List<Setting<?>> SETTINGS =
      List.of(ADDRESS, PATHS, BODY, ARRIVAL, CONNECT, TIMEOUT, CONNECTIONS, WAITING);

  public UpstreamSettings {
    paths = List.copyOf(paths);
  }

  /** Read from the environment; null when there is no back end. */
  public static @Nullable UpstreamSettings from(Settings settings) {
    URI address = settings.get(ADDRESS);
    List<String> paths = settings.get(PATHS);
    int body = settings.get(BODY);
    Duration arrival = settings.get(ARRIVAL);
    Duration connect = settings.get(CONNECT);
    Duration timeout = settings.get(TIMEOUT);
    int connections = settings.get(CONNECTIONS);
    int waiting = settings.get(WAITING);
    return address == null
        ? null
        : new UpstreamSettings(
            address, paths, body, arrival, connect, timeout, connections, waiting);
  }

  /** The beginning under which a path is handed on; null when it is not. */
  public @Nullable String beginningOf(String path) {
    for (String beginning : paths) {
      if (path.equals(beginning) || path.startsWith(beginning + "/")) {
        return beginning;
      }
    }
    return null;
  }

  boolean isSecure() {
    return "https".equals(address.getScheme());
  }

  int port() {
    return address.getPort() >= 0 ? address.getPort() : isSecure() ? 443 : 80;
  }

  /** The answer to a body that is too long. */
  Problem bodyTooLong() {
    return Problem.of(413, "PT413", "The request body is too long")
        .withHint("At most " + maxBodyBytes + " bytes are handed on");
  }

  private static @Nullable URI addressIn(String text) {
    try {
      URI address = URI.create(text.replaceFirst("/$", ""));
      boolean isPlain =
          String.valueOf(address.getRawPath()).isEmpty()
              && address.getRawQuery() == null
              && address.getRawFragment() == null
              && address.getRawUserInfo() == null;
      boolean isHttp = "http".equals(address.getScheme()) || "https".equals(address.getScheme());
      return isPlain && isHttp && address.getHost() != null ? address : null;
    } catch (IllegalArgumentException e) {
      return null;
    }
  }

  private static @Nullable List<String> pathsIn(String text) {
    List<String> paths = Setting.listOf(text);
    return paths.stream().allMatch(path -> path.matches("(/[\\w.~-]+)+")) ? paths : null;
  }
}
