package com.gptdesk.chat.bench;

import com.gptdesk.chat.bench.Ground.Pair;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The common tutorial's relay, {@code src/bench/peers/tutorial}. */
final class TutorialService implements Service {
  static final String FOLDER = "tutorial";

  private final PeerProcess process;

  /** Starts it in a database of its own, with its tables and our conversations. */
  TutorialService(Ground ground, String database, List<Pair> pairs, Path directory)
      throws Exception {
    PeerProcess.makeDatabase(ground, database);
    process = PeerProcess.node(FOLDER, ground.owner(database), pairs, directory);
  }

  @Override
  public long pid() {
    return process.pid();
  }

  @Override
  public String countOfMessages() {
    return "select count(*) from messages";
  }

  @Override
  public int port() {
    return process.port();
  }

  @Override
  public String postPath() {
    return "/messages";
  }

  @Override
  public Map<String, String> postHeaders(Pair pair) {
    return Map.of();
  }

  @Override
  public String postBody(Pair pair, String content) {
    return "{\"conversation_id\":\"%s\",\"sender_id\":\"%s\",\"content\":\"%s\"}"
        .formatted(pair.conversation(), pair.one(), content);
  }

  @Override
  public String socketPath(Pair pair) {
    return "/";
  }

  @Override
  public List<Clients.Step> subscriptions(Pair pair) {
    return List.of();
  }

  @Override
  public void close() {
    process.close();
  }
}
