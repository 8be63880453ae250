package com.gptdesk.chat.service;

import com.gptdesk.chat.database.connection.DatabaseUnavailable;
import com.gptdesk.chat.database.embedded.EmbeddedDatabase;
import com.gptdesk.chat.database.migration.Accepted;
import com.gptdesk.chat.database.migration.Migrations;
import com.gptdesk.chat.database.migration.Platform;
import com.gptdesk.chat.database.migration.Precondition;
import com.gptdesk.chat.policies.PolicyReport;
import com.gptdesk.chat.service.history.HistoryFormat;
import com.gptdesk.chat.service.history.HistoryImport;
import com.gptdesk.chat.service.rest.RestSql;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.flywaydb.core.api.FlywayException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The commands, configured by the environment ({@link Config}). The exit code is 0 for success, 1
 * for a negative result, 2 for wrong usage.
 */
@Command(
    name = "gptdesk-chat",
    description = "One-to-one chat in real time. PostgreSQL decides who may see and do what.",
    mixinStandardHelpOptions = true,
    version = Main.VERSION,
    subcommands = {
      CommandLine.HelpCommand.class,
      DataCommands.OfAll.class,
      DataCommands.Back.class,
      DataCommands.Newer.class,
      PeopleCommands.AddTeam.class,
      PeopleCommands.AddPerson.class,
      PeopleCommands.Activate.class,
      PeopleCommands.Deactivate.class,
      PeopleCommands.OfFiles.class,
      PeopleCommands.Token.class,
      WebhookCommands.class,
      PushKeysCommand.class,
      PushOffCommand.class
    },
    synopsisSubcommandLabel = "COMMAND")
public final class Main {

  static final String VERSION = "GPT Desk Chat 0.1.0";

  private static final Logger LOG = LoggerFactory.getLogger(Main.class);

  /** What a signal has to close; null while nothing is served. */
  private static final AtomicReference<@Nullable Service> SERVING = new AtomicReference<>();

  /** After a signal, failures caused by closing are not reported. */
  private static volatile boolean stopping;

  private Main() {}

  public static void main(String[] arguments) {
    // Before anything starts, so that a signal at any time ends everything in order.
    Runtime.getRuntime().addShutdownHook(new Thread(Main::stop, "shutdown"));
    System.exit(commands().execute(arguments));
  }

  static CommandLine commands() {
    CommandLine commands =
        new CommandLine(new Main())
            .setCaseInsensitiveEnumValuesAllowed(true)
            .setExecutionExceptionHandler((failure, command, result) -> explain(failure));
    Objects.requireNonNull(commands.getSubcommands().get("serve"))
        .getCommandSpec()
        .usageMessage()
        .footer("%nEnvironment variables:", Config.SETTINGS.help().replace("%", "%%"));
    return commands;
  }

  private static void stop() {
    stopping = true;
    Service service = SERVING.get();
    if (service != null) {
      LOG.info("Stopping");
      service.close();
    }
    EmbeddedDatabase.endAll();
    if (service != null) {
      LOG.info("Stopped");
    }
  }

  @Command(
      description = "Serve the chat. Migrates first when the owner's login is set.",
      mixinStandardHelpOptions = true,
      version = VERSION)
  int serve(
      @Option(
              names = "--demo",
              description =
                  "Serve a demo with made-up people and no login; only on the embedded PostgreSQL.")
          boolean demo,
      @Option(names = "--port", description = "Port to listen on (default: CHAT_PORT, or 8080).")
          @Nullable Integer port,
      @Option(names = "--platform", description = PLATFORM) @Nullable Platform platform)
      throws Exception {
    Config config = Config.of(System.getenv());
    Config.SETTINGS.printed(System.getenv()).forEach(LOG::info);
    Service service = new Service();
    SERVING.set(service);
    try {
      service.start(config, platform, demo, port);
    } catch (IOException | RuntimeException e) {
      SERVING.set(null); // it has closed already
      throw e;
    }
    new CountDownLatch(1).await(); // a signal is ending the JVM
    return 0;
  }

