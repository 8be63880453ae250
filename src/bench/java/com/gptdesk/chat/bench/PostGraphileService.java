package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Clients.Step;
import com.gptdesk.chat.bench.Ground.Pair;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A chat by PostGraphile, {@code src/bench/peers/postgraphile}. */
final class PostGraphileService implements Service {
  static final String FOLDER = "postgraphile";

  private final PeerProcess process;

  PostGraphileService(Ground ground, String database, List<Pair> pairs, Path directory)
      throws Exception {
    PeerProcess.makeDatabase(ground, database);
    Ground.execute(
        ground.superuser(database),
        """
        do $$ begin create role bench_person; exception when duplicate_object then null; end $$;
        grant bench_person to chat_owner;
        """);
    process = PeerProcess.node(FOLDER, ground.owner(database), pairs, directory);
  }

  @Override
  public long pid() {
    return process.pid();
  }

  @Override
  public String countOfMessages() {
    return "select count(*) from app.messages";
  }

  @Override
  public int port() {
    return process.port();
  }

  @Override
  public String postPath() {
    return "/graphql";
  }

  @Override
  public Map<String, String> postHeaders(Pair pair) {
    return Map.of("authorization", "Bearer " + process.token(pair.one()));
  }

  @Override
  public String postBody(Pair pair, String content) {
    return """
    {"query":"mutation($message: MessageInput!) { createMessage(input: {message: $message}) { message { id } } }",\
    "variables":{"message":{"conversationId":"%s","content":"%s"}}}"""
        .formatted(pair.conversation(), content);
  }

  @Override
  public boolean isStored(String answer) {
    return !answer.contains("\"errors\"");
  }

  @Override
  public String socketPath(Pair pair) {
    return "/graphql";
  }

  @Override
  public List<String> subprotocols() {
    return List.of("graphql-transport-ws");
  }

  @Override
  public List<Step> subscriptions(Pair pair) {
    return List.of(
        new Step(
            "{\"type\":\"connection_init\",\"payload\":{\"authorization\":\"Bearer %s\"}}"
                .formatted(process.token(pair.other())),
            "connection_ack"),
        new Step(
            """
            {"id":"1","type":"subscribe","payload":{"query":"subscription($conversation: UUID!) \
            { messageAdded(conversationId: $conversation) { message { id senderId content createdAt } } }",\
            "variables":{"conversation":"%s"}}}"""
                .formatted(pair.conversation()),
            "\"message\":null"));
  }

  @Override
  public void close() {
    process.close();
  }
}
