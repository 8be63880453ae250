package com.gptdesk.chat.service.history;

import com.gptdesk.chat.service.history.HistoryMessage.File;
import com.gptdesk.chat.service.history.HistoryMessage.Reaction;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Mattermost's bulk export: {@code user}, {@code direct_channel} and {@code direct_post} objects.
 * Posts have no id there, so one is made of what they are. For one reading.
 */
final class MattermostExport {
  private final Path file;
  private final Map<String, HistoryPerson> people = new HashMap<>();

  /** How often a post occurred that looks the same. */
  private final Map<UUID, Integer> alike = new HashMap<>();

  private long others;

  MattermostExport(Path file) {
    this.file = file;
  }

  long read(Consumer<HistoryMessage> messages) throws IOException {
    JsonFiles.lines(
        file,
        object -> {
          switch (object.path("type").asString("")) {
            case "user" -> readUser(object.path("user"));
            case "direct_post" -> readPost(object.path("direct_post"), messages);
            default -> {} // teams, channels and their posts
          }
        });
    return others;
  }

  private void readUser(JsonNode user) {
    String name = user.path("username").asString("");
    String full =
        (user.path("first_name").asString("") + " " + user.path("last_name").asString("")).strip();
    people.put(
        name,
        new HistoryPerson(name, full.isEmpty() ? name : full, user.path("email").asString("")));
  }

  private void readPost(JsonNode post, Consumer<HistoryMessage> messages) {
    var members = new ArrayList<String>();
    post.path("channel_members").forEach(member -> members.add(member.asString("")));
    convert(post, members, messages);
    for (JsonNode reply : post.path("replies")) {
      convert(reply, members, messages);
    }
  }

  private void convert(JsonNode post, List<String> members, Consumer<HistoryMessage> messages) {
    String sender = post.path("user").asString("");
    if (members.size() != 2
        || members.get(0).equals(members.get(1))
        || !members.contains(sender)
        || post.path("type").asString("").startsWith("system_")) {
      others++;
      return;
    }
    HistoryPerson from = person(sender);
    HistoryPerson to = person(members.get(members.get(0).equals(sender) ? 1 : 0));
    String text = post.path("message").asString("");
    Instant sentAt = time(post.path("create_at"));
    String id = id(members, sender, text, post.path("create_at"));
    List<Reaction> reactions = reactions(post);
    JsonNode attachments = post.path("attachments");
    if (!text.isBlank() || attachments.isEmpty()) {
      messages.accept(
          new HistoryMessage(
              id, from, to, text, sentAt, time(post.path("edit_at")), null, reactions));
      reactions = List.of();
    }
    int number = 0;
    for (JsonNode attachment : attachments) {
      messages.accept(
          new HistoryMessage(
              id + "/" + number++,
              from,
              to,
              "",
              sentAt,
              null,
              file(attachment.path("path").asString("")),
              reactions));
      reactions = List.of();
    }
  }

  private String id(List<String> members, String sender, String text, JsonNode createdAt) {
    String all =
        String.join(" ", members.stream().sorted().toList())
            + " "
            + sender
            + " "
            + createdAt
            + " "
            + text;
    UUID id = UUID.nameUUIDFromBytes(all.getBytes(StandardCharsets.UTF_8));
    int before = alike.merge(id, 1, Integer::sum) - 1;
    return before == 0 ? id.toString() : id + "-" + before;
  }

  private static File file(String path) {
    String name = path.substring(path.lastIndexOf('/') + 1);
    return new File(
        path.isEmpty() ? null : path,
        name.isEmpty() ? null : name,
        null,
        name.toLowerCase(Locale.ROOT).matches(".*\\.(png|jpe?g|gif|webp)"));
  }

  private List<Reaction> reactions(JsonNode post) {
    var reactions = new ArrayList<Reaction>();
    for (JsonNode reaction : post.path("reactions")) {
      reactions.add(
          new Reaction(
              person(reaction.path("user").asString("")),
              reaction.path("emoji_name").asString("")));
    }
    return reactions;
  }

  private HistoryPerson person(String name) {
    return people.getOrDefault(name, HistoryPerson.unknown(name));
  }

  private static @Nullable Instant time(JsonNode millis) {
    return millis.isNumber() && millis.longValue() > 0
        ? Instant.ofEpochMilli(millis.longValue())
        : null;
  }
}