  @Command(
      description = "Apply the migrations of this version to the database.",
      mixinStandardHelpOptions = true,
      version = VERSION)
  int migrate(@Option(names = "--platform", description = PLATFORM) @Nullable Platform platform)
      throws Exception {
    Config config = Config.of(System.getenv());
    try (DatabaseSource database = DatabaseSource.openOrJoin(config.database())) {
      Migrations migrations =
          Migrations.of(database.requireOwner(), platform)
              .accepting(config.database().acceptedThings())
              .serving(config.rpc().served());
      System.out.println("Applied " + migrations.migrate() + " migrations.");
      config.database().stored().write(database.requireOwner());
      database.admitService();
    }
    return 0;
  }

  @Command(
      description = "Show the platform, the applied and pending migrations, and what is missing.",
      mixinStandardHelpOptions = true,
      version = VERSION)
  int info(@Option(names = "--platform", description = PLATFORM) @Nullable Platform platform)
      throws Exception {
    Config config = Config.of(System.getenv());
    try (DatabaseSource database = DatabaseSource.openOrJoin(config.database())) {
      Migrations migrations =
          Migrations.of(database.ownerOrService(), platform).serving(config.rpc().served());
      System.out.println(migrations.summary());
      System.out.println(migrations.info());
      migrations.preconditions().forEach(System.out::println);
    }
    return 0;
  }

  @Command(
      description =
          "Compare the database with the migrations. The exit code is 1 when they differ, or when"
              + " something that a migration needs is missing.",
      mixinStandardHelpOptions = true,
      version = VERSION)
  int validate(
      @Option(names = "--platform", description = PLATFORM) @Nullable Platform platform,
      @Option(names = "--accept", description = ACCEPT) @Nullable Path accept)
      throws Exception {
    Config config = Config.of(System.getenv());
    try (DatabaseSource database = DatabaseSource.openOrJoin(config.database())) {
      Migrations migrations =
          Migrations.of(database.ownerOrService(), platform)
              .accepting(accepted(config, accept))
              .serving(config.rpc().served());
      System.out.println(migrations.summary());
      List<String> differences = new ArrayList<>(migrations.differences());
      if (differences.isEmpty()) {
        migrations.drift().forEach(cause -> differences.add(cause.toString()));
      }
      List<Precondition> unmet = migrations.preconditions();
      differences.forEach(System.out::println);
      unmet.forEach(System.out::println);
      if (differences.isEmpty()) {
        System.out.println("The database matches the migrations.");
      }
      return differences.isEmpty() && unmet.stream().noneMatch(Precondition::stops) ? 0 : 1;
    }
  }

  @Command(
      name = "verify-policies",
      description =
          "Test the policy matrix (db/policies.md) with every role in a transaction that is rolled"
              + " back, and look for manual changes and other ways to the data. The exit code is 1 on"
              + " a difference.",
      mixinStandardHelpOptions = true,
      version = VERSION)
  int verifyPolicies(
      @Option(names = "--accept", description = ACCEPT) @Nullable Path accept,
      @Option(
              names = "--junit",
              paramLabel = "FILE",
              description = "Also write the result as JUnit's XML, for CI servers.")
          @Nullable Path junit,
      @Option(
              names = "--sarif",
              paramLabel = "FILE",
              description = "Also write what differs as SARIF 2.1.0, for code scanning.")
          @Nullable Path sarif)
      throws Exception {
    Config config = Config.of(System.getenv());
    try (DatabaseSource database = DatabaseSource.openOrJoin(config.database())) {
      PolicyReport report =
          PolicyReport.of(
              database.requireOwner(),
              accepted(config, accept),
              config.rpc().served(),
              RestSql::of);
      if (junit != null) {
        report.writeJunit(junit);
      }
      if (sarif != null) {
        report.writeSarif(sarif);
      }
      return report.print(System.out) ? 0 : 1;
    }
  }

