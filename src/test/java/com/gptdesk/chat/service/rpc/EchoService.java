package com.gptdesk.chat.service.rpc;

import com.gptdesk.chat.relay.Audience;
import com.gptdesk.chat.relay.FanOut;
import com.gptdesk.chat.service.auth.TokenVerifier;
import com.gptdesk.chat.service.database.ChatLimits;
import com.gptdesk.chat.service.http.RequestLimits;
import com.gptdesk.chat.service.ops.Health;
import com.gptdesk.chat.service.ops.Metrics;
import com.gptdesk.chat.service.realtime.changes.PublishedTables;
import com.gptdesk.chat.service.realtime.channel.PresenceTracker;
import com.gptdesk.chat.service.realtime.channel.TopicLimits;
import com.gptdesk.chat.service.realtime.channel.Topics;
import com.gptdesk.chat.service.realtime.socket.RealtimeServer;
import com.gptdesk.chat.service.realtime.socket.RealtimeSettings;
import com.gptdesk.chat.service.rest.NoTables;
import com.gptdesk.chat.service.scim.ScimEndpoint;
import com.gptdesk.chat.service.server.BroadcastEndpoint;
import com.gptdesk.chat.service.server.DemoEndpoints;
import com.gptdesk.chat.service.server.HttpService;
import com.gptdesk.chat.service.server.HttpSettings;
import com.gptdesk.chat.service.server.PageSettings;
import com.gptdesk.chat.service.storage.StorageEndpoint;
import com.gptdesk.chat.testing.NoTopics;
import io.vertx.core.Vertx;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** An HTTP service whose database is played: {@code echo} reads, and {@code slow} writes. */
public final class EchoService {
  private static final FunctionCatalogue.Source FUNCTIONS =
      new FunctionCatalogue.Source() {
        @Override
        public List<CallableFunction> functions() {
          return List.of(
              new CallableFunction(
                  "echo",
                  false,
                  CallableFunction.Result.SCALAR,
                  List.of("a"),
                  List.of("text"),
                  0,
                  true),
              new CallableFunction(
                  "slow", true, CallableFunction.Result.SCALAR, List.of(), List.of(), 0, true));
        }

        @Override
        public String statement(CallableFunction function, List<String> argumentNames) {
          return function.name();
        }

        @Override
        public String rows(CallableFunction function, List<String> argumentNames, boolean withRow) {
          return function.name();
        }

        @Override
        public Set<String> timeZones() {
          return Set.of();
        }
      };

  /** What {@code echo} answers. */
  public static final DatabaseCall ECHO = (caller, readOnly, statement, arguments) -> arguments;

  /** What {@code /page.json} says of them. */
  public static final ChatLimits LIMITS = new ChatLimits(4000, 3, true, 900, 1_000_000, null);

  private EchoService() {}

  /** One that was not started. */
  public static HttpService of(
      Vertx vertx,
      HttpSettings settings,
      RequestLimits limits,
      DatabaseCall database,
      Topics topics,
      TokenVerifier tokens,
      @Nullable DemoEndpoints demo,
      Metrics metrics) {
    var gateway =
        new RpcEndpoint(
            new FunctionCatalogue(FUNCTIONS), NoTables.rows(), database, tokens, limits, true);
    return of(vertx, settings, limits, gateway, topics, tokens, demo, metrics);
  }

  /** With calls that are answered by somebody else. */
  public static HttpService of(
      Vertx vertx,
      HttpSettings settings,
      RequestLimits limits,
      RpcEndpoint gateway,
      Topics topics,
      TokenVerifier tokens,
      @Nullable DemoEndpoints demo,
      Metrics metrics) {
    return of(vertx, settings, limits, gateway, topics, tokens, null, null, demo, metrics);
  }

  /** With files. */
  public static HttpService of(
      Vertx vertx,
      HttpSettings settings,
      RequestLimits limits,
      TokenVerifier tokens,
      StorageEndpoint storage,
      Metrics metrics) {
    var gateway =
        new RpcEndpoint(
            new FunctionCatalogue(FUNCTIONS), NoTables.rows(), ECHO, tokens, limits, true);
    return of(
        vertx, settings, limits, gateway, new NoTopics(), tokens, storage, null, null, metrics);
  }

  /** With an identity provider. */
  public static HttpService of(
      Vertx vertx,
      HttpSettings settings,
      RequestLimits limits,
      TokenVerifier tokens,
      @Nullable ScimEndpoint scim,
      Metrics metrics) {
    var gateway =
        new RpcEndpoint(
            new FunctionCatalogue(FUNCTIONS), NoTables.rows(), ECHO, tokens, limits, true);
    return of(vertx, settings, limits, gateway, new NoTopics(), tokens, null, scim, null, metrics);
  }

  private static HttpService of(
      Vertx vertx,
      HttpSettings settings,
      RequestLimits limits,
      RpcEndpoint gateway,
      Topics topics,
      TokenVerifier tokens,
      @Nullable StorageEndpoint storage,
      @Nullable ScimEndpoint scim,
      @Nullable DemoEndpoints demo,
      Metrics metrics) {
    return new HttpService(
        vertx,
        settings,
        gateway,
        NoTables.endpoint(tokens, limits),
        new BroadcastEndpoint(
            topics, tokens, new TopicLimits(100, 4, 9, Duration.ofSeconds(9), null), true),
        storage,
        scim,
        limits,
        new Health(List.of(new Health.Check("database", () -> null))),
        new RealtimeServer(
            RealtimeSettings.defaults(),
            tokens,
            new FanOut(),
            PublishedTables.of(List.of()),
            person -> List.of(Audience.user(person)),
            (caller, conversation, revision, most) -> null,
            topics,
            TopicLimits.defaults(),
            new PresenceTracker(topics)),
        demo,
        metrics,
        new PageSettings(settings, demo != null, true, storage != null, () -> LIMITS));
  }
}
