package com.gptdesk.chat.bench;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.plans.BulkChat;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Tables by REST beside the functions that return the same, both over HTTP by one caller, under
 * row-level security.
 */
final class Tables implements Scenario {
  /** People of {@link BulkChat}: 140 write 52 thousand messages. */
  private static final int FIFTY_THOUSAND = 140;

  private static final double MOST = 1.3;

  @Override
  public String name() {
    return "rest";
  }

  @Override
  public void measure(Run run) throws Exception {
    String database = run.ground().copy("bench_rest");
    Login superuser = run.ground().superuser(database);
    run.progress("filling " + database);
    BulkChat.fill(superuser, 1, FIFTY_THOUSAND, run.seed());
    String conversation =
        Ground.ask(
            superuser,
            "select id from public.user_conversations where participant_1_id = '%s' and participant_2_id = '%s'"
                .formatted(BulkChat.person(1), BulkChat.person(2)));
    String size =
        "%,d messages"
            .formatted(
                Long.parseLong(Ground.ask(superuser, "select count(*) from public.user_messages")));
    Path directory = Files.createDirectories(Path.of("target", "bench"));
    try (OurService service = new OurService(run.ground(), database, directory);
        HttpClient http = HttpClient.newHttpClient()) {
      Reader reader = new Reader(http, service);
      compare(
          run,
          "A page of 50 of " + size,
          new Side(
              "get_messages",
              reader.function("get_messages", "{\"conversation_id\":\"" + conversation + "\"}")),
          new Side(
              "user_messages with senders and reactions",
              reader.table(
                  "user_messages?select="
                      + quoted(
                          "*,sender:users!sender_id(id,full_name,avatar_url,status),message_reactions(reaction,user_id)")
                      + "&order=seq.desc&limit=50&conversation_id=eq."
                      + conversation)));
      compare(
          run,
          "The same as the specification's getMessages asks",
          new Side(
              "get_messages",
              reader.function("get_messages", "{\"conversation_id\":\"" + conversation + "\"}")),
          new Side(
              "user_messages by time, with senders",
              reader.table(
                  "user_messages?select="
                      + quoted("*,sender:users!sender_id(id,full_name,avatar_url)")
                      + "&is_deleted=eq.false&order=created_at.desc&offset=0&limit=50&conversation_id=eq."
                      + conversation)));
      compare(
          run,
          "All conversations of a person with both people and the last message's sender",
          new Side("get_conversations", reader.function("get_conversations", "{}")),
          new Side(
              "user_conversations, two levels embedded",
              reader.table(
                  "user_conversations?select="
                      + quoted(
                          "*,participant_1:users!participant_1_id(id,full_name,avatar_url,status),"
                              + "participant_2:users!participant_2_id(id,full_name,avatar_url,status),"
                              + "last_message:user_messages!last_message_id(id,content,created_at,sender:users!sender_id(full_name))")
                      + "&order=last_message_at.desc.nullslast")));
    }
  }

  private static void compare(Run run, String group, Side function, Side table) throws Exception {
    Result result = run.compare(group, "ms", List.of(function, table)).get(1);
    run.goal(Goal.atMost(group + ": table : function", result.ratio(), MOST));
  }

  private static String quoted(String select) {
    return URLEncoder.encode(select, StandardCharsets.UTF_8);
  }

  /** The first person, who asks again and again. */
  private record Reader(HttpClient http, OurService service) {

    Side.Trial function(String name, String arguments) {
      return median(
          request("rpc/" + name)
              .header("content-type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofString(arguments))
              .build());
    }

    Side.Trial table(String address) {
      return median(request(address).GET().build());
    }

    private HttpRequest.Builder request(String address) {
      return HttpRequest.newBuilder(
              URI.create("http://127.0.0.1:%d/rest/v1/%s".formatted(service.port(), address)))
          .header("authorization", "Bearer " + service.token(BulkChat.person(1)));
    }

    /** In milliseconds; fails on an error and on an empty answer, which would cost nothing. */
    private Side.Trial median(HttpRequest request) {
      return seconds -> {
        List<Double> times = new ArrayList<>();
        long end = System.nanoTime() + (long) (seconds * 1e9);
        do {
          long start = System.nanoTime();
          HttpResponse<String> answer = http.send(request, BodyHandlers.ofString());
          times.add((System.nanoTime() - start) / 1e6);
          if (answer.statusCode() != 200 || answer.body().length() < 10) {
            throw new IllegalStateException(request.uri() + ": " + answer.body());
          }
        } while (System.nanoTime() < end);
        return Measured.of(
            Result.median(times.stream().mapToDouble(Double::doubleValue).toArray()));
      };
    }
  }
}