  @Command(
      description =
          "Write Java's ahead-of-time cache, so that the next starts are warm: serves a demo on a"
              + " temporary embedded PostgreSQL and uses it for some seconds. Java 25 or newer; an"
              + " older one writes nothing. A cache that is newer than the program stays.",
      mixinStandardHelpOptions = true,
      version = VERSION)
  int train(
      @Parameters(paramLabel = "FILE", description = "The cache, for -XX:AOTCache=FILE.")
          Path cache)
      throws Exception {
    try {
      System.out.println(new TrainingRun(cache).run());
      return 0;
    } catch (IOException e) {
      System.err.println(e.getMessage());
      return 1;
    }
  }

  /** What {@code train} runs in a JVM of its own. */
  @Command(name = "training-load", hidden = true)
  int trainingLoad() throws Exception {
    try (Service service = new Service()) {
      int port = service.start(Config.of(System.getenv()), null, true, null);
      System.out.println("Sent " + TrainingLoad.on(port) + " messages.");
    }
    EmbeddedDatabase.endAll();
    return 0;
  }

  @Command(
      name = "import",
      description =
          "Import the direct messages of another chat from its export, with their own times. People"
              + " are found by e-mail address. May be run again: nothing is imported twice. The exit"
              + " code is 1 when the export cannot be read.",
      mixinStandardHelpOptions = true,
      version = VERSION)
  int importHistory(
      @Option(names = "--format", required = true, description = "slack, rocketchat or mattermost.")
          HistoryFormat format,
      @Option(
              names = "--source",
              description =
                  "Names the chat that it comes from, where there are several of a format. Default:"
                      + " the format.")
          @Nullable String source,
      @Option(
              names = "--files",
              description = "The http(s) address under which the files of the export lie.")
          @Nullable URI files,
      @Parameters(
              paramLabel = "EXPORT",
              description = "The unpacked folder of the export; for mattermost its JSONL file.")
          Path export)
      throws Exception {
    if (!Files.exists(export)) {
      throw new IllegalStateException("There is no " + export + ".");
    }
    Config config = Config.of(System.getenv());
    try (DatabaseSource database = DatabaseSource.openOrJoin(config.database())) {
      new HistoryImport(format, export, source, files)
          .run(database.requireOwner())
          .forEach(System.out::println);
    } catch (IOException e) {
      System.err.println("The export cannot be read: " + e.getMessage());
      return 1;
    }
    return 0;
  }

  private static Accepted accepted(Config config, @Nullable Path file) {
    return file == null ? config.database().acceptedThings() : Accepted.in(file);
  }

  private static final String ACCEPT =
      "A file of intended changes, one line for each as printed in [brackets] (CHAT_ACCEPTED).";

  private static final String PLATFORM =
      "standalone: the migrations create roles, teams and users. existing: GPT Desk or Supabase has"
          + " them already. Default: that of the database; standalone for an empty one.";

  /**
   * Prints one sentence for a failure that the operator can repair, and the stack trace for any
   * other.
   */
  private static int explain(Exception failure) {
    if (stopping) {
      return 1;
    }
    String mendable = Mendable.sentence(failure);
    switch (failure) {
      case Config.Invalid invalid -> invalid.problems().forEach(System.err::println);
      case Exception known when mendable != null -> System.err.println(mendable);
      case DatabaseUnavailable away ->
          System.err.println(away.getMessage() + ": " + reason(away.getCause()));
      case FlywayException failed -> System.err.println(failed.getMessage());
      case IllegalStateException refused when refused.getCause() == null ->
          System.err.println(refused.getMessage());
      default -> LOG.error("Unexpected failure", failure);
    }
    return failure instanceof Config.Invalid ? 2 : 1;
  }

  private static String reason(@Nullable Throwable cause) {
    return cause == null ? "unknown reason" : String.valueOf(cause.getMessage());
  }
}
