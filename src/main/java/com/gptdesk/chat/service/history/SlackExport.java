package com.gptdesk.chat.service.history;

import com.gptdesk.chat.service.history.HistoryMessage.File;
import com.gptdesk.chat.service.history.HistoryMessage.Reaction;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/** A workspace export of Slack that includes direct messages, unpacked. For one reading. */
final class SlackExport {
  /** Messages of people; the other kinds are the system's. */
  private static final Set<String> OF_PEOPLE =
      Set.of("", "thread_broadcast", "file_share", "me_message");

  /** {@code <@U1>}, {@code <#C1|name>}, {@code <!here>}, {@code <https://…|text>}. */
  private static final Pattern LINK = Pattern.compile("<([@#!]?)([^<>|]+)(?:\\|([^<>]*))?>");

  private static final BigDecimal MILLIS = BigDecimal.valueOf(1000);

  private final Path folder;
  private final Map<String, HistoryPerson> people = new HashMap<>();
  private long others;

  SlackExport(Path folder) {
    this.folder = folder;
  }

  long read(Consumer<HistoryMessage> messages) throws IOException {
    for (JsonNode user : JsonFiles.whole(folder.resolve("users.json"))) {
      String id = user.path("id").asString("");
      JsonNode profile = user.path("profile");
      people.put(
          id,
          new HistoryPerson(
              id,
              profile.path("real_name").asString(user.path("name").asString(id)),
              profile.path("email").asString("")));
    }
    for (JsonNode conversation : JsonFiles.whole(folder.resolve("dms.json"))) {
      readConversation(conversation, messages);
    }
    return others;
  }

  private void readConversation(JsonNode conversation, Consumer<HistoryMessage> messages)
      throws IOException {
    var members = new ArrayList<String>();
    conversation.path("members").forEach(member -> members.add(member.asString("")));
    String id = conversation.path("id").asString("");
    Path days = folder.resolve(id);
    if (!Files.isDirectory(days)) {
      return; // nothing was ever said
    }
    List<Path> files;
    try (Stream<Path> found = Files.list(days)) {
      files = found.filter(file -> file.toString().endsWith(".json")).sorted().toList();
    }
    for (Path file : files) {
      for (JsonNode message : JsonFiles.whole(file)) {
        String sender = message.path("user").asString("");
        if (members.size() != 2
            || members.get(0).equals(members.get(1))
            || !members.contains(sender)
            || !OF_PEOPLE.contains(message.path("subtype").asString(""))) {
          others++;
          continue;
        }
        String recipient = members.get(members.get(0).equals(sender) ? 1 : 0);
        convert(id, message, person(sender), person(recipient), messages);
      }
    }
  }

  private void convert(
      String conversation,
      JsonNode message,
      HistoryPerson sender,
      HistoryPerson recipient,
      Consumer<HistoryMessage> messages) {
    String ts = message.path("ts").asString("");
    String id = conversation + "/" + ts;
    Instant sentAt = time(ts);
    Instant editedAt = time(message.path("edited").path("ts").asString(""));
    String text = plain(message.path("text").asString(""));
    List<Reaction> reactions = reactions(message);
    JsonNode files = message.path("files");
    if (!text.isBlank() || files.isEmpty()) {
      messages.accept(
          new HistoryMessage(id, sender, recipient, text, sentAt, editedAt, null, reactions));
      reactions = List.of();
    }
    for (JsonNode file : files) {
      messages.accept(
          new HistoryMessage(
              id + "/" + file.path("id").asString(""),
              sender,
              recipient,
              "",
              sentAt,
              null,
              file(file),
              reactions));
      reactions = List.of();
    }
  }

  private static File file(JsonNode file) {
    return new File(
        file.path("url_private").stringValue(null),
        file.path("name").stringValue(null),
        file.path("size").isNumber() ? file.path("size").longValue() : null,
        file.path("mimetype").asString("").startsWith("image/"));
  }

  private List<Reaction> reactions(JsonNode message) {
    var reactions = new ArrayList<Reaction>();
    for (JsonNode reaction : message.path("reactions")) {
      for (JsonNode user : reaction.path("users")) {
        reactions.add(new Reaction(person(user.asString("")), reaction.path("name").asString("")));
      }
    }
    return reactions;
  }

  private HistoryPerson person(String id) {
    return people.getOrDefault(id, HistoryPerson.unknown(id));
  }

  /** Seconds with six decimals, which also are the message's id. */
  private static @Nullable Instant time(String ts) {
    try {
      return ts.isEmpty()
          ? null
          : Instant.ofEpochMilli(new BigDecimal(ts).multiply(MILLIS).longValue());
    } catch (NumberFormatException e) {
      return null;
    }
  }

  /** Names instead of ids, addresses instead of links, and the characters that Slack writes so. */
  private String plain(String text) {
    String linked = LINK.matcher(text).replaceAll(link -> Matcher.quoteReplacement(shown(link)));
    return linked.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
  }

  private String shown(MatchResult link) {
    String target = link.group(2);
    String label = link.group(3);
    return switch (link.group(1)) {
      case "@" -> "@" + (label == null ? person(target).name() : label);
      case "#" -> "#" + (label == null ? target : label);
      case "!" -> "@" + (label == null ? target : label);
      default ->
          label == null || label.isEmpty() || target.endsWith(label)
              ? target
              : label + " (" + target + ")";
    };
  }
}
