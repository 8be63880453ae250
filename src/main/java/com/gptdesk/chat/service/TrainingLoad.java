package com.gptdesk.chat.service;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Uses a demo as its people would, so that Java learns what runs often: they join by WebSocket,
 * write, read, search and react.
 */
final class TrainingLoad {
  private static final JsonMapper JSON = new JsonMapper();
  private static final Duration TIME = Duration.ofSeconds(20);

  /** How many calls wait for an answer at the same time. */
  private static final int CALLS_AT_ONCE = 16;

  /** A person of the demo with one conversation. */
  private record Member(String id, String token, String conversation) {}

  private final HttpClient http;
  private final String address;

  private TrainingLoad(HttpClient http, int port) {
    this.http = http;
    this.address = "127.0.0.1:" + port;
  }

  /**
   * Uses the demo for some seconds.
   *
   * @param port where it listens on this machine
   * @return how many messages were sent
   * @throws IOException when the demo refuses a call
   */
  static int on(int port) throws Exception {
    try (HttpClient http = HttpClient.newHttpClient()) {
      return new TrainingLoad(http, port).run();
    }
  }

  private int run() throws Exception {
    JsonNode demo = get("/demo/users");
    List<Member> members = members(demo.path("users"));
    List<WebSocket> sockets = new ArrayList<>();
    for (Member member : members) {
      sockets.add(socket(member, demo.path("anon_key").stringValue()));
    }
    long end = System.nanoTime() + TIME.toNanos();
    int sent = 0;
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<Integer>> all = new ArrayList<>();
      for (int i = 0; i < CALLS_AT_ONCE; i++) {
        Member member = members.get(i % members.size());
        Callable<Integer> writing = () -> write(member, end);
        all.add(threads.submit(writing));
      }
      for (Future<Integer> each : all) {
        sent += each.get();
      }
    }
    sockets.forEach(WebSocket::abort);
    return sent;
  }

  /** Each has a conversation with the next one of their team. */
  private List<Member> members(JsonNode users) throws Exception {
    List<Member> members = new ArrayList<>();
    for (int i = 0; i + 1 < users.size(); i++) {
      JsonNode user = users.get(i);
      JsonNode next = users.get(i + 1);
      if (user.path("team_id").equals(next.path("team_id"))) {
        String id = user.path("id").stringValue();
        String token =
            post("/demo/token", null, "{\"user_id\":\"%s\"}".formatted(id))
                .path("token")
                .stringValue();
        JsonNode conversation =
            call(
                token,
                "get_or_create_conversation",
                "{\"user1_id\":\"%s\",\"user2_id\":\"%s\"}"
                    .formatted(id, next.path("id").stringValue()));
        members.add(new Member(id, token, conversation.stringValue()));
      }
    }
    return members;
  }

  private int write(Member member, long end) throws Exception {
    String conversation = "\"conversation_id\":\"%s\"".formatted(member.conversation());
    int sent = 0;
    while (System.nanoTime() < end) {
      JsonNode message =
          call(
              member.token(),
              "send_message",
              "{%s,\"content\":\"Message number %d of many\"}".formatted(conversation, sent));
      if (sent % 10 == 0) {
        String id = message.path("id").stringValue();
        call(member.token(), "get_conversations", "{}");
        call(member.token(), "get_messages", "{%s}".formatted(conversation));
        call(member.token(), "get_changes", "{%s,\"after_revision\":0}".formatted(conversation));
        call(member.token(), "mark_conversation_as_read", "{%s}".formatted(conversation));
        call(member.token(), "search_messages", "{\"query\":\"number many\"}");
        call(member.token(), "update_typing_status", "{\"typing_to\":null}");
        call(
            member.token(),
            "edit_message",
            "{\"message_id\":\"%s\",\"content\":\"Edited\"}".formatted(id));
        call(
            member.token(),
            "add_reaction",
            "{\"message_id\":\"%s\",\"reaction\":\"👍\"}".formatted(id));
      }
      sent++;
    }
    return sent;
  }

  /** As the page joins: the person's channel. */
  private WebSocket socket(Member member, String anonKey) {
    WebSocket socket =
        http.newWebSocketBuilder()
            .buildAsync(
                URI.create(
                    "ws://%s/realtime/v1/websocket?vsn=2.0.0&apikey=%s"
                        .formatted(address, anonKey)),
                new Reader())
            .join();
    socket
        .sendText(
            """
            ["1","1","realtime:user-%s","phx_join",{"config":{"broadcast":{"ack":false,"self":false},\
            "presence":{"key":"","enabled":false},"postgres_changes":[\
            {"event":"*","schema":"public","table":"user_messages"},\
            {"event":"*","schema":"public","table":"user_conversations"},\
            {"event":"*","schema":"public","table":"message_reactions"},\
            {"event":"*","schema":"public","table":"user_presence"}],"private":false},"access_token":"%s"}]"""
                .formatted(member.id(), member.token()),
            true)
        .join();
    return socket;
  }

  private JsonNode call(String token, String function, String arguments) throws Exception {
    return post("/rest/v1/rpc/" + function, token, arguments);
  }

  private JsonNode get(String path) throws Exception {
    return answer(HttpRequest.newBuilder(URI.create("http://" + address + path)).build());
  }

  private JsonNode post(String path, @Nullable String token, String body) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://" + address + path))
            .header("content-type", "application/json")
            .POST(BodyPublishers.ofString(body));
    if (token != null) {
      request.header("authorization", "Bearer " + token);
    }
    return answer(request.build());
  }

  private JsonNode answer(HttpRequest request) throws Exception {
    HttpResponse<String> response = http.send(request, BodyHandlers.ofString());
    if (response.statusCode() / 100 != 2) {
      throw new IOException(
          "%s was answered with %d: %s"
              .formatted(request.uri().getPath(), response.statusCode(), response.body()));
    }
    return response.body().isEmpty() ? JSON.missingNode() : JSON.readTree(response.body());
  }

  /** Reads everything and keeps nothing. */
  private static final class Reader implements WebSocket.Listener {
    @Override
    public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
      socket.request(1);
      return null;
    }
  }
}
