package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Ground.Pair;
import com.gptdesk.chat.service.auth.TokenIssuer;
import com.gptdesk.chat.soak.NodeProcess;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;

/** The service in a process of its own. */
final class OurService implements Service {
  private static final String SECRET = "the bench's secret, of more than 32 bytes";

  private static final String JOINED = "\"phx_reply\",{\"status\":\"ok\"";

  private final NodeProcess node;
  private final TokenIssuer issuer = new TokenIssuer(SECRET);
  private final String anonKey = issuer.anonKey();
  private final Channels channels;
  private final Map<UUID, Map<String, String>> headers = new ConcurrentHashMap<>();

  /** The frames by which a reader joins. */
  interface Channels {
    List<String> of(Pair pair, String token);
  }

  /** As it is installed: the JVM's own choices, no settings; readers hear their conversation. */
  OurService(Ground ground, String database, Path directory) throws Exception {
    this(
        ground,
        database,
        directory,
        List.of(),
        Map.of(),
        (pair, token) -> List.of(conversationChannel(pair, token)));
  }

  /**
   * Another JVM, other settings or other channels.
   *
   * @param jvmOptions of its JVM
   * @param more variables of its environment
   * @param channels what readers join
   */
  OurService(
      Ground ground,
      String database,
      Path directory,
      List<String> jvmOptions,
      Map<String, String> more,
      Channels channels)
      throws Exception {
    this.channels = channels;
    // The limits are generous to people, not to a load.
    Map<String, String> settings = new HashMap<>(more);
    settings.put("CHAT_MAX_REQUESTS_PER_SECOND", "1000000");
    settings.put("CHAT_MAX_REQUESTS_PER_SECOND_PER_ADDRESS", "1000000");
    node =
        NodeProcess.installed(
            database, ground.service(database), SECRET, directory, jvmOptions, settings);
    try (HttpClient http = HttpClient.newHttpClient()) {
      node.start();
      node.awaitReady(http);
    } catch (Exception e) {
      node.close();
      throw e;
    }
  }

  /** For five hours as this person. */
  String token(UUID person) {
    return issuer.forUser(person, Duration.ofHours(5));
  }

  @Override
  public long pid() {
    return node.pid();
  }

  @Override
  public String countOfMessages() {
    return "select count(*) from public.user_messages";
  }

  @Override
  public int port() {
    return node.port();
  }

  @Override
  public String postPath() {
    return "/rest/v1/rpc/send_message";
  }

  @Override
  public Map<String, String> postHeaders(Pair pair) {
    return headers.computeIfAbsent(
        pair.one(), writer -> Map.of("authorization", "Bearer " + token(writer)));
  }

  @Override
  public String postBody(Pair pair, String content) {
    return "{\"conversation_id\":\"%s\",\"content\":\"%s\"}"
        .formatted(pair.conversation(), content);
  }

  @Override
  public String socketPath(Pair pair) {
    return "/realtime/v1/websocket?vsn=2.0.0&apikey=" + anonKey;
  }

  @Override
  public List<Clients.Step> subscriptions(Pair pair) {
    return channels.of(pair, token(pair.other())).stream()
        .map(join -> new Clients.Step(join, JOINED))
        .toList();
  }

  static String conversationChannel(Pair pair, String token) {
    return """
        ["1","1","realtime:messages","phx_join",{"config":{"postgres_changes":[{"event":"INSERT","schema":"public",\
        "table":"user_messages","filter":"conversation_id=eq.%s"}]},"access_token":"%s"}]"""
        .formatted(pair.conversation(), token);
  }

  /** The two channels of the Messages page with an open conversation, as supabase-js joins them. */
  static List<String> pageChannels(Pair pair, String token) {
    String ofConversation = "\"filter\":\"conversation_id=eq." + pair.conversation() + "\",";
    return List.of(
        pageChannel(
            1,
            "user-" + pair.other(),
            List.of(
                binding("INSERT", "user_messages", ""),
                binding("UPDATE", "user_messages", ""),
                binding("*", "user_conversations", ""),
                binding("*", "user_presence", ""),
                binding("*", "conversation_preferences", "")),
            token),
        pageChannel(
            2,
            "conversation-" + pair.conversation(),
            List.of(
                binding("*", "user_messages", ofConversation),
                binding("*", "message_reactions", ofConversation),
                binding("*", "user_presence", "")),
            token));
  }

  /** The page's first channel, and the one of the team's topic. */
  static List<String> teamChannels(UUID team, Pair pair, String token) {
    return List.of(
        pageChannels(pair, token).getFirst(), pageChannel(2, "team-" + team, List.of(), token));
  }

  private static String binding(String event, String table, String filter) {
    return "{\"event\":\"%s\",%s\"schema\":\"public\",\"table\":\"%s\"}"
        .formatted(event, filter, table);
  }

  private static String pageChannel(int ref, String topic, List<String> bindings, String token) {
    return """
        ["%1$d","%1$d","realtime:%2$s","phx_join",{"config":{"broadcast":{"ack":false,"self":false},\
        "presence":{"key":"","enabled":false},"postgres_changes":[%3$s],"private":false},"access_token":"%4$s"}]"""
        .formatted(ref, topic, String.join(",", bindings), token);
  }

  @Override
  public String heartbeat() {
    return "[null,\"0\",\"phoenix\",\"heartbeat\",{}]";
  }

  @Override
  public void close() {
    node.close();
  }
}
