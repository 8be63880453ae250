package com.gptdesk.chat.service;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * One environment variable, as {@code serve --help} tells it.
 *
 * @param otherwise what holds when it is not set
 * @param meaning a few words
 * @param shown how much of its value may be printed
 */
record Setting(String name, String otherwise, String meaning, Shown shown) {

  /** How much of a value may be printed. */
  enum Shown {
    /** All of it. */
    PLAIN,
    /** An address, whose query and user may be secrets. */
    ADDRESS,
    /** Only that it is set. */
    SECRET
  }

  /** How many letters may be wrong in a name that is taken for a slip. */
  private static final int FARTHEST = 4;

  /** All there are; {@link Config} reads no other. */
  static final List<Setting> ALL =
      List.of(
          new Setting(
              "CHAT_DATABASE_URL",
              "embedded",
              "jdbc:postgresql://… of your own PostgreSQL",
              Shown.ADDRESS),
          new Setting(
              "CHAT_DATABASE_USER",
              "none",
              "the runtime login, a member of chat_service",
              Shown.PLAIN),
          new Setting("CHAT_DATABASE_PASSWORD", "none", "its password", Shown.SECRET),
          new Setting(
              "CHAT_OWNER_USER",
              "none",
              "who migrates; without it serve refuses a database that is behind",
              Shown.PLAIN),
          new Setting("CHAT_OWNER_PASSWORD", "none", "its password", Shown.SECRET),
          new Setting(
              "CHAT_ACCEPTED",
              "none",
              "a file that names what a DBA changed on purpose, a line each",
              Shown.PLAIN),
          new Setting(
              "CHAT_REFUSE_DRIFT",
              "false",
              "true: do not serve a database that differs from what migrate makes",
              Shown.PLAIN),
          new Setting(
              "CHAT_DATA_DIR",
              "./data",
              "where the embedded PostgreSQL keeps its files",
              Shown.PLAIN),
          new Setting(
              "CHAT_REPLICA_URL",
              "none",
              "jdbc:postgresql://… of a streaming replica, for functions that only read",
              Shown.ADDRESS),
          new Setting("CHAT_REPLICA_USER", "the primary's", "the login there", Shown.PLAIN),
          new Setting("CHAT_REPLICA_PASSWORD", "the primary's", "its password", Shown.SECRET),
          new Setting("CHAT_REPLICA_POOL_SIZE", "16", "connections to it", Shown.PLAIN),
          new Setting(
              "CHAT_REPLICA_MAX_LAG_MS",
              "2000",
              "further behind than this, it is not asked",
              Shown.PLAIN),
          new Setting(
              "CHAT_REPLICA_MAX_CALLERS",
              "100000",
              "people whose last position a node remembers",
              Shown.PLAIN),
          new Setting("CHAT_POOL_SIZE", "16", "connections for requests", Shown.PLAIN),
          new Setting(
              "CHAT_STATEMENT_TIMEOUT_MS",
              "15000",
              "the longest statement of a request; 0 for no limit",
              Shown.PLAIN),
          new Setting(
              "CHAT_JWT_SECRET",
              "random on the embedded one",
              "HS256 secret of at least 32 bytes",
              Shown.SECRET),
          new Setting(
              "CHAT_JWKS_URL",
              "none",
              "the keys of RS256 and ES256, in place of a secret",
              Shown.ADDRESS),
          new Setting(
              "CHAT_CLAIMS_SECRET",
              "none",
              "signs what the service says to the database, of at least 32 bytes; migrate writes it to chat.settings.claims_secret",
              Shown.SECRET),
          new Setting(
              "CHAT_CLAIMS_LIFETIME_MS",
              "60000",
              "how long a signature may begin a transaction, the clocks' difference included",
              Shown.PLAIN),
          new Setting("CHAT_JWT_AUDIENCE", "any", "what a token's aud must contain", Shown.PLAIN),
          new Setting("CHAT_JWT_ISSUER", "any", "what a token's iss must be", Shown.PLAIN),
          new Setting(
              "CHAT_ANON_KEY",
              "none",
              "the key every browser has, when it is no token",
              Shown.SECRET),
          new Setting(
              "CHAT_PAGE_HOSTS",
              "none",
              "origins that may show the Messages page in a frame, separated by commas",
              Shown.PLAIN),
          new Setting(
              "CHAT_ALLOWED_ORIGINS",
              "*",
              "origins whose pages may talk to the service, separated by commas",
              Shown.PLAIN),
          new Setting(
              "CHAT_TRUSTED_PROXIES",
              "none",
              "addresses or networks whose X-Forwarded-For is believed, separated by commas",
              Shown.PLAIN),
          new Setting(
              "CHAT_MAX_REQUESTS_PER_SECOND",
              "100",
              "calls of functions by one person on this node",
              Shown.PLAIN),
          new Setting(
              "CHAT_MAX_REQUESTS_PER_SECOND_PER_ADDRESS",
              "1000",
              "calls, broadcasts and new sockets from one address on this node",
              Shown.PLAIN),
          new Setting("CHAT_HOST", "0.0.0.0", "the address to listen on", Shown.PLAIN),
          new Setting("CHAT_PORT", "8080", "the port to listen on; 0 for any", Shown.PLAIN),
          new Setting("CHAT_MAX_BODY_BYTES", "1048576", "the longest request body", Shown.PLAIN),
          new Setting(
              "CHAT_MAX_HEADER_BYTES", "16384", "all headers of a request together", Shown.PLAIN),
          new Setting(
              "CHAT_MAX_REQUEST_LINE_BYTES",
              "8192",
              "method and address of a request",
              Shown.PLAIN),
          new Setting(
              "CHAT_MAX_REQUEST_ARRIVAL_MS",
              "10000",
              "how long a request may take to arrive",
              Shown.PLAIN),
          new Setting(
              "CHAT_TLS_CERTIFICATE",
              "none",
              "PEM file of the certificate to show, for HTTPS",
              Shown.PLAIN),
          new Setting("CHAT_TLS_KEY", "none", "PEM file of its private key", Shown.SECRET),
          new Setting(
              "CHAT_SERVED_FUNCTIONS",
              "none",
              "functions of schema public served beside the chat's own, separated by commas; * for any letters",
              Shown.PLAIN),
          new Setting(
              "CHAT_ENABLED",
              "true",
              "false: functions and joins answer 503, health stays green",
              Shown.PLAIN),
          new Setting(
              "CHAT_MAX_MESSAGE_LENGTH",
              "1000",
              "characters; written to the database when set",
              Shown.PLAIN),
          new Setting(
              "CHAT_TYPING_TIMEOUT",
              "3000",
              "milliseconds; written to the database when set",
              Shown.PLAIN),
          new Setting("CHAT_MAX_CONNECTIONS", "20000", "sockets on this node", Shown.PLAIN),
          new Setting(
              "CHAT_MAX_CONNECTIONS_PER_USER",
              "50",
              "sockets of one person on this node",
              Shown.PLAIN),
          new Setting(
              "CHAT_MAX_CHANNELS_PER_CONNECTION", "100", "channels on one socket", Shown.PLAIN),
          new Setting("CHAT_MAX_JOINS_PER_SECOND", "100", "joins on one socket", Shown.PLAIN),
          new Setting(
              "CHAT_MAX_BINDINGS_PER_CHANNEL",
              "100",
              "postgres_changes in one channel",
              Shown.PLAIN),
          new Setting(
              "CHAT_MAX_FRAME_BYTES", "1048576", "the longest frame from a client", Shown.PLAIN),
          new Setting("CHAT_MAX_FRAMES_PER_SECOND", "200", "frames from one socket", Shown.PLAIN),
          new Setting(
              "CHAT_MAX_QUEUED_BYTES", "4194304", "what may wait for a slow client", Shown.PLAIN),
          new Setting(
              "CHAT_MAX_QUEUED_CHANGES",
              "20000",
              "changes that may wait for a slow client",
              Shown.PLAIN),
          new Setting(
              "CHAT_MAX_REPLAYED",
              "10000",
              "revisions of one conversation replayed by since",
              Shown.PLAIN),
          new Setting(
              "CHAT_MAX_DATABASE_QUESTIONS",
              "8",
              "sockets that ask the database at the same time",
              Shown.PLAIN),
          new Setting(
              "CHAT_MAX_PAYLOAD_SIZE_IN_KB",
              "256",
              "the longest payload of a broadcast",
              Shown.PLAIN),
          new Setting(
              "CHAT_MAX_EVENTS_PER_SECOND",
              "100",
              "broadcasts and presence calls of one socket or person",
              Shown.PLAIN),
          new Setting(
              "CHAT_MAX_CLIENT_PRESENCE_EVENTS_PER_WINDOW",
              "100",
              "presence calls of one socket",
              Shown.PLAIN),
          new Setting(
              "CHAT_CLIENT_PRESENCE_WINDOW_MS", "30000", "how long that window is", Shown.PLAIN),
          new Setting(
              "CHAT_DOORBELL",
              "pgjdbc-ng",
              "the driver that listens; pgjdbc is the fallback",
              Shown.PLAIN),
          new Setting(
              "CHAT_NATS_URL",
              "none",
              "nats://… or tls://…; one node reads the changes and tells the others by NATS",
              Shown.ADDRESS),
          new Setting(
              "CHAT_NATS_CREDENTIALS", "none", "a .creds file to enter NATS with", Shown.PLAIN),
          new Setting(
              "CHAT_NATS_SUBJECT",
              "gptdesk-chat",
              "what all subjects begin with; one for each database",
              Shown.PLAIN),
          new Setting(
              "CHAT_METRICS_TOKEN",
              "none",
              "what Prometheus brings to read /metrics, at least 16 bytes; without it nobody reads",
              Shown.SECRET),
          new Setting("CHAT_LOG_FORMAT", "text", "text or json, on standard error", Shown.PLAIN));

