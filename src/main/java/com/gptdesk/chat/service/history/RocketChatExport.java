package com.gptdesk.chat.service.history;

import com.gptdesk.chat.service.history.HistoryMessage.File;
import com.gptdesk.chat.service.history.HistoryMessage.Reaction;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * Rocket.Chat's collections {@code users}, {@code rocketchat_room} and {@code rocketchat_message},
 * each a file {@code <collection>.json} by {@code mongoexport}. For one reading.
 */
final class RocketChatExport {
  private final Path folder;
  private final Map<String, HistoryPerson> byId = new HashMap<>();
  private final Map<String, HistoryPerson> byName = new HashMap<>();
  private final Map<String, List<String>> rooms = new HashMap<>();
  private long others;

  RocketChatExport(Path folder) {
    this.folder = folder;
  }

  long read(Consumer<HistoryMessage> messages) throws IOException {
    JsonFiles.lines(collection("users"), this::readUser);
    JsonFiles.lines(
        collection("rocketchat_room"),
        room -> {
          if (room.path("t").asString("").equals("d")) {
            var members = new ArrayList<String>();
            room.path("uids").forEach(uid -> members.add(uid.asString("")));
            rooms.put(room.path("_id").asString(""), members);
          }
        });
    JsonFiles.lines(collection("rocketchat_message"), message -> convert(message, messages));
    return others;
  }

  private Path collection(String name) throws IOException {
    Path file = folder.resolve(name + ".json");
    if (!Files.isReadable(file)) {
      throw new IOException(
          "There is no %s: export it by mongoexport --collection %s --out %s.json"
              .formatted(file, name, name));
    }
    return file;
  }

  private void readUser(JsonNode user) {
    String id = user.path("_id").asString("");
    String name = user.path("username").asString(id);
    var person =
        new HistoryPerson(
            id,
            user.path("name").asString(name),
            user.path("emails").path(0).path("address").asString(""));
    byId.put(id, person);
    byName.put(name, person);
  }

  private void convert(JsonNode message, Consumer<HistoryMessage> messages) {
    List<String> members = rooms.get(message.path("rid").asString(""));
    if (members == null) {
      return; // of a channel or a group
    }
    String sender = message.path("u").path("_id").asString("");
    if (members.size() != 2
        || members.get(0).equals(members.get(1))
        || !members.contains(sender)
        || !message.path("t").asString("").isEmpty()) {
      others++;
      return;
    }
    HistoryPerson from = person(sender);
    HistoryPerson to = person(members.get(members.get(0).equals(sender) ? 1 : 0));
    String id = message.path("_id").asString("");
    Instant sentAt = time(message.path("ts"));
    String text = message.path("msg").asString("");
    List<Reaction> reactions = reactions(message);
    var files = files(message);
    if (!text.isBlank() || files.isEmpty()) {
      messages.accept(
          new HistoryMessage(
              id, from, to, text, sentAt, time(message.path("editedAt")), null, reactions));
      reactions = List.of();
    }
    for (int i = 0; i < files.size(); i++) {
      messages.accept(
          new HistoryMessage(id + "/" + i, from, to, "", sentAt, null, files.get(i), reactions));
      reactions = List.of();
    }
  }

  private static List<File> files(JsonNode message) {
    var files = new ArrayList<File>();
    for (JsonNode attachment : message.path("attachments")) {
      String link = attachment.path("title_link").stringValue(null);
      if (link != null) {
        JsonNode size = attachment.path("size");
        JsonNode imageSize = attachment.path("image_size");
        files.add(
            new File(
                link,
                attachment.path("title").stringValue(null),
                size.isNumber()
                    ? (Long) size.longValue()
                    : imageSize.isNumber() ? imageSize.longValue() : null,
                attachment.has("image_url")));
      }
    }
    return files;
  }

  private List<Reaction> reactions(JsonNode message) {
    var reactions = new ArrayList<Reaction>();
    message
        .path("reactions")
        .properties()
        .forEach(
            reaction -> {
              String name = reaction.getKey().replace(":", "");
              for (JsonNode user : reaction.getValue().path("usernames")) {
                String by = user.asString("");
                reactions.add(
                    new Reaction(byName.getOrDefault(by, HistoryPerson.unknown(by)), name));
              }
            });
    return reactions;
  }

  private HistoryPerson person(String id) {
    return byId.getOrDefault(id, HistoryPerson.unknown(id));
  }

  /** {@code {"$date": "2024-03-01T08:00:00.000Z"}}, or milliseconds in the place of the text. */
  private static @Nullable Instant time(JsonNode moment) {
    JsonNode date = moment.path("$date");
    JsonNode millis = date.path("$numberLong");
    try {
      if (date.isNumber()) {
        return Instant.ofEpochMilli(date.longValue());
      }
      if (millis.isString()) {
        return Instant.ofEpochMilli(Long.parseLong(millis.stringValue()));
      }
      return date.isString() ? Instant.parse(date.stringValue()) : null;
    } catch (DateTimeParseException | NumberFormatException e) {
      return null;
    }
  }
}
