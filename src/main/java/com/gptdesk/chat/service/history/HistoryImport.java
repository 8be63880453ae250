package com.gptdesk.chat.service.history;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.service.history.HistoryMessage.File;
import com.gptdesk.chat.service.history.HistoryMessage.Reaction;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

/**
 * Fills {@code chat.imported_messages} from another chat's export and has it imported. People are
 * found by their e-mail address alone. May be run again: no message comes twice.
 */
public final class HistoryImport {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int BATCH = 1000;

  /** What was imported stays; what was refused is tried again as the export now has it. */
  private static final String INSERT =
      """
      insert into chat.imported_messages as i (
        source, source_id, sender_id, recipient_id, content, message_type, sent_at, edited_at, file_url, file_name, file_size, reactions)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?::jsonb)
      on conflict (source, source_id) do update set
        sender_id = excluded.sender_id, recipient_id = excluded.recipient_id, content = excluded.content,
        message_type = excluded.message_type, sent_at = excluded.sent_at, edited_at = excluded.edited_at,
        file_url = excluded.file_url, file_name = excluded.file_name, file_size = excluded.file_size,
        reactions = excluded.reactions, problem = null
      where i.message_id is null
      """;

  private static final String STEP = "select chat.import_step(?, 1000)";

  private static final String PROBLEMS =
      "select problem, count(*) from chat.imported_messages where source = ? and problem is not null group by problem order by 2 desc, 1";

  private final HistoryFormat format;
  private final Path export;
  private final String source;
  private final @Nullable URI files;

  private final Map<String, UUID> people = new HashMap<>();
  private final Map<String, Long> unknown = new TreeMap<>();
  private final List<HistoryMessage> waiting = new ArrayList<>();
  private long ready;

  /**
   * Prepares an import.
   *
   * @param source the first part of each message's key; null for the format's name
   * @param files the address under which files lie whose address in the export is relative; null
   *     when there is none
   */
  public HistoryImport(
      HistoryFormat format, Path export, @Nullable String source, @Nullable URI files) {
    this.format = format;
    this.export = export;
    this.source = source == null ? format.source() : source;
    this.files = files;
  }

  /**
   * Imports what can be.
   *
   * @return what happened, a line for each thing to know
   * @throws IOException the export cannot be read
   * @throws SQLException the database failed; what was imported stays
   */
  public List<String> run(Login owner) throws IOException, SQLException {
    try (Connection connection = owner.connect()) {
      readPeople(connection);
      long others;
      try (PreparedStatement insert = connection.prepareStatement(INSERT)) {
        connection.setAutoCommit(false);
        others =
            format.read(
                export,
                message -> {
                  waiting.add(message);
                  if (waiting.size() >= BATCH) {
                    store(connection, insert);
                  }
                });
        store(connection, insert);
      } catch (StoringFailed e) {
        throw e.reason;
      }
      connection.setAutoCommit(true);
      return report(connection, others, importAll(connection));
    }
  }

  private void readPeople(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "select lower(u.email), min(u.id::text)::uuid from public.users u where u.email <> '' group by lower(u.email) having count(*) = 1")) {
      while (row.next()) {
        people.put(row.getString(1), row.getObject(2, UUID.class));
      }
    }
  }

  private void store(Connection connection, PreparedStatement insert) {
    try {
      for (HistoryMessage message : waiting) {
        UUID sender = personHere(message.sender());
        UUID recipient = personHere(message.recipient());
        if (sender == null || recipient == null) {
          continue;
        }
        ready++;
        bind(insert, message, sender, recipient);
        insert.addBatch();
      }
      insert.executeBatch();
      connection.commit();
      waiting.clear();
    } catch (SQLException e) {
      throw new StoringFailed(e);
    }
  }

  private @Nullable UUID personHere(HistoryPerson person) {
    UUID id = people.get(person.email().toLowerCase(Locale.ROOT));
    if (id == null) {
      unknown.merge(person.toString(), 1L, Long::sum);
    }
    return id;
  }

  private void bind(PreparedStatement insert, HistoryMessage message, UUID sender, UUID recipient)
      throws SQLException {
    File file = message.file();
    insert.setString(1, source);
    insert.setString(2, message.id());
    insert.setObject(3, sender);
    insert.setObject(4, recipient);
    insert.setString(5, storable(message.text()));
    insert.setString(6, file == null ? "text" : file.isImage() ? "image" : "file");
    insert.setObject(7, time(message.sentAt()), Types.TIMESTAMP_WITH_TIMEZONE);
    insert.setObject(8, time(message.editedAt()), Types.TIMESTAMP_WITH_TIMEZONE);
    insert.setString(9, file == null ? null : address(file.address()));
    insert.setString(10, file == null || file.name() == null ? null : storable(file.name()));
    insert.setObject(11, file == null ? null : file.size(), Types.BIGINT);
    insert.setString(12, reactions(message));
  }

  private static @Nullable Object time(@Nullable Instant moment) {
    return moment == null ? null : moment.atOffset(ZoneOffset.UTC);
  }

  /** Without what no text of PostgreSQL holds: NUL, and half a surrogate pair. */
  private static String storable(String text) {
    return new String(
        text.replace("\0", "").getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
  }

  private @Nullable String address(@Nullable String address) {
    if (address == null || files == null || address.matches("(?i)https?://.*")) {
      return address;
    }
    String base = files.toString();
    return base
        + (base.endsWith("/") ? "" : "/")
        + address.replaceFirst("^/+", "").replace(" ", "%20");
  }

  private @Nullable String reactions(HistoryMessage message) {
    ArrayNode reactions = JSON.createArrayNode();
    for (Reaction reaction : message.reactions()) {
      UUID by = personHere(reaction.by());
      if (by != null) {
        reactions
            .addObject()
            .put("user_id", by.toString())
            .put("reaction", EmojiNames.reaction(reaction.name()));
      }
    }
    return reactions.isEmpty() ? null : reactions.toString();
  }

  private long importAll(Connection connection) throws SQLException {
    long imported = 0;
    try (PreparedStatement step = connection.prepareStatement(STEP)) {
      step.setString(1, source);
      while (true) {
        try (ResultSet row = step.executeQuery()) {
          String done = row.next() ? row.getString(1) : null;
          if (done == null) {
            return imported;
          }
          if (done.startsWith("imported ")) {
            imported += Long.parseLong(done.substring("imported ".length()));
          }
        }
      }
    }
  }

  private List<String> report(Connection connection, long others, long imported)
      throws SQLException {
    var lines = new ArrayList<String>();
    lines.add(
        "Imported %d messages; the export has %d between people who are here."
            .formatted(imported, ready));
    if (others > 0) {
      lines.add(
          "Left out %d that are not between two people: of groups, to oneself, of the system."
              .formatted(others));
    }
    if (!unknown.isEmpty()) {
      lines.add(
          "Not found in public.users by e-mail address; add them, or their address, and run this again:");
      unknown.forEach((person, times) -> lines.add("  %s: %d times".formatted(person, times)));
    }
    try (PreparedStatement problems = connection.prepareStatement(PROBLEMS)) {
      problems.setString(1, source);
      try (ResultSet row = problems.executeQuery()) {
        while (row.next()) {
          lines.add("Refused %d: %s".formatted(row.getLong(2), row.getString(1)));
        }
      }
    }
    return lines;
  }

  private static final class StoringFailed extends RuntimeException {
    private static final long serialVersionUID = 1;

    final SQLException reason;

    StoringFailed(SQLException reason) {
      super(reason);
      this.reason = reason;
    }
  }
}
