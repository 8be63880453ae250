package com.gptdesk.chat.service;

import com.gptdesk.chat.service.auth.TokenChoice;
import com.gptdesk.chat.service.cluster.NatsSettings;
import com.gptdesk.chat.service.files.FileSettings;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.push.PushSettings;
import com.gptdesk.chat.service.realtime.channel.TopicLimits;
import com.gptdesk.chat.service.realtime.socket.RealtimeSettings;
import com.gptdesk.chat.service.replica.ReplicaSettings;
import com.gptdesk.chat.service.rest.RestLimits;
import com.gptdesk.chat.service.rpc.BatchLimits;
import com.gptdesk.chat.service.rpc.RpcSettings;
import com.gptdesk.chat.service.scim.ScimSettings;
import com.gptdesk.chat.service.server.HttpSettings;
import com.gptdesk.chat.service.settings.Setting;
import com.gptdesk.chat.service.settings.SettingGroup;
import com.gptdesk.chat.service.settings.SettingList;
import com.gptdesk.chat.service.settings.Settings;
import com.gptdesk.chat.service.upstream.UpstreamSettings;
import com.gptdesk.chat.service.webhooks.WebhookSettings;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The configuration from the environment, checked as a whole, so that all problems are reported at
 * once.
 *
 * @param database the database
 * @param replica the replica for reads; null for none
 * @param tokens how tokens are verified
 * @param http where to listen, and the limits of requests
 * @param rpc which functions are served, and their rate limits
 * @param rest which tables are served, and how much a request may ask of them
 * @param realtime the limits of sockets and channels
 * @param topics the limits of broadcasts and presence
 * @param files where files are stored, and what may be
 * @param webhooks how other systems are told of changes
 * @param push whether and how people who are away are told of messages
 * @param scim how an identity provider tells of people
 * @param nats how changes are shared between nodes; null when each node reads its own
 * @param metricsToken the token for /metrics; null: nobody may read them
 */
public record Config(
    DatabaseSettings database,
    @Nullable ReplicaSettings replica,
    TokenChoice tokens,
    HttpSettings http,
    RpcSettings rpc,
    RestLimits rest,
    RealtimeSettings realtime,
    TopicLimits topics,
    FileSettings files,
    WebhookSettings webhooks,
    PushSettings push,
    ScimSettings scim,
    @Nullable NatsSettings nats,
    @Nullable String metricsToken) {

  private static final Logger LOG = LoggerFactory.getLogger(Config.class);
  private static final String PREFIX = "CHAT_";

  private static final Setting<Boolean> ENABLED =
      Setting.flag(
          "CHAT_ENABLED",
          true,
          "`false`: functions and joins answer 503 with a reason, health stays green");

  /** Read by logback.xml before anything else. */
  private static final Setting<String> LOG_FORMAT =
      Setting.of(
          "CHAT_LOG_FORMAT",
          "text or json",
          text -> Set.of("text", "json").contains(text) ? text : null,
          "text",
          "text",
          "`json`: one object a line; on standard error");

  /** All settings, in the order of help and of the document. */
  static final SettingList SETTINGS =
      new SettingList(
          new SettingGroup("Database", DatabaseSettings.CONNECTION),
          new SettingGroup("Read replica", ReplicaSettings.SETTINGS),
          new SettingGroup("Tokens and claims", TokenChoice.SETTINGS).and(DatabaseSettings.CLAIMS),
          new SettingGroup("HTTP", HttpSettings.SETTINGS)
              .and(RpcSettings.RATES)
              .and(BatchLimits.SETTINGS),
          new SettingGroup("Upstream", UpstreamSettings.SETTINGS),
          new SettingGroup("Chat", List.of(ENABLED))
              .and(RpcSettings.FUNCTIONS)
              .and(RestLimits.SETTINGS)
              .and(DatabaseSettings.STORED),
          new SettingGroup("Real time", RealtimeSettings.SETTINGS)
              .and(TopicLimits.SETTINGS)
              .and(DatabaseSettings.LISTENING),
          new SettingGroup("Files", FileSettings.SETTINGS),
          new SettingGroup("Webhooks", WebhookSettings.SETTINGS),
          new SettingGroup("Push notifications", PushSettings.SETTINGS),
          new SettingGroup("Identity provider (SCIM)", ScimSettings.SETTINGS),
          new SettingGroup("NATS", NatsSettings.SETTINGS),
          new SettingGroup("Metrics and log", List.of(Metrics.TOKEN, LOG_FORMAT))
              .and(HttpSettings.LOG));

  /**
   * Reads the environment.
   *
   * @throws Invalid with all problems
   */
  public static Config of(Map<String, String> environment) throws Invalid {
    Settings settings = new Settings(environment);
    boolean enabled = settings.get(ENABLED);
    DatabaseSettings database = DatabaseSettings.from(settings);
    TokenChoice tokens = TokenChoice.from(settings);
    Config config =
        new Config(
            database,
            ReplicaSettings.from(settings, database.embedded(), database.service()),
            tokens,
            HttpSettings.from(settings, tokens.anonKey()),
            RpcSettings.from(settings, enabled),
            RestLimits.from(settings),
            RealtimeSettings.from(settings, enabled),
            TopicLimits.from(settings),
            FileSettings.from(
                settings, database.embedded() ? database.dataDirectory().resolve("files") : null),
            WebhookSettings.from(settings),
            PushSettings.from(settings),
            ScimSettings.from(settings),
            NatsSettings.from(settings, database.embedded()),
            settings.get(Metrics.TOKEN));
    settings.get(LOG_FORMAT);
    warnOfUnknown(environment);
    if (!settings.problems().isEmpty()) {
      throw new Invalid(settings.problems());
    }
    return config;
  }

  /** Warns only, since a variable with this prefix may belong to another program. */
  private static void warnOfUnknown(Map<String, String> environment) {
    for (String variable : SETTINGS.unknown(environment, PREFIX)) {
      String near = SETTINGS.nearest(variable);
      LOG.warn(
          "{} is not a setting of the chat{}; serve --help lists all settings",
          variable,
          near == null ? "" : ": did you mean " + near + "?");
    }
  }

  /** The environment has invalid settings; one sentence for each. */
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
}
