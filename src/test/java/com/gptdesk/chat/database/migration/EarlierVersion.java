package com.gptdesk.chat.database.migration;

import com.gptdesk.chat.testing.TestDatabase;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;

/**
 * The database as an earlier version made it.
 *
 * <p>{@code upgrade/<commit>.zip} is {@code git archive} of {@code db/platform}, {@code db/tables}
 * and {@code db/logic} of that commit. Each release adds its own.
 */
final class EarlierVersion {

  /** The first that people used. */
  static final String FIRST = "deada0c";

  /** The last that had one folder of logic. */
  static final String ONE_FOLDER = "59ed1e0";

  /** The last that called an audience scopes, and waking the relays ringing. */
  static final String SCOPES = "3bba3c1";

  /** The last that made the statements of shaped calls in the database. */
  static final String SHAPED_STATEMENTS = "59ca8e9";

  private EarlierVersion() {}

  /**
   * Migrates an empty database to that version.
   *
   * @param folder empty; the version's migrations are unpacked there
   */
  static void make(TestDatabase database, String commit, Path folder) throws IOException {
    unpack(commit, folder);
    new Migrations(database.owner(), Platform.STANDALONE, "filesystem:" + folder).migrate();
  }

  private static void unpack(String commit, Path folder) throws IOException {
    String name = "/upgrade/" + commit + ".zip";
    try (InputStream file =
            Objects.requireNonNull(EarlierVersion.class.getResourceAsStream(name), name);
        ZipInputStream archive = new ZipInputStream(file)) {
      for (ZipEntry entry = archive.getNextEntry(); entry != null; entry = archive.getNextEntry()) {
        Path copy =
            folder.resolve(folder.resolve("db").relativize(folder.resolve(entry.getName())));
        if (entry.isDirectory()) {
          Files.createDirectories(copy);
        } else {
          Files.createDirectories(copy.getParent());
          Files.copy(archive, copy);
        }
      }
    }
  }
}
