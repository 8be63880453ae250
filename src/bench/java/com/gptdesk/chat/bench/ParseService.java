package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Clients.Step;
import com.gptdesk.chat.bench.Ground.Pair;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A chat by Parse Server, {@code src/bench/peers/parse-server}. */
final class ParseService implements Service {
  static final String FOLDER = "parse-server";

  private final PeerProcess process;

  ParseService(Ground ground, String database, List<Pair> pairs, Path directory) throws Exception {
    PeerProcess.makeDatabase(ground, database);
    process = PeerProcess.node(FOLDER, ground.owner(database), pairs, directory);
  }

  @Override
  public long pid() {
    return process.pid();
  }

  @Override
  public String countOfMessages() {
    return "select count(*) from \"Message\"";
  }

  @Override
  public int port() {
    return process.port();
  }

  @Override
  public String postPath() {
    return "/parse/classes/Message";
  }

  @Override
  public Map<String, String> postHeaders(Pair pair) {
    return Map.of(
        "x-parse-application-id", "chat", "x-parse-session-token", process.token(pair.one()));
  }

  @Override
  public String postBody(Pair pair, String content) {
    return "{\"conversation\":\"%s\",\"content\":\"%s\"}".formatted(pair.conversation(), content);
  }

  @Override
  public String socketPath(Pair pair) {
    return "/";
  }

  @Override
  public List<Step> subscriptions(Pair pair) {
    String token = process.token(pair.other());
    return List.of(
        new Step(
            "{\"op\":\"connect\",\"applicationId\":\"chat\",\"sessionToken\":\"%s\"}"
                .formatted(token),
            "\"op\":\"connected\""),
        new Step(
            """
            {"op":"subscribe","requestId":1,"query":{"className":"Message","where":{"conversation":"%s"}},\
            "sessionToken":"%s"}"""
                .formatted(pair.conversation(), token),
            "\"op\":\"subscribed\""));
  }

  @Override
  public void close() {
    process.close();
  }
}