  private static final Map<String, Setting> BY_NAME =
      ALL.stream().collect(Collectors.toUnmodifiableMap(Setting::name, setting -> setting));

  static boolean isKnown(String name) {
    return BY_NAME.containsKey(name);
  }

  /** The setting of that name, which must be one. */
  static Setting named(String name) {
    Setting setting = BY_NAME.get(name);
    if (setting == null) {
      throw new IllegalArgumentException("List " + name + " in Setting.ALL first");
    }
    return setting;
  }

  /** The name somebody who wrote this one meant; null when none is like it. */
  static @Nullable String nearest(String written) {
    return BY_NAME.keySet().stream()
        .filter(name -> distance(name, written) <= FARTHEST)
        .min(Comparator.<String>comparingInt(name -> distance(name, written)).thenComparing(n -> n))
        .orElse(null);
  }

  /** What was set, one a line, in the order of the table. */
  static List<String> printed(Map<String, String> environment) {
    return ALL.stream()
        .filter(setting -> !environment.getOrDefault(setting.name, "").isBlank())
        .map(
            setting ->
                setting.name
                    + "="
                    + setting.show(environment.getOrDefault(setting.name, "").strip()))
        .toList();
  }

  private String show(String value) {
    return switch (shown) {
      case PLAIN -> value;
      case ADDRESS -> value.replaceFirst("[?#].*", "?…").replaceAll("//[^/]*@", "//…@");
      case SECRET -> "(set, not shown)";
    };
  }

  /** The table, as help shows it. */
  static String help() {
    return ALL.stream()
        .map(
            setting ->
                "  %s (default: %s)%n      %s"
                    .formatted(setting.name, setting.otherwise, setting.meaning))
        .collect(Collectors.joining("%n".formatted()));
  }

  /** How many letters must be changed, added or left out. */
  private static int distance(String one, String other) {
    int[] last = new int[other.length() + 1];
    for (int j = 0; j <= other.length(); j++) {
      last[j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      int[] next = new int[other.length() + 1];
      next[0] = i;
      for (int j = 1; j <= other.length(); j++) {
        int change = one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1;
        next[j] = Math.min(last[j - 1] + change, 1 + Math.min(last[j], next[j - 1]));
      }
      last = next;
    }
    return last[other.length()];
  }
}
