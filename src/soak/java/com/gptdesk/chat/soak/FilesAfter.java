package com.gptdesk.chat.soak;

import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.service.database.ServiceDatabase;
import com.gptdesk.chat.service.files.DiskStore;
import com.gptdesk.chat.service.files.FileCounts;
import com.gptdesk.chat.service.files.FileRecords;
import com.gptdesk.chat.service.files.FileSweeper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Stream;

/**
 * What is left of uploads after the faults, and when the sweeper's time has come.
 *
 * @param stored files that the database has
 * @param lost acknowledged files that are gone, or whose bytes are others
 * @param broken stored files whose bytes are not there or are others
 * @param orphans files on the disk that no row names
 * @param back files that were removed and are stored again
 */
record FilesAfter(int stored, long lost, long broken, int orphans, long back) {

  /**
   * @param seen which files were acknowledged, and which were removed
   * @param sabotage takes the bytes of one file away first, to check that this is noticed
   */
  static FilesAfter of(
      EmbeddedDatabase database, Path directory, Uploader.Seen seen, boolean sabotage)
      throws SQLException, IOException {
    sweepLater(database, directory);
    Map<String, String> found = new HashMap<>();
    Set<String> ids = new HashSet<>();
    long broken = 0;
    DiskStore store = new DiskStore(directory, 0);
    try (Connection connection = database.at(database.superuser(), "chat").connect();
        Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(
                "select id, name, encode(sha256, 'hex') from public.chat_files where state ="
                    + " 'stored'")) {
      while (row.next()) {
        UUID id = row.getObject(1, UUID.class);
        Path file = store.path(id);
        if (sabotage && ids.isEmpty()) {
          Files.delete(file);
        }
        ids.add(id.toString());
        String hash = Files.exists(file) ? Uploader.sha256(Files.readAllBytes(file)) : "nothing";
        found.put(row.getString(2), hash);
        if (!hash.equals(row.getString(3))) {
          broken++;
        }
      }
    }
    int orphans;
    try (Stream<Path> files = Files.walk(directory)) {
      orphans =
          (int)
              files
                  .filter(Files::isRegularFile)
                  .filter(file -> !ids.contains(String.valueOf(file.getFileName())))
                  .count();
    }
    long lost =
        seen.acknowledged.entrySet().stream()
            .filter(it -> !it.getValue().equals(found.get(it.getKey())))
            .count();
    long back = seen.removed.stream().filter(found::containsKey).count();
    return new FilesAfter(found.size(), lost, broken, orphans, back);
  }

  /** Unfinished uploads are too old now, and an hour has passed since they were given up. */
  private static void sweepLater(EmbeddedDatabase database, Path directory)
      throws SQLException, IOException {
    var sweeper =
        new FileSweeper(
            new FileRecords(new ServiceDatabase(database.service().dataSource())),
            new DiskStore(directory, 0),
            new FileCounts(),
            Duration.ofDays(1));
    try (Connection connection = database.at(database.superuser(), "chat").connect();
        Statement statement = connection.createStatement()) {
      statement.execute(
          "update public.chat_files set created_at = created_at - interval '2 days', updated_at ="
              + " updated_at - interval '2 days' where state = 'uploading'");
      sweeper.sweep();
      statement.execute("update chat.file_removals set due_at = due_at - interval '1 hour'");
      sweeper.sweep();
    }
  }

  boolean isClean() {
    return lost + broken + orphans + back == 0;
  }
}
